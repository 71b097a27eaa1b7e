"""Public keys: the readable second name of every resource."""

import re
import secrets
from typing import Any

from django.core.validators import RegexValidator
from django.db import models

KEY_SHAPE = re.compile(r"\A(?!\d+\Z)[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z")
KEY_RULE = "Use 1 to 100 of A-Z a-z 0-9 . _ : - starting with a letter or digit, and not digits alone."
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"

valid_key = RegexValidator(KEY_SHAPE, KEY_RULE)


def is_key(value: str) -> bool:
    return KEY_SHAPE.match(value) is not None


def new_key(prefix: str) -> str:
    """A fresh key such as `task-7gk2m9qx`: the prefix and 10 random characters (about 49 bits)."""
    return f"{prefix}-{''.join(secrets.choice(ALPHABET) for _ in range(10))}"


class PublicKeyField(models.CharField[str, str]):
    """A unique public key; left out, one is made from `prefix`."""

    def __init__(self, *args: Any, prefix: str = "item", **kwargs: Any) -> None:
        self.prefix = prefix
        kwargs.update(max_length=100, unique=True, blank=True, validators=[valid_key])
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for known in ("max_length", "unique", "blank", "validators"):
            kwargs.pop(known, None)
        return name, path, args, {**kwargs, "prefix": self.prefix}

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if add and not getattr(model_instance, self.attname):
            setattr(model_instance, self.attname, new_key(self.prefix))
        return super().pre_save(model_instance, add)
