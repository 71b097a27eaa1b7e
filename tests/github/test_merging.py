"""Approving merges the pull request first: GitHub's refusal leaves the task untouched."""

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from missions.lifecycle import TaskStatus
from missions.models import Review, Task
from tests.factories import client_of, person
from tests.github.server import REPOSITORY, Hub
from tests.missions import world

pytestmark = pytest.mark.django_db


def approve(client: APIClient, address: Any) -> tuple[Any, Task]:
    row = world.task(status=TaskStatus.PENDING_REVIEW, outputs={"pr_url": address})
    answer = client.post(f"/api/tasks/{row.key}/approve", {}, format="json")
    return answer, Task.objects.get(pk=row.pk)


def test_approval_merges_the_pull_request_at_the_head_that_was_seen(operator: APIClient, hub: Hub) -> None:
    answer, row = approve(operator, hub.pull(7))
    assert (answer.status_code, row.status) == (200, TaskStatus.COMPLETED)
    assert hub.pulls[7]["merged"]
    assert [(method, path.split("/pulls/")[1]) for method, path, _ in hub.asked] == [("GET", "7"), ("PUT", "7/merge")]


def test_only_the_commit_that_was_handed_in_is_merged(operator: APIClient, hub: Hub) -> None:
    address = hub.pull(7)
    for sha, status in (("sha-before", 409), ("sha-7", 200)):
        outputs = {"pr_url": address, "pr_sha": sha}
        row = world.task(status=TaskStatus.PENDING_REVIEW, outputs=outputs)
        assert operator.post(f"/api/tasks/{row.key}/approve", {}, format="json").status_code == status
    assert hub.pulls[7]["merged"]


def test_a_pull_request_that_is_merged_already_counts_as_merged(operator: APIClient, hub: Hub) -> None:
    answer, row = approve(operator, hub.pull(7, merged=True))
    assert (answer.status_code, row.status) == (200, TaskStatus.COMPLETED)
    assert [method for method, _, _ in hub.asked] == ["GET"]


@pytest.mark.parametrize(
    "refusal",
    [
        (405, "Pull Request is not mergeable"),
        (409, "Head branch was modified. Review and try the merge again."),
        (403, "Resource not accessible by personal access token"),
        (422, "Validation Failed"),
    ],
)
def test_a_refused_merge_is_409_with_githubs_reason(operator: APIClient, hub: Hub, refusal: tuple[int, str]) -> None:
    answer, row = approve(operator, hub.pull(7, refusal=refusal))
    assert answer.status_code == 409
    assert refusal[1] in answer.json()["detail"]
    assert answer.json()["github_status"] == refusal[0]
    assert row.status == TaskStatus.PENDING_REVIEW
    assert not Review.objects.exists()


def test_a_pull_request_that_is_not_there_is_409(operator: APIClient, hub: Hub) -> None:
    answer, row = approve(operator, f"{hub.url}/{REPOSITORY}/pull/404")
    assert (answer.status_code, row.status) == (409, TaskStatus.PENDING_REVIEW)


def test_a_github_that_is_away_leaves_the_task_for_later(operator: APIClient, hub: Hub) -> None:
    address = hub.pull(7)
    hub.failing = (502, {}, {"message": "Bad gateway"})
    answer, row = approve(operator, address)
    assert (answer.status_code, row.status) == (503, TaskStatus.PENDING_REVIEW)
    hub.failing = None
    assert operator.post(f"/api/tasks/{row.key}/approve", {}, format="json").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.org/octo/hello/pull/7",
        "{url}/other/repository/pull/7",
        "{url}/octo/hello/pull/7/files",
        "{url}/octo/hello/issues/7",
        "{url}/octo/hello/pull/../pull/7",
        "no address",
        "{url}/octo/hello/pull/99999999999",
        ["a list"],
    ],
)
def test_only_a_pull_request_of_our_repository_is_asked_for(operator: APIClient, hub: Hub, address: Any) -> None:
    hub.pull(7)
    given = address.format(url=hub.url) if isinstance(address, str) else address
    answer, row = approve(operator, given)
    assert (answer.status_code, row.status) == (409, TaskStatus.PENDING_REVIEW)
    assert hub.asked == []


def test_without_github_an_address_is_only_kept(operator: APIClient, hub: Hub, settings: Settings) -> None:
    settings.GITHUB_TOKEN = ""
    answer, row = approve(operator, hub.pull(7))
    assert (answer.status_code, row.status) == (200, TaskStatus.COMPLETED)
    assert hub.asked == []


def test_a_rejection_merges_nothing(operator: APIClient, hub: Hub) -> None:
    row = world.task(status=TaskStatus.PENDING_REVIEW, outputs={"pr_url": hub.pull(7)})
    assert operator.post(f"/api/tasks/{row.key}/reject", {}, format="json").status_code == 200
    assert hub.asked == []


def test_an_approval_that_a_policy_held_merges_when_the_reviewer_repeats_it(operator: APIClient, hub: Hub) -> None:
    world.policy({"action_type": "task_transition", "to": "completed"}, [{"escalate": "Ask the lead."}])
    answer, row = approve(operator, hub.pull(7))
    assert (answer.status_code, row.status) == (202, TaskStatus.PENDING_REVIEW)
    lead = client_of(person("operator"))
    granted = lead.post(f"/api/approvals/{answer.json()['approval']}/approve", {}, format="json")
    assert granted.status_code == 200
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING_REVIEW
    assert hub.asked == []
    assert operator.post(f"/api/tasks/{row.key}/approve", {}, format="json").json()["status"] == "completed"
    assert hub.pulls[7]["merged"]
