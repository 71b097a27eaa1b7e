"""Webhooks: signed, in order, at least once under one id, tried again, and paused when their receiver stays dead."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.conf import settings as product

from accounts.models import Delivery, Endpoint
from accounts.notifying import posting
from accounts.services import keeping_notifications as keeping
from tests.notifying.receiver import Receiver
from tests.notifying.world import START, Clock, endpoint, happen, work, work_until
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def last_of(place: Endpoint) -> Delivery:
    return place.deliveries.latest("pk")


def test_an_entry_is_sent_as_the_frame_of_the_stream(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    [entry] = happen(1)
    assert work(place, clock) == 1
    [got] = receiver.got
    row = Entry.objects.get(pk=entry)
    assert got.path == "/hook?who=me"
    assert got.headers["content-type"] == "application/json"
    assert {name: got.frame[name] for name in ("id", "topic", "event")} == {
        "id": entry, "topic": "tasks", "event": "task.created",
    }  # fmt: skip
    assert got.frame["at"] == row.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert got.frame["data"]["task"] == row.key_of("task")
    delivery = last_of(place)
    assert (delivery.state, delivery.status, delivery.answer, delivery.attempts) == ("delivered", 200, "ok", 1)


def test_every_message_is_signed_as_standard_webhooks_has_it(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    secret = keeping.secret_of(place)
    happen(2)
    work(place, clock)
    assert secret is not None
    assert secret.startswith("whsec_")
    assert [got.is_signed_with(secret) for got in receiver.got] == [True, True]
    assert receiver.got[0].headers["webhook-timestamp"] == str(int(START.timestamp()))
    assert len({got.message_id for got in receiver.got}) == 2


def test_for_a_day_after_a_rotation_both_secrets_hold(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    old = keeping.secret_of(place) or ""
    new = keeping.secret_of(keeping.rotate(place, actor=SYSTEM, now=clock())) or ""
    happen(1)
    work(place, clock)
    clock.pass_by(hours=24)
    happen(1)
    work(place, clock)
    during, after = receiver.got
    assert (during.is_signed_with(old), during.is_signed_with(new)) == (True, True)
    assert (after.is_signed_with(old), after.is_signed_with(new)) == (False, True)
    assert old != new


def test_no_secret_is_stored(receiver: Receiver) -> None:
    place = endpoint(receiver.url)
    secret = keeping.secret_of(place) or ""
    stored = json.dumps(list(Endpoint.objects.filter(pk=place.pk).values()), default=str)
    told = "".join(Entry.objects.values_list("canonical", flat=True))
    assert secret[6:] not in stored + told
    assert "hook?who=me" not in told


def test_nothing_is_lost_while_a_receiver_is_down_for_an_hour(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.stop()
    entries: list[int] = []
    for _ in range(12):
        entries += happen(2)
        work_until(place, clock, clock.now + timedelta(minutes=5))
    assert receiver.got == []
    assert clock.now == START + timedelta(hours=1)
    receiver.start()
    work_until(place, clock, clock.now + timedelta(hours=3))
    assert receiver.ids == entries
    assert clock.now - START < timedelta(hours=2)
    assert not place.deliveries.waiting().exists()


def test_a_repeated_message_has_the_same_id_and_the_same_body(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.status = 500
    happen(3)
    work_until(place, clock, START + timedelta(minutes=5))
    receiver.status = 204
    work_until(place, clock, START + timedelta(hours=1))
    bodies: dict[str, set[bytes]] = {}
    for got in receiver.got:
        bodies.setdefault(got.message_id, set()).add(got.body)
    assert len(receiver.got) > 5
    assert [len(each) for each in bodies.values()] == [1, 1, 1]
    assert sorted(receiver.ids) == receiver.ids


def test_a_message_waits_for_those_before_it(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.status = 503
    first, _ = happen(2)
    work_until(place, clock, START + timedelta(minutes=10))
    assert set(receiver.ids) == {first}


def test_pauses_grow_and_a_receiver_may_ask_for_longer_ones(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.status = 429
    happen(1)
    tries = [clock.now]
    for asked in ("", "", "600"):
        receiver.headers = {"Retry-After": asked} if asked else {}
        work(place, clock)
        place.refresh_from_db()
        assert place.due_at is not None
        clock.now = place.due_at
        tries.append(clock.now)
    gaps = [(after - before).total_seconds() for before, after in pairwise(tries)]
    assert gaps == [11, 33, 600]


def test_an_endpoint_that_fails_for_a_day_is_paused_and_goes_on_where_it_stopped(
    receiver: Receiver, clock: Clock
) -> None:
    place = endpoint(receiver.url)
    receiver.status, receiver.text = 500, "broken"
    entries = happen(2)
    work_until(place, clock, START + timedelta(days=3))
    assert place.state == Endpoint.State.PAUSED
    assert "24 hours" in place.paused_because
    assert clock.now - START == timedelta(hours=24)
    told = Entry.objects.get(kind="notification.paused")
    assert (told.data["automatic"], told.key_of("subject")) == (True, place.key)
    entries += happen(1)
    assert work(place, clock) == 0
    receiver.status, receiver.got = 200, []
    keeping.resume(place, actor=SYSTEM, now=clock())
    assert work(place, clock) == 3
    assert receiver.ids == entries


def test_a_receiver_that_is_gone_pauses_its_endpoint_at_once(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.status = 410
    happen(2)
    work(place, clock)
    place.refresh_from_db()
    assert (place.state, place.paused_because) == ("paused", "Its receiver answered 410 Gone.")
    assert place.deliveries.waiting().count() == 2


def test_a_redirect_is_a_failure_and_is_not_followed(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.status, receiver.headers = 302, {"Location": receiver.url + "&again"}
    happen(1)
    work(place, clock)
    assert len(receiver.got) == 1
    assert (last_of(place).state, last_of(place).status) == ("waiting", 302)


def test_only_the_beginning_of_an_answer_is_kept(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    receiver.text = "\x00ab" * 100_000
    happen(1)
    work(place, clock)
    assert len(last_of(place).answer) <= 1024
    assert last_of(place).answer.startswith("abab")


def test_a_receiver_that_drips_its_answer_is_cut_off(receiver: Receiver) -> None:
    receiver.drips = True
    outcome = posting.post(receiver.url, b"{}", {}, private=True, within_s=0.5)
    assert not outcome.ok
    assert outcome.said == "No answer within 0.5 s."
    assert outcome.took_ms < 3000


def test_the_settings_keep_inner_addresses_out_unless_they_say_otherwise(settings: Any) -> None:
    assert product.NOTIFY_PRIVATE_ADDRESSES is False
