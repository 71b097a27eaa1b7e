"""What the ledger holds comes to those who asked for it and may read it, once each, whoever routes."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import ApiToken, Delivery, Endpoint, LedgerCursor
from accounts.notifying import naming
from accounts.services import issuing_tokens, managing_people
from accounts.services import keeping_notifications as keeping
from accounts.services import routing_notifications as routing
from coordinator.lib.errors import Invalid, NotAllowed
from missions.lifecycle import TaskStatus
from tests.factories import person, service, token_of
from tests.missions import world
from tests.notifying.receiver import Receiver
from tests.notifying.world import Clock, endpoint, fail, happen, with_token, work
from traceability.events import SYSTEM

ANYWHERE = "https://hooks.example.org/coordinator"


def told_to(place: Endpoint) -> list[str]:
    """The events that were routed to it, in the order of the entries."""
    routing.route(now=timezone.now())
    return [each.event for each in place.deliveries.in_turn()]


@pytest.mark.django_db
def test_an_endpoint_is_told_of_its_topics_and_of_no_other() -> None:
    mission, other = world.mission(), world.mission()
    of_tasks = endpoint(ANYWHERE, topics=["tasks"])
    of_mission = endpoint(ANYWHERE, topics=[f"mission:{mission.key}"])
    happen(1, mission)
    happen(1, other)
    assert told_to(of_tasks) == ["task.created", "task.created"]
    assert told_to(of_mission) == ["task.created"]
    assert {each.topic for each in of_mission.deliveries.all()} == {f"mission:{mission.key}"}


@pytest.mark.django_db
def test_a_topic_of_one_thing_is_named_by_its_id_or_its_key() -> None:
    task, agent = world.task(), world.agent()
    place = endpoint(ANYWHERE, topics=[f"task:{task.pk}", f"agent:{agent.key}"])
    assert place.topics == [f"task:{task.key}", f"agent:{agent.key}"]
    assert place.routes == [f"task:{task.pk}", f"agent:{agent.pk}"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "nothing", "mission:nosuch", "mission:", "presence", "task:a b", "needs-you:1"])
def test_a_topic_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="topics"):
        endpoint(ANYWHERE, topics=["tasks", name])


@pytest.mark.django_db
def test_a_topic_that_the_caller_may_not_read_is_refused() -> None:
    with pytest.raises(NotAllowed):
        endpoint(ANYWHERE, owner=person("operator"), topics=["accounts"])


@pytest.mark.django_db
def test_what_was_before_an_endpoint_is_not_told_to_it() -> None:
    happen(2)
    place = endpoint(ANYWHERE)
    assert told_to(place) == []
    happen(1)
    assert told_to(place) == ["task.created"]


@pytest.mark.django_db
def test_an_entry_comes_once_by_its_most_particular_topic() -> None:
    task = world.task()
    place = endpoint(ANYWHERE, topics=["tasks", f"mission:{task.mission.key}", f"task:{task.key}", "needs-you"])
    fail(task)
    assert told_to(place) == ["task.moved", "task.reported"]
    assert {each.topic for each in place.deliveries.all()} == {f"task:{task.key}"}


@pytest.mark.django_db
def test_needs_you_tells_what_waits_for_a_person_and_nothing_else() -> None:
    place = endpoint(ANYWHERE, topics=["needs-you"])
    review, failing = world.task(), world.task()
    world.lead(review, TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW)
    fail(failing)
    assert told_to(place) == ["task.moved", "task.moved"]
    assert {each.topic for each in place.deliveries.all()} == {"needs-you"}


@pytest.mark.parametrize(
    ("kind", "data", "needs"),
    [
        ("approval.requested", {}, True),
        ("approval.granted", {}, False),
        ("advisory.opened", {"severity": "critical"}, True),
        ("advisory.opened", {"severity": "info"}, False),
        ("agent.status_changed", {"after": "waiting"}, True),
        ("agent.status_changed", {"after": "idle"}, False),
        ("notification.paused", {"automatic": True}, True),
        ("notification.paused", {"automatic": False}, False),
    ],
)
def test_what_needs_a_person_is_a_table(kind: str, data: dict[str, Any], needs: bool) -> None:
    assert naming.needs_a_person(kind, data) is needs


@pytest.mark.django_db
def test_a_reader_whose_role_was_taken_away_gets_nothing_more(receiver: Receiver, clock: Clock) -> None:
    owner = person("operator")
    place = endpoint(receiver.url, owner=owner)
    happen(1)
    routing.route(now=clock())
    managing_people.revise_account(owner, role=None, actor=SYSTEM, now=timezone.now())
    happen(1)
    assert work(place, clock) == 0
    assert receiver.got == []
    assert [each.state for each in place.deliveries.in_turn()] == ["skipped"]


@pytest.mark.django_db
def test_a_deactivated_owner_gets_nothing_more(receiver: Receiver, clock: Clock) -> None:
    owner = person("operator")
    place = endpoint(receiver.url, owner=owner)
    managing_people.revise_account(owner, is_active=False, actor=SYSTEM, now=timezone.now())
    happen(1)
    assert (work(place, clock), receiver.got, place.deliveries.count()) == (0, [], 0)


@pytest.mark.django_db
def test_an_endpoint_hears_no_more_than_the_token_that_made_it() -> None:
    account = service()
    token_of(account, scopes=["tasks:read"])
    token = ApiToken.objects.get(user=account)
    with pytest.raises(NotAllowed):
        endpoint(ANYWHERE, by=with_token(token), topics=["missions"])
    place = endpoint(ANYWHERE, by=with_token(token), topics=["tasks", "needs-you"])
    mission = world.mission()
    happen(1, mission)
    world.agent()
    assert told_to(place) == ["task.created"]


@pytest.mark.django_db
def test_an_endpoint_made_with_a_token_is_silent_when_the_token_ends_and_speaks_when_it_is_saved_again() -> None:
    account = service()
    token_of(account)
    token = ApiToken.objects.get(user=account)
    place = endpoint(ANYWHERE, by=with_token(token))
    issuing_tokens.revoke(token, actor=SYSTEM, now=timezone.now())
    happen(1)
    assert told_to(place) == []
    token_of(account)
    fresh = with_token(ApiToken.objects.get(user=account, revoked_at=None))
    keeping.revise(place, by=fresh, topics=["tasks"], actor=SYSTEM, now=timezone.now())
    happen(1)
    assert told_to(place) == ["task.created"]


@pytest.mark.django_db
def test_the_changes_of_notifications_are_told_to_admins_alone() -> None:
    admin = endpoint(ANYWHERE, owner=person("admin"), topics=["accounts"])
    operator = endpoint(ANYWHERE, owner=person("operator"), topics=["needs-you"])
    keeping.pause(operator, actor=SYSTEM, now=timezone.now())
    assert told_to(admin)[-1] == "notification.paused"
    assert told_to(operator) == []


@pytest.mark.django_db
def test_more_than_a_page_of_entries_is_routed_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "PAGE", 3)
    place = endpoint(ANYWHERE)
    entries = happen(8)
    assert told_to(place) == ["task.created"] * 8
    assert [each.entry for each in place.deliveries.in_turn()] == entries


@pytest.mark.django_db
def test_a_paused_endpoint_gathers_what_it_missed(receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    keeping.pause(place, actor=SYSTEM, now=clock())
    entries = happen(3)
    assert work(place, clock) == 0
    keeping.resume(place, actor=SYSTEM, now=clock())
    assert work(place, clock) == 3
    assert receiver.ids == entries


@pytest.mark.django_db
def test_an_entry_is_routed_once_even_when_the_place_was_lost() -> None:
    place = endpoint(ANYWHERE)
    happen(2)
    assert len(told_to(place)) == 2
    LedgerCursor.objects.update(last=0)
    assert len(told_to(place)) == 2
    assert Delivery.objects.count() == 2
