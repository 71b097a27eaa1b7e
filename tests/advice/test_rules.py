"""Each rule holds from its exact second on, says why, and ends with its cause; nothing is asked or written."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from missions.advice import rules
from missions.advice.findings import OF_MISSIONS, kind_of
from missions.standing import packing
from missions.standing.state import Standing
from tests.advice.standings import DAY, MISSION, NOW, fellow, finished_half, standing, work, wrong


@dataclass(frozen=True)
class Case:
    """A mission that is fine before `at` and wrong from then on; `mend` is what takes the cause away."""

    name: str
    severity: str
    at: float
    make: Callable[[], Standing]
    mend: Callable[[Standing], object]
    says: str


def _set(task: int = 1, **fields: Any) -> Callable[[Standing], object]:
    def mend(of: Standing) -> None:
        for name, value in fields.items():
            setattr(of.tasks[task], name, value)

    return mend


def _finish_all(of: Standing) -> None:
    for each in of.tasks.values():
        each.status = "completed"


CASES = (
    Case(
        "stalled_task:task:1", "warning", NOW + 1800, lambda: standing(work()), _set(heard=NOW + 1800),
        "Nothing was heard of task t-1 since",
    ),
    Case(
        "review_waiting:task:1", "warning", NOW + 14_400, lambda: standing(work(status="pending_review")),
        _set(status="rejected"), "Task t-1 waits for review since",
    ),
    Case(
        "blocked_chain:task:1", "critical", NOW + 600,
        lambda: standing(
            work(status="blocked"), work("t-2", "pending", needs=("t-1",)), work("t-3", "pending", needs=("t-2",))
        ),
        _set(status="pending"), "Task t-1 is blocked, and 2 tasks wait for it.",
    ),
    Case(
        "blocked_chain:task:1", "critical", NOW,
        lambda: standing(work(status="failed", since=NOW), work("t-2", "pending", needs=("t-1",))),
        _set(task=2, status="completed"), "Task t-1 is failed, and 1 task waits for it.",
    ),
    Case(
        "overdue:task:1", "warning", NOW + 60, lambda: standing(work(status="pending", due=NOW + 60)),
        _set(due=NOW + DAY), "Task t-1 was due",
    ),
    Case(
        "overdue:mission:7", "critical", NOW + 60, lambda: standing(deadline=NOW + 60),
        lambda of: setattr(of, "deadline", None), "Mission {mission} is past its deadline of",
    ),
    Case(
        "no_requirement:mission:7", "info", NOW + 900,
        lambda: standing(work(status="pending"), work("t-2", "pending", requirements=1)),
        _set(requirements=1), "1 open task of mission {mission} has no requirement",
    ),
    Case(
        "looping_agent:task:1", "warning", NOW,
        lambda: standing(work(status="pending", agent="birch", failed="x", failures=3), agents={"birch": fellow()}),
        _set(failures=0), "Task t-1 failed 3 times in a row in the same way by birch.",
    ),
    Case(
        "looping_agent:mission:7:agent:3", "warning", NOW,
        lambda: standing(
            work(status="pending", agent="birch"), agents={"birch": fellow(failed="x", failures=3)}
        ),
        lambda of: setattr(of.agents["birch"], "failures", 0), "Agent birch failed 3 times in a row",
    ),
    Case(
        "deadline_at_risk-probable:mission:7", "warning", NOW + DAY, lambda: finished_half(NOW + 6 * DAY), _finish_all,
        "Mission {mission} is done by",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} {case.says[:12]}")
def test_a_rule_holds_from_its_exact_second_on(case: Case) -> None:
    of = case.make()
    assert case.name not in wrong(of, case.at - 1)
    found = wrong(of, case.at)[case.name]
    assert (found.severity, found.kind) == (case.severity, kind_of(case.name))
    assert found.message.startswith(case.says)
    assert found.message.endswith(".")
    assert found.evidence
    assert case.name in wrong(of, case.at + DAY / 2)
    case.mend(of)
    assert case.name not in wrong(of, case.at)


@pytest.mark.parametrize("case", [case for case in CASES if case.at > NOW], ids=lambda case: case.name)
def test_the_next_look_is_when_the_next_thing_becomes_wrong(case: Case) -> None:
    of, at = case.make(), NOW
    while case.name not in rules.look(MISSION, of, at).wrong:
        soon = rules.look(MISSION, of, at).next_at
        assert soon is not None
        assert at < soon <= case.at
        at = soon
    assert at == case.at


def test_a_deadline_that_may_be_missed_is_for_information_until_it_probably_is() -> None:
    of = finished_half(NOW + 5 * DAY)
    assert list(wrong(of)) == ["deadline_at_risk-possible:mission:7"]
    assert wrong(of)["deadline_at_risk-possible:mission:7"].severity == "info"
    assert list(wrong(of, NOW + 0.6 * DAY)) == ["deadline_at_risk-probable:mission:7"]
    assert list(wrong(of, NOW + 5 * DAY)) == ["overdue:mission:7"]


def test_a_task_that_fails_again_and_again_is_told_once_not_also_of_its_agent() -> None:
    of = standing(
        work(status="pending", agent="birch", failed="x", failures=3),
        agents={"birch": fellow(failed="x", failures=3)},
    )
    assert list(wrong(of)) == ["looping_agent:task:1"]


def test_work_that_a_worker_runs_is_not_stalled() -> None:
    assert wrong(standing(work(run=1, running=True)), NOW + DAY) == {}


def test_a_task_that_was_heard_of_beyond_the_ledger_is_stalled_later() -> None:
    of = standing(work())
    look = rules.look(MISSION, of, NOW + 1800, {1: NOW + 100})
    assert (look.wrong, look.next_at) == ({}, NOW + 1900)


@pytest.mark.parametrize("status", ["planning", "paused"])
def test_a_mission_at_rest_is_watched_for_its_budget_and_deadline_only(status: str) -> None:
    of = standing(work(due=NOW), status=status, budget=10, cost=10, deadline=NOW)
    assert set(wrong(of, NOW + DAY)) == {"budget-100:mission:7", "overdue:mission:7"}


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_mission_that_has_ended_needs_no_advice(status: str) -> None:
    of = standing(work(due=NOW), status=status, budget=10, cost=10, deadline=NOW)
    look = rules.look(MISSION, of, NOW + DAY)
    assert (look.wrong, look.next_at) == ({}, None)


def test_a_mission_where_nothing_can_go_wrong_is_never_looked_at_again() -> None:
    assert rules.look(MISSION, standing(work(status="pending"), work(status="completed")), NOW).next_at is None


@pytest.mark.parametrize(
    ("name", "value", "make", "at"),
    [
        ("stalled_after_s", 60, lambda: standing(work()), NOW + 60),
        ("review_waits_s", 60, lambda: standing(work(status="pending_review")), NOW + 60),
        ("blocked_after_s", 60, lambda: standing(work(status="blocked"), work("t-2", needs=("t-1",))), NOW + 60),
        ("unlinked_after_s", 60, lambda: standing(work(status="pending"), work("t-2", requirements=1)), NOW + 60),
        ("loop_failures", 2, lambda: standing(work(status="pending", failures=2)), NOW),
        ("budget_info_percent", 10, lambda: standing(budget=100, cost=10), NOW),
    ],
)
def test_a_mission_sets_thresholds_of_its_own(name: str, value: int, make: Callable[[], Standing], at: float) -> None:
    of = make()
    assert wrong(of, at) == {}
    of.thresholds = {name: value}
    assert len(wrong(of, at)) == 1
    assert wrong(of, NOW - 1) == {} or at == NOW


def test_looking_changes_nothing() -> None:
    for case in CASES:
        of = case.make()
        before = copy.deepcopy(packing.plain(of))
        wrong(of, case.at)
        assert packing.plain(of) == before


def test_every_kind_of_a_mission_is_tried_here() -> None:
    tried = {kind_of(case.name) for case in CASES} | {"budget", "budget_burn"}
    assert tried == set(OF_MISSIONS)
