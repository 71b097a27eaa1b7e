"""A plan goes out and comes in whole, in every form; what is wrong is named line by line, and then nothing changes."""

import csv
import io
import json
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from rest_framework.test import APIClient

from missions.models import RequirementLink
from tests.factories import client_of, person
from tests.traceability.conftest import AT
from tests.traceability.plans import key_result, mission, objective, requirement, task
from traceability import exporting
from traceability.formats import FORMS
from traceability.models import Entry, KeyResult, Objective, Requirement

NASTY = '=cmd|"/c calc"!A1\n# not a heading\n- no: value\n> "quoted", \\n and \'=1\r\n<b>&amp;\t\u2028ü'


@pytest.fixture
def operator(db: None) -> APIClient:
    return client_of(person("operator"))


def a_plan() -> None:
    """One of everything, in the words that are hardest to carry."""
    goal = objective(objective_id="o:1", title="=1+1", description=NASTY, owner="ada@example.org", status="draft")
    result = key_result(goal, kr_id="k.1:", title="-5", start=Decimal(-5), target=Decimal("0.5"), unit="€")
    first = requirement(result, requirement_id="r-1", title="a: b", description=NASTY, priority="p0", status="approved")
    requirement(result, requirement_id="r-2", title="'=x", revision=7)
    loose = requirement(requirement_id="r-3", title=" spaced ", description="\n\n", horizon="h3")
    serving = mission()
    task(serving, first, loose, task_id="t-1")


def stand() -> list[Any]:
    return [
        *Objective.objects.order_by("objective_id").values_list(
            "objective_id", "title", "description", "owner", "status"
        ),
        *KeyResult.objects.order_by("kr_id").values_list(
            "kr_id", "objective__objective_id", "title", "start", "target", "current", "unit", "weight"
        ),
        *Requirement.objects.order_by("requirement_id").values_list(
            "requirement_id", "key_result__kr_id", "title", "description", "priority", "horizon", "status", "revision",
            "fingerprint",
        ),
    ]  # fmt: skip


def body_of(form: str, text: str) -> dict[str, Any]:
    return json.loads(text) if form == "json" else {"format": form, "content": text}


def wipe() -> None:
    for model in (RequirementLink, Requirement, KeyResult, Objective):
        model.objects.all().delete()


@pytest.mark.breaks_history
@pytest.mark.parametrize("form", FORMS)
def test_a_plan_that_goes_out_comes_back_the_same(operator: APIClient, form: str) -> None:
    a_plan()
    before = stand()
    text = operator.get(f"/api/traceability/export?format={form}").content.decode()
    again = operator.post("/api/traceability/import", body_of(form, text), format="json").json()
    assert (again["unchanged"], again["changed"], again["created"], again["errors"]) == (5, 0, 0, [])
    assert again["skipped"] == (0 if form == "reqif" else 2)
    wipe()
    made = operator.post("/api/traceability/import", {**body_of(form, text), "dry_run": False}, format="json")
    assert made.status_code == 200
    assert (made.json()["created"], made.json()["errors"]) == (5, [])
    assert stand() == before


@pytest.mark.parametrize(
    ("form", "kind"),
    [("json", "application/json"), ("csv", "text/csv"), ("md", "text/markdown"), ("reqif", "application/xml")],
)
def test_an_export_says_what_it_is(operator: APIClient, form: str, kind: str) -> None:
    answer = operator.get(f"/api/traceability/export?format={form}")
    assert answer["Content-Type"].startswith(kind)
    assert answer["Content-Disposition"] == f'attachment; filename="traceability.{form}"'


def test_the_form_is_json_when_none_is_named_and_an_unknown_one_is_400(operator: APIClient) -> None:
    assert operator.get("/api/traceability/export").json() == {"format": "json", "items": []}
    assert operator.get("/api/traceability/export?format=xlsx").status_code == 400
    assert operator.get("/api/traceability/export?colour=red").status_code == 400


def test_no_cell_of_a_csv_is_a_formula(operator: APIClient) -> None:
    for start in "=+-@\t\r":
        requirement(title=f"{start}SUM(A1)", description=f"{start}1|x")
    text = operator.get("/api/traceability/export?format=csv").content.decode()
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r")]


def test_the_export_costs_four_statements(django_assert_num_queries: Any, db: None) -> None:
    for _ in range(4):
        requirement(key_result())
    with django_assert_num_queries(4):
        exporting.export("csv", AT)


