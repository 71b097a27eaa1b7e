"""Issues become rows and tasks: page by page, once each, and only what has changed."""

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from missions.models import GitHubFeed, GitHubIssue, Mission, Task
from tests.factories import client_of, person, unique
from tests.github.server import REPOSITORY, Hub
from tests.missions import world
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def sync(client: APIClient, **body: Any) -> Any:
    return client.post("/api/github/sync", body, format="json")


def test_open_issues_become_tasks_of_a_mission_and_pull_requests_do_not(operator: APIClient, hub: Hub) -> None:
    for number in range(1, 6):
        hub.issue(number, f"2026-11-0{number}T00:00:00Z")
    hub.issue(6, "2026-11-06T00:00:00Z", pull_request={"url": "x"})
    hub.issue(7, "2026-11-07T00:00:00Z", state="closed")
    told = sync(operator).json()
    assert {name: told[name] for name in ("repository", "seen", "created", "changed")} == {
        "repository": REPOSITORY,
        "seen": 6,
        "created": 6,
        "changed": 0,
    }
    mission = Mission.objects.get(mission_id=told["mission"])
    assert Task.objects.filter(mission=mission).count() == 5
    assert GitHubIssue.objects.get(number=7).task is None
    pages = [path for method, path, _ in hub.asked if "/issues?" in path]
    assert len(pages) == 4
    assert Entry.objects.filter(kind="github.synced").exists()


def test_a_second_sync_reads_what_changed_and_makes_nothing_twice(operator: APIClient, hub: Hub) -> None:
    hub.issue(1, "2026-11-01T00:00:00Z")
    hub.issue(2, "2026-11-02T00:00:00Z")
    sync(operator)
    hub.issue(1, "2026-11-03T00:00:00Z", title="Worse")
    told = sync(operator).json()
    assert (told["seen"], told["created"], told["changed"]) == (2, 0, 1)
    assert "since=2026-11-02T00%3A00%3A00Z" in hub.asked[-1][1]
    assert GitHubIssue.objects.get(number=1).title == "Worse"
    assert Task.objects.count() == 2
    again = sync(operator).json()
    assert (again["created"], again["changed"]) == (0, 0)
    assert Task.objects.count() == 2


def test_what_has_not_changed_costs_no_answer(operator: APIClient, hub: Hub) -> None:
    hub.issue(1, "2026-11-01T00:00:00Z")
    sync(operator)
    assert sync(operator).json()["seen"] == 1
    told = sync(operator).json()
    assert told["seen"] == 0
    assert "If-None-Match" in hub.asked[-1][2]
    hub.issue(2, "2026-11-02T00:00:00Z")
    assert sync(operator).json()["created"] == 1


def test_a_sync_that_fails_midway_forgets_nothing(operator: APIClient, hub: Hub) -> None:
    for number in range(1, 4):
        hub.issue(number, f"2026-11-0{number}T00:00:00Z")
    hub.issue(2, "2026-11-02T00:00:00Z", updated_at="no time")
    assert sync(operator).status_code == 422
    assert not GitHubFeed.objects.exists()
    hub.issue(2, "2026-11-02T00:00:00Z")
    assert sync(operator).json()["created"] == 3


def test_issues_go_to_the_mission_that_is_named_and_later_ones_follow(operator: APIClient, hub: Hub) -> None:
    home = world.mission()
    hub.issue(1, "2026-11-01T00:00:00Z")
    assert sync(operator, mission=home.key, repository=REPOSITORY).json()["mission"] == home.key
    hub.issue(2, "2026-11-02T00:00:00Z")
    assert sync(operator).json()["mission"] == home.key
    assert Task.objects.filter(mission=home).count() == 2


def test_issues_are_listed_and_found_by_id_number_and_name(operator: APIClient, hub: Hub) -> None:
    hub.issue(1, "2026-11-01T00:00:00Z", title="Needle")
    hub.issue(2, "2026-11-02T00:00:00Z", state="closed")
    sync(operator)
    row = GitHubIssue.objects.get(number=2)
    listed = operator.get("/api/github/issues").json()["results"]
    assert [each["number"] for each in listed] == [1, 2]
    assert listed[0]["task"] == Task.objects.get().key
    for query in ("state=open", "q=needle", f"repository={REPOSITORY}&state=open", f"task={listed[0]['task']}"):
        assert [each["number"] for each in operator.get(f"/api/github/issues?{query}").json()["results"]] == [1]
    for name in (str(row.pk), f"{REPOSITORY}%232"):
        assert operator.get(f"/api/github/issues/{name}").json()["number"] == 2
    assert operator.get("/api/github/issues/999999").status_code == 404


def test_the_token_goes_to_no_other_host(operator: APIClient, hub: Hub) -> None:
    for number in range(1, 6):
        hub.issue(number, f"2026-11-0{number}T00:00:00Z")
    hub.elsewhere = "http://localhost:9"
    assert sync(operator).json()["seen"] == hub.page


@pytest.mark.parametrize(
    ("failing", "status", "retry_after"),
    [
        ((500, {}, {"message": "Oops"}), 503, "2"),
        ((200, {}, b"<html>"), 503, "2"),
        ((200, {}, {"an": "object"}), 503, "2"),
        ((403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, {"message": "limit"}), 429, "1"),
        ((429, {"Retry-After": "7"}, {"message": "slow down"}), 429, "7"),
        ((429, {}, {"message": "slow down"}), 429, "60"),
        ((403, {}, {"message": "Resource not accessible"}), 409, None),
        ((404, {}, {"message": "Not Found"}), 409, None),
    ],
)
def test_what_github_refuses_is_told_in_its_words(
    operator: APIClient, hub: Hub, failing: Any, status: int, retry_after: str | None
) -> None:
    hub.failing = failing
    answer = sync(operator)
    assert answer.status_code == status
    assert answer.get("Retry-After") == retry_after
    if status == 409:
        assert failing[2]["message"] in answer.json()["detail"]
    assert not GitHubIssue.objects.exists()


def test_a_github_that_does_not_answer_is_503(operator: APIClient, hub: Hub, settings: Settings) -> None:
    settings.GITHUB_API_URL = "http://127.0.0.1:9"
    assert sync(operator).status_code == 503


def test_without_a_token_nothing_is_synced(operator: APIClient, hub: Hub, settings: Settings) -> None:
    settings.GITHUB_TOKEN = ""
    answer = sync(operator)
    assert answer.status_code == 422
    assert "GITHUB_TOKEN" in answer.json()["detail"]
    assert hub.asked == []


@pytest.mark.parametrize("body", [{"repository": "../../x"}, {"repository": 5}, {"mission": "nothing"}, {"a": 1}])
def test_a_bad_sync_is_422(operator: APIClient, hub: Hub, body: dict[str, Any]) -> None:
    assert sync(operator, **body).status_code == 422
    assert hub.asked == []


def test_a_viewer_reads_issues_and_syncs_nothing(hub: Hub) -> None:
    viewer = client_of(person("viewer"))
    assert viewer.get("/api/github/issues").status_code == 200
    assert sync(viewer).status_code == 403


def test_text_that_cannot_be_stored_is_kept_as_far_as_it_can(operator: APIClient, hub: Hub) -> None:
    hub.issue(1, "2026-11-01T00:00:00Z", title=unique("T\x00") + "x" * 600, body=None, labels=None, user=None)
    sync(operator)
    row = GitHubIssue.objects.get()
    assert (len(row.title), row.body, row.labels, row.author) == (500, "", [], "")
