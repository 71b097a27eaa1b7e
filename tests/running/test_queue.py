"""The queue's broker, the locks of its processes, and the table of schedules."""

import os
import signal
import time
from multiprocessing import get_context
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from coordinator import schedules
from missions.supervision.broker import Broker
from missions.supervision.shared import Flag, MortalLock, Pulse
from tests.running.agents_at_hand import until

FORK = get_context("fork")


@pytest.fixture
def broker(committed_db: str) -> Broker:
    found = get_broker("exec")
    assert isinstance(found, Broker)
    return found


def take(broker: Broker) -> list[int]:
    return [pk for pk, _ in broker.dequeue() or ()]


def test_messages_come_in_order_each_to_one_taker_and_go_when_they_are_acknowledged(broker: Broker) -> None:
    sent = [broker.enqueue(f"message {number}") for number in range(3)]
    other = Broker(list_key="exec")
    assert take(Broker(list_key="hosts")) == []
    assert [take(broker), take(other), take(broker)] == [[sent[0]], [sent[1]], [sent[2]]]
    broker.acknowledge(sent[0])
    assert OrmQ.objects.count() == 2


def test_a_message_that_nobody_acknowledged_comes_again(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Conf, "RETRY", -1)
    sent = broker.enqueue("again")
    assert take(broker) == take(broker) == [sent]


def test_a_message_that_is_being_taken_is_passed_over(broker: Broker) -> None:
    first, second = broker.enqueue("one"), broker.enqueue("two")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            other.set_autocommit(False)
            cursor.execute("SELECT id FROM django_q_ormq WHERE id = %s FOR UPDATE", [first])
            assert take(broker) == [second]
            other.rollback()
    finally:
        other.close()
    assert take(broker) == [first]


def test_a_waiting_taker_is_woken_by_a_message(broker: Broker) -> None:
    take(broker)
    sent = FORK.Process(target=_send_soon)
    sent.start()
    began = time.monotonic()
    found = until(lambda: take(broker), within_s=5)
    sent.join()
    waited = time.monotonic() - began
    assert found == list(OrmQ.objects.values_list("pk", flat=True))
    assert waited < 5


def _send_soon() -> None:
    connection.close()
    async_task("agents.jobs.check_adapters", cluster="exec", save=False)


def test_a_queue_whose_database_was_away_goes_on(broker: Broker) -> None:
    take(broker)
    assert broker.ears is not None
    broker.ears.close()
    connection.close()
    assert take(broker) == []
    sent = broker.enqueue("after")
    assert take(broker) == [sent]


def test_every_scheduled_job_exists_and_is_named_once() -> None:
    named = [line.job for line in schedules.TABLE]
    assert len(set(named)) == len(named)
    for line in schedules.TABLE:
        module, _, name = line.job.rpartition(".")
        assert callable(getattr(__import__(module, fromlist=[name]), name)), line.job
        assert line.why
        assert not line.queue or line.queue in settings.Q_CLUSTER["ALT_CLUSTERS"]


def test_the_schedules_are_made_once_mended_and_keep_their_time(db: None) -> None:
    now = timezone.now()
    Schedule.objects.create(name="coordinator: gone.jobs.old", func="gone.jobs.old")
    Schedule.objects.create(name="somebody's own", func="x.y")
    assert schedules.ensure(now) == len(schedules.TABLE) + 1
    assert schedules.ensure(timezone.now()) == 0
    row = Schedule.objects.get(func="accounts.jobs.purge")
    due = row.next_run
    Schedule.objects.filter(pk=row.pk).update(minutes=1)
    assert schedules.ensure(timezone.now()) == 1
    row.refresh_from_db()
    assert (row.minutes, row.next_run) == (60, due)
    assert Schedule.objects.filter(name="somebody's own").exists()


def test_a_lock_is_free_again_when_its_holder_is_killed() -> None:
    lock, held = MortalLock(), Flag()

    def hold() -> None:
        lock.acquire()
        held.set()
        time.sleep(600)

    holder = FORK.Process(target=hold)
    holder.start()
    assert held.wait(5)
    assert not lock.acquire(block=False)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with lock as mine:
        assert mine


def test_a_flag_and_a_pulse_are_seen_by_every_process() -> None:
    flag, pulse = Flag(), Pulse()

    def touch() -> None:
        flag.wait(0.02)
        pulse.beat()
        flag.set()

    assert not flag.wait(0)
    before = pulse.age_s
    other: Any = FORK.Process(target=touch)
    other.start()
    assert flag.wait(5)
    other.join()
    assert pulse.age_s < before + 5
    flag.clear()
    assert not flag.is_set()
