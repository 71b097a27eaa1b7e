"""Deliveries on their way: taken by one sender at a time, and told how their sending went.

A sender claims an endpoint for as long as an attempt may take, then sends, then settles with the claim that it was
given. One that died is followed when its claim runs out; the receiver then gets the same message again, by the same id.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django_q.tasks import async_task

from accounts.models import Delivery, Endpoint
from accounts.notifying import backoff
from accounts.notifying.events import DeliveryResent, DeliverySkipped, EndpointTested
from accounts.notifying.outcome import Outcome
from accounts.services import keeping_notifications as keeping
from coordinator.lib.errors import ImpossibleMove
from traceability import ledger
from traceability.events import SYSTEM, Actor
from traceability.topics import scope_of_kind

State = Delivery.State

CLAIMED_FOR = timedelta(seconds=60)
"""Longer than an attempt takes."""

CALLED_FOR = timedelta(seconds=30)
"""A sender that was called and has not come by then is called again."""

AT_A_TIME = {Endpoint.Kind.WEBHOOK: 1, Endpoint.Kind.SLACK: 20, Endpoint.Kind.EMAIL: 100}
"""How many deliveries are one message: a webhook's each stand alone."""

NOT_READABLE = "Not sent: who was to be told may not read this any more."
SKIPPED = "Not sent: it was skipped."
TEST = "notification.test"


@dataclass(frozen=True)
class Parcel:
    """Deliveries that one sender holds, and the claim that says so."""

    endpoint: Endpoint
    claim: UUID
    deliveries: list[Delivery]


def call_due(*, now: datetime) -> int:
    """Calls a sender for each endpoint that is due and for which none was called; answers how many."""
    with transaction.atomic():
        rows = Endpoint.objects.select_for_update(skip_locked=True, no_key=True).due(now)
        called = list(rows.uncalled(now - CALLED_FOR).order_by("pk").values_list("pk", flat=True))
        Endpoint.objects.filter(pk__in=called).update(called_at=now)
        for endpoint_id in called:
            call(endpoint_id)
    return len(called)


def call(endpoint_id: int) -> None:
    """Asks for a sender."""
    _enqueue("accounts.jobs.deliver", endpoint_id)


def claim(endpoint_id: int, *, now: datetime) -> Parcel | None:
    """The next deliveries of an endpoint, in the order of the entries; None when nothing is due or another sends."""
    with transaction.atomic():
        rows = Endpoint.objects.select_for_update(of=("self",), no_key=True).knowing_rights()
        endpoint = rows.due(now).filter(pk=endpoint_id).first()
        if endpoint is None:
            return None
        scopes = endpoint.hears(now)
        deliveries = _next_of(endpoint, lambda each: scope_of_kind(each.event) in scopes)
        if not deliveries:
            Endpoint.objects.filter(pk=endpoint.pk).update(due_at=None)
            return None
        endpoint.claim, endpoint.claimed_until = uuid4(), now + CLAIMED_FOR
        endpoint.save(update_fields=["claim", "claimed_until"])
        return Parcel(endpoint, endpoint.claim, deliveries)


def settle(parcel: Parcel, outcome: Outcome, *, now: datetime, chance: float) -> bool:
    """Writes down how it went and when to go on; False when the claim is another's by now: nothing was written."""
    with ledger.writing():
        rows = Endpoint.objects.select_for_update(of=("self",), no_key=True).select_related("owner")
        endpoint = rows.filter(pk=parcel.endpoint.pk, claim=parcel.claim).first()
        if endpoint is None:
            return False
        _note_attempt(Delivery.objects.filter(pk__in=[each.pk for each in parcel.deliveries]), outcome, now)
        endpoint.claim = endpoint.claimed_until = None
        if outcome.ok:
            _go_on(endpoint, now)
        else:
            _try_again(endpoint, outcome, now, chance)
    return True


def test(endpoint: Endpoint, *, actor: Actor, now: datetime) -> Delivery:
    """A message that says that it is a test: sent once, beside those that wait, also while the endpoint is paused."""
    with ledger.writing():
        endpoint = keeping.locked(endpoint)
        delivery = Delivery.objects.create(endpoint=endpoint, topic="test", event=TEST, at=now, created_at=now)
        told = EndpointTested(subject=endpoint.subject, account=endpoint.owner.email, delivery=delivery.pk)
        ledger.record(told, actor=actor, at=now)
        _enqueue("accounts.jobs.deliver_test", delivery.pk)
    return delivery


def begin_test(delivery_id: int, *, now: datetime) -> Delivery | None:
    """The test, for the one sender that takes it; None for any other."""
    mine = Delivery.objects.filter(pk=delivery_id, entry__isnull=True, attempts=0).update(attempts=1, attempted_at=now)
    return Delivery.objects.select_related("endpoint__owner").get(pk=delivery_id) if mine else None


