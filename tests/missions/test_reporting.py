"""Reports: what they record, move and cost; all of it or nothing."""

from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from agents.models import Usage
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Mission, Report, Task
from missions.services import taking_part
from tests.factories import client_of, person, unique
from tests.missions import world
from traceability import canonical
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def report(client: APIClient, row: Task, **progress: Any) -> Any:
    return client.post(f"/api/tasks/{row.key}/report", {"progress": progress}, format="json")


def test_a_report_records_moves_and_answers_the_task() -> None:
    who = world.agent()
    client, row = world.token_client(who), world.task(agent=who)
    answer = report(
        client,
        row,
        status="in_progress",
        percent=40,
        outputs={"branch": "b"},
        logs=[{"message": "began", "timestamp": "2026-11-24T12:00:00Z", "level": "info"}, {"message": "goes on"}],
    )
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["status"], shown["percent"], shown["outputs"]) == ("in_progress", 40, {"branch": "b"})
    assert (shown["decisions"], shown["advisories"], shown["attempts"]) == ([], [], 1)
    assert answer["ETag"] == f'"{shown["version"]}"'
    kept = Report.objects.get(task=row)
    assert (kept.agent, kept.by, kept.percent, kept.outputs) == (who, who.service_account, 40, {"branch": "b"})
    assert [line["message"] for line in kept.logs] == ["began", "goes on"]
    kinds = list(Entry.objects.of_task(row.pk).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["task.created", "task.moved", "task.reported"]
    moved = Entry.objects.of_task(row.pk).get(kind="task.moved")
    assert (moved.data["before"], moved.data["after"], moved.data["reason"]) == ("pending", "in_progress", "goes on")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda progress: progress,
        lambda progress: {"progress": progress},
        lambda progress: {"task": {"progress": progress}},
    ],
)
def test_a_report_may_be_flat_or_wrapped(operator: APIClient, wrap: Any) -> None:
    row = world.task()
    answer = operator.post(f"/api/tasks/{row.pk}/report", wrap({"status": "blocked"}), format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "blocked")


def test_outputs_are_merged_key_by_key(operator: APIClient) -> None:
    row = world.task()
    report(operator, row, outputs={"a": {"x": 1}, "b": 1.5})
    shown = report(operator, row, outputs={"b": None, "c": [1]}).json()
    assert shown["outputs"] == {"a": {"x": 1}, "b": None, "c": [1]}


def test_a_report_without_a_state_moves_nothing(operator: APIClient) -> None:
    row = world.task(status=TaskStatus.BLOCKED)
    shown = report(operator, row, percent=70).json()
    assert (shown["status"], shown["percent"], shown["attempts"]) == ("blocked", 70, 0)


def test_a_report_that_repeats_the_state_is_no_move(operator: APIClient) -> None:
    row = world.task(status=TaskStatus.IN_PROGRESS)
    shown = report(operator, row, status="in_progress", percent=10).json()
    assert (shown["status"], shown["attempts"], shown["percent"]) == ("in_progress", 1, 10)


def test_an_agent_that_starts_on_a_free_task_takes_it() -> None:
    who = world.agent()
    row = world.task()
    assert report(world.token_client(who), row, status="in_progress").json()["agent"] == who.key
    stranger = world.token_client(world.agent())
    assert report(stranger, row, percent=1).status_code == 403


@pytest.mark.parametrize(
    "progress",
    [
        {"status": "asleep"},
        {"percent": 101},
        {"percent": "50"},
        {"percent": True},
        {"outputs": [1]},
        {"logs": "text"},
        {"logs": [{"level": "info"}]},
        {"logs": [{"message": "x", "colour": "red"}]},
        {"logs": [{"message": "x"}] * 501},
        {"surplus": 1},
        {"usage": []},
        {"usage": {"input_tokens": -1}},
        {"usage": {"surplus": 1}},
    ],
)
def test_a_bad_report_is_422_and_stores_nothing(operator: APIClient, progress: dict[str, Any]) -> None:
    row = world.task()
    answer = report(operator, row, **{"percent": 5, **progress})
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert not Report.objects.filter(task=row).exists()
    assert Task.objects.get(pk=row.pk).version == 1


@pytest.mark.parametrize("body", [[], "text", {"progress": []}, {"progress": None}])
def test_a_report_that_is_no_object_is_refused(operator: APIClient, body: Any) -> None:
    row = world.task()
    assert operator.post(f"/api/tasks/{row.key}/report", body, format="json").status_code in {400, 422}


