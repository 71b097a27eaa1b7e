"""Rules on a mission as a whole: money, time, chains of blocked work, agents that loop, work without requirement. Pure.

A forecast and a burn rate hover: what was said of them stands until they are clear of the limit by a twentieth.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from missions.advice.findings import Finding, Watch, dollars, exact, listed, spoken
from missions.advice.of_tasks import DONE, View, of_budget
from missions.lifecycle import TaskStatus
from missions.standing import figures
from missions.standing.figures import HOUR, STUCK, Chain, Forecast
from missions.standing.state import Fellow

DAY = 24 * HOUR
CLEAR = 0.95
EXACT_TO = 3
"""Times are worked out to the millisecond."""


def always(view: View) -> Iterator[Watch]:
    """What is watched in every mission that has not ended: its budget and its deadline."""
    standing = view.standing
    if standing.budget:
        yield from of_budget(view, f"mission:{view.mission_id}", "Mission {mission}", standing.cost, standing.budget)
    if standing.deadline is not None:
        yield Watch(standing.deadline, f"overdue:mission:{view.mission_id}", partial(_overdue, view))


def at_work(view: View) -> Iterator[Watch]:
    """What is watched in an active mission besides."""
    yield from _burning(view)
    yield from _at_risk(view)
    yield from _held_up(view)
    yield from _looping(view)
    yield from _unlinked(view)


def _burning(view: View) -> Iterator[Watch]:
    """The cost that passes the budget before the work is done, or within a day when nobody knows when that is."""
    standing, now = view.standing, view.now
    left = (standing.budget or 0) - standing.cost
    if left <= 0 or not standing.spent or not _has_work(view):
        return
    rate = figures.burn(standing, now)
    if rate <= 0:
        return
    name = f"budget_burn:mission:{view.mission_id}"
    ahead = figures.forecast(standing, now)
    hours = ((ahead.expected if ahead else now + DAY) - now) / HOUR
    tell = partial(_burns, view, name, rate, now + left / rate * HOUR, ahead)
    if rate * hours > left * (CLEAR if name in standing.advisories else 1):
        yield Watch(now, name, tell)
    yield Watch((now // HOUR + 1) * HOUR, name, tell)


def _has_work(view: View) -> bool:
    tasks = view.standing.tasks
    return not tasks or any(work.status != DONE for work in tasks.values())


def _at_risk(view: View) -> Iterator[Watch]:
    """A forecast past the deadline. It moves on while nothing is completed, and in proportion to the time."""
    standing, now = view.standing, view.now
    deadline = standing.deadline
    if deadline is None or deadline <= now or (ahead := figures.forecast(standing, now)) is None:
        return
    later = figures.forecast(standing, now + HOUR)
    assert later is not None
    probable, possible = (f"deadline_at_risk-{word}:mission:{view.mission_id}" for word in ("probable", "possible"))
    at = _crossing(view, probable, ahead.expected, later.expected)
    yield Watch(at, probable, partial(_late, view, probable, "warning", ahead))
    if at > now:
        at = _crossing(view, possible, ahead.late, later.late)
        yield Watch(at, possible, partial(_late, view, possible, "info", ahead))


def _crossing(view: View, name: str, ahead: float, in_an_hour: float) -> float:
    """When a forecast that is `ahead` now passes the deadline."""
    limit = view.standing.deadline or 0.0
    if name in view.standing.advisories:
        limit -= (limit - view.now) * (1 - CLEAR)
    if ahead >= limit:
        return view.now
    return round(view.now + (limit - ahead) * HOUR / (in_an_hour - ahead), EXACT_TO)


def _held_up(view: View) -> Iterator[Watch]:
    """Blocked or failed tasks that others wait for, directly or through others."""
    if not any(work.status in STUCK for work in view.standing.tasks.values()):
        return
    for chain in figures.chains(view.standing):
        patience = view.limits["blocked_after_s"] if chain.work.status == TaskStatus.BLOCKED else 0
        yield Watch(chain.work.since + patience, f"blocked_chain:task:{chain.task_id}", partial(_chain, view, chain))


def _looping(view: View) -> Iterator[Watch]:
    """Agents that fail in the same way on task after task; one that does so on one task is told of with the task."""
    limit = view.limits["loop_failures"]
    for key, fellow in view.standing.agents.items():
        if fellow.failures >= limit:
            own = [work for work in view.standing.tasks.values() if work.agent == key]
            told = any(work.failed == fellow.failed and work.failures >= limit for work in own)
            if not told and any(work.status != DONE for work in own):
                name = f"looping_agent:mission:{view.mission_id}:agent:{fellow.id}"
                yield Watch(fellow.heard, name, partial(_loops, view, name, key, fellow))


def _unlinked(view: View) -> Iterator[Watch]:
    """Open tasks without a requirement in a mission where others serve one."""
    tasks = view.standing.tasks.values()
    bare = [work for work in tasks if not work.requirements and work.status != DONE]
    if bare and len(bare) < len(tasks) and any(work.requirements for work in tasks):
        at = min(work.since for work in bare) + view.limits["unlinked_after_s"]
        keys = sorted(work.key for work in bare)
        yield Watch(at, f"no_requirement:mission:{view.mission_id}", partial(_bare, view, keys))


def _overdue(view: View) -> Finding:
    at = view.standing.deadline or 0.0
    message = f"Mission {{mission}} is past its deadline of {spoken(at)}."
    return _finding(view, "overdue", "critical", message, deadline=exact(at))


def _burns(view: View, name: str, rate: float, empty_at: float, ahead: Forecast | None) -> Finding:
    budget = (view.standing.budget or 0) / 1e6
    before = "before its work is done" if ahead else "within a day"
    return _finding(
        view,
        "budget_burn",
        "warning",
        f"Mission {{mission}} spends {rate / 1e6:.2f} USD an hour: its budget of {budget:.2f} USD is used up "
        f"by {spoken(empty_at, view.now)}, {before}.",
        burn_usd_per_hour=dollars(rate),
        cost_usd=dollars(view.standing.cost),
        budget_usd=dollars(view.standing.budget or 0),
        used_up_at=exact(empty_at),
        finish_at=exact(ahead.expected) if ahead else None,
    )


def _late(view: View, name: str, severity: str, ahead: Forecast) -> Finding:
    deadline = view.standing.deadline or 0.0
    certain = severity == "warning"
    when = ahead.expected if certain else ahead.late
    return _finding(
        view,
        "deadline_at_risk",
        severity,
        f"Mission {{mission}} {'is' if certain else 'may be'} done by {spoken(when, view.now)} at its present pace; "
        f"its deadline is {spoken(deadline, view.now)}.",
        name=name,
        deadline=exact(deadline),
        finish_at=exact(ahead.expected),
        finish_late_at=exact(ahead.late),
        tasks_per_day=f"{ahead.per_day:.2f}",
    )


def _chain(view: View, chain: Chain) -> Finding:
    count = f"at least {chain.holds_up}" if chain.cut else f"{chain.holds_up}"
    others = f"{count} task waits" if chain.holds_up == 1 else f"{count} tasks wait"
    return Finding(
        name=f"blocked_chain:task:{chain.task_id}",
        kind="blocked_chain",
        severity="critical",
        message=f"Task {chain.work.key} is {chain.work.status}, and {others} for it.",
        evidence={"holds_up": chain.holds_up, "status": chain.work.status, "since": exact(chain.work.since)},
        mission_id=view.mission_id,
        task_id=chain.task_id,
        agent=chain.work.agent,
    )


def _loops(view: View, name: str, key: str, fellow: Fellow) -> Finding:
    message = f"Agent {key} failed {fellow.failures} times in a row in the same way in mission {{mission}}."
    return _finding(
        view, "looping_agent", "warning", message, name=name, agent=key, failures=fellow.failures,
        last_heard_at=exact(fellow.heard),
    )  # fmt: skip


def _bare(view: View, keys: list[str]) -> Finding:
    one = len(keys) == 1
    count = "1 open task of mission {mission} has" if one else f"{len(keys)} open tasks of mission {{mission}} have"
    message = f"{count} no requirement, though other tasks have one."
    return _finding(view, "no_requirement", "info", message, **listed(keys))


def _finding(
    view: View, kind: str, severity: str, message: str, *, name: str = "", agent: str | None = None, **evidence: Any
) -> Finding:
    return Finding(
        name=name or f"{kind}:mission:{view.mission_id}",
        kind=kind,
        severity=severity,
        message=message,
        evidence=evidence,
        mission_id=view.mission_id,
        agent=agent,
    )
