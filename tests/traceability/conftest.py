"""History of its own for each test."""

import itertools
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, ClassVar

import pytest
from django.db import connection

from coordinator.lib.refs import Ref
from traceability import ledger
from traceability.events import SYSTEM, Actor, Event

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
_missions = itertools.count(uuid.uuid4().int % 2**40 * 1000)


@dataclass(frozen=True, kw_only=True)
class Noted(Event):
    """Something to tell in tests of the ledger itself."""

    kind: ClassVar[str] = "note.taken"
    text: Any = ""


def new_mission() -> Ref:
    """A mission that no other test tells of; the ledger needs no row of it."""
    pk = next(_missions)
    return Ref(pk, f"m-{pk}")


def note(mission: Ref | None = None, text: Any = "", *, actor: Actor = SYSTEM, **refs: Any) -> None:
    """Tells one event in a transaction of its own."""
    with ledger.writing():
        ledger.record(Noted(mission=mission, text=text, **refs), actor=actor, at=AT)


def stream_of(mission: Ref) -> str:
    return f"mission:{mission.id}"


@pytest.fixture
def committing(committed_db: str) -> None:
    """What the test writes is really committed, in a database of its own."""


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs each job in a thread with a connection of its own, all begun at the same moment; answers what they gave."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=30)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))