def test_reqif_names_every_identifier_once_and_every_reference_is_there(operator: APIClient) -> None:
    a_plan()
    root = ElementTree.fromstring(operator.get("/api/traceability/export?format=reqif").content)
    identifiers = [each.get("IDENTIFIER") for each in root.iter() if each.get("IDENTIFIER")]
    assert len(set(identifiers)) == len(identifiers)
    assert all(name and name[0] == "_" and ":" not in name for name in identifiers)
    pointed = {each.text for each in root.iter() if each.tag.endswith("-REF")}
    assert pointed <= set(identifiers)
    assert root.tag == "{http://www.omg.org/spec/ReqIF/20110401/reqif.xsd}REQ-IF"


def test_a_dry_run_is_the_default_and_changes_nothing(operator: APIClient) -> None:
    entries = Entry.objects.count()
    items = [
        {"type": "objective", "id": "o", "title": "A"},
        {"type": "key_result", "id": "k", "parent": "o", "title": "B"},
    ]
    told = operator.post("/api/traceability/import", {"items": items}, format="json").json()
    assert (told["dry_run"], told["created"]) == (True, 2)
    assert told["steps"][1] == {
        "line": 2, "type": "key_result", "id": "k", "outcome": "created", "changes": ["objective", "title"],
    }  # fmt: skip
    assert not Objective.objects.exists()
    assert Entry.objects.count() == entries


def test_an_import_changes_what_differs_and_leaves_the_rest(operator: APIClient) -> None:
    objective(objective_id="kept")
    requirement(requirement_id="r", title="Fast", description="Very", priority="p0")
    items = [{"type": "requirement", "id": "r", "title": "Faster"}, {"type": "objective", "id": "o", "title": "New"}]
    told = operator.post("/api/traceability/import", {"items": items, "dry_run": False}, format="json").json()
    assert (told["changed"], told["created"], told["not_in_file"]) == (1, 1, ["kept"])
    changed = Requirement.objects.get()
    assert (changed.title, changed.description, changed.priority, changed.revision) == ("Faster", "Very", "p0", 2)
    assert Entry.objects.filter(kind="requirement.updated").latest("pk").actor_kind == "person"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"type": "wish", "id": "a", "title": "x"}, "type"),
    ({"type": "objective", "id": "", "title": "x"}, "id"),
    ({"type": "objective", "id": "12", "title": "x"}, "id"),
    ({"type": "objective", "id": "a b", "title": "x"}, "id"),
    ({"type": "objective", "id": "a"}, "title"),
    ({"type": "objective", "id": "a", "title": "x" * 501}, "title"),
    ({"type": "objective", "id": "a", "title": "x", "status": "late"}, "status"),
    ({"type": "objective", "id": "a", "title": "x", "colour": "red"}, "colour"),
    ({"type": "objective", "id": "a", "title": "x", "target": "5"}, "target"),
    ({"type": "objective", "id": "a", "title": ["x"]}, "title"),
    ({"type": "key_result", "id": "a", "title": "x"}, "parent"),
    ({"type": "key_result", "id": "a", "title": "x", "parent": "none"}, "parent"),
    ({"type": "key_result", "id": "a", "title": "x", "parent": "good", "target": "0"}, "target"),
    ({"type": "key_result", "id": "a", "title": "x", "parent": "good", "target": "NaN"}, "target"),
    ({"type": "key_result", "id": "a", "title": "x", "parent": "good", "start": "1.2345678"}, "start"),
    ({"type": "requirement", "id": "a", "title": "x", "parent": "good"}, "parent"),
    ({"type": "requirement", "id": "a", "title": "x", "priority": "p7"}, "priority"),
    ({"type": "requirement", "id": "a", "title": "x", "revision": "0"}, "revision"),
    ({"type": "requirement", "id": "a", "title": "x", "revision": True}, "revision"),
    ({"type": "objective", "id": "good", "title": "again"}, "id"),
]


@pytest.mark.parametrize(("item", "field"), BAD)
def test_one_bad_line_stops_all_and_is_named(operator: APIClient, item: dict[str, Any], field: str) -> None:
    entries = Entry.objects.count()
    items = [{"type": "objective", "id": "good", "title": "Good"}, item]
    tried = operator.post("/api/traceability/import", {"items": items}, format="json")
    assert tried.status_code == 200
    assert [(each["line"], each["value"]) for each in tried.json()["errors"]] == [(2, field)]
    refused = operator.post("/api/traceability/import", {"items": items, "dry_run": False}, format="json")
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == [f"line 2.{field}"]
    assert not Objective.objects.exists()
    assert Entry.objects.count() == entries


