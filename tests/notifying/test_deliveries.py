"""Deliveries: claimed by one sender at a time, sent again, skipped, tried out, forgotten when they are old."""

from datetime import timedelta

import pytest
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from accounts.models import Delivery, Endpoint
from accounts.notifying import courier
from accounts.notifying.outcome import Outcome
from accounts.services import keeping_notifications as keeping
from accounts.services import routing_notifications as routing
from accounts.services import sending_notifications as sending
from tests.factories import person
from tests.notifying.receiver import Receiver
from tests.notifying.world import Clock, endpoint, happen, signed_in, work, work_until
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def last_of(place: Endpoint) -> Delivery:
    return place.deliveries.latest("pk")


def test_a_sender_that_died_is_followed_when_its_claim_runs_out(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    happen(1)
    routing.route(now=clock())
    parcel = sending.claim(place.pk, now=clock())
    assert parcel is not None
    courier.send(parcel.endpoint, parcel.deliveries, now=clock())
    assert work(place, clock) == 0
    clock.now += sending.CLAIMED_FOR
    assert work(place, clock) == 1
    assert receiver.got[0].message_id == receiver.got[1].message_id
    assert receiver.got[0].body == receiver.got[1].body


def test_a_sender_that_comes_late_writes_nothing_over_its_follower(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    happen(1)
    routing.route(now=clock())
    late = sending.claim(place.pk, now=clock())
    clock.now += sending.CLAIMED_FOR
    assert work(place, clock) == 1
    assert late is not None
    outcome = Outcome(ok=False, said="late")
    assert not sending.settle(late, outcome, now=clock(), chance=0.5)
    assert last_of(place).state == "delivered"


def test_a_delivery_is_sent_again_when_it_is_asked_for(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    happen(2)
    work(place, clock)
    first = place.deliveries.in_turn()[0]
    sending.resend(first, actor=SYSTEM, now=clock())
    assert work(place, clock) == 1
    assert receiver.got[2].message_id == receiver.got[0].message_id
    assert Entry.objects.get(kind="notification.resent").data["delivery"] == first.pk


def test_one_that_its_receiver_never_takes_can_be_skipped(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.status = 422
    _, second = happen(2)
    work(place, clock)
    sending.skip(place.deliveries.in_turn()[0], actor=SYSTEM, now=clock())
    receiver.status = 200
    work(place, clock)
    assert receiver.ids[-1] == second
    assert [each.state for each in place.deliveries.in_turn()] == ["skipped", "delivered"]


def test_a_test_is_sent_beside_those_that_wait_also_when_paused(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    happen(1)
    routing.route(now=clock())
    keeping.pause(place, actor=SYSTEM, now=clock())
    delivery = sending.test(place, actor=SYSTEM, now=clock())
    assert courier.deliver_test(delivery.pk, clock=clock)
    assert not courier.deliver_test(delivery.pk, clock=clock)
    [got] = receiver.got
    assert (got.frame["id"], got.frame["event"]) == (None, "notification.test")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 1)


def test_a_test_that_fails_is_not_tried_again(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.status = 500
    delivery = sending.test(place, actor=SYSTEM, now=clock())
    assert not courier.deliver_test(delivery.pk, clock=clock)
    delivery.refresh_from_db()
    place.refresh_from_db()
    assert (delivery.state, place.failures) == ("failed", 0)


def test_an_entry_that_was_archived_before_it_was_sent_still_says_that_it_happened(
    receiver: Receiver, clock: Clock
) -> None:
    place = endpoint(receiver.url)
    [entry] = happen(1)
    routing.route(now=clock())
    Delivery.objects.update(entry=entry + 10_000)
    work(place, clock)
    assert receiver.got[0].frame["data"] == {"archived": True}
    assert receiver.got[0].frame["event"] == "task.created"


def test_a_sender_is_called_once_for_what_is_due(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    happen(2)
    routing.route(now=clock())
    OrmQ.objects.all().delete()
    assert [sending.call_due(now=clock()), sending.call_due(now=clock())] == [1, 0]
    [message] = [SignedPackage.loads(each.payload) for each in OrmQ.objects.all()]
    assert (message["func"], tuple(message["args"])) == ("accounts.jobs.deliver", (place.pk,))
    clock.now += sending.CALLED_FOR + timedelta(seconds=1)
    assert sending.call_due(now=clock()) == 1


def test_old_deliveries_are_forgotten_those_that_wait_are_kept(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    happen(1)
    work(place, clock)
    receiver.status = 500
    happen(1)
    work(place, clock)
    sending.test(place, actor=SYSTEM, now=clock())
    assert sending.forget(before=clock()) == 0
    assert sending.forget(before=clock() + timedelta(days=1)) == 2
    assert place.deliveries.get().state == "waiting"


def test_another_address_is_tried_at_once(receiver: Receiver, clock: Clock) -> None:
    owner = person()
    place = endpoint(receiver.url.replace("hook", "old"), owner=owner)
    receiver.status = 500
    [entry] = happen(1)
    work_until(place, clock, clock.now + timedelta(hours=2))
    assert place.failures > 5
    receiver.status, receiver.got = 200, []
    keeping.revise(place, by=signed_in(owner), address=receiver.url, actor=SYSTEM, now=clock())
    assert work(place, clock) == 1
    assert [(got.path, got.frame["id"]) for got in receiver.got] == [("/hook?who=me", entry)]
