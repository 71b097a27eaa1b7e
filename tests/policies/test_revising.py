"""Policies are kept as revisions that only grow, checked as a whole, and count from the next decision on."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import InternalError
from django.utils import timezone

from coordinator.lib.errors import Invalid, Stale
from policies import bundles, resolving
from policies.models import ActiveBundle, Policy, PolicyRevision
from policies.services import revising
from tests.policies.rows import SEED, agent, ask, mission, policy, revise, task
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def in_force() -> str:
    return ActiveBundle.objects.get().hash


def test_the_seeds_policy_is_taken_as_it_is_and_binds_at_once() -> None:
    row = revising.create(actor=SYSTEM, now=timezone.now(), **SEED)
    assert (row.status, row.mode, row.on_error, row.version) == ("active", "enforce", "closed", 1)
    verdict = ask()
    assert verdict.outcome == "block"
    assert verdict.as_data()[0]["message"] == "Force pushes are not allowed"


def test_what_only_warns_fails_open_unless_it_says_otherwise() -> None:
    assert policy(actions=[{"warn": "careful"}]).on_error == "open"
    assert policy(actions=[{"warn": "careful"}, {"escalate": "ask"}]).on_error == "closed"
    assert policy(actions=[{"warn": "careful"}], on_error="closed").on_error == "closed"


def test_every_change_is_a_revision_and_the_old_ones_stay() -> None:
    row = policy(description="first")
    revise(row, description="second", change_note="clearer")
    revise(row, status="disabled")
    kept = list(PolicyRevision.objects.filter(policy=row).order_by("n"))
    assert [(each.n, each.description, each.status) for each in kept] == [
        (1, "first", "active"),
        (2, "second", "active"),
        (3, "second", "disabled"),
    ]
    assert kept[1].change_note == "clearer"
    assert len({each.content_hash for each in kept}) == 3


def test_what_does_not_differ_makes_no_revision() -> None:
    row = policy()
    entries = Entry.objects.count()
    assert revise(row, conditions=dict(SEED["conditions"])).version == 1
    assert Entry.objects.count() == entries


def test_true_and_1_are_not_the_same_condition() -> None:
    row = policy(conditions={"custom.x": True})
    assert revise(row, conditions={"custom.x": 1}).version == 2


def test_changes_are_told_with_what_changed() -> None:
    row = policy()
    revise(row, mode="audit", change_note="try it first")
    created, revised = Entry.objects.filter(subject_type="policy", subject_id=row.pk).order_by("pk")
    assert (created.kind, created.data["fields"]["conditions"]) == ("policy.created", SEED["conditions"])
    assert revised.kind == "policy.revised"
    assert revised.data == {"revision": 2, "fields": {"mode": "audit"}, "change_note": "try it first"}


def test_an_old_version_changes_nothing() -> None:
    row = policy()
    revise(row, description="newer")
    with pytest.raises(Stale):
        revising.revise(row, expected=1, description="older", actor=SYSTEM, now=timezone.now())
    assert Policy.objects.get(pk=row.pk).description == "newer"


def test_a_key_is_taken_once_kept_for_ever_and_no_address() -> None:
    row = policy(policy_id="no-force")
    with pytest.raises(revising.PolicyKeyTaken):
        policy(policy_id="no-force")
    with pytest.raises(Invalid):
        revise(row, policy_id="other")
    for bad in ("evaluate", "simulate", "12", "-x", "a b"):
        with pytest.raises(Invalid):
            policy(policy_id=bad)
    assert revise(row, policy_id="no-force", description="x").version == 2


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"conditions": {"action_type": "git_push", "forced": True}}, "conditions", "/forced"),
        ({"conditions": {}}, "conditions", "match_all"),
        ({"conditions": None}, "conditions", "object"),
        ({"conditions": {"custom.x": "a\x00b"}}, "conditions", "NUL"),
        ({"actions": []}, "actions", "1 to 10"),
        ({"actions": {"block": "x"}}, "actions", "1 to 10"),
        ({"actions": [{"block": "x", "warn": "y"}]}, "actions", "/0: An action has exactly one"),
        ({"actions": [{"warn": "x"}, {"deny": "x"}]}, "actions", "/1: An action has exactly one"),
        ({"actions": [{"block": " "}]}, "actions", "Say why"),
        ({"actions": [{"block": 5}]}, "actions", "Say why"),
        ({"scope": "mission"}, "scope", "global"),
        ({"scope": {}}, "scope", "global"),
        ({"scope": {"misson": ["m"]}}, "scope", "/misson"),
        ({"scope": {"mission": "m-1"}}, "scope", "list"),
        ({"scope": {"mission": [True]}}, "scope", "ids or keys"),
        ({"scope": {"mission": []}}, "scope", "list"),
        ({"require": "branch"}, "require", "list"),
        ({"require": ["a..b"]}, "require", "/0"),
        ({"priority": 1001}, "priority", "1000"),
        ({"surplus": 1}, "surplus", "no field"),
    ],
)
def test_a_draft_with_a_mistake_is_refused_and_the_field_is_named(fields: Any, field: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        policy(**fields)
    assert told in " ".join(refused.value.errors[field])
    assert not Policy.objects.exists()


def test_a_scope_that_names_what_does_not_exist_is_refused_and_says_which() -> None:
    home, work, doer = mission(), task(), agent()
    named = {"mission": [home.pk, home.key], "task": [work.key, str(work.pk)], "agent": [doer.key]}
    row = policy(scope={**named, "capability": ["anything"], "agent_type": ["claude_code"]})
    wrong = {"mission": [home.key, "nowhere", 10**12], "sprint": ["007"], "agent": [home.key, doer.pk]}
    with pytest.raises(Invalid) as refused:
        revise(row, scope=wrong)
    assert refused.value.errors == {
        "scope": [
            "/mission/2: There is no mission '1000000000000'.",
            "/mission/1: There is no mission 'nowhere'.",
            "/sprint/0: There is no sprint '007'.",
            f"/agent/0: There is no agent {home.key!r}.",
        ]
    }
    assert Policy.objects.get(pk=row.pk).version == 1
    with pytest.raises(Invalid):
        policy(scope={"task": [10**30]})


def test_a_scope_is_looked_up_once_for_each_kind_of_object(django_assert_num_queries: Any) -> None:
    keys = [agent().key for _ in range(5)]
    with django_assert_num_queries(2):
        assert resolving.strangers({"agent": keys, "mission": ["x"], "capability": ["y"]})


def test_a_policy_ends_after_it_begins() -> None:
    begins, ends = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(Invalid):
        policy(valid_from=begins, valid_until=ends)
    row = policy(valid_from=ends, valid_until=begins)
    with pytest.raises(IntegrityError), transaction.atomic():
        Policy.objects.filter(pk=row.pk).update(valid_until=ends)


def test_the_bundle_names_the_active_policies_and_nothing_else() -> None:
    empty = in_force()
    assert empty == ""
    row = policy()
    first = in_force()
    assert first
    policy(status="draft")
    assert in_force() == first
    revise(row, priority=3)
    assert in_force() not in {"", first}
    revise(row, status="archived")
    assert in_force() == ""


def test_a_change_counts_from_the_next_decision_on() -> None:
    row = policy()
    assert ask().outcome == "block"
    revise(row, actions=[{"warn": "careful"}])
    verdict = ask()
    assert verdict.outcome == "warn"
    assert verdict.as_data()[0]["revision"] == 2
    revise(row, status="disabled")
    assert ask().outcome == "allow"


def test_what_a_transaction_took_back_is_never_judged_by() -> None:
    row = policy(actions=[{"warn": "careful"}])
    with transaction.atomic():
        revise(row, actions=[{"block": "never"}])
        assert ask().outcome == "block"
        transaction.set_rollback(True)
    assert ask().outcome == "warn"
    revise(row, actions=[{"escalate": "ask"}])
    assert ask().outcome == "escalate"


def test_an_unchanged_bundle_is_compiled_once(django_assert_num_queries: Any) -> None:
    policy()
    first = bundles.current()
    with django_assert_num_queries(1):
        assert bundles.current() is first


def test_a_type_that_the_installation_no_longer_has_is_an_error_and_not_silence(settings: Any) -> None:
    settings.POLICY_ACTION_TYPES = {"drone_flight": {"altitude_m": "number"}}
    row = policy(conditions={"action_type": "drone_flight", "altitude_m": {"gt": 100}})
    assert ask({"action_type": "drone_flight", "altitude_m": 200}).outcome == "block"
    settings.POLICY_ACTION_TYPES = {}
    rule = bundles.rule_of(row.__dict__, policy=row.pk, key=row.key, revision=1)
    assert "cannot be read" in rule.broken


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE policies_policyrevision SET description = 'other'",
        "DELETE FROM policies_policyrevision",
        "TRUNCATE policies_policyrevision CASCADE",
        "UPDATE policies_decision SET outcome = 'allow'",
        "DELETE FROM policies_decision",
        "TRUNCATE policies_decision",
        "DELETE FROM policies_approval",
    ],
)
def test_the_database_refuses_to_rewrite_history(statement: str) -> None:
    policy(actions=[{"escalate": "ask"}])
    ask()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
            cursor.execute(statement)


def test_the_database_refuses_a_change_of_a_policy_without_its_revision() -> None:
    row = policy()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute("UPDATE policies_policy SET version = 9 WHERE id = %s", [row.pk])
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute("UPDATE policies_policy SET content_hash = 'x' WHERE id = %s", [row.pk])
