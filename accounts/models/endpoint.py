"""Where somebody wants to be told: a webhook, a Slack channel or the own mailbox, and of which topics."""

from datetime import datetime
from typing import Self
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts import roles
from accounts.models.delivery import Delivery
from accounts.models.token import ApiToken
from accounts.models.user import User, names_of_groups
from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from coordinator.lib.refs import Subject


class EndpointQuerySet(ResourceQuerySet["Endpoint"]):
    def of(self, owner: User) -> Self:
        return self.filter(owner=owner)

    def active(self) -> Self:
        return self.filter(state=Endpoint.State.ACTIVE)

    def due(self, now: datetime) -> Self:
        """Those with something to send now, that nobody is sending to."""
        free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
        return self.active().filter(free, due_at__lte=now)

    def uncalled(self, since: datetime) -> Self:
        """Those for which no sender was called since they fell due, or was called before `since`."""
        return self.filter(Q(called_at__isnull=True) | Q(called_at__lt=F("due_at")) | Q(called_at__lt=since))

    def knowing_rights(self) -> Self:
        """With owner, token and the names of the owner's groups, so that `hears` needs no query."""
        return self.select_related("owner", "token").annotate(group_names=names_of_groups("owner_id"))

    def counting_waiting(self) -> Self:
        """With the number of deliveries that wait, as `waiting`."""
        rows = Delivery.objects.waiting().filter(endpoint=OuterRef("pk")).order_by().values("endpoint")
        return self.annotate(waiting=Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0))


class Endpoint(Resource):
    """An address of its owner. It hears what the credential that last saved it may read, and no entry up to `after`.

    `topics` are the names that the owner gave; `routes` are the same topics as entries carry them, place by place.
    """

    KEY = "endpoint_id"

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        EMAIL = "email", "e-mail"
        SLACK = "slack"

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"

    endpoint_id = PublicKeyField(prefix="endpoint")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="endpoints")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    address = models.CharField(max_length=2000)
    topics = ArrayField(models.CharField(max_length=110))
    routes = ArrayField(models.CharField(max_length=110), editable=False)
    scopes = ArrayField(models.CharField(max_length=50), null=True, editable=False)
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.PROTECT, related_name="endpoints", editable=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    paused_because = models.CharField(max_length=300, blank=True, editable=False)
    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    secret_version = models.PositiveIntegerField(default=1, editable=False)
    rotated_at = models.DateTimeField(null=True, editable=False)
    after = models.BigIntegerField(editable=False)
    due_at = models.DateTimeField(null=True, editable=False)
    called_at = models.DateTimeField(null=True, editable=False)
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "notification"
        constraints = [
            models.CheckConstraint(
                condition=Q(state="active") | Q(due_at__isnull=True), name="a_paused_endpoint_is_never_due"
            ),
            models.CheckConstraint(
                condition=Q(topics__len=F("routes__len"), topics__len__gt=0), name="each_topic_has_its_route"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="endpoint_due", condition=Q(due_at__isnull=False))]

    @property
    def subject(self) -> Subject:
        return Subject("notification", self.pk, self.key)

    @property
    def shown_address(self) -> str:
        """The address as it may be read by others: of a web address the host alone, since the rest may be a secret."""
        if self.kind == self.Kind.EMAIL:
            return self.address
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"

    def hears(self, now: datetime) -> frozenset[str]:
        """The scopes by which it hears now: none when its owner is inactive, or when the token that saved it ended."""
        if not self.owner.is_active or (self.token is not None and not self.token.is_live(now)):
            return frozenset()
        known: list[str] = self.__dict__.get("group_names") or []
        held = roles.scopes_of(roles.strongest(known))
        return held if self.scopes is None else held & frozenset(self.scopes)
