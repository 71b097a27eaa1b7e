"""The tail: every committed entry once, none skipped, whatever the order of commits, with and without wake-ups."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from threading import Event as Gate
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from psycopg.rows import dict_row

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT, Noted, at_once, new_mission, note, stream_of
from traceability import canonical, hints, ledger
from traceability import tail as tailing
from traceability.events import SYSTEM
from traceability.models import Entry
from traceability.tail import NEWS, START, Tail, Told

WAIT_S = 10.0
QUIET = """
INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_name, mission_id, occurred_at, canonical)
VALUES (%s, 'note.taken', 1, 'system', 'x', %s, now(), %s) RETURNING id
"""
"""Tells an entry as another process might whose wake-up is lost."""


CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE query LIKE %s AND pid <> pg_backend_pid() AND datname = current_database()
"""


def write_quietly(held: psycopg.Connection[Any], mission: Ref) -> int:
    row = held.execute(QUIET, [stream_of(mission), mission.id, canonical.write({"data": {}})]).fetchone()
    assert row is not None
    return int(row[0])


def connected(autocommit: bool = False) -> psycopg.Connection[Any]:
    return psycopg.connect(**hints.parameters(), autocommit=autocommit)


class SnapshotReader:
    """Reads as the tail does, when told to."""

    def __init__(self) -> None:
        self.held = connected(autocommit=True)
        row = self.held.execute("SELECT pg_current_snapshot()::text").fetchone()
        assert row is not None
        self.cursor: str = row[0]
        self.seen: list[int] = []

    def read(self) -> None:
        with self.held.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(NEWS, {"cursor": self.cursor}).fetchall()
        self.cursor = rows[0]["cursor"]
        self.seen += [row["id"] for row in rows if row["id"] is not None]


class NaiveReader(SnapshotReader):
    """The mutant: takes every id greater than the last it saw."""

    def __init__(self) -> None:
        super().__init__()
        row = self.held.execute("SELECT coalesce(max(id), 0) FROM traceability_entry").fetchone()
        assert row is not None
        self.last: int = row[0]

    def read(self) -> None:
        rows = self.held.execute("SELECT id FROM traceability_entry WHERE id > %s ORDER BY id", [self.last]).fetchall()
        self.seen += [pk for (pk,) in rows]
        self.last = max([self.last, *(pk for (pk,) in rows)])


@pytest.mark.parametrize(("reader_of", "skips"), [(SnapshotReader, False), (NaiveReader, True)])
def test_an_entry_that_commits_after_a_younger_one_is_not_skipped(
    reader_of: Callable[[], SnapshotReader], skips: bool, committing: None
) -> None:
    reader = reader_of()
    with connected() as slow, connected() as quick:
        older = write_quietly(slow, new_mission())
        younger = write_quietly(quick, new_mission())
        assert older < younger
        quick.commit()
        reader.read()
        assert reader.seen == [younger]
        slow.commit()
        reader.read()
        reader.read()
    assert reader.seen == ([younger] if skips else [younger, older])
    reader.held.close()


def test_an_entry_that_is_rolled_back_is_never_seen_and_holds_nobody_up(committing: None) -> None:
    reader = SnapshotReader()
    with connected() as given_up, connected() as quick:
        gone = write_quietly(given_up, new_mission())
        kept = [write_quietly(quick, new_mission())]
        quick.commit()
        reader.read()
        given_up.rollback()
        kept.append(write_quietly(quick, new_mission()))
        quick.commit()
        reader.read()
    assert reader.seen == kept
    assert gone not in reader.seen
    reader.held.close()


class Heard:
    """What a tail told, and a way to wait until it told enough."""

    def __init__(self, wanted: Callable[[Told], bool]) -> None:
        self.wanted = wanted
        self.told: list[Told] = []
        self.news = asyncio.Event()

    def hear(self, batch: list[Told]) -> None:
        self.told += [each for each in batch if self.wanted(each)]
        self.news.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.told) < count:
                await self.news.wait()
                self.news.clear()


async def listening(wanted: Callable[[Told], bool], do: Callable[[Heard], Any]) -> list[Told]:
    """Runs `do` beside a tail and answers what it told."""
    tail, heard = Tail(), Heard(wanted)
    tail.readers.add(heard.hear)
    tail.start()
    try:
        async with asyncio.timeout(WAIT_S):
            await tail.ready.wait()
        await do(heard)
    finally:
        assert tail.task is not None
        tail.task.cancel()
        await asyncio.gather(tail.task, return_exceptions=True)
    return heard.told


def of(missions: list[Ref]) -> Callable[[Told], bool]:
    topics = {f"mission:{mission.id}" for mission in missions}
    return lambda told: bool(topics & set(told.topics))


