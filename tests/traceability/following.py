"""Readers of the ledger by hand, the right one and the naive ones, and short scenes in which a naive one fails."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from coordinator.lib.refs import Ref
from tests.running.agents_at_hand import until
from tests.traceability.conftest import new_mission, stream_of
from traceability import canonical, hints
from traceability.snapshots import NEWS

QUIET = """
INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_name, mission_id, occurred_at, canonical)
VALUES (%s, 'note.taken', 1, 'system', 'x', %s, now(), %s) RETURNING id
"""
"""Tells an entry as another process might whose wake-up is lost."""

Held = psycopg.Connection[Any]


def connected(autocommit: bool = False, **settings: str) -> Held:
    """A connection of its own; `settings` are the session's."""
    held = psycopg.connect(**hints.parameters(), autocommit=True)
    for name, value in settings.items():
        held.execute("SELECT set_config(%s, %s, false)", [name.replace("__", "."), value])
    held.autocommit = autocommit
    return held


def write_quietly(held: Held, mission: Ref) -> int:
    text = canonical.write({"data": {}, "refs": {}, "actor": {"name": "x"}})
    return int(held.execute(QUIET, [stream_of(mission), mission.id, text]).fetchone()[0])  # type: ignore[index]


class SnapshotReader:
    """Reads as the tail does, when told to."""

    def __init__(self) -> None:
        self.held = connected(autocommit=True)
        self.cursor: str = self.held.execute("SELECT pg_current_snapshot()::text").fetchone()[0]  # type: ignore[index]
        self.seen: list[int] = []

    def read(self) -> None:
        with self.held.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(NEWS, {"cursor": self.cursor}).fetchall()
        self.cursor = rows[0]["cursor"]
        self.seen += [row["id"] for row in rows if row["id"] is not None]


class ByLastId(SnapshotReader):
    """A mutant: every id greater than the last that it saw."""

    WHERE, ORDER = "id > %(id)s", "id"

    def __init__(self) -> None:
        super().__init__()
        self.last = {"id": 0, "xid": "0"}

    def read(self) -> None:
        asked = f"SELECT id, xid::text AS xid FROM traceability_entry WHERE {self.WHERE} ORDER BY {self.ORDER}"
        with self.held.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(asked, self.last).fetchall()
        self.seen += [row["id"] for row in rows]
        self.last = rows[-1] if rows else self.last


class ByLastIdBelowTheHorizon(ByLastId):
    """A mutant: the same, of transactions below the oldest that runs."""

    WHERE = "id > %(id)s AND xid < pg_snapshot_xmin(pg_current_snapshot())"


class ByTransactionBelowTheHorizon(ByLastId):
    """A mutant: transaction by transaction, of those below the oldest that runs."""

    WHERE = (
        "(traceability_entry.xid, id) > (%(xid)s::text::xid8, %(id)s) AND xid < pg_snapshot_xmin(pg_current_snapshot())"
    )
    ORDER = "traceability_entry.xid, id"


class Scene:
    """What some connections write, and what a reader makes of it."""

    def __init__(self, reader: SnapshotReader) -> None:
        self.reader = reader
        self.opened: list[Held] = []
        self.streams: dict[int, int] = {}
        self.faults: set[str] = set()

    def open(self, *, early: bool = False) -> Held:
        """A connection; `early` gives its transaction its number at once."""
        self.opened.append(connected())
        if early:
            self.opened[-1].execute("SELECT pg_current_xact_id()")
        return self.opened[-1]

    def write(self, held: Held, mission: Ref | None = None, *, kept: bool = True) -> int:
        mission = mission or new_mission()
        pk = write_quietly(held, mission)
        if kept:
            self.streams[pk] = mission.id
        return pk

    def sees(self, *ids: int) -> None:
        """The reader reads now; these are committed, so it ought to have them."""
        self.reader.read()
        if not set(ids) <= set(self.reader.seen):
            self.faults.add("late")

    def wait_for_horizon(self, number: str) -> None:
        """Returns when no transaction of this server below this one runs: other tests have theirs."""
        passed = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::text::xid8"
        until(lambda: self.reader.held.execute(passed, [number]).fetchone() == (True,))

    def end(self) -> set[str]:
        """What the reader did wrong, once everybody has ended."""
        for each in self.opened:
            each.close()
        row = self.reader.held.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
        self.wait_for_horizon(row[0])  # type: ignore[index]
        for _ in range(2):
            self.reader.read()
        seen = Counter(self.reader.seen)
        if set(self.streams) - set(seen):
            self.faults.add("lost")
        if set(seen) - set(self.streams) or max(seen.values()) > 1:
            self.faults.add("wrong")
        for stream in self.streams.values():
            of_it = [pk for pk in self.reader.seen if self.streams.get(pk) == stream]
            if of_it != sorted(of_it):
                self.faults.add("out of order")
        self.reader.held.close()
        return self.faults


