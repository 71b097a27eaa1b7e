"""A policy tried on the recorded past: honest counts, the entries it hits, and nothing written."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from policies import files
from policies.models import Approval, Decision, Policy
from tests.factories import client_of, person
from tests.policies.rows import FORCE_PUSH, agent, ask, mission, policy, revise
from traceability.models import Entry

pytestmark = pytest.mark.django_db
DRAFT = {"conditions": {"action_type": "git_push", "branch": "main"}, "actions": [{"block": "Not to main."}]}


@pytest.fixture
def reader() -> Any:
    return client_of(person("viewer"))


def tried(client: Any, **body: Any) -> dict[str, Any]:
    answer = client.post("/api/policies/simulate", {**DRAFT, **body}, format="json")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def push(branch: str, **also: Any) -> Any:
    return ask({"action_type": "git_push", "branch": branch}, **also)


def test_a_draft_tells_what_it_would_have_decided_and_which_decisions_it_hits(reader: Any) -> None:
    doer = agent()
    hit = push("main", agent=doer.ref)
    push("dev")
    ask({"action_type": "shell", "command": "ls"})
    report = tried(reader)
    assert (report["considered"], report["matched"], report["could_not_judge"]) == (3, 1, 0)
    assert report["outcomes"] == {"block": 1, "escalate": 0, "warn": 0}
    assert (report["stricter"], report["complete"]) == (1, True)
    found = report["hits"][0]
    assert (found["decision"], found["agent"], found["was"], found["outcome"]) == (
        hit.decision_id,
        doer.key,
        "allow",
        "block",
    )
    assert found["matched"][1]["actual"] == "main"


def test_trying_writes_nothing(reader: Any) -> None:
    push("main")
    before = (Decision.objects.count(), Entry.objects.count())
    tried(reader, actions=[{"escalate": "ask"}])
    assert (Decision.objects.count(), Entry.objects.count()) == before
    assert not Approval.objects.exists()
    assert not Policy.objects.exists()


def test_a_stored_policy_is_tried_whatever_its_status_mode_and_window(reader: Any) -> None:
    ask(FORCE_PUSH)
    row = policy(status="draft", mode="audit", valid_from=timezone.now() + timedelta(days=1))
    report = reader.post(f"/api/policies/{row.key}/simulate", {}, format="json").json()
    assert (report["matched"], report["outcomes"]["block"]) == (1, 1)


def test_what_was_already_as_strict_is_not_stricter(reader: Any) -> None:
    policy()
    ask(FORCE_PUSH)
    report = tried(reader, conditions={"action_type": "git_push"}, actions=[{"warn": "careful"}])
    assert (report["matched"], report["stricter"], report["hits"][0]["was"]) == (1, 0, "block")


def test_what_cannot_be_judged_is_counted_and_never_called_no_effect(reader: Any) -> None:
    ask({"action_type": "git_push", "custom": {"size": "big"}})
    ask({"action_type": "http_request", "url": "x", "headers": {"Authorization": "hidden"}})
    assert tried(reader, conditions={"custom.size": {"gt": 5}})["could_not_judge"] == 1
    secret = {"action_type": "http_request", "headers.Authorization": {"startswith": "Bearer"}}
    report = tried(reader, conditions=secret)
    assert (report["matched"], report["could_not_judge"]) == (0, 1)
    report = tried(reader, require=["branch"])
    assert (report["matched"], report["could_not_judge"]) == (0, 1)


def test_the_scope_and_the_context_are_those_of_then(reader: Any) -> None:
    home = mission()
    push("main", mission=home.ref, capabilities=("git",))
    push("main")
    assert tried(reader, scope={"mission": [home.key]})["matched"] == 1
    assert tried(reader, scope={"mission": [home.pk], "capability": ["git"]})["matched"] == 1
    assert tried(reader, scope={"capability": ["rust"]})["matched"] == 0


def test_the_past_is_bounded_by_times_and_by_a_number(reader: Any) -> None:
    now = timezone.now()
    for days in (3, 2, 1):
        push("main", now=now - timedelta(days=days))
    assert tried(reader, after=(now - timedelta(days=2, hours=1)).isoformat())["considered"] == 2
    assert tried(reader, before=(now - timedelta(days=2, hours=1)).isoformat())["considered"] == 1
    report = tried(reader, limit=2)
    assert (report["considered"], report["complete"]) == (2, False)
    assert tried(reader, limit=3)["complete"] is True


def test_a_draft_with_a_mistake_is_422(reader: Any) -> None:
    changes: list[dict[str, Any]] = [
        {"conditions": {}},
        {"actions": []},
        {"limit": 0},
        {"surplus": 1},
        {"status": "active"},
    ]
    for change in changes:
        answer = reader.post("/api/policies/simulate", {**DRAFT, **change}, format="json")
        assert answer.status_code == 422, change


def test_the_cost_does_not_grow_with_the_past(reader: Any, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        push("main")
    tried(reader)
    with django_assert_max_num_queries(6):
        assert tried(reader)["matched"] == 20


def test_what_a_stored_policy_said_then_is_taken_back_and_what_would_differ_is_counted(reader: Any) -> None:
    row, doer, home = policy(policy_id="no-force"), agent(), mission()
    ask(FORCE_PUSH, agent=doer.ref, mission=home.ref)
    ask(FORCE_PUSH, agent=doer.ref)
    push("main")
    revise(row, conditions={"action_type": "git_push", "branch": "main"})
    report = reader.post(f"/api/policies/{row.key}/simulate", {}, format="json").json()
    assert (report["matched"], report["stricter"], report["looser"]) == (1, 1, 2)
    assert report["changed_by"] == {
        "agent": {doer.key: 2, "": 1}, "mission": {"": 2, home.key: 1}, "action_type": {"git_push": 3},
    }  # fmt: skip
    assert [(each["was"], each["outcome"]) for each in report["changes"]] == [
        ("allow", "block"), ("block", "allow"), ("block", "allow"),
    ]  # fmt: skip


def test_what_another_policy_says_of_it_stays(reader: Any) -> None:
    row = policy()
    policy(actions=[{"escalate": "A person looks."}])
    ask(FORCE_PUSH)
    revise(row, conditions={"action_type": "deploy"})
    report = reader.post(f"/api/policies/{row.key}/simulate", {}, format="json").json()
    assert [(each["was"], each["outcome"]) for each in report["changes"]] == [("block", "escalate")]


def test_it_is_said_why_decisions_could_not_be_judged(reader: Any) -> None:
    ask({"action_type": "spend", "amount_usd": "1.00"})
    limited = {"action_type": "spend", "cost.agent_24h": {"gt": "10"}}
    report = tried(reader, conditions=limited)
    assert report["why_not"] == {"cost.agent_24h: it was not recorded then": 1}
    assert tried(reader, require=["branch"])["why_not"] == {}
    push("main")
    assert list(tried(reader, require=["remote"])["why_not"].values()) == [1]


def test_the_command_tells_what_would_differ_of_a_file_and_of_a_stored_policy(tmp_path: Path, capsys: Any) -> None:
    doer = agent()
    push("main", agent=doer.ref)
    push("main", now=timezone.now() - timedelta(days=9))
    path = tmp_path / "main.yaml"
    path.write_text(files.write("main", {**DRAFT, "on_error": "closed"}))
    call_command("policy_backtest", path, "--days", "3")
    told = capsys.readouterr().out
    assert "1 decisions:\n  1 match, 1 would be stricter, 0 looser\n" in told
    assert f"  agent {doer.key}: 1 would differ\n" in told
    assert "allow would be block" in told
    row = policy(conditions={"custom.size": {"gt": 5}})
    ask({"action_type": "deploy", "custom": {"size": "big"}})
    call_command("policy_backtest", row.key, "--limit", "1")
    told = capsys.readouterr().out
    assert "1 decisions (there are older ones)" in told
    assert "Nothing could be judged" in told
    path.write_text("policy_id: main\nactions: [")
    for wrong in ([path], ["nowhere"], [row.key, "--days", "0"]):
        with pytest.raises(CommandError):
            call_command("policy_backtest", *wrong)
