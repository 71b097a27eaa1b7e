"""Claims: one holder, a fence that grows, and an end."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Claim, Task
from missions.services import claiming
from missions.services.reporting import Filing
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db


def call(client: APIClient, row: Task, verb: str, **body: Any) -> Any:
    return client.post(f"/api/tasks/{row.key}/{verb}", body, format="json")


def held(row: Task, agent: Any, now: datetime, ttl_s: int = 60) -> Claim:
    return claiming.claim(row, agent, ttl_s=ttl_s, actor=SYSTEM, now=now)


def test_an_agent_claims_with_its_token() -> None:
    who, row = world.agent(), world.task()
    before = timezone.now()
    answer = call(world.token_client(who), row, "claim", ttl_s=120)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["claimed_by"], shown["agent"], shown["status"], shown["fence"]) == (who.key, who.key, "pending", 1)
    until = datetime.fromisoformat(shown["lease_until"])
    assert before + timedelta(seconds=119) < until < timezone.now() + timedelta(seconds=121)
    told = Entry.objects.of_task(row.pk).latest("pk")
    assert (told.kind, told.data["fence"]) == ("task.claimed", 1)


def test_a_person_claims_for_an_agent_that_they_name(operator: APIClient) -> None:
    who, row = world.agent(), world.task()
    assert list(call(operator, row, "claim").json()["errors"]) == ["agent"]
    assert call(operator, row, "claim", agent=who.pk).json()["claimed_by"] == who.key
    told = Entry.objects.of_task(row.pk).get(kind="task.claimed")
    assert (told.actor_kind, told.on_behalf_of) == ("person", who.key)


def test_everyone_else_is_told_who_holds_the_task() -> None:
    who, row = world.agent(), world.task()
    held(row, who, timezone.now())
    answer = call(world.token_client(world.agent()), row, "claim")
    assert answer.status_code == 409
    assert answer.json()["holder"] == who.key
    assert who.key in answer.json()["detail"]
    assert answer.json()["lease_until"]


def test_the_holders_repeat_renews_and_never_shortens() -> None:
    who, row = world.agent(), world.task()
    client = world.token_client(who)
    first = call(client, row, "claim", ttl_s=600).json()
    for verb in ("claim", "renew"):
        again = call(client, row, verb, ttl_s=60).json()
        assert (again["fence"], again["lease_until"]) == (1, first["lease_until"])
    longer = call(client, row, "renew", ttl_s=1200).json()
    assert longer["lease_until"] > first["lease_until"]


@pytest.mark.parametrize(
    "body", [{"ttl_s": 0}, {"ttl_s": 86_401}, {"ttl_s": "60"}, {"agent": "nobody"}, {"surplus": 1}]
)
def test_a_bad_claim_is_422(body: dict[str, Any]) -> None:
    who, row = world.agent(), world.task()
    assert call(world.token_client(who), row, "claim", **body).status_code == 422
    assert not Claim.objects.filter(task=row).exists()


def test_only_the_holder_renews_and_releases(operator: APIClient) -> None:
    who, other, row = world.agent(), world.agent(), world.task()
    for verb in ("renew", "release"):
        assert call(world.token_client(who), row, verb).status_code == 409
    held(row, who, timezone.now())
    for verb in ("renew", "release"):
        assert call(world.token_client(other), row, verb).status_code == 403
        assert call(operator, row, verb, agent=other.key).status_code == 409
    assert Claim.objects.filter(task=row).exists()


def test_an_agent_cannot_claim_for_another() -> None:
    who, other, row = world.agent(), world.agent(), world.task()
    assert call(world.token_client(who), row, "claim", agent=other.key).status_code == 403
    assert not Claim.objects.filter(task=row).exists()


def test_a_release_puts_work_that_had_begun_back() -> None:
    who, row = world.agent(), world.task()
    client = world.token_client(who)
    call(client, row, "claim")
    client.post(f"/api/tasks/{row.key}/report", {"progress": {"status": "in_progress"}}, format="json")
    shown = call(client, row, "release").json()
    assert (shown["status"], shown["agent"], shown["claimed_by"]) == ("pending", None, None)
    assert call(world.token_client(world.agent()), row, "claim").json()["fence"] == 2


def test_a_task_that_is_somebody_elses_is_not_claimed() -> None:
    who, row = world.agent(), world.task(agent=world.agent())
    answer = call(world.token_client(who), row, "claim")
    assert (answer.status_code, answer.json()["holder"]) == (409, row.agent and row.agent.key)


@pytest.mark.parametrize("status", [TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.PENDING_REVIEW])
def test_a_task_with_nothing_to_do_is_not_claimed(status: TaskStatus) -> None:
    answer = call(world.token_client(world.agent()), world.task(status=status), "claim")
    assert answer.status_code == 422


def test_a_task_that_waits_is_not_claimed() -> None:
    need = world.task()
    row = world.task(depends_on=[need])
    answer = call(world.token_client(world.agent()), row, "claim")
    assert (answer.status_code, answer.json()["waits_for"]) == (409, [need.key])


@pytest.mark.parametrize("status", [MissionStatus.PLANNING, MissionStatus.PAUSED])
def test_only_tasks_of_active_missions_are_claimed(status: MissionStatus) -> None:
    assert call(world.token_client(world.agent()), world.task(world.mission(status)), "claim").status_code == 409


def test_a_lease_that_runs_out_puts_the_task_back_and_tells_it() -> None:
    who, row, now = world.agent(), world.task(), timezone.now()
    held(row, who, now)
    world.file(row, Filing(status=TaskStatus.IN_PROGRESS))
    assert claiming.expire(now=now + timedelta(seconds=59)) == 0
    assert claiming.expire(now=now + timedelta(seconds=61)) == 1
    assert claiming.expire(now=now + timedelta(seconds=61)) == 0
    row.refresh_from_db()
    assert (row.status, row.agent) == (TaskStatus.PENDING, None)
    released, moved = (
        Entry.objects.of_task(row.pk).filter(kind__in=["task.released", "task.moved"]).order_by("-pk")[:2][::-1]
    )
    assert released.data["reason"] == moved.data["reason"] == f"the lease of {who.key} ran out"
    assert (moved.data["before"], moved.data["after"], moved.actor_kind) == ("in_progress", "pending", "system")


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence() -> None:
    first, second, row, now = world.agent(), world.agent(), world.task(), timezone.now()
    old = held(row, first, now)
    later = now + timedelta(seconds=61)
    with pytest.raises(claiming.NotTheHolder):
        claiming.renew(row, first, ttl_s=60, actor=SYSTEM, now=later)
    new = held(row, second, later)
    assert (old.fence, new.fence, new.agent) == (1, 2, second)


def test_a_fence_that_has_fallen_changes_nothing() -> None:
    who, row, now = world.agent(), world.task(), timezone.now()
    held(row, who, now - timedelta(seconds=61))
    assert held(row, who, now).fence == 2
    client = world.token_client(who)
    for verb in ("renew", "release"):
        assert call(client, row, verb, fence=1).status_code == 409
    old = client.post(f"/api/tasks/{row.key}/report", {"progress": {"percent": 5, "fence": 1}}, format="json")
    assert old.status_code == 409
    new = client.post(f"/api/tasks/{row.key}/report", {"progress": {"percent": 6, "fence": 2}}, format="json")
    assert (new.status_code, new.json()["percent"]) == (200, 6)


@pytest.mark.parametrize(
    "after", [TaskStatus.PENDING, TaskStatus.PENDING_REVIEW, TaskStatus.FAILED, TaskStatus.COMPLETED]
)
def test_a_claim_ends_when_the_work_does(after: TaskStatus) -> None:
    who, row = world.agent(), world.task()
    held(row, who, timezone.now())
    world.file(row, Filing(status=TaskStatus.IN_PROGRESS))
    assert Claim.objects.filter(task=row).exists()
    world.file(row, Filing(status=after))
    assert not Claim.objects.filter(task=row).exists()
    assert Entry.objects.of_task(row.pk).filter(kind="task.released").count() == 1


def test_a_claim_costs_few_statements(django_assert_num_queries: Any) -> None:
    who, row = world.agent(), world.task()
    client = world.token_client(who)
    client.get("/api/tasks")
    with django_assert_num_queries(14):
        assert call(client, row, "claim").status_code == 200
