"""Lint tells of what can be read and still does not do what somebody meant; explain says why a decision came out so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from policies import files
from policies.models import FIELDS, Decision
from policies.services import revising, waiving
from policies.services.waiving import Cover
from tests.factories import person
from tests.policies.rows import FORCE_PUSH, SEED, agent, ask, policy
from traceability.events import SYSTEM

pytestmark = pytest.mark.django_db
PUSH: dict[str, Any] = {"conditions": {"action_type": "git_push"}, "actions": [{"block": "No pushes."}]}
TESTS = [
    {"name": "yes", "input": {**FORCE_PUSH, "branch": "main"}, "expect": "match"},
    {"name": "no", "input": {"action_type": "deploy"}, "expect": "no_match"},
]


def lint(tmp_path: Path, *more: str, capsys: Any, **policies: dict[str, Any]) -> list[str]:
    """What lint says of these policies as files, without the place and the last line."""
    for key, fields in policies.items():
        usual = {**SEED, "scope": "global", "tests": TESTS, "status": "active", "on_error": "closed", **fields}
        (tmp_path / f"{key}.yaml").write_text(files.write(key, usual))
    call_command("policy_lint", tmp_path, *more)
    told: list[str] = capsys.readouterr().out.replace(f"{tmp_path}/", "").splitlines()
    return told[:-1]


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({}, PUSH),
        ({"scope": {"mission": ["m-1"]}}, SEED),
        ({"scope": {"mission": ["m-1"], "agent": ["a"]}}, {**PUSH, "scope": {"mission": ["m-1", "m-2"]}}),
        ({"actions": [{"warn": "careful"}]}, PUSH),
        (
            {"conditions": {"action_type": "git_push", "force": True, "branch": "main"}},
            {"conditions": {"force": True, "action_type": {"in": ["git_push", "git_commit"]}}},
        ),
        ({"valid_until": datetime(2030, 1, 1, tzinfo=UTC)}, SEED),
    ],
)
def test_a_policy_behind_a_wider_one_is_shadowed(tmp_path: Path, narrow: Any, wide: Any, capsys: Any) -> None:
    told = lint(tmp_path, capsys=capsys, behind=narrow, front=wide)
    assert [line.split(": ")[:3] for line in told] == [["behind.yaml", "warning", "shadowed"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {**PUSH, "actions": [{"warn": "careful"}]}),
        ({}, {**PUSH, "mode": "audit"}),
        ({}, {**PUSH, "status": "disabled"}),
        ({}, {**PUSH, "scope": {"mission": ["m-1"]}}),
        ({}, {**PUSH, "valid_until": datetime(2030, 1, 1, tzinfo=UTC)}),
        ({}, {"conditions": {"action_type": "git_push", "branch": "main"}}),
    ],
)
def test_what_may_match_alone_is_not_shadowed(tmp_path: Path, one: Any, other: Any, capsys: Any) -> None:
    assert lint(tmp_path, capsys=capsys, one=one, other=other) == []


def test_two_that_say_different_things_of_the_same_contradict_each_other(tmp_path: Path, capsys: Any) -> None:
    told = lint(tmp_path, capsys=capsys, softly={"actions": [{"warn": "careful"}]}, strictly={})
    assert told == [
        "softly.yaml: warning: contradicting: Of the same actions strictly says block; the stricter counts,"
        " this one never."
    ]
    assert "double: strictly says the same" in lint(tmp_path, capsys=capsys, twice={})[1]


def test_what_is_untested_over_or_fails_its_tests_is_told(tmp_path: Path, capsys: Any) -> None:
    over = {"valid_until": datetime(2020, 1, 1, tzinfo=UTC), "tests": TESTS[:1]}
    told = lint(tmp_path, capsys=capsys, over=over)
    assert [line.split(": ")[2] for line in told] == ["untested", "unreachable"]
    with pytest.raises(CommandError):
        lint(tmp_path, "--strict", capsys=capsys)
    with pytest.raises(CommandError):
        lint(tmp_path, capsys=capsys, failing={"tests": [{**TESTS[0], "expect": "no_match"}]})
    assert "error: failing: tests/0: 'yes': expected no_match, found block." in capsys.readouterr().out


def test_lint_of_all_names_what_matched_nothing_in_thirty_days(capsys: Any) -> None:
    old = timezone.now() - timedelta(days=40)
    revising.create(policy_id="asleep", **{**SEED, "tests": TESTS}, actor=SYSTEM, now=old)
    policy(policy_id="archived", status="archived")
    call_command("policy_lint", "--all")
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "asleep: warning: stale: It matched nothing in the last 30 days.",
        "1 policies: 0 errors, 1 warnings.",
    ]


def test_the_starters_have_nothing_odd(capsys: Any) -> None:
    call_command("policy_lint", "--starters", "--strict")
    assert "10 policies: 0 errors, 0 warnings." in capsys.readouterr().out


def explain(number: int | None, capsys: Any) -> str:
    call_command("policy_explain", str(number))
    told: str = capsys.readouterr().out
    return told


def test_an_explanation_names_each_test_the_revision_and_the_reason(capsys: Any) -> None:
    conditions = {"action_type": "git_push", "any": [{"force": True}, {"branch": {"in": ["main"]}}]}
    row, doer = policy(policy_id="no-force", conditions=conditions), agent()
    told = explain(ask(agent=doer.ref).decision_id, capsys)
    assert f"about agent {doer.key}" in told
    assert f"no-force revision 1 (by {SYSTEM.name}, " in told
    assert '  holds      action_type eq "git_push"; there was "git_push"\n' in told
    assert "  holds      force eq true; there was true\n" in told
    assert '  does not   branch in ["main"]; there was nothing\n' in told
    assert told.endswith("Why: no-force blocks; of all that matches, the strictest counts.\n")
    assert set(FIELDS) > set(SEED)
    assert row.version == 1


def test_an_explanation_says_what_let_an_action_through(capsys: Any) -> None:
    assert "No policy matched" in explain(ask({"action_type": "deploy"}).decision_id, capsys)
    row, doer, now = policy(policy_id="no-force"), agent(), timezone.now()
    asker, other = person(), person()
    waiver = waiving.request(
        row, Cover(agent=doer.ref), reason="x", expires_at=now + timedelta(days=1), person=asker, actor=SYSTEM, now=now
    )
    waiving.grant(waiver, person=other, actor=SYSTEM, now=now)
    told = explain(ask(agent=doer.ref).decision_id, capsys)
    assert "allow, would have been block" in told
    assert f"waiver {waiver.pk} kept it from binding" in told
    policy(policy_id="watch", conditions={"action_type": "spend"}, mode="audit")
    assert "watch is in audit mode" in explain(ask({"action_type": "spend"}).decision_id, capsys)


def test_an_explanation_of_an_error_says_what_could_not_be_judged(capsys: Any) -> None:
    policy(policy_id="odd", conditions={"custom.n": {"gt": 1}}, actions=[{"warn": "x"}])
    told = explain(ask({"action_type": "deploy", "custom": {"n": "a"}}).decision_id, capsys)
    assert '  error      custom.n gt 1; there was "a" (custom.n: it is not a number)' in told
    assert "odd could not be judged, and fails open." in told


def test_there_is_no_explanation_of_nothing(capsys: Any) -> None:
    with pytest.raises(CommandError, match="no decision"):
        explain(987654, capsys)
    assert not Decision.objects.exists()
