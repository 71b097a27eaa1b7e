"""Policies, every revision that they ever had, and the one row that says which are in force."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q

from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from policies import trials
from policies.models.decision import Decision
from policies.vocabulary import Mode, OnError, PolicyStatus

STALE_AFTER = timedelta(days=30)


def everywhere() -> str:
    """The scope of a policy that names none."""
    return "global"


class Content(models.Model):
    """What a policy says. A revision keeps all of it as it stood."""

    description = models.TextField(blank=True)
    owner = models.CharField(max_length=200, blank=True, help_text="Who answers for it: a person or a team.")
    status = models.CharField(max_length=16, choices=PolicyStatus.choices(), default=PolicyStatus.ACTIVE)
    mode = models.CharField(max_length=16, choices=Mode.choices(), default=Mode.ENFORCE)
    conditions = models.JSONField(help_text='For instance {"action_type": "git_push", "force": true}.')
    actions = models.JSONField(help_text='For instance [{"block": "Force pushes are not allowed."}].')
    scope = models.JSONField(default=everywhere, help_text='"global", or for instance {"mission": ["m-1"]}.')
    require = models.JSONField(default=list, blank=True, help_text="Paths whose absence is an error.")
    priority = models.SmallIntegerField(default=0, help_text="Orders messages; never weakens another policy.")
    on_error = models.CharField(max_length=8, choices=OnError.choices(), default=OnError.CLOSED)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    tests = models.JSONField(default=list, blank=True, help_text="Tried at every save; a failing one refuses it.")
    content_hash = models.CharField(max_length=64, editable=False)

    class Meta:
        abstract = True


FIELDS = (
    "description", "owner", "status", "mode", "conditions", "actions", "scope", "require", "priority", "on_error",
    "valid_from", "valid_until", "tests",
)  # fmt: skip
"""What a revision keeps."""


def usual_content() -> dict[str, Any]:
    """What a draft says where it says nothing; an empty `on_error` follows from the actions."""
    return {
        "description": "",
        "owner": "",
        "status": PolicyStatus.ACTIVE,
        "mode": Mode.ENFORCE,
        "conditions": None,
        "actions": None,
        "scope": everywhere(),
        "require": [],
        "priority": 0,
        "on_error": "",
        "valid_from": None,
        "valid_until": None,
        "tests": [],
    }


class PolicyQuerySet(ResourceQuerySet["Policy"]):
    def active(self) -> Self:
        return self.filter(status=PolicyStatus.ACTIVE)

    def untested(self) -> Self:
        """Without a test that matches, or without one that does not."""
        return self.exclude(_expects(trials.MATCHING) & _expects(trials.OTHERS))

    def stale(self, now: datetime) -> Self:
        """Active for 30 days at least, and matched by no decision in the last 30 days."""
        since = now - STALE_AFTER
        own = Func(OuterRef("pk"), template="ARRAY[%(expressions)s]", output_field=ArrayField(models.BigIntegerField()))
        lately = Decision.objects.filter(at__gte=since, policies__contains=own)
        return self.active().filter(~Exists(lately), created_at__lt=since)


def _expects(words: Iterable[str]) -> Q:
    return reduce(or_, (Q(tests__contains=[{"expect": word}]) for word in words))


class Policy(Resource, Content):
    """A rule about actions. Its `version` is the number of its latest revision."""

    KEY = "policy_id"

    policy_id = PublicKeyField(prefix="policy")

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=PolicyStatus.words()), name="policy_status_is_one_of_the_table"
            ),
            models.CheckConstraint(condition=Q(mode__in=Mode.words()), name="policy_mode_is_one_of_the_table"),
            models.CheckConstraint(condition=Q(on_error__in=OnError.words()), name="policy_on_error_is_closed_or_open"),
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("valid_from")) | Q(valid_from=None) | Q(valid_until=None),
                name="a_policy_ends_after_it_begins",
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="policy_status")]

    @property
    def revision(self) -> int:
        return self.version

    @property
    def untested(self) -> bool:
        """It has no test that matches, or none that does not."""
        return not trials.suffice(self.tests)

    @property
    def effective_mode(self) -> str:
        """How it is judged: an untested one only in audit mode, where the installation requires tests."""
        return str(trials.mode_of(self.mode, self.tests, required=settings.POLICY_TESTS_REQUIRED))


class PolicyRevision(Content):
    """A policy as it stood from one change to the next. Append-only: the database refuses anything else."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="revisions")
    n = models.PositiveIntegerField()
    author = models.CharField(max_length=254)
    change_note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "n"], name="a_policy_has_one_revision_of_a_number")]

    def __str__(self) -> str:
        return f"{self.policy_id} revision {self.n}"


class ActiveBundle(models.Model):
    """One row: the hash of all policies in force. Every process compares it before it judges."""

    id = models.BooleanField(primary_key=True, default=True)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=True), name="the_active_bundle_is_one_row")]

    def __str__(self) -> str:
        return self.hash
