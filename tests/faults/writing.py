"""A process that appends to the ledger as the product does, now and then slowly, and takes some of it back.

`python -m tests.faults.writing {plain|ledger} SEED COUNT SLOWEST_MS MISSION:KEY...`
"""

import random
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from os import environ
from typing import ClassVar

import psycopg

from coordinator.lib.refs import Ref
from traceability import canonical
from traceability.events import SYSTEM, Event

INSERT = """
INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_name, mission_id, occurred_at, canonical)
VALUES (%s, 'task.noted', 1, 'system', 'writer', %s, now(), %s)
"""
TAKEN_BACK = 0.1


@dataclass(frozen=True, kw_only=True)
class TaskNoted(Event):
    """Something to tell of a task."""

    kind: ClassVar[str] = "task.noted"
    text: str = ""


class TakenBack(RuntimeError):
    """The writer changed its mind."""


def plain(held: psycopg.Connection, missions: list[Ref], pause_s: float, keep: bool) -> None:
    """The SQL of the ledger without the rest of it, so that many fit on a small machine."""
    with held.transaction(force_rollback=not keep):
        for each in missions:
            text = {"data": {}, "refs": {"mission": {"id": each.id, "key": each.key}}, "actor": {"name": "writer"}}
            held.execute(INSERT, [f"mission:{each.id}", each.id, canonical.write(text)])
        time.sleep(pause_s)


def through_the_ledger(missions: list[Ref], pause_s: float, keep: bool) -> None:
    """A service's way; its entries are appended last, so it is slow after that, in the transaction around it."""
    from django.db import transaction  # noqa: PLC0415  (only where Django is set up)

    from traceability import ledger  # noqa: PLC0415

    with suppress(TakenBack), transaction.atomic():
        with ledger.writing():
            for each in missions:
                ledger.record(TaskNoted(mission=each), actor=SYSTEM, at=datetime.now(UTC))
        time.sleep(pause_s)
        if not keep:
            raise TakenBack


def writer_of(way: str) -> Callable[[list[Ref], float, bool], None]:
    if way == "plain":
        held = psycopg.connect(environ["DATABASE_URL"], autocommit=True)
        return lambda missions, pause_s, keep: plain(held, missions, pause_s, keep)
    import django  # noqa: PLC0415

    django.setup()
    return through_the_ledger


def main(way: str, seed: int, count: int, slowest_ms: int, missions: list[Ref]) -> None:
    chance, write = random.Random(seed), writer_of(way)
    left = count
    while left:
        some = sorted(chance.sample(missions, chance.choice((1, 1, 1, 2))), key=lambda each: f"mission:{each.id}")
        keep = chance.random() >= TAKEN_BACK
        write(some, chance.random() * slowest_ms / 1000, keep)
        left -= keep


if __name__ == "__main__":
    way, seed, count, slowest_ms, *named = sys.argv[1:]
    refs = [Ref(int(pk), key) for pk, _, key in (name.partition(":") for name in named)]
    main(way, int(seed), int(count), int(slowest_ms), refs)
