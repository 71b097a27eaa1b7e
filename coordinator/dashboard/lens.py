"""Which missions a page looks at: all, the viewer's own, or those of a sprint. It lives in the address."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from missions.lifecycle import MissionStatus
from missions.models import Mission, Participation, Task
from missions.models.mission import MissionQuerySet
from missions.models.task import TaskQuerySet
from sprints.models import Sprint


@dataclass(frozen=True)
class Choice:
    label: str
    href: str
    current: bool


@dataclass(frozen=True)
class Lens:
    """`person` narrows to their missions, `sprint` to its tasks; neither shows everything."""

    words: str
    choices: tuple[Choice, ...]
    person: int | None = None
    sprint: int | None = None

    def tasks(self) -> TaskQuerySet:
        """The tasks in view, of missions that are not cancelled."""
        rows = Task.objects.exclude(mission__status=MissionStatus.CANCELLED)
        if self.person is not None:
            return rows.filter(mission__in=self.missions())
        return rows if self.sprint is None else rows.filter(sprint_id=self.sprint)

    def missions(self) -> MissionQuerySet:
        if self.person is not None:
            return Mission.objects.filter(of_person(self.person))
        return (
            Mission.objects.all()
            if self.sprint is None
            else Mission.objects.filter(pk__in=Task.objects.filter(sprint_id=self.sprint).values("mission_id"))
        )

    @property
    def private(self) -> bool:
        """Whether what is shown depends on who looks."""
        return self.person is not None


def of_person(user_id: int) -> Q:
    """Missions that a person owns or takes part in."""
    return Q(owner_id=user_id) | Q(pk__in=Participation.objects.filter(member_id=user_id).values("mission_id"))


def through(wanted: str, user: Any, today: date) -> Lens:
    """The lens that `?scope=` names; an unknown one shows everything. One statement."""
    sprints = list(Sprint.objects.active().order_by("end_date", "pk")[:3])
    chosen = next((sprint for sprint in sprints if sprint.key == wanted), None)
    choices = tuple(_choices(wanted, sprints, today))
    if wanted == "mine":
        return Lens("my missions", choices, person=user.pk)
    if chosen is not None:
        return Lens(chosen.name, choices, sprint=chosen.pk)
    return Lens("all missions", choices)


def _choices(wanted: str, sprints: list[Sprint], today: date) -> Iterable[Choice]:
    known = {"mine", *(sprint.key for sprint in sprints)}
    yield Choice("All missions", "?", wanted not in known)
    yield Choice("Mine", "?scope=mine", wanted == "mine")
    for sprint in sprints:
        yield Choice(f"{sprint.name}, {days_left(sprint, today)}", f"?scope={sprint.key}", sprint.key == wanted)


def days_left(sprint: Sprint, today: date) -> str:
    """How long a sprint still runs, its last day included."""
    left = (sprint.end_date - today).days
    if left < 0:
        return f"{-left} day{'s' if left < -1 else ''} over"
    return "last day" if left == 0 else f"{left} day{'s' if left > 1 else ''} left"
