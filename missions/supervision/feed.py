"""What became visible in missions' streams since the last look, by snapshot cursor: nothing lost, nothing twice."""

from typing import NamedTuple

import psycopg

from traceability import snapshots

MOST = 2000
"""Entries of one look; with more than that the streams are compared with what was folded instead."""

COLUMNS = "id, stream, seq, kind, canonical, body, extract(epoch FROM clock_timestamp() - recorded_at)::float8 AS age"
NEWS = snapshots.news(COLUMNS, "stream LIKE 'mission:%%'") + f" LIMIT {MOST + 1}"


class News(NamedTuple):
    """One entry as it stands in the database; `age_s` is how long ago it was recorded."""

    id: int
    stream: str
    seq: int
    kind: str
    text: str
    body: str | None
    age_s: float


class Feed:
    """Reads on one connection, from the moment on at which it was made."""

    def __init__(self, held: psycopg.Connection) -> None:
        self.held = held
        held.execute("SELECT traceability_rebase()")
        self.cursor = self._present()

    def look(self) -> list[News] | None:
        """The new entries in the order of ids; None when there are too many, and every stream is to be looked at."""
        rows = self.held.execute(NEWS, {"cursor": self.cursor}).fetchall()
        self.cursor = rows[0][0]
        if len(rows) > MOST:
            return None
        return [News(*row[1:]) for row in rows if row[1] is not None]

    def _present(self) -> str:
        row = self.held.execute(snapshots.PRESENT).fetchone()
        assert row is not None
        return str(row[0])
