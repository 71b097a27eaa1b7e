"""Bodies: strict on the way in (an unknown field is an error), plain on the way out."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from coordinator.lib.errors import Missing
from coordinator.lib.keys import valid_key
from coordinator.lib.models import Resource
from coordinator.lib.money import plain_money


class Strict(serializers.Serializer[Any]):
    """Refuses a body that is no object, or that has a field which is unknown or read-only here."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = {name for name, each in self.fields.items() if not each.read_only}
            surplus = {name: [_surplus(name, name in self.fields)] for name in data if name not in writable}
            if surplus:
                raise serializers.ValidationError(surplus)
        return super().to_internal_value(data)


def _surplus(name: str, known: bool) -> str:
    return "This field is read-only." if known else f"There is no field {name[:100]!r} here."


class StrictModel(Strict, serializers.ModelSerializer[Any]):
    """A model serializer that is strict; `serializer_related_field` is ours."""


class Naming:
    """Mixed into fields that take an integer id or a public key, and answer the key; the schema tells of both."""


class Reference(Naming, serializers.RelatedField[Any, Any, Any]):
    """A resource named by integer id or public key; answered as its public key."""

    default_error_messages = {
        "unknown": "There is no {kind} {value!r}.",
        "shape": "Name it by its integer id or its public key.",
    }

    def __init__(self, **kwargs: Any) -> None:
        self.key_only = kwargs.pop("key_only", False)
        super().__init__(**kwargs)

    def use_pk_only_optimization(self) -> bool:
        return False

    def to_internal_value(self, data: Any) -> Resource:
        if isinstance(data, bool) or not isinstance(data, (str, int)) or data == "":
            self.fail("shape")
        rows: Any = self.get_queryset()
        try:
            found: Resource = rows.identified(data)
        except Missing:
            self.fail("unknown", kind=rows.model._meta.verbose_name, value=str(data)[:100])
        return found

    def to_representation(self, value: Any) -> str:
        return str(value.key)


class Text(serializers.CharField):
    """Text as it was sent: never trimmed, numbers are not text."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("This must be text.")
        return super().to_internal_value(data)


class Key(Text):
    """A public key that the caller chooses."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs.setdefault("validators", [valid_key])
        super().__init__(**kwargs)


class Whole(serializers.IntegerField):
    """A whole number; text and booleans are not numbers."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("This must be a whole number.")
        return super().to_internal_value(data)


class Truth(serializers.BooleanField):
    """true or false, nothing that looks like them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("This must be true or false.")
        return data


class Instant(serializers.DateTimeField):
    """An RFC 3339 time with its zone, such as `2026-11-24T12:00:00Z`; a date alone is no time."""

    FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not self.FORM.fullmatch(data):
            raise serializers.ValidationError("This must be an RFC 3339 time with a zone: 2026-11-24T12:00:00Z.")
        found: datetime = super().to_internal_value(data)
        return found


class Happened(serializers.DateTimeField):
    """When something happened, by the client's clock; one that runs far ahead of ours is refused."""

    AHEAD = timedelta(minutes=5)

    def to_internal_value(self, value: Any) -> datetime:
        found: datetime = super().to_internal_value(value)
        if found > timezone.now() + self.AHEAD:
            raise serializers.ValidationError("This is in the future: set your clock, or leave it out.")
        return found


class Money(serializers.DecimalField):
    """Dollars as a decimal string, up to 10 digits before and 6 after the point; never negative."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 16)
        kwargs.setdefault("decimal_places", 6)
        kwargs.setdefault("min_value", 0)
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> Any:
        return None if value is None else plain_money(value)


class ObjectField(serializers.JSONField):
    """A JSON object."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("This must be an object.")
        return data


class TextList(serializers.ListField):
    """A list of texts."""

    child = Text(max_length=2000)

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 200)
        super().__init__(**kwargs)
