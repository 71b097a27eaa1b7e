"""Reviews: only of work in review, never of one's own, and a merge before the end."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from coordinator.lib.errors import Conflict, NotAllowed, Stale
from missions.lifecycle import TaskStatus
from missions.models import Review, Task
from missions.services import planning, reviewing
from missions.services.reporting import Filing
from policies.models import Approval
from tests.factories import client_of, person, service
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def in_review(user: Any = None, **fields: Any) -> Task:
    row = world.task(**fields, status=TaskStatus.IN_PROGRESS)
    world.file(row, Filing(status=TaskStatus.PENDING_REVIEW), user)
    return Task.objects.get(pk=row.pk)


def approve(row: Task, reviewer: Any, merge: Any = None, expected: int | None = None) -> Any:
    return reviewing.approve(
        row,
        comment="",
        reviewer=reviewer,
        expected=expected,
        merge=merge or (lambda address, sha: None),
        actor=SYSTEM,
        now=timezone.now(),
    )


def test_approved_work_is_completed_with_the_comment(operator: APIClient) -> None:
    row = in_review()
    answer = operator.post(f"/api/tasks/{row.key}/approve", {"comment": "Well done."}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["percent"]) == ("completed", 100)
    review = Review.objects.get(task=row)
    assert (review.approved, review.comment) == (True, "Well done.")
    kinds = list(Entry.objects.of_task(row.pk).order_by("pk").values_list("kind", flat=True))
    assert kinds[-2:] == ["task.moved", "task.reviewed"]


def test_rejected_work_goes_on_and_counts_its_attempts(operator: APIClient) -> None:
    row = in_review()
    body = {"task": {"comment": "Add a test."}}
    assert operator.post(f"/api/tasks/{row.key}/reject", body, format="json").json()["status"] == "rejected"
    again = operator.patch(f"/api/tasks/{row.key}", {"status": "in_progress"}, format="json").json()
    assert (again["status"], again["attempts"]) == ("in_progress", 2)


@pytest.mark.parametrize("body", [{"comment": 7}, {"surplus": 1}, {"comment": "x" * 20_001}])
def test_a_bad_review_is_422_and_moves_nothing(operator: APIClient, body: dict[str, Any]) -> None:
    row = in_review()
    for verb in ("approve", "reject"):
        assert operator.post(f"/api/tasks/{row.key}/{verb}", body, format="json").status_code == 422
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW


def test_an_agent_cannot_review_work_that_it_did() -> None:
    account = service("operator")
    who = world.agent(service_account=account)
    assigned, reported = in_review(agent=who), in_review(user=account)
    for row in (assigned, reported):
        for verb in ("approve", "reject"):
            answer = client_of(account).post(f"/api/tasks/{row.key}/{verb}", {}, format="json")
            assert answer.status_code == 403, verb
        assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW


def test_an_agent_cannot_review_what_it_did_before_somebody_else_reported_it() -> None:
    account = service("operator")
    row = world.task()
    world.file(row, Filing(status=TaskStatus.IN_PROGRESS), account)
    world.file(row, Filing(status=TaskStatus.PENDING_REVIEW))
    with pytest.raises(NotAllowed):
        approve(row, account)


def test_the_scope_of_an_agents_token_does_not_let_it_review() -> None:
    row = in_review()
    assert world.token_client(world.agent()).post(f"/api/tasks/{row.key}/approve", {}, format="json").status_code == 403


def test_four_eyes_want_another_person_than_the_one_who_reported() -> None:
    me, other = person(), person()
    row = in_review(owner=world.mission(four_eyes=True), user=me)
    refused = client_of(me).post(f"/api/tasks/{row.key}/approve", {}, format="json")
    assert refused.status_code == 403
    assert "four eyes" in refused.json()["detail"]
    assert client_of(other).post(f"/api/tasks/{row.key}/approve", {}, format="json").status_code == 200


def test_without_four_eyes_a_person_may_approve_what_they_reported() -> None:
    me = person()
    row = in_review(user=me)
    assert client_of(me).post(f"/api/tasks/{row.key}/approve", {}, format="json").status_code == 200


def test_putting_a_failed_task_back_is_no_work_that_four_eyes_forbid() -> None:
    me = person()
    row = world.task(world.mission(four_eyes=True), TaskStatus.FAILED)
    world.file(row, Filing(status=TaskStatus.PENDING), me)
    world.lead(row, TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW)
    assert approve(row, me)[1].moved


def test_a_pull_request_is_merged_before_the_task_is_completed() -> None:
    row, seen = in_review(outputs={"pr_url": "https://example.org/pull/7"}), []

    def merge(address: str, sha: str) -> None:
        seen.append((address, Task.objects.get(pk=row.pk).status))

    task, outcome = approve(row, person(), merge)
    assert seen == [("https://example.org/pull/7", TaskStatus.PENDING_REVIEW)]
    assert (task.status, outcome.moved) == (TaskStatus.COMPLETED, True)
    assert Review.objects.filter(task=row).count() == 1


def test_a_refused_merge_leaves_the_task_untouched() -> None:
    row = in_review(outputs={"pr_url": "https://example.org/pull/7"})

    def merge(address: str, sha: str) -> None:
        raise Conflict("It does not merge cleanly.")

    with pytest.raises(Conflict, match="cleanly"):
        approve(row, person(), merge)
    fresh = Task.objects.get(pk=row.pk)
    assert (fresh.status, fresh.version) == (TaskStatus.PENDING_REVIEW, row.version)
    assert not Review.objects.filter(task=row).exists()


@pytest.mark.parametrize("outcome", ["block", "escalate"])
def test_nothing_is_merged_when_a_policy_stands_against_it(outcome: str) -> None:
    row = in_review(outputs={"pr_url": "https://example.org/pull/7"})
    world.policy({"action_type": "task_transition", "to": "completed"}, [{outcome: "Ask."}])

    def merge(address: str, sha: str) -> None:
        raise AssertionError("merged")

    if outcome == "block":
        with pytest.raises(Conflict, match=r"Ask\."):
            approve(row, person(), merge)
    else:
        assert approve(row, person(), merge)[1].approval is not None
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW


def test_a_task_that_changed_while_it_was_merged_is_not_completed() -> None:
    row = in_review(outputs={"pr_url": "https://example.org/pull/7"})

    def merge(address: str, sha: str) -> None:
        planning.revise_task(row, expected=None, objective="Other", actor=SYSTEM, now=timezone.now())

    with pytest.raises(Stale):
        approve(row, person(), merge)
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW


def test_an_old_etag_approves_nothing(operator: APIClient) -> None:
    row = in_review()
    for verb in ("approve", "reject"):
        answer = operator.post(f"/api/tasks/{row.key}/{verb}", {}, format="json", headers=world.etag(1))
        assert answer.status_code == 412
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW


@pytest.mark.parametrize(("verb", "status"), [("approve", "completed"), ("reject", "rejected")])
def test_a_held_review_stays_its_reviewers_whoever_releases_it(verb: str, status: str) -> None:
    row, reviewer, lead = in_review(), person("operator"), person("operator")
    held = hold(row, reviewer, verb, "I looked at it.")
    answer = client_of(lead).post(f"/api/approvals/{held}/approve", {"comment": "Go on."}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["remark"], answer.json()["comment"]) == ("I looked at it.", "Go on.")
    review = Review.objects.get(task=row)
    assert (review.reviewer, review.comment, review.approved) == (reviewer, "I looked at it.", verb == "approve")
    told = Entry.objects.of_task(row.pk).get(kind="task.reviewed")
    assert (told.actor_name, told.data["reviewer"]) == (lead.email, reviewer.email)
    assert Task.objects.get(pk=row.pk).status == status


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_who_did_the_work_does_not_release_its_held_review(verb: str) -> None:
    me, other = person(), person()
    row = in_review(owner=world.mission(four_eyes=True), user=me)
    held = hold(row, other, verb, "")
    refused = client_of(me).post(f"/api/approvals/{held}/approve", {}, format="json")
    assert refused.status_code == 403
    assert "four eyes" in refused.json()["detail"]
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW
    assert client_of(person()).post(f"/api/approvals/{held}/approve", {}, format="json").status_code == 200


def hold(row: Task, reviewer: Any, verb: str, comment: str) -> int:
    """A review that a policy holds; its approval."""
    world.policy({"action_type": "task_transition", "from": "pending_review"}, [{"escalate": "Ask the lead."}])
    answer = client_of(reviewer).post(f"/api/tasks/{row.key}/{verb}", {"comment": comment}, format="json")
    assert answer.status_code == 202
    number: int = answer.json()["approval"]
    return number


def test_a_refused_merge_does_not_use_up_what_was_granted(settings: Any) -> None:
    settings.GITHUB_TOKEN, settings.GITHUB_REPOSITORY = "not-a-real-one", "octo/site"
    row, reviewer = in_review(outputs={"pr_url": "https://github.com/octo/site/pull/7"}), person()
    held = hold(row, reviewer, "approve", "Good.")
    assert client_of(person()).post(f"/api/approvals/{held}/approve", {}, format="json").status_code == 200
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW

    def refuse(address: str, sha: str) -> None:
        raise Conflict("It does not merge cleanly.")

    with pytest.raises(Conflict, match="cleanly"):
        approve(row, reviewer, refuse)
    assert Approval.objects.get(pk=held).consumed_at is None
    assert approve(row, reviewer)[1].moved
    assert Approval.objects.get(pk=held).consumed_at is not None


def test_four_eyes_see_who_wrote_the_outputs_by_hand() -> None:
    me, who = person(), world.agent()
    row = world.task(world.mission(four_eyes=True), TaskStatus.IN_PROGRESS, agent=who)
    assert client_of(me).patch(f"/api/tasks/{row.key}", {"outputs": {"a": 1}}, format="json").status_code == 200
    done = {"progress": {"status": "pending_review"}}
    assert world.token_client(who).post(f"/api/tasks/{row.key}/report", done, format="json").status_code == 200
    assert client_of(me).post(f"/api/tasks/{row.key}/approve", {}, format="json").status_code == 403
    assert client_of(person()).post(f"/api/tasks/{row.key}/approve", {}, format="json").status_code == 200


def test_what_is_reviewed_stays_as_it_is(operator: APIClient) -> None:
    who = world.agent()
    row = in_review(agent=who, outputs={"pr_url": "https://example.org/pull/7"})
    other = {"pr_url": "https://example.org/pull/666"}
    for client in (world.token_client(who), operator):
        report = client.post(f"/api/tasks/{row.key}/report", {"progress": {"outputs": other}}, format="json")
        patch = client.patch(f"/api/tasks/{row.key}", {"outputs": other}, format="json")
        assert (report.status_code, patch.status_code) == (422, 422)
        assert "in review" in report.json()["detail"]
    fresh = Task.objects.get(pk=row.pk)
    assert (fresh.outputs, fresh.version) == (row.outputs, row.version)
    same = {"progress": {"outputs": row.outputs, "logs": [{"message": "Waiting."}]}}
    assert operator.post(f"/api/tasks/{row.key}/report", same, format="json").status_code == 200
    assert operator.post(f"/api/tasks/{row.key}/reject", {}, format="json").status_code == 200
    assert operator.patch(f"/api/tasks/{row.key}", {"outputs": other}, format="json").status_code == 200


@pytest.mark.parametrize("rule", ["four_eyes", "review_required"])
def test_a_rule_of_review_stays_while_work_is_under_way(rule: str) -> None:
    me, owner = person(), world.mission(four_eyes=True, review_required=True)
    address, row = f"/api/missions/{owner.key}", in_review(owner=owner, user=me)
    refused = client_of(me).patch(address, {rule: False}, format="json")
    assert refused.status_code == 409
    assert row.key in refused.json()["detail"]
    assert client_of(person("admin")).patch(address, {rule: False}, format="json").status_code == 200


def test_a_rule_of_review_may_go_before_work_begins(operator: APIClient) -> None:
    owner = world.mission(four_eyes=True)
    world.task(owner)
    assert operator.patch(f"/api/missions/{owner.key}", {"four_eyes": False}, format="json").status_code == 200


def test_work_that_four_eyes_wait_for_is_not_exempted_from_its_review(operator: APIClient) -> None:
    row = world.task(world.mission(four_eyes=True, review_required=True), TaskStatus.IN_PROGRESS)
    change = {"review_required": False, "status": "completed"}
    assert operator.patch(f"/api/tasks/{row.key}", change, format="json").status_code == 409
    assert Task.objects.get(pk=row.pk).status == TaskStatus.IN_PROGRESS
