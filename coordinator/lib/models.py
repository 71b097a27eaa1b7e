"""What every resource's table has in common."""

from typing import Any, ClassVar, Generic, Self, TypeVar

from django.db import models

from coordinator.lib.errors import Missing
from coordinator.lib.refs import Ref

Row = TypeVar("Row", bound="Resource", covariant=True)
LARGEST_ID = 2**63 - 1


def numbered(rows: models.QuerySet[Any], key: str) -> Any:
    """The row with this integer id, of a table without public keys. Raises Missing."""
    known = key.isascii() and key.isdigit() and len(key) < 19
    if known and (found := rows.filter(pk=int(key)).first()):
        return found
    raise Missing(f"There is no {rows.model._meta.verbose_name} {key[:100]!r}.")


class ResourceQuerySet(models.QuerySet[Row], Generic[Row]):
    def named(self, value: object) -> Self:
        """The rows with this integer id or public key: one or none."""
        text = str(value)
        if text.isascii() and text.isdigit():
            return self.filter(pk=int(text)) if len(text) < 20 and int(text) <= LARGEST_ID else self.none()
        return self.none() if "\x00" in text else self.keyed(text)

    def keyed(self, key: str) -> Self:
        """The rows with this public key: one or none."""
        return self.filter(**{self.model.KEY: key})

    def identified(self, value: object) -> Row:
        """The row with this integer id or public key. Raises Missing."""
        if row := self.named(value).first():
            return row
        raise Missing(f"There is no {self.model._meta.verbose_name} {str(value)[:100]!r}.")


class Resource(models.Model):
    """A row with a public key (the field named by `KEY`), a version and its times."""

    KEY: ClassVar[str]

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        return str(getattr(self, self.KEY))

    @property
    def ref(self) -> Ref:
        return Ref(self.pk, self.key)

    def values_of(self, *fields: str) -> dict[str, Any]:
        return {field: getattr(self, field) for field in fields}
