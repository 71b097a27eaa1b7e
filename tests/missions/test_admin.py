"""Missions in the admin: everything is seen in few statements, and every change goes through a service."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from missions import models
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, Claim, Execution, GitHubFeed, GitHubIssue, Mission, MissionProcess, Review, Task
from missions.services import claiming, taking_part
from missions.services.reporting import Filing
from tests import telling
from tests.factories import person, unique
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
MODELS = [model for model in admin.site._registry if model._meta.app_label == "missions"]
NAMES = sorted(model._meta.model_name or "" for model in MODELS)


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(person("operator"))
    return client


def furnish() -> Task:
    """One row or more for every list; answers the task that has a bit of everything."""
    now = timezone.now()
    row, who = world.mission(owner=person()), world.agent()
    for participant in (who, person()):
        taking_part.join(row, participant, role="lead", actor=SYSTEM, now=now)
    full = world.task(row, TaskStatus.REJECTED, depends_on=[world.task(row)])
    world.task(row, depends_on=[full])
    claimed = world.task(row)
    claiming.claim(claimed, who, ttl_s=60, actor=SYSTEM, now=now)
    telling.execution(mission=row, task=full, agent=who, adapter="openai", created_at=now)
    telling.advisory(
        cause=unique("c"), kind="overdue", severity="warning", message="Late.", mission=row, task=full, agent=who,
        opened_at=now,
    )  # fmt: skip
    GitHubIssue.objects.create(
        repository="a/b", number=full.pk, title="Broken", state="open", url="https://example.org", opened_at=now,
        changed_at=now, synced_at=now, task=full,
    )  # fmt: skip
    GitHubFeed.objects.create(repository=unique("a/b"), read_at=now)
    models.MissionStanding.objects.create(mission=row, seq=1, figures={"cost_usd": 0}, at=now)
    models.WorkerHost.objects.create(name=unique("here/exec"), queue="exec", pid=1, started_at=now, beat_at=now)
    world.owner()
    return full


def act(client: Client, name: str, action: str, *rows: Any, **also: str) -> str:
    """Runs an admin action on these rows; answers the page that follows."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], **also}
    answer = client.post(f"/admin/missions/{name}/", chosen, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_table_of_a_person_has_its_admin() -> None:
    assert {"mission", "task", "claim", "execution", "advisory", "participation", "review", "report"} <= set(NAMES)
    assert {"githubissue", "missionprocess", "workerhost"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_list_costs_the_same_for_one_and_for_many(
    client: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        furnish()
    address = f"/admin/missions/{name}/"
    client.get(address)
    with django_assert_max_num_queries(14):
        page = client.get(address)
    assert page.status_code == 200
    assert client.get(f"{address}?q=needle").status_code == 200
    assert client.get(f"{address}?q=%00").headers["Location"] == f"{address}?e=1"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_its_row_and_its_history_in_few_statements(
    client: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    full = furnish()
    for _ in range(5):
        world.file(full, Filing(percent=5))
    model = next(each for each in MODELS if each._meta.model_name == name)
    row: Any = {"task": full, "mission": full.mission}.get(name) or model._default_manager.order_by("pk").first()
    address = f"/admin/missions/{name}/{row.pk}/change/"
    client.get(address)
    with django_assert_max_num_queries(26):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_viewer_looks_and_changes_nothing(client: Client, name: str) -> None:
    full = furnish()
    client.force_login(person("viewer"))
    page = client.get(f"/admin/missions/{name}/")
    assert page.status_code == 200
    assert 'name="action"' not in page.content.decode()
    assert client.get(f"/admin/missions/{name}/add/").status_code == 403
    if name == "task":
        assert client.post(f"/admin/missions/task/{full.pk}/change/", {"objective": "x"}).status_code == 403


@pytest.mark.parametrize("name", NAMES)
def test_no_row_is_deleted_by_hand(client: Client, name: str) -> None:
    full = furnish()
    assert client.post(f"/admin/missions/{name}/{full.pk}/delete/", {"post": "yes"}).status_code in {302, 403}
    assert Task.objects.filter(pk=full.pk).exists()


def test_a_mission_is_made_and_changed_through_the_service(client: Client) -> None:
    owner, key = person(), unique("m")
    world.submit(client, "/admin/missions/mission/add/", mission_id=key, goal="Ship it", owner=owner.pk, budget_usd="5")
    row = Mission.objects.get(mission_id=key)
    assert (row.goal, row.owner, row.status) == ("Ship it", owner, MissionStatus.PLANNING)
    world.submit(client, f"/admin/missions/mission/{row.pk}/change/", goal="Ship all of it", four_eyes="on")
    row.refresh_from_db()
    assert (row.goal, row.four_eyes, row.version) == ("Ship all of it", True, 2)
    told = Entry.objects.of_mission(row.pk).latest("pk")
    assert (told.kind, told.data["fields"]) == ("mission.updated", {"goal": "Ship all of it", "four_eyes": True})
    assert told.actor_kind == "person"


def test_what_the_service_refuses_is_said_at_the_form(client: Client) -> None:
    taken = world.mission()
    page = world.send(client, "/admin/missions/mission/add/", mission_id=taken.key, goal="Ship it")
    assert page.status_code == 200
    assert "already" in page.content.decode()
    one = world.task()
    other = world.task(one.mission, depends_on=[one])
    page = world.send(client, f"/admin/missions/task/{one.pk}/change/", needs_keys=other.key)
    assert "would wait for itself" in page.content.decode()
    page = world.send(client, f"/admin/missions/task/{one.pk}/change/", needs_keys="nothing")
    assert "There is no task" in page.content.decode()


def test_a_task_is_made_and_changed_through_the_service(client: Client) -> None:
    owner, need, key = world.mission(), world.task(), unique("t")
    world.submit(
        client,
        "/admin/missions/task/add/",
        mission=owner.pk,
        task_id=key,
        objective="Write it",
        acceptance_criteria="It is green.\n\nIt is read.",
        required_capabilities="python",
        needs_keys=need.key,
    )
    row = Task.objects.get(task_id=key)
    assert (row.mission, row.acceptance_criteria, row.required_capabilities) == (
        owner,
        ["It is green.", "It is read."],
        ["python"],
    )
    assert list(row.depends_on.all()) == [need]
    world.submit(client, f"/admin/missions/task/{row.pk}/change/", objective="Write it well", needs_keys="")
    row.refresh_from_db()
    assert (row.objective, row.depends_on.count(), row.version) == ("Write it well", 0, 2)
    assert row.acceptance_criteria == ["It is green.", "It is read."]


def test_a_form_that_is_sent_unchanged_changes_nothing(client: Client) -> None:
    full = furnish()
    entries = Entry.objects.count()
    for name, row in (("task", full), ("mission", full.mission)):
        version = row.version
        world.submit(client, f"/admin/missions/{name}/{row.pk}/change/")
        row.refresh_from_db()
        assert row.version == version
    assert Entry.objects.count() == entries


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("start", MissionStatus.PLANNING, MissionStatus.ACTIVE),
        ("pause", MissionStatus.ACTIVE, MissionStatus.PAUSED),
        ("complete", MissionStatus.PAUSED, MissionStatus.COMPLETED),
        ("cancel", MissionStatus.ACTIVE, MissionStatus.CANCELLED),
    ],
)
def test_missions_are_moved_by_actions(
    client: Client, action: str, before: MissionStatus, after: MissionStatus
) -> None:
    movable, ended = world.mission(before), world.mission(MissionStatus.COMPLETED)
    page = act(client, "mission", action, movable, ended)
    assert Mission.objects.get(pk=movable.pk).status == after
    assert Mission.objects.get(pk=ended.pk).status == MissionStatus.COMPLETED
    assert f"{ended.key[1:]}: A mission that is completed cannot become" in page
    assert MissionProcess.objects.get(mission=movable).wanted == (after == MissionStatus.ACTIVE)


def test_a_move_that_a_policy_holds_is_said(client: Client) -> None:
    row = world.mission(MissionStatus.PLANNING)
    world.policy({"action_type": "mission_transition"}, [{"escalate": "Ask the lead."}])
    assert "A policy holds this until approval" in act(client, "mission", "start", row)
    assert Mission.objects.get(pk=row.pk).status == MissionStatus.PLANNING


def test_work_is_reviewed_by_actions_with_a_comment(client: Client) -> None:
    good, bad = (world.task(status=TaskStatus.PENDING_REVIEW) for _ in range(2))
    other = world.task()
    page = act(client, "task", "approve", good, other, comment="Well done.")
    assert f"{other.key[1:]}: Only a task in pending_review is reviewed" in page
    act(client, "task", "reject", bad, comment="Add a test.")
    assert Task.objects.get(pk=good.pk).status == TaskStatus.COMPLETED
    assert Task.objects.get(pk=bad.pk).status == TaskStatus.REJECTED
    assert set(Review.objects.values_list("approved", "comment")) == {(True, "Well done."), (False, "Add a test.")}


def test_failed_tasks_are_retried_and_others_left_alone(client: Client) -> None:
    failed, working = world.task(status=TaskStatus.FAILED), world.task(status=TaskStatus.IN_PROGRESS)
    act(client, "task", "retry", failed, working)
    assert Task.objects.get(pk=failed.pk).status == TaskStatus.PENDING
    assert Task.objects.get(pk=working.pk).status == TaskStatus.IN_PROGRESS


def test_claims_are_released_and_advisories_acknowledged(client: Client) -> None:
    full = furnish()
    act(client, "claim", "release", *Claim.objects.all())
    assert not Claim.objects.exists()
    assert Entry.objects.filter(kind="task.released").count() == 1
    advisory = Advisory.objects.get(task=full)
    act(client, "advisory", "acknowledge", advisory)
    advisory.refresh_from_db()
    assert advisory.acknowledged_by is not None


def test_a_run_is_cancelled_by_an_action(client: Client) -> None:
    furnish()
    run = Execution.objects.get()
    act(client, "execution", "cancel", run)
    run.refresh_from_db()
    assert run.state == Execution.State.CANCELLED
