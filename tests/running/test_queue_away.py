"""While the queue's Redis is away nobody is refused and no chore falls; what was asked for is run once it is back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ

from accounts.services import routing_notifications, sending_notifications
from missions.lifecycle import MissionStatus
from missions.models import Execution, Mission
from missions.services import executing, steering, waking
from missions.supervision import executor
from tests.factories import client_of, person
from tests.missions import world
from tests.notifying.world import START, endpoint, happen
from tests.running.runs import fresh, queued, task_for
from tests.running.taken import ended, taken
from traceability.events import SYSTEM

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")

NOBODY = "redis://127.0.0.1:1/0"
"""Nothing listens there."""


@pytest.fixture
def away(its_trace_tells_all: None) -> Iterator[pytest.MonkeyPatch]:
    """The queue is in a Redis that is away; undone, it is in the database."""
    with pytest.MonkeyPatch.context() as until_back:
        until_back.setattr(Conf, "REDIS", NOBODY)
        until_back.setattr(Conf, "BROKER_CLASS", "missions.supervision.redis_broker.RedisBroker")
        yield until_back


def asked_for() -> int:
    """How many messages the queue in the database holds; it forgets them."""
    return int(OrmQ.objects.all().delete()[0])


def test_who_asks_for_a_run_is_not_refused_and_it_is_asked_for_again_when_the_queue_is_back(
    away: pytest.MonkeyPatch,
) -> None:
    answer = client_of(person("operator")).post(f"/api/tasks/{task_for().key}/execute")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    later = timezone.now() + waking.LOST_MESSAGE_AFTER * 2
    assert executor.janitor(now=later) == 0
    away.undo()
    assert asked_for() == 0
    assert executor.janitor(now=later) == 1
    assert asked_for() == 1
    executing.cancel(Execution.objects.get(), actor=SYSTEM, now=timezone.now())


def test_what_nobody_was_asked_for_is_asked_for_also_beside_what_may_still_be_in_the_queue(
    away: pytest.MonkeyPatch,
) -> None:
    lost, fresh_one = queued(), queued()
    Execution.objects.filter(pk=fresh_one.pk).update(woken_at=None)
    later = timezone.now() + waking.LOST_MESSAGE_AFTER * 2
    assert waking.wake_waiting(now=later) == 1
    assert (fresh(lost).woken_at == later, fresh(fresh_one).woken_at == later) == (False, True)
    for each in (lost, fresh_one):
        executing.cancel(each, actor=SYSTEM, now=timezone.now())


def test_a_run_ends_as_ever_while_the_queue_is_away(away: pytest.MonkeyPatch) -> None:
    agent = world.agent(adapter_module="claude_code", adapter_config={"limit": 1})
    first, second = (
        executing.request_execution(world.task(agent=agent), actor=SYSTEM, now=timezone.now()) for _ in range(2)
    )
    assert ended(taken(first), now=timezone.now() + waking.LOST_MESSAGE_AFTER * 2) == "succeeded"
    assert ended(taken(second)) == "succeeded"


def test_senders_of_notifications_are_called_again_when_the_queue_is_back(
    away: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.NOTIFY_PRIVATE_ADDRESSES = True
    endpoint("http://127.0.0.1:1/")
    happen(1)
    routing_notifications.route(now=START)
    assert sending_notifications.call_due(now=START) == 1
    away.undo()
    assert asked_for() == 0
    later = START + sending_notifications.CALLED_FOR + timedelta(seconds=1)
    assert sending_notifications.call_due(now=later) == 1
    assert asked_for() == 1


def test_a_mission_ends_as_ever_while_the_queue_is_away(away: pytest.MonkeyPatch, settings: Any) -> None:
    settings.CHECKPOINTS = True
    mission = world.mission()
    steering.move_mission(mission, MissionStatus.COMPLETED, expected=None, actor=SYSTEM, now=timezone.now())
    assert Mission.objects.get(pk=mission.pk).status == MissionStatus.COMPLETED
