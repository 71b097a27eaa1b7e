"""After every test: each mission that it made or moved, rebuilt from its trace, equals its rows, and so does what its
process would know of it.
"""

import pytest
from django.db import connection

from missions import replay
from missions.supervision import agreeing

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
    if moved and (apart := agreeing.partings(moved)):
        pytest.fail(f"What a process would know parts from the rows: {apart}", pytrace=False)
