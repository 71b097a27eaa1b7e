"""Accounts: people who sign in by e-mail, and service accounts for agents, which have tokens only."""

from functools import cached_property
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group, PermissionsMixin
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef
from django.db.models.functions import Upper

from accounts import roles
from coordinator.lib.models import Resource, ResourceQuerySet


def names_of_groups(user_id: str) -> ArraySubquery:
    """The names of the groups of the account whose id is in the column `user_id`."""
    return ArraySubquery(Group.objects.filter(user=OuterRef(user_id)).order_by("pk").values("name"))


class UserQuerySet(ResourceQuerySet["User"]):
    def keyed(self, key: str) -> Self:
        """The accounts with this e-mail, whatever its case: one or none."""
        return self.filter(email__iexact=key)

    def knowing_role(self) -> Self:
        """With the names of its groups in the same query, so that `role` needs no other."""
        return self.annotate(group_names=names_of_groups("pk"))

    def active(self) -> Self:
        return self.filter(is_active=True)

    def people(self) -> Self:
        return self.filter(kind=User.Kind.PERSON)

    def with_role(self, role: str) -> Self:
        return self.filter(groups__name=role)


class Users(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> "User":
        found: User = self.get(email__iexact=username)
        return found


class User(Resource, AbstractBaseUser, PermissionsMixin):
    """An account. Its public key is its e-mail; `role` is the strongest of its groups that is a role."""

    KEY = "email"

    class Kind(models.TextChoices):
        PERSON = "person"
        SERVICE = "service"

    email = models.EmailField("e-mail", max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON)
    is_active = models.BooleanField("active", default=True)
    is_superuser = False

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[Users] = Users()

    class Meta:
        verbose_name = "account"
        constraints = [models.UniqueConstraint(Upper("email"), name="an_email_names_one_account_whatever_its_case")]

    def __str__(self) -> str:
        return self.email

    @cached_property
    def role(self) -> str | None:
        """The strongest of its groups that is a role; reads the groups once."""
        known: list[str] | None = self.__dict__.get("group_names")
        return roles.strongest(known if known is not None else [group.name for group in self.groups.all()])

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
