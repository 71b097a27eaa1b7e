"""Endpoints, things that happen, and a day that passes in steps; nothing here waits for a real clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.auth import Credential
from accounts.models import ApiToken, Endpoint, User
from accounts.notifying import courier
from accounts.services import keeping_notifications as keeping
from accounts.services import routing_notifications, sending_notifications
from missions.lifecycle import TaskStatus
from missions.models import Mission, Task
from missions.services import planning
from tests.factories import person, unique
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

START = datetime(2030, 5, 1, 12, 0, 10, tzinfo=UTC)
TOPICS = ["tasks"]


@dataclass
class Clock:
    """The time of a test: it stands until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **span: float) -> None:
        self.now += timedelta(**span)


def signed_in(user: User) -> Credential:
    return Credential(user, user.scopes)


def with_token(token: ApiToken) -> Credential:
    return Credential(token.user, frozenset(token.scopes), token_id=token.pk)


def endpoint(address: str = "", *, owner: User | None = None, by: Credential | None = None, **fields: Any) -> Endpoint:
    """A webhook of an operator for `tasks`, unless other fields say so."""
    by = by or signed_in(owner or person())
    given = {"kind": "webhook", "topics": TOPICS, "now": START, **fields}
    return keeping.create(address=address, by=by, actor=SYSTEM, **given)


def happen(count: int, mission: Mission | None = None) -> list[int]:
    """So many tasks are made; the ids of the entries that say so."""
    mission = mission or world.mission()
    for _ in range(count):
        planning.create_task(
            mission=mission, task_id=unique("t"), objective="Write the tests", actor=SYSTEM, now=timezone.now()
        )
    rows = Entry.objects.filter(kind="task.created", mission_id=mission.pk).order_by("-pk").values_list("pk", flat=True)
    return sorted(rows[:count])


def fail(task: Task) -> int:
    """The task fails; the id of the entry that says so."""
    world.lead(task, TaskStatus.FAILED)
    return Entry.objects.filter(kind="task.moved", task_id=task.pk).latest("pk").pk


def work(place: Endpoint, clock: Clock) -> int:
    """What the host and a worker do at this moment: how many were sent."""
    routing_notifications.route(now=clock())
    sending_notifications.call_due(now=clock())
    return courier.deliver(place.pk, clock=clock, chance=lambda: 0.5)


def work_until(place: Endpoint, clock: Clock, end: datetime) -> None:
    """The same, at every moment when something is due, until the end or until nothing is due."""
    while clock.now < end:
        work(place, clock)
        place.refresh_from_db()
        if place.due_at is None:
            return
        clock.now = min(max(place.due_at, clock.now), end)