def end_test(delivery: Delivery, outcome: Outcome, *, now: datetime) -> None:
    """Writes down how the test went; its endpoint goes on as before."""
    rows = Delivery.objects.filter(pk=delivery.pk)
    _note_attempt(rows, outcome, now, counted=0)
    if not outcome.ok:
        rows.update(state=State.FAILED)


def resend(delivery: Delivery, *, actor: Actor, now: datetime) -> Delivery:
    """Puts a delivery back among those that wait, in its place by the entry. One that waits stays as it is.

    Raises ImpossibleMove for a test.
    """
    if delivery.is_test:
        raise ImpossibleMove("A test is not sent again; send another one.")
    with ledger.writing():
        endpoint, delivery = keeping.locked(delivery.endpoint), Delivery.objects.get(pk=delivery.pk)
        if delivery.state != State.WAITING:
            delivery.state, delivery.delivered_at = State.WAITING, None
            delivery.save(update_fields=["state", "delivered_at"])
            told = DeliveryResent(**_about(endpoint, delivery))
            ledger.record(told, actor=actor, at=now)
        if endpoint.state == Endpoint.State.ACTIVE and endpoint.due_at is None:
            Endpoint.objects.filter(pk=endpoint.pk).update(due_at=now)
    return delivery


def skip(delivery: Delivery, *, actor: Actor, now: datetime) -> Delivery:
    """Gives up one that waits, so that those after it are sent. Raises ImpossibleMove when it does not wait."""
    with ledger.writing():
        endpoint = keeping.locked(delivery.endpoint)
        hit = endpoint.deliveries.waiting().filter(pk=delivery.pk).update(state=State.SKIPPED, answer=SKIPPED)
        if not hit:
            raise ImpossibleMove("Only a delivery that waits can be skipped.")
        if endpoint.state == Endpoint.State.ACTIVE:
            Endpoint.objects.filter(pk=endpoint.pk).update(failures=0, failing_since=None, due_at=now)
        delivery = Delivery.objects.get(pk=delivery.pk)
        ledger.record(DeliverySkipped(**_about(endpoint, delivery)), actor=actor, at=now)
    return delivery


def forget(*, before: datetime) -> int:
    """Deletes the deliveries made before then of which nothing more becomes; answers how many."""
    return Delivery.objects.settled_before(before).delete()[0]


def _enqueue(job: str, row_id: int) -> None:
    """On the queue of short jobs, whichever queue's worker asks."""
    async_task(job, row_id, cluster=settings.Q_CLUSTER["name"], save=False)


def _next_of(endpoint: Endpoint, may_read: Callable[[Delivery], bool]) -> list[Delivery]:
    """The next deliveries that may be sent together; those that may be read no more are passed over for good."""
    while True:
        found = list(endpoint.deliveries.waiting().in_turn()[: AT_A_TIME[Endpoint.Kind(endpoint.kind)]])
        shut = [each.pk for each in found if not may_read(each)]
        Delivery.objects.filter(pk__in=shut).update(state=State.SKIPPED, answer=NOT_READABLE)
        if len(shut) < len(found) or not found:
            return [each for each in found if each.pk not in shut]


def _note_attempt(rows: Any, outcome: Outcome, now: datetime, counted: int = 1) -> None:
    rows.update(
        attempts=F("attempts") + counted,
        attempted_at=now,
        status=outcome.status,
        took_ms=outcome.took_ms,
        answer=outcome.excerpt,
        **({"state": State.DELIVERED, "delivered_at": now} if outcome.ok else {}),
    )


def _go_on(endpoint: Endpoint, now: datetime) -> None:
    more = endpoint.state == Endpoint.State.ACTIVE and endpoint.deliveries.waiting().exists()
    _save(endpoint, failures=0, failing_since=None, due_at=now if more else None, called_at=now)


def _try_again(endpoint: Endpoint, outcome: Outcome, now: datetime, chance: float) -> None:
    failures, since = endpoint.failures + 1, endpoint.failing_since or now
    due = backoff.next_try(failures=failures, since=since, now=now, chance=chance, asked=outcome.asked)
    active = endpoint.state == Endpoint.State.ACTIVE
    ended = active and (outcome.gone or due is None)
    _save(endpoint, failures=failures, failing_since=since, due_at=due if active and not ended else None)
    if ended:
        told = "Its receiver answered 410 Gone." if outcome.gone else f"It failed for 24 hours: {outcome.excerpt}"
        keeping.record_pause(endpoint, told, automatic=True, actor=SYSTEM, now=now)


def _save(endpoint: Endpoint, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=["claim", "claimed_until", *fields])


def _about(endpoint: Endpoint, delivery: Delivery) -> dict[str, Any]:
    named = {"subject": endpoint.subject, "account": endpoint.owner.email}
    return {**named, "delivery": delivery.pk, "entry": delivery.entry}
