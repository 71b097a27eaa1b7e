"""After every test: each mission that it made or moved, rebuilt from its trace, equals its rows, and so does what its
process would know of it.
"""

from typing import Any

import pytest
from django.db import connection

from missions import replay
from missions.replaying import folding, reading
from missions.standing import folding as standing_folding

MOVED = """
    SELECT substr(stream, 9)::bigint FROM traceability_streamhead AS head WHERE stream LIKE 'mission:%'
    AND NOT EXISTS (SELECT FROM traceability_archive AS moved WHERE moved.stream = head.stream)
    AND (EXISTS (SELECT FROM missions_mission WHERE id = substr(stream, 9)::bigint)
        OR EXISTS (SELECT FROM traceability_entry AS told WHERE told.stream = head.stream AND kind = 'mission.created'))
    ORDER BY 1
"""
"""The missions of this database, less those whose entries lie in files and streams that only a test names."""


def database_of(request: pytest.FixtureRequest) -> str | None:
    """The fixture by which a test has a database; None for a test that has none."""
    for name in ("committed_db", "db"):
        if name in request.fixturenames:
            return name
    return "db" if request.node.get_closest_marker("django_db") else None


def check() -> None:
    """Nothing is asked of a transaction that is broken already: none of it is ever committed."""
    if connection.in_atomic_block and connection.needs_rollback:
        return
    with connection.cursor() as cursor:
        cursor.execute(MOVED)
        moved = [int(pk) for (pk,) in cursor.fetchall()]
    if moved and (partings := replay.partings(moved)):
        pytest.fail(f"Rows part from their trace: {partings}", pytrace=False)
    if apart := {pk: both for pk in moved if (both := known(pk))}:
        pytest.fail(f"What a process would know parts from the trace: {apart}", pytrace=False)


def known(mission_id: int) -> tuple[Any, Any] | None:
    """What the mission's process would know, and what replay says, where they part."""
    try:
        entries = list(reading.entries(replay.stream_of(mission_id)))
        standing, state = standing_folding.fold(entries), folding.fold(entries)
    except folding.CannotFold:
        return None
    held = {work.key: (work.status, work.agent, work.cost) for work in standing.tasks.values()}
    told = {
        task["fields"]["task_id"]: (task["status"], task["agent"], int(task["cost_usd"] * 1_000_000))
        for task in state.tasks.values()
    }
    open_ones = {each["cause"] for each in state.advisories.values() if not each["resolved"]}
    of_process = (standing.status, standing.process, standing.cost, held, set(standing.advisories))
    of_replay = (state.status, state.process["state"], int(state.cost_usd * 1_000_000), told, open_ones)
    return None if of_process == of_replay else (of_process, of_replay)
