"""A mission that cannot be folded crashes alone, starts again, and is parked when it crashes too often."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from django.db import connection
from django.utils import timezone

from coordinator.lib.errors import ImpossibleMove
from missions import restarts
from missions.lifecycle import TaskStatus
from missions.models import Mission, MissionCheckpoint, MissionProcess
from missions.services import hosting
from missions.standing import packing
from missions.standing.state import Standing
from missions.supervision.host import Host
from tests.hosting.test_host import Make, counts_shown, process_of, states_told, step
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM, Event

NOW = datetime(2026, 11, 25, tzinfo=UTC)

pytestmark = pytest.mark.breaks_history


@dataclass(frozen=True, kw_only=True)
class Poison(Event):
    """Something that no part of the product knows."""

    kind: ClassVar[str] = "mission.poisoned"
    nonsense: int = 1


def poison(mission: Mission) -> None:
    with ledger.writing():
        ledger.record(Poison(mission=mission.ref), actor=SYSTEM, at=timezone.now())


def hurry() -> None:
    """No pause is waited for."""
    MissionProcess.objects.filter(state="crashed").update(restart_at=timezone.now())


def crash_until_parked(host: Host, mission: Mission) -> None:
    for _ in range(restarts.MAX_RESTARTS + 1):
        hurry()
        step(host)
    assert process_of(mission).state == "parked"


def test_a_poisoned_mission_crashes_the_allowed_times_and_is_parked_while_the_others_go_on(new_host: Make) -> None:
    bad, good, host = world.mission(), world.task(), new_host()
    step(host)
    poison(bad)
    step(host)
    process = process_of(bad)
    assert (process.state, process.restarts) == ("crashed", 1)
    assert "mission.poisoned" in process.last_error
    assert "Traceback" in process.last_error
    crash_until_parked(host, bad)
    process = process_of(bad)
    assert (process.restarts, process.owner, process.summary["host"]) == (restarts.MAX_RESTARTS + 1, None, None)
    assert states_told(bad) == ["starting", "running", *["crashed", "running"] * 3, "parked"]
    world.lead(good, TaskStatus.BLOCKED)
    step(host, 2)
    assert counts_shown(good.mission) == {"blocked": 1}
    assert process_of(good.mission).restarts == 0


def test_a_parked_process_stays_parked_until_a_person_restarts_it(new_host: Make) -> None:
    bad, host = world.mission(), new_host()
    poison(bad)
    step(host)
    crash_until_parked(host, bad)
    step(host, 2)
    assert process_of(bad).state == "parked"
    hosting.restart(bad, actor=SYSTEM, now=timezone.now())
    assert process_of(bad).state == "starting"
    step(host)
    assert (process_of(bad).state, len(process_of(bad).crashes)) == ("crashed", 1)


def test_a_process_that_runs_is_not_restarted(new_host: Make) -> None:
    mission = world.mission()
    step(new_host())
    with pytest.raises(ImpossibleMove, match="is running"):
        hosting.restart(mission, actor=SYSTEM, now=timezone.now())


def test_the_second_restart_folds_from_the_first_entry(new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host)
    host.drain()
    MissionCheckpoint.objects.update(state=_emptied())
    world.lead(task, TaskStatus.BLOCKED)
    step(host)
    assert process_of(task.mission).state == "crashed"
    hurry()
    step(host)
    assert process_of(task.mission).state == "crashed", "the first restart begins with the checkpoint"
    hurry()
    step(host, 2)
    assert process_of(task.mission).state == "running"
    assert counts_shown(task.mission) == {"blocked": 1}


def test_a_fault_of_what_follows_from_a_state_crashes_that_mission_alone(new_host: Make) -> None:
    bad, good, host = world.task(), world.task(), new_host()
    step(host)
    host.holding.servers[bad.mission_id].standing.spent = None  # type: ignore[assignment]
    host.holding.note(bad.mission_id, 0.0)
    host.holding.note(good.mission_id, 0.0)
    step(host)
    assert process_of(bad.mission).state == "crashed"
    assert process_of(good.mission).state == "running"
    hurry()
    step(host, 2)
    assert process_of(bad.mission).state == "running"


def test_one_that_the_database_refuses_to_start_does_not_keep_the_others_from_starting(new_host: Make) -> None:
    bad, good, host = world.mission(), world.mission(), new_host()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refused BEFORE UPDATE ON missions_missionprocess FOR EACH ROW "
            f"WHEN (NEW.mission_id = {bad.pk}) EXECUTE FUNCTION refuse()"
        )
    step(host, 2)
    assert process_of(good).state == "running"
    assert process_of(bad).state == "starting"


def test_a_mission_whose_files_are_gone_crashes_alone(new_host: Make) -> None:
    bad, good, host = world.mission(), world.task(), new_host()
    step(host)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE traceability_entry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM traceability_entry WHERE stream = %s", [f"mission:{bad.pk}"])
        cursor.execute("ALTER TABLE traceability_entry ENABLE TRIGGER USER")
    host.lose()
    MissionCheckpoint.objects.all().delete()
    step(host, 2)
    assert process_of(bad).state == "crashed"
    assert counts_shown(good.mission) == {"pending": 1}


@pytest.mark.parametrize(
    ("seconds_ago", "parked"),
    [([1, 2, 3], False), ([1, 2, 3, 4], True), ([1, 2, 3, 61], False), ([], False), ([1, 2, 3, 59], True)],
)
def test_so_many_crashes_in_so_many_seconds_are_too_many(seconds_ago: list[int], parked: bool) -> None:
    crashes = [(NOW - timedelta(seconds=each)).timestamp() for each in seconds_ago]
    assert restarts.too_many(crashes, NOW) is parked


def test_pauses_double() -> None:
    pauses = [restarts.pause_after(crashes).total_seconds() for crashes in (1, 2, 3, 4)]
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6])


def _emptied() -> bytes:
    return packing.packed(Standing(status="active", process="running"))
