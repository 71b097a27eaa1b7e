"""Streams of a mission made at random, in which every entry fits those before it."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import strategies as st

from missions.lifecycle import MissionStatus, TaskStatus
from missions.replaying.state import Told

BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)
TASKS, AGENTS = 4, 3
WORDS = "said by somebody"
"""Stands in every text of a story that people and agents write."""

Fields = dict[str, st.SearchStrategy[Any]]

STATUSES = st.sampled_from(TaskStatus.values)
AMOUNTS = st.decimals(min_value=0, max_value=900, places=6).map(str)
PERCENT = st.integers(0, 100)


def told(
    seq: int,
    kind: str,
    data: dict[str, Any],
    *,
    task: int | None = None,
    agent: int | None = None,
    minutes: float = 0,
    schema: int = 1,
) -> Told:
    """One entry of mission 1."""
    refs = {
        "mission": {"id": 1, "key": "m-1"},
        **({} if task is None else {"task": {"id": task, "key": key(task)}}),
        **({} if agent is None else {"agent": {"id": 70 + agent, "key": f"a-{agent}"}}),
    }
    at = (BEGAN + timedelta(minutes=minutes)).isoformat(timespec="microseconds")[:-6] + "Z"
    return Told(100 + seq, "mission:1", seq, kind, schema, at, "olga", refs, data)


def key(task: int) -> str:
    return f"t-{task}"


def created(seq: int, task: int, *, needs: list[str] | None = None, **fields: Any) -> Told:
    usual: dict[str, Any] = {"task_id": key(task), "status": "pending", "agent": None, "percent": 0, "outputs": {},
             "objective": WORDS, "budget_usd": None, "due_at": None}  # fmt: skip
    data = {"fields": {**usual, **fields}, "depends_on": needs or [], "requirements": []}
    return told(seq, "task.created", data, task=task)


def moved(seq: int, task: int, after: str, *, minutes: float = 0, reason: str = "", agent: int | None = None) -> Told:
    data = {"before": "pending", "after": after, "attempts": 1, "percent": 0, "reason": reason, "decisions": []}
    return told(seq, "task.moved", data, task=task, agent=agent, minutes=minutes)


TEXTS = st.sampled_from([WORDS, f"{WORDS} else", ""])
TIMES = st.sampled_from([None, "2026-12-01T00:00:00.000000Z"])
NEEDS = st.none() | st.lists(st.integers(0, TASKS - 1).map(key), max_size=2)
CHANGED = st.fixed_dictionaries(
    {}, optional={"budget_usd": st.none() | AMOUNTS, "due_at": TIMES, "objective": TEXTS, "percent": PERCENT,
                  "agent": st.none() | st.just({"id": 71, "key": "a-1"})},
)  # fmt: skip
MISSION_CHANGED = st.fixed_dictionaries(
    {}, optional={"budget_usd": st.none() | AMOUNTS, "goal": st.just(WORDS), "deadline": TIMES,
                  "thresholds": st.just({"loop": 2})},
)  # fmt: skip
RUN = {"execution": st.integers(1, 3), "adapter": st.just("openai")}
FAILED = {"failure": TEXTS, "detail": TEXTS, "cost_usd": st.none() | AMOUNTS}
WHO = {"participant": st.sampled_from(["a-1", "olga"]), "participant_kind": st.sampled_from(["agent", "member"])}
ADVISORY = st.sampled_from([("overdue:task:1", 1), ("budget:mission:1", 2)])

OF_TASKS: dict[str, st.SearchStrategy[Any]] = {
    kind: st.fixed_dictionaries(cast(Fields, data))
    for kind, data in {
        "task.moved": {
            "before": STATUSES, "after": STATUSES, "attempts": st.integers(0, 3), "percent": PERCENT, "reason": TEXTS,
            "decisions": st.just([]),
        },
        "task.updated": {"fields": CHANGED, "depends_on": NEEDS, "requirements": st.none() | st.just([{"key": "r"}])},
        "task.reported": {"percent": st.none() | PERCENT, "outputs": st.just({"said": WORDS}), "report": st.just(1)},
        "task.claimed": {"fence": st.integers(1, 9)},
        "task.released": {"fence": st.integers(1, 9), "reason": TEXTS},
        "task.costed": {"cost_usd": AMOUNTS},
        "task.reviewed": {"approved": st.booleans(), "comment": TEXTS},
        "task.move_refused": {"before": STATUSES, "after": STATUSES},
        "execution.queued": RUN,
        "execution.started": {**RUN, "attempt": st.just(1), "host": st.just("h")},
        "execution.retried": {**RUN, **FAILED, "attempt": st.just(1)},
        "execution.ended": {**RUN, **FAILED, "state": st.sampled_from(["succeeded", "failed", "cancelled"])},
    }.items()
}  # fmt: skip
"""Kinds about a task, each with the data of its entries."""

OF_MISSIONS: dict[str, st.SearchStrategy[Any]] = {
    **{
        kind: st.fixed_dictionaries(cast(Fields, data))
        for kind, data in {
            "mission.moved": {"after": st.sampled_from(MissionStatus.values)},
            "mission.updated": {"fields": MISSION_CHANGED},
            "mission.participant_joined": {**WHO, "role": st.sampled_from(["lead", "observer"])},
            "mission.participant_left": WHO,
            "mission.process_changed": {"state": st.sampled_from(["starting", "running", "parked", "stopped"])},
            "mission.costed": {"cost_usd": AMOUNTS},
            "github.synced": {"repository": st.just("o/r")},
        }.items()
    },
    "advisory.opened": ADVISORY.map(
        lambda named: {
            "cause": named[0], "advisory": named[1], "about": "overdue", "severity": "info", "message": WORDS,
        }
    ),
    "advisory.resolved": ADVISORY.map(lambda named: {"cause": named[0], "advisory": named[1]}),
}  # fmt: skip
"""Kinds about the mission as a whole."""

BEGINNINGS = {"execution.queued": "execution", "advisory.opened": "advisory"}
"""What must stand before other entries that name the same."""


@st.composite
def stories(draw: st.DrawFn, longest: int = 40) -> list[Told]:
    """A mission with its tasks, and what happens to them; times mostly go on, as those of one writer's entries do."""
    fields = {"goal": WORDS, "status": "planning", "budget_usd": "10.50", "deadline": None}
    story = [told(1, "mission.created", {"fields": fields})]
    story += [created(2 + n, n, agent={"id": 70, "key": "a-0"} if n else None) for n in range(TASKS)]
    minutes = 0.0
    for kind, data, task, agent, pause in draw(st.lists(_happenings(), max_size=longest)):
        about = {"task": task, "agent": agent} if kind in OF_TASKS else {}
        story.append(told(len(story) + 1, kind, data, minutes=max(minutes + pause, 0), **about))
        minutes += max(pause, 0)
    return _fitting(story)


def _happenings() -> st.SearchStrategy[tuple[str, dict[str, Any], int, int, float]]:
    task, agent, pause = st.integers(0, TASKS - 1), st.integers(0, AGENTS - 1), st.integers(-5, 3000).map(float)
    kinds = {**OF_TASKS, **OF_MISSIONS}
    return st.sampled_from(sorted(kinds)).flatmap(
        lambda kind: st.tuples(st.just(kind), kinds[kind], task, agent, pause)
    )


def _fitting(story: list[Told]) -> list[Told]:
    """The same, numbered anew, without what happens to runs and advisories that were never begun."""
    begun, kept = set[tuple[str, int]](), list[Told]()
    for each in story:
        named = {(noun, each.data[noun]) for noun in BEGINNINGS.values() if noun in each.data}
        begun |= named if each.kind in BEGINNINGS else set()
        if named <= begun:
            kept.append(each._replace(seq=len(kept) + 1, id=101 + len(kept)))
    return kept
