"""The forms in which plans are exported and imported: each writes rows, and reads back what it wrote."""

from traceability.formats import csv_form, json_form, markdown_form, reqif_form
from traceability.formats.rows import Form

FORMS: dict[str, Form] = {
    "json": json_form.FORM,
    "csv": csv_form.FORM,
    "md": markdown_form.FORM,
    "reqif": reqif_form.FORM,
}
