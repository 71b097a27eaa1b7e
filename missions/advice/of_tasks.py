"""Rules on one task of an active mission. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from missions.advice.findings import Finding, Watch, dollars, exact, spoken
from missions.lifecycle import TaskStatus
from missions.standing.state import Standing, Work

DONE = TaskStatus.COMPLETED.value
STALLED = "stalled_task:task:"
SEVERITIES = (
    ("budget_critical_percent", "critical"),
    ("budget_warning_percent", "warning"),
    ("budget_info_percent", "info"),
)


@dataclass(frozen=True, slots=True)
class View:
    """What rules look at: a mission's standing at `now` (seconds since 1970), with its thresholds.

    `heard` is when tasks were last heard of beyond the ledger, by row id.
    """

    mission_id: int
    standing: Standing
    heard: Mapping[int, float]
    now: float
    limits: Mapping[str, int]


def concerns(work: Work) -> bool:
    """Whether there is anything to watch: most tasks of a mission are done, or wait for others."""
    if work.status == DONE:
        return False
    return work.status in BY_STATUS or bool(work.due or work.failures or work.budget)


def of_task(view: View, pk: int, work: Work) -> Iterator[Watch]:
    """What is or will be wrong with an unfinished task."""
    if rule := BY_STATUS.get(work.status):
        yield rule(view, pk, work)
    if work.due is not None and work.status != TaskStatus.FAILED:
        yield Watch(work.due, f"overdue:task:{pk}", partial(_overdue, view, pk, work))
    if work.failures >= view.limits["loop_failures"]:
        yield Watch(work.heard, f"looping_agent:task:{pk}", partial(_looping, view, pk, work))
    if work.budget:
        yield from of_budget(view, f"task:{pk}", f"Task {work.key}", work.cost, work.budget, _about(pk, work))


def of_budget(
    view: View, name: str, title: str, cost: int, budget: int, about: Mapping[str, Any] | None = None
) -> Iterator[Watch]:
    """The highest step that a cost has reached of a budget (both in millionths of a US dollar)."""
    used = cost * 100 // budget
    for limit, severity in SEVERITIES:
        if used >= (step := view.limits[limit]):
            tell = partial(_budget, view, f"budget-{step}:{name}", title, severity, step, cost, budget, about or {})
            yield Watch(view.now, f"budget-{step}:{name}", tell)
            return


def stalled_among(names: Iterable[str]) -> list[int]:
    """The row ids of the tasks that are stalled by these findings: they may have been heard of beyond the ledger."""
    return [int(name.removeprefix(STALLED)) for name in names if name.startswith(STALLED)]


def _stalling(view: View, pk: int, work: Work) -> Watch:
    heard = max(work.heard, view.heard.get(pk, 0.0))
    at = float("inf") if work.running else heard + view.limits["stalled_after_s"]
    return Watch(at, f"{STALLED}{pk}", partial(_stalled, view, pk, work, heard))


def _waiting(view: View, pk: int, work: Work) -> Watch:
    at = work.since + view.limits["review_waits_s"]
    return Watch(at, f"review_waiting:task:{pk}", partial(_unreviewed, view, pk, work))


BY_STATUS: Mapping[str, Callable[[View, int, Work], Watch]] = {
    TaskStatus.IN_PROGRESS: _stalling,
    TaskStatus.PENDING_REVIEW: _waiting,
}


def _stalled(view: View, pk: int, work: Work, heard: float) -> Finding:
    message = f"Nothing was heard of task {work.key} since {spoken(heard)}."
    return _finding(view, "stalled_task", pk, work, message, last_heard_at=exact(heard), percent=work.percent)


def _unreviewed(view: View, pk: int, work: Work) -> Finding:
    message = f"Task {work.key} waits for review since {spoken(work.since)}."
    return _finding(view, "review_waiting", pk, work, message, waits_since=exact(work.since))


def _overdue(view: View, pk: int, work: Work) -> Finding:
    due = work.due or 0.0
    message = f"Task {work.key} was due {spoken(due)}."
    return _finding(view, "overdue", pk, work, message, due_at=exact(due), percent=work.percent)


def _looping(view: View, pk: int, work: Work) -> Finding:
    by = f" by {work.agent}" if work.agent else ""
    message = f"Task {work.key} failed {work.failures} times in a row in the same way{by}."
    return _finding(view, "looping_agent", pk, work, message, failures=work.failures, last_heard_at=exact(work.heard))


def _budget(
    view: View, name: str, title: str, severity: str, step: int, cost: int, budget: int, about: Mapping[str, Any]
) -> Finding:
    spent, limit = cost / 1e6, budget / 1e6
    used = cost * 100 // budget
    return Finding(
        name=name,
        kind="budget",
        severity=severity,
        message=f"{title} has used {used} % of its budget: {spent:.2f} of {limit:.2f} USD.",
        evidence={"step_percent": step, "cost_usd": dollars(cost), "budget_usd": dollars(budget)},
        mission_id=view.mission_id,
        **about,
    )


def _finding(view: View, kind: str, pk: int, work: Work, message: str, **evidence: Any) -> Finding:
    return Finding(
        name=f"{kind}:task:{pk}",
        kind=kind,
        severity="warning",
        message=message,
        evidence=evidence,
        mission_id=view.mission_id,
        **_about(pk, work),
    )


def _about(pk: int, work: Work) -> dict[str, Any]:
    return {"task_id": pk, "agent": work.agent}
