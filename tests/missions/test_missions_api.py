"""Missions over the API: what is stored, what is refused, and who may."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission
from tests.factories import client_of, person, unique
from tests.missions import world
from traceability.models import Entry

pytestmark = pytest.mark.django_db
FIELDS = {
    "id", "mission_id", "goal", "description", "status", "owner", "budget_usd", "deadline", "review_required",
    "four_eyes", "thresholds", "execution_limit", "progress", "counts", "cost_usd", "process", "started_at",
    "ended_at", "version", "created_at", "updated_at",
}  # fmt: skip


def make(client: APIClient, **fields: Any) -> Any:
    return client.post("/api/missions", {"goal": "Ship it", **fields}, format="json")


def test_a_mission_is_made_and_shown_with_every_field(operator: APIClient) -> None:
    owner, key = person(), unique("m")
    given = {
        "mission_id": key,
        "goal": "Ship it",
        "description": "All of it.",
        "owner": owner.email,
        "budget_usd": "12.5",
        "deadline": "2027-01-01T00:00:00Z",
        "review_required": True,
        "four_eyes": True,
    }
    answer = operator.post("/api/missions", {"mission": given}, format="json")
    assert answer.status_code == 201
    assert answer["ETag"] == '"1"'
    shown = answer.json()
    assert set(shown) == FIELDS
    assert {name: shown[name] for name in given} == {**given, "budget_usd": "12.50"}
    assert (shown["status"], shown["progress"], shown["cost_usd"]) == ("planning", 0.0, "0.00")
    assert shown["process"] == {"state": "stopped", "host": None, "restarts": 0, "since": shown["created_at"]}
    for name in (key, shown["id"]):
        assert operator.get(f"/api/missions/{name}").json() == shown


def test_a_key_is_made_when_none_is_given(operator: APIClient) -> None:
    assert make(operator).json()["mission_id"].startswith("mission-")


def test_a_new_mission_may_be_active_at_once(operator: APIClient) -> None:
    answer = make(operator, status="active")
    assert answer.status_code == 201
    assert answer.json()["status"] == "active"
    assert answer.json()["process"]["state"] == "starting"
    assert make(operator, status="completed").status_code == 422


def test_a_key_is_taken_once(operator: APIClient) -> None:
    key = unique("m")
    assert make(operator, mission_id=key).status_code == 201
    answer = make(operator, mission_id=key)
    assert answer.status_code == 409
    assert key in answer.json()["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("goal", ""),
        ("goal", 7),
        ("goal", "x" * 501),
        ("mission_id", "123"),
        ("mission_id", "-a"),
        ("mission_id", "a b"),
        ("mission_id", "x" * 101),
        ("budget_usd", "-1"),
        ("budget_usd", "much"),
        ("deadline", "tomorrow"),
        ("deadline", "2026-01-01"),
        ("deadline", "2026-01-01T00:00:00"),
        ("deadline", "20260101T000000Z"),
        ("deadline", 1767225600),
        ("owner", "nobody@example.org"),
        ("owner", True),
        ("review_required", "yes"),
        ("status", "asleep"),
        ("surplus", 1),
        ("cost_usd", "1.00"),
        ("progress", 1),
        ("version", 9),
    ],
)
def test_a_bad_field_is_422_and_named(operator: APIClient, field: str, value: Any) -> None:
    before = Mission.objects.count()
    answer = make(operator, **{field: value})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert Mission.objects.count() == before


def test_a_mission_without_a_goal_is_refused(operator: APIClient) -> None:
    assert operator.post("/api/missions", {}, format="json").json()["errors"] == {"goal": ["This field is required."]}


def test_progress_counts_tasks_by_status(operator: APIClient) -> None:
    row = world.mission()
    for status in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.PENDING, TaskStatus.PENDING):
        world.task(row, status)
    shown = operator.get(f"/api/missions/{row.key}").json()
    assert shown["progress"] == 0.25
    assert shown["counts"] == {
        **dict.fromkeys(map(str, TaskStatus), 0),
        "completed": 1,
        "failed": 1,
        "pending": 2,
    }


def test_a_patch_changes_what_it_names_and_tells_it(operator: APIClient) -> None:
    row = world.mission(budget_usd=10)
    answer = operator.patch(
        f"/api/missions/{row.key}", {"mission": {"goal": "Other", "budget_usd": None}}, format="json"
    )
    assert (answer.status_code, answer.json()["goal"], answer.json()["budget_usd"]) == (200, "Other", None)
    assert answer["ETag"] == f'"{row.version + 1}"'
    told = Entry.objects.of_mission(row.pk).latest("pk")
    assert (told.kind, told.data["fields"]) == ("mission.updated", {"goal": "Other", "budget_usd": None})


def test_a_patch_that_changes_nothing_is_no_change(operator: APIClient) -> None:
    row = world.mission()
    entries = Entry.objects.of_mission(row.pk).count()
    answer = operator.patch(f"/api/missions/{row.key}", {"goal": row.goal, "mission_id": row.key}, format="json")
    assert answer["ETag"] == f'"{row.version}"'
    assert Entry.objects.of_mission(row.pk).count() == entries


def test_a_public_key_stays(operator: APIClient) -> None:
    row = world.mission()
    answer = operator.patch(f"/api/missions/{row.key}", {"mission_id": "another"}, format="json")
    assert list(answer.json()["errors"]) == ["mission_id"]


def test_a_refused_move_changes_no_other_field(operator: APIClient) -> None:
    row = world.mission(MissionStatus.PLANNING)
    answer = operator.patch(f"/api/missions/{row.key}", {"goal": "Other", "status": "completed"}, format="json")
    assert answer.status_code == 422
    row.refresh_from_db()
    assert (row.goal, row.version) == ("Ship the release", 1)


@pytest.mark.parametrize("address", ["", "/start", "/pause", "/complete", "/cancel"])
def test_an_old_etag_changes_nothing(operator: APIClient, address: str) -> None:
    row = world.mission()
    call = operator.post if address else operator.patch
    body = {} if address else {"goal": "Other"}
    answer = call(f"/api/missions/{row.key}{address}", body, format="json", headers=world.etag(row.version - 1))
    assert answer.status_code == 412
    fresh = Mission.objects.get(pk=row.pk)
    assert (fresh.goal, fresh.status, fresh.version) == (row.goal, row.status, row.version)


def test_missions_are_filtered_and_paged(operator: APIClient) -> None:
    wanted = [world.mission(goal="Needle") for _ in range(3)]
    world.mission(MissionStatus.PAUSED, goal="Needle")
    found = operator.get("/api/missions?status=active&q=needle&page_size=2").json()
    assert [each["mission_id"] for each in found["results"]] == [row.key for row in wanted[:2]]
    rest = operator.get(found["next"]).json()
    assert [each["mission_id"] for each in rest["results"]] == [wanted[2].key]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["colour=red", "status=asleep", "page_size=0", "page_size=501", "cursor=x"])
def test_an_unknown_filter_or_value_is_400(operator: APIClient, query: str) -> None:
    assert operator.get(f"/api/missions?{query}").status_code == 400


@pytest.mark.parametrize("key", ["nothing", "0", "99999999999999999999", "%00"])
def test_a_mission_that_is_not_there_is_404(operator: APIClient, key: str) -> None:
    for path in (f"/api/missions/{key}", f"/api/missions/{key}/tasks", f"/api/missions/{key}/agents"):
        answer = operator.get(path)
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"


def test_the_list_costs_the_same_for_one_and_for_many(operator: APIClient, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        world.task(world.mission(owner=person()))
    operator.get("/api/missions")
    with django_assert_num_queries(2):
        assert len(operator.get("/api/missions").json()["results"]) >= 5


def test_a_viewer_reads_and_changes_nothing() -> None:
    viewer, row = client_of(person("viewer")), world.mission()
    assert viewer.get(f"/api/missions/{row.key}").status_code == 200
    assert make(viewer).status_code == 403
    assert viewer.patch(f"/api/missions/{row.key}", {"goal": "Other"}, format="json").status_code == 403
    for step in ("start", "pause", "complete", "cancel"):
        assert viewer.post(f"/api/missions/{row.key}/{step}", {}, format="json").status_code == 403


def test_nobody_without_a_token_reads_missions() -> None:
    answer = APIClient().get("/api/missions")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_policy_that_blocks_the_start_leaves_its_refusal_and_nothing_else(operator: APIClient) -> None:
    row = world.mission(MissionStatus.PLANNING)
    world.policy({"action_type": "mission_transition", "to": "active"}, [{"block": "Not on a Friday."}])
    answer = operator.patch(f"/api/missions/{row.key}", {"goal": "Other", "status": "active"}, format="json")
    assert answer.status_code == 409
    assert "Not on a Friday." in answer.json()["detail"]
    assert answer.json()["decisions"][0]["outcome"] == "block"
    row.refresh_from_db()
    assert (row.goal, row.status) == ("Ship the release", MissionStatus.PLANNING)
    assert Entry.objects.of_mission(row.pk).filter(kind="mission.move_refused").count() == 1
    key = unique("m")
    assert make(operator, mission_id=key, status="active").status_code == 409
    assert not Mission.objects.filter(mission_id=key).exists()


def test_a_policy_that_escalates_the_start_holds_it(operator: APIClient) -> None:
    row = world.mission(MissionStatus.PLANNING)
    world.policy({"action_type": "mission_transition", "to": "active"}, [{"escalate": "Ask the lead."}])
    answer = operator.post(f"/api/missions/{row.key}/start", {}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (202, "planning")
    lead = client_of(person("operator"))
    decided = lead.post(f"/api/approvals/{answer.json()['approval']}/approve", {}, format="json")
    assert decided.status_code == 200
    assert operator.get(f"/api/missions/{row.key}").json()["status"] == "active"
