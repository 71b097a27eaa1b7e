"""A host lets advice follow: at once when something is told, and by itself when something falls due."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, Mission, Task
from missions.services import steering
from missions.supervision.host import Host
from tests.advice import causes
from tests.missions import world
from tests.running.agents_at_hand import until
from traceability.events import SYSTEM


@pytest.fixture
def host(committed_db: str) -> Iterator[Host]:
    made = Host("here")
    yield made
    made.lose()


def step(host: Host) -> list[str]:
    """A turn in which everything is due; answers the causes that are open."""
    host.done_at.clear()
    host.turn()
    return list(Advisory.objects.open().order_by("cause").values_list("cause", flat=True))


def test_what_is_told_is_advised_on_at_the_next_turn_and_withdrawn_at_the_next(host: Host) -> None:
    mission = world.mission(budget_usd=10)
    step(host)
    causes.spend(mission, "9")
    budget = f"budget-80:mission:{mission.pk}"
    assert budget in until(lambda: step(host))
    causes.revise(mission, budget_usd=1000)
    assert until(lambda: budget not in step(host))


def test_what_falls_due_is_advised_on_though_nothing_is_told(host: Host) -> None:
    due = timezone.now() + timedelta(seconds=1)
    task = world.task(due_at=due)
    assert step(host) == []
    assert until(lambda: step(host)) == [f"overdue:task:{task.pk}"]
    assert timedelta(0) <= Advisory.objects.get().opened_at - due < timedelta(seconds=2)


def test_the_advice_on_a_mission_that_pauses_is_withdrawn(host: Host) -> None:
    task = world.task(status=TaskStatus.FAILED)
    world.task(task.mission, depends_on=[task])
    assert until(lambda: step(host)) == [f"blocked_chain:task:{task.pk}"]
    mission = Mission.objects.get(pk=task.mission_id)
    steering.move_mission(mission, MissionStatus.PAUSED, expected=None, actor=SYSTEM, now=timezone.now())
    assert until(lambda: step(host) == [])
    steering.move_mission(mission, MissionStatus.ACTIVE, expected=None, actor=SYSTEM, now=timezone.now())
    assert until(lambda: step(host)) == [f"blocked_chain:task:{task.pk}"]
    assert Task.objects.get(pk=task.pk).status == TaskStatus.FAILED