def the_older_commits_last(scene: Scene) -> None:
    slow, quick = scene.open(), scene.open()
    scene.write(slow)
    younger = scene.write(quick)
    quick.commit()
    scene.sees(younger)
    slow.commit()


def three_commit_backwards(scene: Scene) -> None:
    held = [scene.open() for _ in range(3)]
    ids = [scene.write(each) for each in held]
    for place in (2, 0, 1):
        held[place].commit()
        scene.sees(ids[place])


def the_older_is_rolled_back(scene: Scene) -> None:
    given_up, quick = scene.open(), scene.open()
    scene.write(given_up, kept=False)
    first = scene.write(quick)
    quick.commit()
    scene.sees(first)
    given_up.rollback()
    scene.write(quick)
    quick.commit()


def a_savepoint_is_rolled_back(scene: Scene) -> None:
    slow, quick = scene.open(), scene.open()
    mission = new_mission()
    scene.write(slow, mission)
    slow.execute("SAVEPOINT half")
    scene.write(slow, mission, kept=False)
    slow.execute("ROLLBACK TO SAVEPOINT half")
    younger = scene.write(quick)
    quick.commit()
    scene.sees(younger)
    scene.write(slow, mission)
    slow.commit()


def an_entry_of_a_savepoint_commits_last(scene: Scene) -> None:
    slow, quick = scene.open(), scene.open()
    slow.execute("SAVEPOINT whole")
    scene.write(slow)
    slow.execute("RELEASE SAVEPOINT whole")
    younger = scene.write(quick)
    quick.commit()
    scene.sees(younger)
    slow.commit()


def a_long_transaction_without_entries_stays_open(scene: Scene) -> None:
    scene.open(early=True)
    quick = scene.open()
    pk = scene.write(quick)
    quick.commit()
    scene.sees(pk)


def an_early_transaction_writes_late_in_the_same_stream(scene: Scene) -> None:
    early, mission = scene.open(early=True), new_mission()
    quick = scene.open()
    scene.write(quick, mission)
    quick.commit()
    scene.write(early, mission)
    early.commit()


def an_early_transaction_overtakes_one_beyond_the_horizon(scene: Scene) -> None:
    early, horizon = scene.open(early=True), scene.open(early=True)
    quick = scene.open()
    scene.write(quick)
    quick.commit()
    scene.write(early)
    early.commit()
    row = horizon.execute("SELECT pg_current_xact_id()::text").fetchone()
    scene.wait_for_horizon(row[0])  # type: ignore[index]
    scene.reader.read()
    horizon.commit()


SCENES: tuple[Callable[[Scene], None], ...] = (
    the_older_commits_last,
    three_commit_backwards,
    the_older_is_rolled_back,
    a_savepoint_is_rolled_back,
    an_entry_of_a_savepoint_commits_last,
    a_long_transaction_without_entries_stays_open,
    an_early_transaction_writes_late_in_the_same_stream,
    an_early_transaction_overtakes_one_beyond_the_horizon,
)
