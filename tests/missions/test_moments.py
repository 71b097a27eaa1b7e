"""Reading history while it grows: what is checked or replayed is one moment of it, and raises no false alarm."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.utils import timezone

from missions import replay
from missions.models import Mission
from missions.services import planning
from tests.missions import world
from traceability import verifying
from traceability.events import SYSTEM


def revise(mission: Mission, goal: str) -> None:
    planning.revise_mission(mission, expected=None, actor=SYSTEM, now=timezone.now(), goal=goal)
    connection.close()


@contextmanager
def growing(mission: Mission, table: str) -> Iterator[Callable[[], int]]:
    """After each statement that reads the table, somebody else changes the mission and commits; counts how often."""
    times = 0

    def grow(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal times
        answer = execute(sql, params, many, context)
        if table in sql:
            times += 1
            other = threading.Thread(target=revise, args=(mission, f"Goal {times}"))
            other.start()
            other.join()
        return answer

    with connection.execute_wrapper(grow):
        yield lambda: times


def test_a_chain_that_grows_while_it_is_verified_is_valid(committed_db: str) -> None:
    mission = world.mission()
    with growing(mission, "traceability_streamhead") as times:
        assert verifying.verify().findings == ()
        assert verifying.verify(f"mission:{mission.pk}").findings == ()
        assert times() >= 2


def test_a_mission_that_changes_while_it_is_replayed_matches_its_rows(committed_db: str) -> None:
    mission = world.mission()
    with growing(mission, "traceability_entry") as times:
        assert replay.replay(mission)["differences"] == []
        assert times() >= 1
