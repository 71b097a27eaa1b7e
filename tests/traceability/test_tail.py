"""The tail: every committed entry once, none skipped, whatever the order of commits, with and without wake-ups."""

import asyncio
from collections import Counter
from functools import partial
from threading import Event as Gate

import pytest
from django.db import connection, transaction

from tests.traceability.conftest import AT, Noted, at_once, new_mission, note, stream_of
from tests.traceability.following import connected, write_quietly
from tests.traceability.listening import WAIT_S, Heard, listening, of
from traceability import ledger
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.breaks_history
"""Entries are written as a stranger would, without what they tell."""


def test_a_wake_up_that_is_lost_is_healed_by_the_next_look(committing: None) -> None:
    mission = new_mission()

    async def do(heard: Heard) -> None:
        with connected(autocommit=True) as quiet:
            for count in (1, 2, 3):
                write_quietly(quiet, mission)
                await heard.until(count)

    told = asyncio.run(listening(of([mission]), do))
    assert [each.id for each in told] == list(Entry.objects.of_mission(mission.id).values_list("pk", flat=True))


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
