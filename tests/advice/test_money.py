"""Rules on money: steps of a budget, and a cost that will pass it."""

import pytest

from missions.advice import rules
from tests.advice.standings import DAY, HOUR, MISSION, NOW, finished_half, standing, work, wrong


@pytest.mark.parametrize(
    ("cost", "step", "severity"),
    [(4_999_999, None, ""), (5_000_000, 50, "info"), (8_100_000, 80, "warning"), (10_000_000, 100, "critical"),
     (25_000_000, 100, "critical")],
)  # fmt: skip
def test_the_highest_step_of_a_budget_is_the_one_that_counts(cost: int, step: int | None, severity: str) -> None:
    on_task = standing(work(status="pending", budget=10_000_000, cost=cost))
    on_mission = standing(budget=10_000_000, cost=cost)
    for of, name in ((on_task, "task:1"), (on_mission, "mission:7")):
        found = wrong(of)
        assert list(found) == ([f"budget-{step}:{name}"] if step else [])
        for each in found.values():
            assert (each.severity, each.evidence["step_percent"]) == (severity, step)
            assert each.evidence["budget_usd"] == "10.00"


def test_a_burn_that_passes_the_budget_within_a_day_is_told_where_no_forecast_is() -> None:
    of = standing(work(status="pending"), budget=100_000_000, cost=24_000_000, spent={HOUR - 5: 24_000_000})
    found = wrong(of)["budget_burn:mission:7"]
    assert "its budget of 100.00 USD is used up by" in found.message
    assert found.message.endswith("within a day.")
    assert found.evidence["cost_usd"] == "24.00"
    of.budget = 1_000_000_000
    assert wrong(of) == {}


def test_a_burn_is_held_against_the_end_that_is_forecast() -> None:
    of = finished_half(NOW + 60 * DAY)
    of.budget, of.cost, of.spent = 100_000_000, 10_000_000, {HOUR - 5: 6_000_000}
    found = wrong(of)["budget_burn:mission:7"]
    assert found.message.endswith("before its work is done.")
    assert found.evidence["finish_at"]
    of.budget = 200_000_000
    assert "budget_burn:mission:7" not in wrong(of)


def test_a_burn_is_forgotten_when_nothing_was_spent_for_hours() -> None:
    of = standing(work(status="pending"), budget=100_000_000, cost=24_000_000, spent={HOUR: 24_000_000})
    looks, at = 0, NOW
    while (soon := rules.look(MISSION, of, at).next_at) is not None:
        at, looks = soon, looks + 1
    assert (looks, wrong(of, at)) == (6, {})


def test_nothing_burns_where_all_work_is_done() -> None:
    of = standing(work(status="completed"), budget=100_000_000, cost=24_000_000, spent={HOUR - 1: 24_000_000})
    assert wrong(of) == {}


def test_what_hovers_about_its_limit_is_told_until_it_is_clear_of_it() -> None:
    of = standing(work(status="pending"), budget=118_000_000, cost=20_000_000, spent={HOUR - 5: 20_000_000})
    assert wrong(of) == {}, "96 USD in a day, and 98 are left"
    of.advisories["budget_burn:mission:7"] = 1
    assert list(wrong(of)) == ["budget_burn:mission:7"]
    of.budget = 122_000_000
    assert wrong(of) == {}
