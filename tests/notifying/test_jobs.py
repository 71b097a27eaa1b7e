"""What the queue and the clock call: each is safe to run twice, and goes on where another stopped."""

import pytest
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from accounts import jobs
from accounts.services import sending_notifications as sending
from coordinator import schedules
from missions.supervision import chores
from tests.notifying.receiver import Receiver
from tests.notifying.world import Clock, endpoint, happen
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db


def called() -> list[tuple[str, tuple[int, ...]]]:
    """The jobs that wait in the queue of short jobs."""
    found = [SignedPackage.loads(each.payload) for each in OrmQ.objects.filter(key="coordinator").order_by("pk")]
    return [(each["func"], tuple(each["args"])) for each in found if each["func"].startswith("accounts.")]


def test_without_a_host_the_clock_routes_and_calls(receiver: Receiver) -> None:
    place = endpoint(receiver.url)
    entries = happen(2)
    assert [jobs.notify(), jobs.notify()] == [1, 0]
    assert called() == [("accounts.jobs.deliver", (place.pk,))]
    assert [jobs.deliver(place.pk), jobs.deliver(place.pk)] == [2, 0]
    assert receiver.ids == entries


def test_the_leader_routes_and_calls_among_its_chores(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    happen(1)
    chores.Chores().run(clock())
    assert called() == [("accounts.jobs.deliver", (place.pk,))]


def test_a_test_is_sent_by_its_job(receiver: Receiver, clock: Clock) -> None:
    delivery = sending.test(endpoint(receiver.url), actor=SYSTEM, now=clock())
    assert called() == [("accounts.jobs.deliver_test", (delivery.pk,))]
    assert [jobs.deliver_test(delivery.pk), jobs.deliver_test(delivery.pk)] == [True, False]
    assert len(receiver.got) == 1


def test_the_schedule_holds_the_net() -> None:
    assert [line.minutes for line in schedules.TABLE if line.job == "accounts.jobs.notify"] == [1]