def test_a_wake_up_that_is_lost_is_healed_by_the_next_look(committing: None) -> None:
    mission = new_mission()

    async def do(heard: Heard) -> None:
        with connected(autocommit=True) as quiet:
            for count in (1, 2, 3):
                write_quietly(quiet, mission)
                await heard.until(count)

    told = asyncio.run(listening(of([mission]), do))
    assert [each.id for each in told] == list(Entry.objects.of_mission(mission.id).values_list("pk", flat=True))


def test_what_is_told_while_the_tail_is_cut_off_is_not_lost(committing: None) -> None:
    mission = new_mission()

    async def do(heard: Heard) -> None:
        with connected(autocommit=True) as other:
            write_quietly(other, mission)
            await heard.until(1)
            row = other.execute(CUT, ["%present.snap::text%"]).fetchone()
            assert row == (1,)
            write_quietly(other, mission)
            await heard.until(2)

    told = asyncio.run(listening(of([mission]), do))
    assert [each.id for each in told] == list(Entry.objects.of_mission(mission.id).values_list("pk", flat=True))


@pytest.mark.parametrize(("cursor", "kept"), [("1:1:", True), ("9999999999999:9999999999999:", False), (None, False)])
def test_the_tail_reads_on_where_it_stopped_but_not_in_a_restored_database(
    cursor: str | None, kept: bool, committing: None
) -> None:
    with connected(autocommit=True) as held:
        row = held.execute(START, {"cursor": cursor}).fetchone()
    assert row is not None
    assert (row[0] == cursor) is kept


def test_nothing_is_told_before_its_commit_nor_before_an_older_entry(committing: None) -> None:
    mission, later = new_mission(), new_mission()
    written, release = Gate(), Gate()

    def slowly() -> None:
        with transaction.atomic():
            note(mission, "held back")
            written.set()
            assert release.wait(WAIT_S)
        connection.close()

    async def do(heard: Heard) -> None:
        slow = asyncio.get_running_loop().run_in_executor(None, slowly)
        assert await asyncio.to_thread(written.wait, WAIT_S)
        await asyncio.to_thread(at_once, [lambda: note(later)])
        await asyncio.sleep(0.3)
        assert heard.told == []
        release.set()
        await slow
        await heard.until(2)

    told = asyncio.run(listening(of([mission, later]), do))
    assert [each.topics[0] for each in told] == [f"mission:{mission.id}", f"mission:{later.id}"]


def test_a_transaction_that_stays_open_holds_the_others_up_for_a_while_only(
    committing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "LONGEST_HOLD_S", 0.2)
    missions = [new_mission(), new_mission()]

    async def do(heard: Heard) -> None:
        with connected() as stuck, connected(autocommit=True) as quick:
            write_quietly(stuck, missions[0])
            write_quietly(quick, missions[1])
            await heard.until(1)
            stuck.commit()
            await heard.until(2)

    told = asyncio.run(listening(of(missions), do))
    assert [each.topics[0] for each in told] == [f"mission:{each.id}" for each in reversed(missions)]


def test_eight_writers_at_once_are_told_whole_once_and_in_each_missions_order(committing: None) -> None:
    missions = [new_mission() for _ in range(4)]

    def write(seed: int) -> None:
        for number in range(20):
            with ledger.writing():
                for mission in (missions[(seed + number) % 4], missions[(seed + number * 3 + 1) % 4]):
                    ledger.record(Noted(mission=mission, text=seed), actor=SYSTEM, at=AT)

    async def do(heard: Heard) -> None:
        await asyncio.to_thread(at_once, [partial(write, seed) for seed in range(8)])
        await heard.until(8 * 20 * 2)

    told = asyncio.run(listening(of(missions), do))
    assert max(Counter(each.id for each in told).values()) == 1
    assert [each.id for each in told] == sorted(each.id for each in told)
    for mission in missions:
        stored = Entry.objects.in_stream(stream_of(mission)).values_list("pk", flat=True)
        assert [each.id for each in told if f"mission:{mission.id}" in each.topics] == list(stored)


def test_a_frame_has_the_form_of_the_contract(committing: None) -> None:
    mission = new_mission()

    async def do(heard: Heard) -> None:
        await asyncio.to_thread(at_once, [lambda: note(mission, "hello")])
        await heard.until(1)

    told = asyncio.run(listening(of([mission]), do))[0]
    frame = told.frame("missions")
    assert set(frame) == {"id", "topic", "event", "at", "data"}
    assert frame["at"].endswith("Z")
    assert (frame["event"], frame["data"]) == (
        "note.taken",
        {"text": "hello", "mission": mission.key, "actor": "coordinator"},
    )
