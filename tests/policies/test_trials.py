"""Tests stored with a policy: they run at every save, and one that fails refuses it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from coordinator.lib.errors import Invalid
from policies.models import Policy, PolicyRevision
from policies.services import revising
from tests.factories import client_of, person
from tests.policies.rows import FORCE_PUSH, SEED, ask, policy, revise
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
FORCED = {"name": "a force push", "input": FORCE_PUSH, "expect": "match"}
PLAIN = {"name": "a plain push", "input": {"action_type": "git_push", "force": False}, "expect": "no_match"}


@pytest.fixture
def operator() -> APIClient:
    return client_of(person("operator"))


def refused(**fields: Any) -> list[str]:
    with pytest.raises(Invalid) as failed:
        policy(**fields)
    return failed.value.errors["tests"]


@pytest.mark.parametrize("expect", ["match", "block"])
def test_a_policy_whose_tests_hold_is_kept_with_them(expect: str) -> None:
    row = policy(tests=[{**FORCED, "expect": expect}, PLAIN])
    assert row.tests[0]["expect"] == PolicyRevision.objects.get(policy=row).tests[0]["expect"] == expect
    assert not row.untested


def test_a_failing_test_refuses_the_policy_and_says_where_what_was_expected_and_what_was_found() -> None:
    told = refused(tests=[PLAIN, {**FORCED, "expect": "warn"}, {**PLAIN, "name": "again", "expect": "match"}])
    assert told == ["/1: 'a force push': expected warn, found block.", "/2: 'again': expected match, found no_match."]
    assert not Policy.objects.exists()


def test_a_change_that_breaks_a_test_is_refused_and_nothing_changes() -> None:
    row = policy(tests=[FORCED, PLAIN])
    with pytest.raises(Invalid) as failed:
        revise(row, conditions={"action_type": "git_push", "force": False})
    assert len(failed.value.errors["tests"]) == 2
    row.refresh_from_db()
    assert (row.version, row.conditions) == (1, SEED["conditions"])


def test_what_cannot_be_judged_is_found_to_be_an_error_and_may_be_expected() -> None:
    missing = {"name": "no branch", "input": FORCE_PUSH, "expect": "error"}
    row = policy(require=["branch"], tests=[missing])
    assert row.untested
    assert refused(require=["branch"], tests=[FORCED]) == ["/0: 'a force push': expected match, found error."]


def test_a_test_tells_who_asks_what_is_known_and_when() -> None:
    condition = {"context.agent": "a-1", "mission.status": "active", "context.at": {"after": "2026-06-01T00:00:00Z"}}
    told = {"context": {"agent": "a-1"}, "facts": {"mission": {"status": "active"}}, "at": "2026-07-01T00:00:00Z"}
    asked = {"name": "a", "input": {"action_type": "deploy"}, **told, "expect": "match"}
    policy(conditions=condition, tests=[asked, {**asked, "name": "b", "at": "2026-05-01T00:00:00Z", "expect": "allow"}])


def test_scope_and_window_do_not_hide_a_match_but_a_time_that_is_named_counts() -> None:
    window = {"valid_from": None, "valid_until": None}
    row = policy(scope={"agent_type": ["claude_code"]}, tests=[FORCED, PLAIN], **window)
    assert ask().outcome == "allow"
    assert row.effective_mode == "enforce"


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ({}, "Tests are a list"),
        ([{"name": "x"}], "/0: A test has expect, input, name"),
        ([{**FORCED, "surplus": 1}], "/0: A test has"),
        ([{**FORCED, "name": " "}], "/0/name"),
        ([{**FORCED, "expect": "denied"}], "/0/expect: This takes one of match"),
        ([{**FORCED, "input": {"force": True}}], "/0/input: This takes an action"),
        ([{**FORCED, "input": {"action_type": "git_psh"}}], "/0/input/action_type: There is no action type"),
        ([{**FORCED, "input": {"action_type": "git_push", "force": "yes"}}], "/0/input/force: force of git_push is"),
        ([{**FORCED, "at": "Friday"}], "/0/at"),
        ([{**FORCED, "facts": 1}], "/0/facts"),
        ([{**FORCED, "context": {"who": "x"}}], "/0/context"),
        ([{**FORCED, "context": {"capabilities": "db"}}], "/0/context/capabilities"),
        ([{**FORCED, "context": {"agent": 1}}], "/0/context/agent"),
        ([FORCED, PLAIN, FORCED], "/0/name: Two tests are called 'a force push'."),
        ([{**FORCED, "name": "a\x00b"}], "NUL"),
        ([{**FORCED, "name": str(n)} for n in range(101)], "at most 100"),
    ],
)
def test_a_test_that_cannot_be_read_is_refused_by_its_place(tests: Any, told: str) -> None:
    assert told in refused(tests=tests)[0]


def test_a_policy_without_tests_binds_at_once_and_says_that_it_is_untested(operator: APIClient) -> None:
    answer = operator.post("/api/policies", SEED, format="json").json()
    assert (answer["tests"], answer["untested"], answer["effective_mode"]) == ([], True, "enforce")
    assert ask().outcome == "block"


def test_where_tests_are_required_an_untested_policy_is_only_recorded_until_it_has_both(settings: Any) -> None:
    settings.POLICY_TESTS_REQUIRED = True
    row = policy(tests=[FORCED])
    verdict = ask()
    assert (verdict.outcome, verdict.as_data()[0]["would_have"], row.effective_mode) == ("allow", "block", "audit")
    row = revise(row, tests=[FORCED, PLAIN])
    assert (ask().outcome, row.mode, row.effective_mode) == ("block", "enforce", "enforce")


def test_the_api_refuses_a_failing_test_with_its_pointer(operator: APIClient) -> None:
    answer = operator.post("/api/policies", {**SEED, "tests": [{**FORCED, "expect": "no_match"}]}, format="json")
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"tests": ["/0: 'a force push': expected no_match, found block."]}


def test_rolling_back_is_activating_an_old_revision(operator: APIClient) -> None:
    row = policy(description="first", tests=[FORCED, PLAIN])
    revise(row, description="second", actions=[{"warn": "careful"}], tests=[])
    revise(row, status="disabled")
    assert ask().outcome == "allow"
    answer = operator.post(f"/api/policies/{row.key}/activate", {"revision": 1}, format="json")
    assert answer.status_code == 200
    assert {"version": 4, "status": "active", "description": "first"}.items() <= answer.json().items()
    assert answer["ETag"] == '"4"'
    last = PolicyRevision.objects.get(policy=row, n=4)
    assert (last.change_note, last.tests) == ("Revision 1 again.", [FORCED, PLAIN])
    assert ask().as_data()[0]["revision"] == 4


def test_activating_refuses_a_revision_that_is_not_there_and_an_old_version(operator: APIClient) -> None:
    row = policy(status="draft")
    address = f"/api/policies/{row.key}/activate"
    assert operator.post(address, {"revision": 7}, format="json").json()["errors"] == {
        "revision": [f"Policy {row.key} has no revision 7."]
    }
    assert operator.post(address, {"revision": 0}, format="json").status_code == 422
    assert operator.post(address, {"n": 1}, format="json").status_code == 422
    assert operator.post(address, {}, format="json").json()["status"] == "active"
    assert operator.post(address, {}, format="json", headers={"If-Match": '"1"'}).status_code == 412


def test_policies_that_matched_nothing_for_thirty_days_are_listed(operator: APIClient) -> None:
    now = timezone.now()
    old: dict[str, Any] = {"actor": SYSTEM, "now": now - timedelta(days=31)}
    named = {
        key: revising.create(policy_id=key, conditions=conditions, actions=[{"warn": "x"}], mode=mode, **old)
        for key, conditions, mode in (
            ("lately", {"action_type": "deploy"}, "audit"),
            ("long-ago", {"action_type": "spend"}, "enforce"),
            ("never", {"action_type": "git_commit"}, "enforce"),
        )
    }
    revise(named["never"], description="Its words changed.")
    policy(policy_id="new", conditions={"action_type": "git_commit"})
    policy(policy_id="off", conditions={"action_type": "git_commit"}, status="disabled")
    ask({"action_type": "spend"}, now=now - timedelta(days=30, seconds=1))
    ask({"action_type": "deploy"})
    found = operator.get("/api/policies?stale=true").json()["results"]
    assert [each["policy_id"] for each in found] == ["long-ago", "never"]
    assert operator.get("/api/policies?stale=yes").status_code == 400


def test_untested_policies_are_listed(operator: APIClient) -> None:
    policy(policy_id="both", tests=[FORCED, PLAIN])
    policy(policy_id="one", tests=[FORCED])
    policy(policy_id="none")
    found = operator.get("/api/policies?untested=true").json()["results"]
    assert [each["policy_id"] for each in found] == ["one", "none"]
    assert all(each["untested"] for each in found)


def test_a_policy_that_cannot_be_read_any_more_can_still_be_switched_off(operator: APIClient, settings: Any) -> None:
    settings.POLICY_ACTION_TYPES = {"drone_flight": {"altitude_m": "number"}}
    row = policy(conditions={"action_type": "drone_flight"})
    settings.POLICY_ACTION_TYPES = {}
    address = f"/api/policies/{row.key}"
    assert operator.patch(address, {"description": "x"}, format="json").status_code == 422
    assert operator.patch(address, {"status": "disabled", "owner": "ada"}, format="json").status_code == 422
    assert operator.patch(address, {"status": "disabled"}, format="json").json()["status"] == "disabled"
    assert operator.post(f"{address}/activate", {}, format="json").status_code == 422
