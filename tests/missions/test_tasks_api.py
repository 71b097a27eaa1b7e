"""Tasks over the API: what is stored, what is refused, filters, and whose they are."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Task
from missions.services import claiming
from sprints.models import Sprint
from sprints.services import opening
from tests.factories import unique
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry, Requirement
from traceability.services import planning as goals

pytestmark = pytest.mark.django_db
FIELDS = {
    "id", "task_id", "mission", "objective", "description", "status", "status_since", "priority", "sprint", "agent",
    "requirements", "depends_on", "acceptance_criteria", "required_capabilities", "budget_usd", "due_at",
    "review_required", "outputs", "percent", "attempts", "claimed_by", "lease_until", "cost_usd", "started_at",
    "ended_at", "version", "created_at", "updated_at",
}  # fmt: skip


def sprint() -> Sprint:
    today = timezone.now().date()
    return opening.create_sprint(
        sprint_id=unique("s"), name="One", start_date=today, end_date=today, actor=SYSTEM, now=timezone.now()
    )


def requirement() -> Requirement:
    return goals.create_requirement(requirement_id=unique("r"), title="It is fast", actor=SYSTEM, now=timezone.now())


def keys(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [each["task_id"] for each in answer.json()["results"]]


def test_a_task_is_made_and_shown_with_every_field(operator: APIClient) -> None:
    owner, need, box, goal, who = world.mission(), world.task(), sprint(), requirement(), world.agent()
    given = {
        "task_id": unique("t"),
        "objective": "Write it",
        "description": "With care.",
        "priority": 3,
        "sprint": box.key,
        "agent": who.key,
        "requirements": [goal.key],
        "depends_on": [need.key],
        "acceptance_criteria": ["It is green."],
        "required_capabilities": ["python"],
        "budget_usd": "1.25",
        "due_at": "2027-01-01T00:00:00Z",
        "review_required": True,
        "outputs": {"branch": "main", "score": 0.5},
        "percent": 5,
    }
    answer = operator.post(f"/api/missions/{owner.pk}/tasks", {"task": given}, format="json")
    assert answer.status_code == 201, answer.json()
    assert answer["ETag"] == '"1"'
    shown = answer.json()
    assert set(shown) == FIELDS
    assert {name: shown[name] for name in given} == given
    assert (shown["mission"], shown["status"], shown["attempts"]) == (owner.key, "pending", 0)
    assert (shown["claimed_by"], shown["lease_until"], shown["cost_usd"]) == (None, None, "0.00")
    for name in (shown["task_id"], shown["id"]):
        assert operator.get(f"/api/tasks/{name}").json() == shown


def test_references_are_taken_as_integer_ids_too(operator: APIClient) -> None:
    owner, need, goal, who = world.mission(), world.task(), requirement(), world.agent()
    given = {"objective": "x", "depends_on": [need.pk], "requirements": [goal.pk], "agent": who.pk}
    shown = operator.post(f"/api/missions/{owner.key}/tasks", given, format="json").json()
    assert (shown["depends_on"], shown["requirements"], shown["agent"]) == ([need.key], [goal.key], who.key)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("objective", ""),
        ("objective", None),
        ("task_id", "7"),
        ("priority", 4),
        ("priority", "1"),
        ("priority", True),
        ("sprint", "nothing"),
        ("agent", "nobody"),
        ("depends_on", "t-1"),
        ("depends_on", ["nothing"]),
        ("requirements", ["nothing"]),
        ("acceptance_criteria", "one"),
        ("acceptance_criteria", [1]),
        ("required_capabilities", [None]),
        ("budget_usd", "-0.01"),
        ("due_at", 5),
        ("outputs", []),
        ("percent", 101),
        ("status", "in_progress"),
        ("status", "asleep"),
        ("mission", "m-1"),
        ("attempts", 1),
        ("surplus", 1),
    ],
)
def test_a_bad_field_is_422_and_named(operator: APIClient, field: str, value: Any) -> None:
    owner = world.mission()
    answer = operator.post(f"/api/missions/{owner.key}/tasks", {"objective": "Write it", field: value}, format="json")
    assert answer.status_code == 422
    assert {name.split(".")[0] for name in answer.json()["errors"]} == {field}
    assert not Task.objects.filter(mission=owner).exists()


def test_a_patch_changes_fields_links_and_state_together(operator: APIClient) -> None:
    row, need, goal = world.task(), world.task(), requirement()
    change = {"objective": "Other", "depends_on": [need.key], "requirements": [goal.key], "status": "in_progress"}
    answer = operator.patch(f"/api/tasks/{row.key}", {"task": change}, format="json")
    assert answer.status_code == 200
    shown = answer.json()
    assert {name: shown[name] for name in change} == change
    assert shown["attempts"] == 1
    assert (shown["decisions"], shown["advisories"]) == ([], [])
    cleared = operator.patch(f"/api/tasks/{row.key}", {"depends_on": [], "requirements": []}, format="json").json()
    assert (cleared["depends_on"], cleared["requirements"]) == ([], [])
    assert cleared["version"] > shown["version"]


def test_a_task_names_its_mission_and_stays_in_it(operator: APIClient) -> None:
    owner, other = world.mission(), world.mission()
    address = f"/api/missions/{owner.key}/tasks"
    made = operator.post(address, {"objective": "x", "mission": owner.pk}, format="json")
    assert (made.status_code, made.json()["mission"]) == (201, owner.key)
    assert list(operator.post(address, {"objective": "x", "mission": other.key}, format="json").json()["errors"]) == [
        "mission"
    ]
    task = f"/api/tasks/{made.json()['task_id']}"
    assert operator.patch(task, {"mission": owner.key, "priority": 3}, format="json").status_code == 200
    for body in ({"mission": other.key}, {"mission": other.key, "status": "in_progress"}):
        assert list(operator.patch(task, body, format="json").json()["errors"]) == ["mission"]


def test_a_refused_move_changes_no_other_field(operator: APIClient) -> None:
    row = world.task(status=TaskStatus.COMPLETED)
    answer = operator.patch(f"/api/tasks/{row.key}", {"objective": "Other", "status": "pending"}, format="json")
    assert answer.status_code == 422
    fresh = Task.objects.get(pk=row.pk)
    assert (fresh.objective, fresh.version) == (row.objective, row.version)


def test_the_fields_of_a_patch_count_for_its_move(operator: APIClient) -> None:
    row = world.task(status=TaskStatus.IN_PROGRESS, review_required=True)
    change = {"review_required": False, "status": "completed"}
    assert operator.patch(f"/api/tasks/{row.key}", change, format="json").status_code == 200


def test_a_public_key_stays(operator: APIClient) -> None:
    row = world.task()
    assert operator.patch(f"/api/tasks/{row.key}", {"task_id": "another"}, format="json").status_code == 422
    assert operator.patch(f"/api/tasks/{row.key}", {"task_id": row.key}, format="json").status_code == 200


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("patch", {"objective": "Other"}),
        ("patch", {"objective": "Other", "status": "in_progress"}),
        ("report", {"progress": {"status": "in_progress"}}),
    ],
)
def test_an_old_etag_changes_nothing(operator: APIClient, verb: str, body: dict[str, Any]) -> None:
    row = world.task()
    operator.patch(f"/api/tasks/{row.key}", {"priority": 2}, format="json")
    address, call = (
        (f"/api/tasks/{row.key}", operator.patch)
        if verb == "patch"
        else (
            f"/api/tasks/{row.key}/report",
            operator.post,
        )
    )
    entries = Entry.objects.of_task(row.pk).count()
    assert call(address, body, format="json", headers=world.etag(1)).status_code == 412
    fresh = Task.objects.get(pk=row.pk)
    assert (fresh.objective, fresh.status, fresh.version) == (row.objective, TaskStatus.PENDING, 2)
    assert Entry.objects.of_task(row.pk).count() == entries
    assert call(address, body, format="json", headers=world.etag(2)).status_code == 200


def test_tasks_are_filtered(operator: APIClient) -> None:
    owner, box, goal, who = world.mission(), sprint(), requirement(), world.agent()
    full = world.task(
        owner, sprint=box, agent=who, requirements=[goal], required_capabilities=["python", "sql"], objective="Needle"
    )
    other = world.task(owner, TaskStatus.IN_PROGRESS)
    for query in (
        f"sprint={box.key}", f"agent={who.pk}", f"requirement={goal.key}", "capability=sql", "q=needle",
        f"mission={owner.key}&status=pending",
    ):  # fmt: skip
        assert keys(operator.get(f"/api/tasks?{query}")) == [full.key], query
    assert keys(operator.get(f"/api/missions/{owner.key}/tasks?status=in_progress,failed")) == [other.key]
    assert keys(operator.get(f"/api/tasks?mission={owner.pk}")) == [full.key, other.key]
    assert keys(operator.get("/api/tasks?mission=nothing")) == []
    assert keys(operator.get("/api/tasks?capability=pyth")) == []


@pytest.mark.parametrize("query", ["colour=red", "status=asleep", "ready=maybe", "mission=%00"])
def test_an_unknown_filter_or_value_is_400(operator: APIClient, query: str) -> None:
    assert operator.get(f"/api/tasks?{query}").status_code == 400


def test_ready_are_pending_unclaimed_tasks_of_active_missions_that_wait_for_nothing(operator: APIClient) -> None:
    owner = world.mission()
    done = world.task(owner, TaskStatus.COMPLETED)
    ready = world.task(owner, depends_on=[done])
    world.task(owner, depends_on=[ready])
    world.task(owner, TaskStatus.IN_PROGRESS)
    claimed = world.task(owner)
    claiming.claim(claimed, world.agent(), ttl_s=60, actor=SYSTEM, now=timezone.now())
    world.task(world.mission(MissionStatus.PAUSED))
    world.task(world.mission(MissionStatus.PLANNING))
    assert keys(operator.get("/api/tasks?ready=true")) == [ready.key]
    assert keys(operator.get(f"/api/missions/{owner.key}/tasks?ready=true")) == [ready.key]


def test_the_lists_cost_the_same_for_one_and_for_many(operator: APIClient, django_assert_num_queries: Any) -> None:
    owner, box, need = world.mission(), sprint(), world.task()
    for _ in range(5):
        row = world.task(owner, sprint=box, depends_on=[need], requirements=[requirement()])
        claiming.claim(world.task(owner, agent=None), world.agent(), ttl_s=60, actor=SYSTEM, now=timezone.now())
    assert row.version == 1
    operator.get("/api/tasks")
    with django_assert_num_queries(4):
        assert len(keys(operator.get("/api/tasks"))) >= 10
    with django_assert_num_queries(5):
        assert len(keys(operator.get(f"/api/missions/{owner.key}/tasks"))) == 10