def test_the_usage_of_a_report_is_charged_once_to_task_and_mission() -> None:
    who = world.agent()
    client, row = world.token_client(who), world.task(agent=who)
    usage = {"usage_id": unique("u"), "model": "a-model", "input_tokens": 10, "output_tokens": 5, "cost_usd": "0.25"}
    for _ in range(2):
        answer = report(client, row, status="in_progress", usage=usage)
        assert answer.status_code == 200
    assert answer.json()["cost_usd"] == "0.25"
    assert Mission.objects.get(pk=row.mission_id).cost_usd == Decimal("0.25")
    assert Usage.objects.filter(task_id=row.pk).count() == 1
    assert Entry.objects.of_task(row.pk).filter(kind="task.costed").count() == 1


def test_a_refused_report_charges_nothing(operator: APIClient) -> None:
    row = world.task(status=TaskStatus.COMPLETED)
    answer = report(operator, row, status="pending", outputs={"a": 1}, usage={"cost_usd": "1", "usage_id": unique("u")})
    assert answer.status_code == 422
    fresh = Task.objects.get(pk=row.pk)
    assert (fresh.cost_usd, fresh.outputs, fresh.version) == (Decimal(0), {}, row.version)
    assert not Usage.objects.filter(task_id=row.pk).exists()


@pytest.mark.parametrize("face", ["report", "patch"])
def test_a_policy_that_blocks_leaves_its_refusal_and_nothing_else(operator: APIClient, face: str) -> None:
    row = world.task()
    world.policy({"action_type": "task_transition", "to": "in_progress"}, [{"block": "Not now."}])
    if face == "report":
        answer = report(operator, row, status="in_progress", percent=5, outputs={"a": 1})
    else:
        answer = operator.patch(f"/api/tasks/{row.key}", {"priority": 3, "status": "in_progress"}, format="json")
    assert answer.status_code == 409
    assert "Not now." in answer.json()["detail"]
    assert [each["outcome"] for each in answer.json()["decisions"]] == ["block"]
    fresh = Task.objects.get(pk=row.pk)
    assert (fresh.status, fresh.version, fresh.outputs, fresh.agent) == (TaskStatus.PENDING, 1, {}, None)
    assert not Report.objects.filter(task=row).exists()
    kinds = list(Entry.objects.of_task(row.pk).order_by("pk").values_list("kind", flat=True))
    assert kinds[0] == "task.created"
    assert "task.move_refused" in kinds
    assert not {"task.moved", "task.reported", "task.updated"} & set(kinds)


def test_a_policy_that_escalates_holds_the_move_and_keeps_the_rest(operator: APIClient) -> None:
    row = world.task(status=TaskStatus.IN_PROGRESS)
    world.policy({"action_type": "task_transition", "to": "completed"}, [{"escalate": "Ask the lead."}])
    answer = report(operator, row, status="completed", outputs={"a": 1})
    assert answer.status_code == 202
    shown = answer.json()
    assert (shown["status"], shown["outputs"]) == ("in_progress", {"a": 1})
    lead = client_of(person("operator"))
    assert lead.post(f"/api/approvals/{shown['approval']}/approve", {}, format="json").status_code == 200
    assert operator.get(f"/api/tasks/{row.key}").json()["status"] == "completed"


def test_a_held_move_that_was_overtaken_moves_nothing(operator: APIClient) -> None:
    row = world.task(status=TaskStatus.IN_PROGRESS)
    world.policy({"action_type": "task_transition", "to": "completed"}, [{"escalate": "Ask the lead."}])
    held = report(operator, row, status="completed").json()
    assert report(operator, row, status="failed").status_code == 200
    lead = client_of(person("operator"))
    assert lead.post(f"/api/approvals/{held['approval']}/approve", {}, format="json").status_code == 409
    assert operator.get(f"/api/tasks/{row.key}").json()["status"] == "failed"


def test_a_policy_that_warns_lets_the_move_pass_and_tells(operator: APIClient) -> None:
    row = world.task()
    world.policy({"action_type": "task_transition"}, [{"warn": "Mind the gap."}])
    answer = report(operator, row, status="in_progress")
    assert (answer.status_code, answer.json()["status"]) == (200, "in_progress")
    assert [(each["outcome"], each["message"]) for each in answer.json()["decisions"]] == [("warn", "Mind the gap.")]


def test_a_report_costs_few_statements(django_assert_num_queries: Any) -> None:
    who = world.agent()
    client, row = world.token_client(who), world.task(agent=who)
    report(client, row, percent=1)
    with django_assert_num_queries(17):
        assert report(client, row, status="in_progress", percent=5, outputs={"a": 1}).status_code == 200


def test_a_policy_on_the_spent_budget_says_nothing_of_a_mission_without_one() -> None:
    over = {"action_type": "task_transition", "mission.budget_used_percent": {"gte": 100}}
    world.policy(over, [{"block": "Over budget"}])
    someone = client_of(person())
    assert report(someone, world.task(), status="in_progress").status_code == 200
    refused = report(someone, world.task(world.mission(budget_usd="0")), status="in_progress")
    assert (refused.status_code, refused.json()["decisions"][0]["message"]) == (409, "Over budget")


