"""How fast a mission is folded from its entries, and how long a step of the page's slider takes.

`python -m benchmarks.spine replaying`.

The mission has 400 tasks; agents claim, start, report on, pay for, hand in and end them, with decisions in between,
until the stream holds 20,000 entries. One process reads and folds; each figure is the median of five runs.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from django.utils import timezone

from accounts.roles import ROLES
from benchmarks.spine.ground import Figure
from coordinator.dashboard.replays import Past
from coordinator.lib.refs import Ref
from missions import events
from missions.models import Mission
from missions.replay import stream_of
from missions.replaying import folding, reading, snapshots
from missions.services import planning
from missions.supervision.server import MissionServer
from policies.events import DecisionMade
from traceability import ledger
from traceability.events import Actor

ENTRIES, TASKS, BATCH, RUNS, STEPS = 20_000, 400, 500, 5, 60


def run(database: str) -> list[Figure]:
    mission = _write()
    stream = stream_of(mission.pk)
    read = _seconds(lambda: deque(reading.entries(stream), maxlen=0))
    folded = _seconds(lambda: folding.fold(reading.entries(stream)))
    busy = median(_once(lambda: folding.fold(reading.entries(stream)), time.process_time) for _ in range(RUNS))
    figures = [
        ("entries read from PostgreSQL", ENTRIES / read, "entries/s"),
        ("entries read and folded", ENTRIES / folded, "entries/s"),
        ("the same for each second of the reader's CPU", ENTRIES / busy, "entries/s"),
        (
            "a mission's process catches up with 20,000 entries",
            _seconds(lambda: MissionServer(mission.pk).catch_up()) * 1000,
            "ms",
        ),
    ]
    snapshots.SHELF.clear()
    began = time.perf_counter()
    snapshots.state_at(stream, ENTRIES)
    figures.append(("the first look at a mission of 20,000 entries", (time.perf_counter() - began) * 1000, "ms"))
    chance = random.Random(7)
    far = [_once(lambda: snapshots.state_at(stream, chance.randrange(1, ENTRIES))) for _ in range(STEPS)]
    near = [_once(lambda at=at: snapshots.state_at(stream, at)) for at in range(9_700, 9_700 + STEPS)]
    step = [_once(lambda at=at: _look(mission, at)) for at in range(12_300, 12_300 + STEPS)]
    figures += [
        ("its state at a moment chosen at random, p50", median(far) * 1000, "ms"),
        ("its state one entry further, p50", median(near) * 1000, "ms"),
        ("all that the page reads for one step of its slider, p50", median(step) * 1000, "ms"),
    ]
    return figures


def _look(mission: Mission, seq: int) -> None:
    past = Past(mission, {"at": "", "seq": str(seq), "with": "", "with_seq": ""}, ROLES["viewer"])
    past.slider()
    past.board()


def _seconds(work: Callable[[], Any]) -> float:
    return median(_once(work) for _ in range(RUNS))


def _once(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began


def _write() -> Mission:
    """Tells the mission's history, in transactions of 500 entries."""
    actor = Actor("agent", 7, "coder", request_id="0b4cf1f0-6f2e-4b9a-9f0e-5f1d2b3c4d5e")
    now, told = timezone.now(), 1
    mission = planning.create_mission(mission_id="checkout", goal="Rewrite the checkout", actor=actor, now=now)
    story = _story(mission.ref, random.Random(7))
    while told < ENTRIES:
        with ledger.writing():
            for _ in range(min(BATCH, ENTRIES - told)):
                ledger.record(next(story), actor=actor, at=now)
                told += 1
    return mission


def _story(mission: Ref, chance: random.Random) -> Iterator[Any]:
    for number in range(TASKS):
        yield events.TaskCreated(mission=mission, task=Ref(number, f"task-{number}"), fields=_task(number))
    while True:
        number = chance.randrange(TASKS)
        yield from _work(mission, Ref(number, f"task-{number}"), Ref(number % 9, f"agent-{number % 9}"), chance)


def _task(number: int) -> dict[str, Any]:
    return {
        "task_id": f"task-{number}", "objective": f"Part {number} of the checkout", "description": "As agreed. " * 8,
        "status": "pending", "priority": number % 4, "sprint": None, "agent": None,
        "acceptance_criteria": ["The tests are green.", "The change is described."], "required_capabilities": ["git"],
        "budget_usd": None, "due_at": None, "review_required": None, "outputs": {}, "percent": 0,
    }  # fmt: skip


def _work(mission: Any, task: Any, agent: Any, chance: random.Random) -> Iterator[Any]:
    about = {"mission": mission, "task": task, "agent": agent}
    yield events.TaskClaimed(**about, fence=1, lease_until=timezone.now())
    yield events.TaskMoved(**about, before="pending", after="in_progress", attempts=1, percent=0)
    for percent in (20, 50, 80):
        yield events.TaskReported(
            **about, report=1, percent=percent, outputs={"tests": "green", "share": chance.random()}, logs=3,
            logs_sha256="a" * 64,
        )  # fmt: skip
        yield events.TaskCosted(**about, cost_usd=f"0.{chance.randrange(10, 99)}")  # type: ignore[arg-type]
    yield DecisionMade(
        **about, decision=chance.randrange(10**6), point="task_transition", action_type="task_transition",
        outcome="warn", input_hash="b" * 64, bundle_hash="c" * 64,
        policies=[{"policy_id": "p-1", "revision": 2, "outcome": "warn", "message": "Large change."}],
    )  # fmt: skip
    yield events.TaskMoved(**about, before="in_progress", after="pending_review", attempts=1, percent=80)
    yield events.TaskReviewed(**about, approved=True, comment="Clean.", reviewer="ops@example.org")
    yield events.TaskMoved(**about, before="pending_review", after="completed", attempts=1, percent=100)
