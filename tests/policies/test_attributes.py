"""What actions tell about themselves: amounts, own types, and which types a policy can hold for."""

from typing import Any

from django.core.checks import run_checks

from policies import checks
from policies.conditions import Fault, read
from tests.policies.test_conditions import REGISTRY, holds, mistakes


def test_money_is_compared_as_an_amount_whether_text_or_number() -> None:
    conditions = {"action_type": "spend", "amount_usd": {"gte": "10.50"}}
    for amount, expected in (("10.5", True), (10.5, True), ("9.99", False), (11, True)):
        assert holds(conditions, {"action_type": "spend", "amount_usd": amount}) is expected
    assert isinstance(holds(conditions, {"action_type": "spend", "amount_usd": "much"}), Fault)
    same = {"action_type": "spend", "amount_usd": "1.50"}
    assert holds(same, {"action_type": "spend", "amount_usd": 1.5}) is True


def test_an_installation_has_types_of_its_own() -> None:
    assert holds({"action_type": "drone_flight", "altitude_m": {"gt": 100}}, {"action_type": "drone_flight"}) is False
    assert "altitude_m" in mistakes({"action_type": "drone_flight", "altitude": 1})["/altitude"]
    read({"action_type": "custom.review", "whatever": 1}, REGISTRY)


def test_the_types_that_a_policy_can_hold_for_are_read_from_its_lines() -> None:
    for conditions, types in (
        ({"action_type": "shell"}, {"shell"}),
        ({"action_type": {"in": ["shell", "deploy"]}}, {"shell", "deploy"}),
        ({"all": [{"action_type": "shell"}, {"command": "x"}]}, {"shell"}),
        ({"any": [{"action_type": "shell"}, {"action_type": "deploy"}]}, None),
        ({"not": {"action_type": "shell"}}, None),
        ({"match_all": True}, None),
    ):
        assert read(conditions, REGISTRY)[1] == types


def test_attributes_of_a_branch_are_those_of_the_type_it_names() -> None:
    read({"any": [{"action_type": "shell", "sudo": True}, {"action_type": "git_push", "force": True}]}, REGISTRY)
    found = mistakes({"any": [{"action_type": "shell", "force": True}, {"action_type": "git_push", "sudo": True}]})
    assert set(found) == {"/any/0/force", "/any/1/sudo"}


def test_the_check_of_the_installation_tells_own_types_that_cannot_be_used(settings: Any) -> None:
    assert checks.check_action_types(None) == []
    settings.POLICY_ACTION_TYPES = {"drone_flight": {"altitude_m": "numbr"}}
    assert [each.id for each in run_checks()] == ["policies.E001"]
