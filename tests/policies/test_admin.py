"""Policies in the admin: edited through the service, the history beside them, approvals decided by an action."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.auth import actor_for
from policies.models import Approval, Policy, PolicyRevision, Waiver
from policies.services import waiving
from policies.services.waiving import Cover
from tests.factories import person
from tests.policies.rows import FORCE_PUSH, SEED, agent, approval_of, ask, policy
from traceability.models import Entry

pytestmark = pytest.mark.django_db
LISTS = ("policy", "decision", "approval", "waiver")
ESCALATES: dict[str, Any] = {"conditions": {"action_type": "deploy"}, "actions": [{"escalate": "ask"}]}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(person("operator", email="ada@example.org"))
    return client


def form(**changes: Any) -> dict[str, Any]:
    given = {
        "policy_id": "no-force",
        "description": "",
        "owner": "",
        "status": "active",
        "mode": "enforce",
        "conditions": json.dumps(SEED["conditions"]),
        "actions": json.dumps(SEED["actions"]),
        "scope": '"global"',
        "require": "[]",
        "tests": "",
        "priority": "0",
        "on_error": "closed",
        "valid_from_0": "",
        "valid_from_1": "",
        "valid_until_0": "",
        "valid_until_1": "",
        "change_note": "",
        "revisions-TOTAL_FORMS": "0",
        "revisions-INITIAL_FORMS": "0",
    }
    return {**given, **changes}


def test_a_policy_is_made_and_changed_through_the_service(admin: Client) -> None:
    assert admin.post("/admin/policies/policy/add/", form()).status_code == 302
    row = Policy.objects.get(policy_id="no-force")
    assert (row.conditions, row.scope, row.version) == (SEED["conditions"], "global", 1)
    change = f"/admin/policies/policy/{row.pk}/change/"
    assert admin.post(change, form(mode="audit", change_note="try it first")).status_code == 302
    row.refresh_from_db()
    assert (row.mode, row.version) == ("audit", 2)
    told = Entry.objects.filter(subject_type="policy", subject_id=row.pk).latest("pk")
    assert (told.kind, told.actor_name, told.data["fields"]) == ("policy.revised", "ada@example.org", {"mode": "audit"})
    page = admin.get(change).content.decode()
    assert "try it first" in page


def test_saving_without_a_change_makes_no_revision(admin: Client) -> None:
    row = policy(policy_id="no-force")
    assert admin.post(f"/admin/policies/policy/{row.pk}/change/", form()).status_code == 302
    assert PolicyRevision.objects.filter(policy=row).count() == 1


def test_a_mistake_is_told_at_its_field_and_nothing_is_saved(admin: Client) -> None:
    for changes, told in (
        ({"conditions": '{"action_type": "git_push", "forced": true}'}, "Did you mean"),
        ({"conditions": "{not json"}, "valid JSON"),
        ({"actions": '[{"deny": "x"}]'}, "exactly one of"),
        ({"conditions": '{"custom.x": NaN}'}, "2^53"),
        ({"policy_id": "evaluate"}, "address of its own"),
    ):
        answer = admin.post("/admin/policies/policy/add/", form(**changes))
        assert answer.status_code == 200
        assert told in answer.content.decode()
    assert not Policy.objects.exists()


def test_the_lists_cost_the_same_for_one_and_for_many(admin: Client, django_assert_max_num_queries: Any) -> None:
    policy(**ESCALATES)
    for number in range(8):
        ask({"action_type": "deploy", "version": str(number)})
        policy()
    for name in LISTS:
        admin.get(f"/admin/policies/{name}/")
        with django_assert_max_num_queries(12):
            assert admin.get(f"/admin/policies/{name}/").status_code == 200


def test_the_pages_of_a_decision_and_an_approval_show_and_change_nothing(admin: Client) -> None:
    policy(**ESCALATES)
    verdict = ask({"action_type": "deploy"})
    for name, number in (("decision", verdict.decision_id), ("approval", verdict.approval_id)):
        path = f"/admin/policies/{name}/{number}/change/"
        assert admin.get(path).status_code == 200
        assert admin.post(path, {"state": "approved", "outcome": "allow"}).status_code == 403
        assert admin.post(f"/admin/policies/{name}/{number}/delete/", {"post": "yes"}).status_code == 403


def test_approvals_are_decided_by_an_action(admin: Client) -> None:
    policy(**ESCALATES)
    numbers = [approval_of(ask({"action_type": "deploy", "version": str(number)})).pk for number in range(2)]
    for number, word in zip(numbers, ("approve", "reject"), strict=True):
        admin.post("/admin/policies/approval/", {"action": word, "_selected_action": [number]})
    states = [Approval.objects.get(pk=number).state for number in numbers]
    assert states == ["approved", "rejected"]
    page = admin.post(
        "/admin/policies/approval/", {"action": "approve", "_selected_action": numbers}, follow=True
    ).content.decode()
    assert "already, by ada@example.org" in page


def test_an_empty_form_shows_empty_boxes_and_never_null(admin: Client) -> None:
    shown = admin.get("/admin/policies/policy/add/").context["adminform"].form
    assert [shown[name].value() for name in ("conditions", "actions")] == ["", ""]
    assert "null" not in str(shown["conditions"]) + str(shown["actions"])
    assert "&quot;global&quot;" in str(shown["scope"])


def test_tests_are_kept_by_the_form_and_a_failing_one_is_told_at_its_field(admin: Client) -> None:
    tests = [
        {"name": "yes", "input": FORCE_PUSH, "expect": "match"},
        {"name": "no", "input": {"action_type": "git_push"}, "expect": "match"},
    ]
    answer = admin.post("/admin/policies/policy/add/", form(tests=json.dumps(tests)))
    assert "expected match, found no_match" in answer.content.decode()
    tests[1]["expect"] = "no_match"
    assert admin.post("/admin/policies/policy/add/", form(tests=json.dumps(tests))).status_code == 302
    assert Policy.objects.get().tests == tests


def test_what_needs_attention_is_filtered(admin: Client) -> None:
    tests = [
        {"name": "yes", "input": FORCE_PUSH, "expect": "block"},
        {"name": "no", "input": {"action_type": "git_push"}, "expect": "allow"},
    ]
    policy(policy_id="tried", tests=tests)
    policy(policy_id="untried", tests=tests[:1])
    page = admin.get("/admin/policies/policy/?attention=untested").content.decode()
    assert "untried" in page
    assert ">tried<" not in page
    assert ">tried<" not in admin.get("/admin/policies/policy/?attention=stale").content.decode()


def test_waivers_are_granted_and_revoked_by_actions(admin: Client) -> None:
    asker, now = person(), timezone.now()
    told: dict[str, Any] = {"reason": "Tonight.", "person": asker, "actor": actor_for(asker), "now": now}
    waiver = waiving.request(policy(), Cover(agent=agent().ref), expires_at=now + timedelta(days=1), **told)
    for word, state in (("grant", "granted"), ("revoke", "revoked")):
        admin.post("/admin/policies/waiver/", {"action": word, "_selected_action": [waiver.pk]})
        assert Waiver.objects.get(pk=waiver.pk).state == state
    sent = {"action": "grant", "_selected_action": [waiver.pk]}
    assert "revoked already" in admin.post("/admin/policies/waiver/", sent, follow=True).content.decode()


def test_a_viewer_sees_and_decides_nothing(client: Client) -> None:
    client.force_login(person("viewer"))
    row = policy(**ESCALATES)
    number = approval_of(ask({"action_type": "deploy"})).pk
    for name in LISTS:
        assert client.get(f"/admin/policies/{name}/").status_code == 200
    assert client.get("/admin/policies/policy/add/").status_code == 403
    assert client.post(f"/admin/policies/policy/{row.pk}/change/", form()).status_code == 403
    client.post("/admin/policies/approval/", {"action": "approve", "_selected_action": [number]})
    assert Approval.objects.get(pk=number).state == "pending"


def test_a_starter_fills_the_form_and_is_saved_as_a_draft(admin: Client) -> None:
    page = admin.get("/admin/policies/policy/").content.decode()
    assert page.count("?starter=starter-") == 10
    shown = admin.get("/admin/policies/policy/add/?starter=starter-no-force-push").context["adminform"].form
    values = {name: shown[name].value() for name in ("policy_id", "status", "conditions", "actions", "tests")}
    assert values["status"] == "draft"
    sent = form(**{**values, "change_note": "To begin with."})
    assert admin.post("/admin/policies/policy/add/", sent).status_code == 302
    row = Policy.objects.get(policy_id="starter-no-force-push")
    assert (row.status, row.untested) == ("draft", False)


def test_a_starter_that_is_not_there_fills_nothing_and_a_viewer_is_offered_none(admin: Client, client: Client) -> None:
    shown = admin.get("/admin/policies/policy/add/?starter=nothing").context["adminform"].form
    assert shown["conditions"].value() == ""
    client.force_login(person("viewer"))
    assert "?starter=" not in client.get("/admin/policies/policy/").content.decode()