def test_every_bad_line_is_named_at_once(operator: APIClient) -> None:
    items = [{"type": "objective", "id": str(number), "title": ""} for number in range(3)]
    errors = operator.post("/api/traceability/import", {"items": items}, format="json").json()["errors"]
    assert {each["line"] for each in errors} == {1, 2, 3}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": "all"},
        {"items": [], "content": ""},
        {"format": "csv", "items": []},
        {"format": "xlsx", "content": ""},
        {"items": [], "dry_run": "no"},
        {"items": [], "colour": "red"},
        {"format": "json", "content": "{"},
        {"format": "json", "content": "[]"},
        {"format": "csv", "content": ""},
        {"format": "csv", "content": "id,title\na,b"},
        {"format": "csv", "content": "type,id,id\n"},
        {"format": "csv", "content": 'type,id\n"a'},
        {"format": "md", "content": "Some prose."},
        {"format": "reqif", "content": "<a"},
        {"format": "reqif", "content": ""},
    ],
)
def test_what_cannot_be_read_at_all_is_422(operator: APIClient, body: dict[str, Any]) -> None:
    answer = operator.post("/api/traceability/import", body, format="json")
    if body.get("format") == "md":
        assert answer.json()["errors"]
    else:
        assert answer.status_code == 422


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x">{}]><REQ-IF>&b;</REQ-IF>'


@pytest.mark.parametrize(
    "content",
    [
        BOMB.format(""),
        BOMB.format('<!ENTITY c SYSTEM "file:///etc/passwd">'),
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        "<!DOCTYPE a><a/>",
    ],
)
def test_xml_with_a_document_type_is_refused_before_it_is_expanded(operator: APIClient, content: str) -> None:
    answer = operator.post("/api/traceability/import", {"format": "reqif", "content": content}, format="json")
    assert answer.status_code == 422
    assert "DTD" in answer.json()["errors"]["content"][0]


def string_value(attribute: str, text: str) -> str:
    pointed = f"<ATTRIBUTE-DEFINITION-STRING-REF>{attribute}</ATTRIBUTE-DEFINITION-STRING-REF>"
    definition = f"<DEFINITION>{pointed}</DEFINITION>"
    return f'<ATTRIBUTE-VALUE-STRING THE-VALUE="{text}">{definition}</ATTRIBUTE-VALUE-STRING>'


OTHER_TOOL = f"""<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"><CORE-CONTENT><REQ-IF-CONTENT>
<SPEC-TYPES><SPEC-OBJECT-TYPE IDENTIFIER="t" LONG-NAME="Requirement Type"><SPEC-ATTRIBUTES>
<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="d1" LONG-NAME="ReqIF.ForeignID"/>
<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="d2" LONG-NAME="ReqIF.Name"/>
<ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="d3" LONG-NAME="ReqIF.Text"/>
<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="d4" LONG-NAME="Vendor"/></SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE></SPEC-TYPES>
<SPEC-OBJECTS><SPEC-OBJECT IDENTIFIER="x"><TYPE><SPEC-OBJECT-TYPE-REF>t</SPEC-OBJECT-TYPE-REF></TYPE><VALUES>
{string_value("d1", "SRS-1")}{string_value("d2", "Stop")}{string_value("d4", "zzz")}
<ATTRIBUTE-VALUE-XHTML><DEFINITION><ATTRIBUTE-DEFINITION-XHTML-REF>d3</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION>
<THE-VALUE><div xmlns="http://www.w3.org/1999/xhtml">It shall <b>stop</b>.</div></THE-VALUE></ATTRIBUTE-VALUE-XHTML>
</VALUES></SPEC-OBJECT></SPEC-OBJECTS></REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>"""


def test_a_file_of_another_tool_is_read(operator: APIClient) -> None:
    body = {"format": "reqif", "content": OTHER_TOOL, "dry_run": False}
    assert operator.post("/api/traceability/import", body, format="json").json()["created"] == 1
    made = Requirement.objects.get()
    assert (made.key, made.title, made.description) == ("SRS-1", "Stop", "It shall stop.")
