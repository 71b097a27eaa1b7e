"""Accounts: people who sign in by e-mail, and service accounts for agents, which have tokens only."""

from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from accounts import roles
from coordinator.lib.errors import Missing


class Users(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def identified(self, value: object) -> "User":
        """The account with this integer id or e-mail. Raises Missing."""
        text = str(value)
        number = text.isascii() and text.isdigit() and len(text) < 19
        found = self.filter(pk=int(text)) if number else self.filter(email__iexact=text)
        if row := found.first():
            return row
        raise Missing(f"There is no account {text[:100]!r}.")


class User(AbstractBaseUser, PermissionsMixin):
    class Kind(models.TextChoices):
        PERSON = "person"
        SERVICE = "service"

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    is_superuser = False  # type: ignore[assignment]

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = Users()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="an_email_names_one_account_whatever_its_case")]

    def __str__(self) -> str:
        return self.email

    @cached_property
    def role(self) -> str | None:
        """The strongest of its groups that is a role; reads the groups once."""
        held = {group.name for group in self.groups.all()}
        return next((role for role in roles.BY_STRENGTH if role in held), None)

    @property
    def is_staff(self) -> bool:
        """Every active person with a role may open the pages and the admin; the role says what they may do there."""
        return self.is_active and self.kind == self.Kind.PERSON and self.role is not None

    @property
    def scopes(self) -> frozenset[str]:
        return roles.scopes_of(self.role) if self.is_active else frozenset()

    @property
    def shown_name(self) -> str:
        return self.name or self.email

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_active and roles.permits(self.role, perm)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and roles.permits_app(self.role, app_label)