@pytest.mark.parametrize("status", [MissionStatus.PLANNING, MissionStatus.PAUSED, MissionStatus.CANCELLED])
def test_an_agent_begins_by_report_only_in_an_active_mission(status: MissionStatus) -> None:
    who = world.agent()
    row = world.task(agent=who)
    path = {MissionStatus.PLANNING: (), MissionStatus.PAUSED: ("pause",), MissionStatus.CANCELLED: ("cancel",)}[status]
    if not path:
        row = world.task(world.mission(status), agent=who)
    for step in path:
        assert client_of(person()).post(f"/api/missions/{row.mission.key}/{step}", {}, format="json").status_code == 200
    for answer in (
        report(world.token_client(who), row, status="in_progress"),
        world.token_client(who).patch(f"/api/tasks/{row.key}", {"status": "in_progress"}, format="json"),
    ):
        assert answer.status_code == 409
        assert status in answer.json()["detail"]
    assert Task.objects.get(pk=row.pk).status == TaskStatus.PENDING


def test_an_agent_does_not_begin_by_report_what_waits_for_other_tasks() -> None:
    who, need = world.agent(), world.task()
    row = world.task(agent=who, depends_on=[need])
    refused = report(world.token_client(who), row, status="in_progress")
    assert (refused.status_code, refused.json()["waits_for"]) == (409, [need.key])
    world.lead(need, TaskStatus.IN_PROGRESS, TaskStatus.COMPLETED)
    assert report(world.token_client(who), row, status="in_progress").status_code == 200


def test_a_person_begins_what_waits_but_nothing_of_a_mission_that_has_ended(operator: APIClient) -> None:
    waits = world.task(world.mission(MissionStatus.PLANNING), depends_on=[world.task()])
    assert report(operator, waits, status="in_progress").status_code == 200
    ended = world.task()
    assert operator.post(f"/api/missions/{ended.mission.key}/cancel", {}, format="json").status_code == 200
    assert report(operator, ended, status="in_progress").status_code == 409


def test_an_agent_charges_no_mission_in_which_it_does_not_work() -> None:
    who, elsewhere = world.agent(), world.task()
    client = world.token_client(who)
    for named in ({"mission": elsewhere.mission.key}, {"task": elsewhere.key}):
        refused = client.post("/api/usage", {**named, "cost_usd": "100000"}, format="json")
        assert refused.status_code == 403
        assert elsewhere.mission.key in refused.json()["detail"]
    assert report(client, elsewhere, percent=1, usage={"cost_usd": "100000"}).status_code == 403
    heard = {"event": "stop", "context": {"mission": elsewhere.mission.key}, "usage": {"cost_usd": "100000"}}
    assert client.post(f"/api/agents/{who.key}/activity", heard, format="json").status_code == 201
    assert Mission.objects.get(pk=elsewhere.mission_id).cost_usd == 0
    own = world.task(agent=who)
    assert client.post("/api/usage", {"mission": own.mission.key, "cost_usd": "1"}, format="json").status_code == 201
    assert client.post("/api/usage", {"task": own.key, "cost_usd": "1"}, format="json").status_code == 201
    taking_part.join(elsewhere.mission, who, role="contributor", actor=SYSTEM, now=timezone.now())
    given = {"mission": elsewhere.mission.key, "cost_usd": "1"}
    assert client.post("/api/usage", given, format="json").status_code == 201


def test_the_reports_of_a_task_are_read_with_their_logs_as_the_trace_proves_them(
    operator: APIClient, django_assert_num_queries: Any
) -> None:
    who, line = world.agent(), {"message": "Begun \u00e9", "level": "info", "timestamp": "2026-11-24T12:00:00Z"}
    row = world.task(agent=who)
    report(world.token_client(who), row, status="in_progress", outputs={"a": 1}, logs=[line, {"message": "on"}])
    report(operator, row, percent=70)
    operator.get(f"/api/tasks/{row.key}/reports")
    with django_assert_num_queries(3):
        first, second = operator.get(f"/api/tasks/{row.key}/reports").json()["results"]
    assert (first["agent"], first["status"], first["outputs"]) == (who.key, "in_progress", {"a": 1})
    assert [each["message"] for each in first["logs"]] == ["Begun \u00e9", "on"]
    assert (second["agent"], second["percent"], second["logs"], second["logs_sha256"]) == (None, 70, [], "")
    told = Entry.objects.of_task(row.pk).filter(kind="task.reported").order_by("pk").first()
    assert told is not None
    stored = Report.objects.get(pk=first["id"])
    digest = sha256(canonical.write(stored.logs).encode()).hexdigest()
    assert (told.data["logs"], told.data["logs_sha256"], first["logs_sha256"]) == (2, digest, digest)
    assert operator.get(f"/api/tasks/{row.key}/reports?colour=red").status_code == 400
    assert operator.get("/api/tasks/nothing/reports").status_code == 404
