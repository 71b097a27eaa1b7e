"""The tail when something goes wrong: a slow transaction, a lost connection, a restored database, too much at once."""

import asyncio

import psycopg
import pytest

from tests.traceability.conftest import new_mission
from tests.traceability.following import connected, write_quietly
from tests.traceability.listening import WAIT_S, Heard, listening, of
from traceability import snapshots
from traceability import tail as tailing
from traceability.models import Entry

pytestmark = pytest.mark.breaks_history
"""Entries are written as a stranger would, without what they tell."""

CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE query ~ 'present.snap|virtualtransaction' AND pid <> pg_backend_pid() AND datname = current_database()
"""
FUTURE = "UPDATE traceability_entry SET xid = (2^40)::bigint::text::xid8"
"""Transaction ids as a restored database has them: of another instance, which was further."""


def test_what_is_told_while_the_tail_is_cut_off_is_not_lost(committing: None) -> None:
    mission = new_mission()

    async def do(heard: Heard) -> None:
        with connected(autocommit=True) as other:
            write_quietly(other, mission)
            await heard.until(1)
            row = other.execute(CUT).fetchone()
            assert row == (1,)
            write_quietly(other, mission)
            await heard.until(2)

    told = asyncio.run(listening(of([mission]), do))
    assert [each.id for each in told] == list(Entry.objects.of_mission(mission.id).values_list("pk", flat=True))


def test_a_transaction_that_stays_open_is_waited_for_as_long_as_it_lives(
    committing: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tailing, "LONG_HOLD_S", 0.1)
    missions = [new_mission(), new_mission()]

    async def do(heard: Heard) -> None:
        with connected() as slow, connected(autocommit=True) as quick:
            write_quietly(slow, missions[0])
            write_quietly(quick, missions[1])
            async with asyncio.timeout(WAIT_S):
                while "keeps its entries" not in caplog.text:
                    await asyncio.sleep(0.01)
            assert heard.told == []
            assert str(slow.info.backend_pid) in caplog.text
            slow.commit()
            await heard.until(2)

    told = asyncio.run(listening(of(missions), do))
    assert [each.topics[0] for each in told] == [f"mission:{each.id}" for each in missions]
    assert caplog.text.count("keeps its entries") == 1


def test_the_database_ends_who_keeps_entries_too_long_and_the_others_are_told(committing: None) -> None:
    missions = [new_mission(), new_mission()]

    async def do(heard: Heard) -> None:
        with connected(coordinator__longest_hold="1s") as stuck, connected(autocommit=True) as quick:
            write_quietly(stuck, missions[0])
            write_quietly(quick, missions[1])
            await heard.until(1)
            with pytest.raises(psycopg.Error):
                stuck.execute("SELECT 1")

    told = asyncio.run(listening(of(missions), do))
    assert [each.topics[0] for each in told] == [f"mission:{missions[1].id}"]


def test_more_than_may_wait_is_given_up_and_said_and_what_follows_is_told(
    committing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "MOST_HELD", 5)
    missions = [new_mission(), new_mission()]

    async def do(heard: Heard) -> None:
        with connected() as slow, connected(autocommit=True) as quick:
            write_quietly(slow, missions[0])
            for _ in range(8):
                write_quietly(quick, missions[1])
            async with asyncio.timeout(WAIT_S):
                while not heard.tail.lost:
                    await asyncio.sleep(0.01)
            slow.commit()
            await heard.until(0, lost=1)
            last = write_quietly(quick, missions[1])
            await heard.until(1)
            assert [each.id for each in heard.told][-1] == last
            assert heard.lost[0] < heard.told[0].id

    asyncio.run(listening(of(missions), do))


def test_a_transaction_of_many_pages_is_told_whole_and_in_order(
    committing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "PAGE", 5)
    monkeypatch.setattr(tailing, "AT_ONCE", 3)
    mission = new_mission()

    async def do(heard: Heard) -> None:
        with connected() as held:
            for _ in range(23):
                write_quietly(held, mission)
            held.commit()
            await heard.until(23)

    told = asyncio.run(listening(of([mission]), do))
    assert [each.id for each in told] == list(Entry.objects.of_mission(mission.id).values_list("pk", flat=True))


def test_a_restored_ledger_is_not_told_again_and_what_is_new_in_it_is_told_once(committing: None) -> None:
    mission = new_mission()
    with connected(autocommit=True) as held:
        for _ in range(3):
            write_quietly(held, mission)
        held.execute("ALTER TABLE traceability_entry DISABLE TRIGGER entry_kept")
        held.execute(FUTURE)
        held.execute("ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_kept")

    async def do(heard: Heard) -> None:
        with connected(autocommit=True) as held:
            for count in (1, 2):
                write_quietly(held, mission)
                await heard.until(count)

    told = asyncio.run(listening(of([mission]), do))
    assert [each.id for each in told] == list(Entry.objects.of_mission(mission.id).values_list("pk", flat=True))[3:]


def test_another_database_in_the_place_of_the_first_is_noticed_and_said(committing: None) -> None:
    mission = new_mission()

    async def do(heard: Heard) -> None:
        with connected(autocommit=True) as held:
            write_quietly(held, mission)
            await heard.until(1)
            heard.tail.home = "7001/1/16384"
            held.execute(CUT)
            await heard.until(1, lost=1)
            last = write_quietly(held, mission)
            await heard.until(2)
            assert heard.told[-1].id == last > heard.lost[0] == heard.told[0].id

    asyncio.run(listening(of([mission]), do))


def test_reading_that_ended_begins_anew_and_says_that_something_may_be_missing(committing: None) -> None:
    mission = new_mission()

    async def do(heard: Heard) -> None:
        with connected(autocommit=True) as held:
            assert heard.tail.task is not None
            heard.tail.task.cancel()
            await asyncio.gather(heard.tail.task, return_exceptions=True)
            missing = write_quietly(held, mission)
            heard.tail.start()
            await heard.until(0, lost=1)
            assert heard.lost == [missing]
            last = write_quietly(held, mission)
            await heard.until(1)
            assert [each.id for each in heard.told] == [last]

    asyncio.run(listening(of([mission]), do))
