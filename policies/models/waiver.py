"""Waivers: for a while, and so many times, a policy does not bind what they name."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from coordinator.lib.refs import Ref
from policies.models.policy import Policy
from policies.vocabulary import Word

LONGEST = timedelta(days=30)
MOST_USES = 1000


class WaiverState(Word):
    REQUESTED = "requested"
    GRANTED = "granted"
    REVOKED = "revoked"


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def usable(self, now: datetime) -> Self:
        """Granted, not yet late, with a use left."""
        return self.filter(state=WaiverState.GRANTED, expires_at__gt=now, uses_left__gt=0)


class Waiver(models.Model):
    """Asked for by one account, granted by a person who is another. A use is spent by the decision that it weakens.

    Everything that it names has to fit: mission, task, agent, and, by `digest`, one exact action.
    """

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="waivers")
    mission_id = models.BigIntegerField(null=True)
    mission_key = models.CharField(max_length=100, blank=True)
    task_id = models.BigIntegerField(null=True)
    task_key = models.CharField(max_length=100, blank=True)
    agent_id = models.BigIntegerField(null=True)
    agent_key = models.CharField(max_length=100, blank=True)
    digest = models.CharField("digest of the action", max_length=64, blank=True, editable=False)
    reason = models.TextField()
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waivers_requested")
    requester_name = models.CharField(max_length=254)
    state = models.CharField(max_length=16, choices=WaiverState.choices(), default=WaiverState.REQUESTED.value)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    uses = models.PositiveIntegerField(default=1)
    uses_left = models.PositiveIntegerField(default=1)
    grantor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="waivers_granted"
    )
    granted_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="waivers_revoked"
    )
    revoked_at = models.DateTimeField(null=True)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=WaiverState.words()), name="waiver_state_is_one_of_the_table"),
            models.CheckConstraint(
                condition=~Q(mission_id=None) | ~Q(task_id=None) | ~Q(agent_id=None) | ~Q(digest=""),
                name="a_waiver_names_what_it_is_for",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")) & Q(expires_at__lte=F("created_at") + LONGEST),
                name="a_waiver_lasts_thirty_days_at_most",
            ),
            models.CheckConstraint(
                condition=Q(uses__gte=1, uses__lte=MOST_USES) & Q(uses_left__lte=F("uses")),
                name="a_waiver_has_some_uses",
            ),
            models.CheckConstraint(
                condition=Q(grantor=None, granted_at=None) | Q(grantor__isnull=False, granted_at__isnull=False),
                name="a_waiver_is_granted_by_somebody_at_some_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=WaiverState.GRANTED) | Q(grantor__isnull=False),
                name="a_granted_waiver_has_a_grantor",
            ),
            models.CheckConstraint(
                condition=Q(grantor=None) | ~Q(grantor=F("requester")), name="nobody_grants_their_own_waiver"
            ),
            models.CheckConstraint(
                condition=Q(state=WaiverState.REVOKED, revoked_at__isnull=False)
                | (~Q(state=WaiverState.REVOKED) & Q(revoked_at=None, revoked_by=None)),
                name="a_revoked_waiver_was_revoked_at_some_time",
            ),
        ]
        indexes = [models.Index(fields=["policy", "state", "expires_at"], name="waiver_in_force")]

    def __str__(self) -> str:
        return f"{self.pk}: {self.policy_id}"

    @property
    def version(self) -> int:
        """1 as it was asked for; the grant, each use and the revocation add one."""
        return 1 + (self.granted_at is not None) + (self.revoked_at is not None) + self.uses - self.uses_left

    @property
    def mission(self) -> Ref | None:
        return None if self.mission_id is None else Ref(self.mission_id, self.mission_key)

    @property
    def task(self) -> Ref | None:
        return None if self.task_id is None else Ref(self.task_id, self.task_key)

    @property
    def agent(self) -> Ref | None:
        return None if self.agent_id is None else Ref(self.agent_id, self.agent_key)

    def names_only(self, *, mission: Ref | None, task: Ref | None, agent: Ref | None) -> bool:
        """Whether everything that it names, but for the exact action, is among these."""
        pairs = ((self.mission_id, mission), (self.task_id, task), (self.agent_id, agent))
        return all(wanted is None or (ref is not None and ref.id == wanted) for wanted, ref in pairs)
