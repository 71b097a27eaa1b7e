"""Making and revising sprints, and moving them along their lifecycle."""

from datetime import date, datetime
from typing import Any

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, ImpossibleMove, Invalid
from sprints.events import SprintCreated, SprintMoved, SprintRevised
from sprints.lifecycle import BIRTHS, MARKS, SPRINT_MOVES, SprintStatus, open_text
from sprints.models import Sprint
from traceability import ledger
from traceability.events import Actor

FIELDS = ("sprint_id", "name", "goal", "start_date", "end_date")
LONGEST_DAYS = 366


class SprintKeyTaken(Conflict):
    """This sprint_id is taken."""


class SprintAlreadyStarted(ImpossibleMove):
    """This sprint was started already."""


class SprintNotStarted(ImpossibleMove):
    """This sprint was not started yet; start it first."""


class SprintAlreadyClosed(ImpossibleMove):
    """This sprint was completed; it does not open again."""


REFUSALS: dict[tuple[SprintStatus, SprintStatus], type[ImpossibleMove]] = {
    (SprintStatus.PLANNED, SprintStatus.COMPLETED): SprintNotStarted,
    (SprintStatus.ACTIVE, SprintStatus.PLANNED): SprintAlreadyStarted,
    (SprintStatus.ACTIVE, SprintStatus.ACTIVE): SprintAlreadyStarted,
    (SprintStatus.COMPLETED, SprintStatus.PLANNED): SprintAlreadyClosed,
    (SprintStatus.COMPLETED, SprintStatus.ACTIVE): SprintAlreadyClosed,
    (SprintStatus.COMPLETED, SprintStatus.COMPLETED): SprintAlreadyClosed,
}


def create_sprint(*, actor: Actor, now: datetime, status: str = SprintStatus.PLANNED, **fields: Any) -> Sprint:
    """A planned sprint, or one that starts at once. Raises SprintKeyTaken, Invalid."""
    if status not in BIRTHS:
        raise Invalid({"status": [f"A new sprint is {' or '.join(BIRTHS)}."]})
    _check_dates(fields["start_date"], fields["end_date"])
    with ledger.writing():
        _free(fields.get("sprint_id"))
        sprint = Sprint.objects.create(**fields, created_at=now, updated_at=now)
        told = SprintCreated(subject=sprint.subject, fields=sprint.values_of(*FIELDS))
        ledger.record(told, actor=actor, at=now)
        if status != sprint.status:
            _move(sprint, SprintStatus(status), actor=actor, now=now)
    return sprint


def revise_sprint(
    sprint: Sprint, *, expected: int | None, actor: Actor, now: datetime, status: str | None = None, **fields: Any
) -> Sprint:
    """Changes what differs, the status along the table only; all of it or nothing.

    Raises Stale, Invalid (also for another sprint_id), ImpossibleMove.
    """
    with ledger.writing():
        sprint = _locked(sprint, expected)
        _check_dates(fields.get("start_date", sprint.start_date), fields.get("end_date", sprint.end_date))
        versions.keep_key(sprint, fields)
        if changed := versions.bump(sprint, now=now, **fields):
            ledger.record(SprintRevised(subject=sprint.subject, fields=changed), actor=actor, at=now)
        if status is not None and status != sprint.status:
            _move(sprint, SprintStatus(status), actor=actor, now=now)
    return sprint


def start_sprint(sprint: Sprint, *, expected: int | None, actor: Actor, now: datetime) -> Sprint:
    """Makes a planned sprint active. Raises Stale, SprintAlreadyStarted, SprintAlreadyClosed."""
    return _step(sprint, SprintStatus.ACTIVE, expected=expected, actor=actor, now=now)


def complete_sprint(sprint: Sprint, *, expected: int | None, actor: Actor, now: datetime) -> Sprint:
    """Closes an active sprint; tasks that are not done stay in it, as history.

    Raises Stale, SprintNotStarted, SprintAlreadyClosed.
    """
    return _step(sprint, SprintStatus.COMPLETED, expected=expected, actor=actor, now=now)


def _step(sprint: Sprint, after: SprintStatus, *, expected: int | None, actor: Actor, now: datetime) -> Sprint:
    with ledger.writing():
        sprint = _locked(sprint, expected)
        _move(sprint, after, actor=actor, now=now)
    return sprint


def _move(sprint: Sprint, after: SprintStatus, *, actor: Actor, now: datetime) -> None:
    before = SprintStatus(sprint.status)
    if after not in SPRINT_MOVES[before]:
        refusal = REFUSALS[before, after]
        raise refusal(f"Sprint {sprint.key} is {before} and cannot become {after}. {open_text(before)}")
    versions.bump(sprint, now=now, status=after, **{MARKS[after]: now})
    ledger.record(SprintMoved(subject=sprint.subject, before=before, after=after), actor=actor, at=now)


def _locked(sprint: Sprint, expected: int | None) -> Sprint:
    found = Sprint.objects.select_for_update().get(pk=sprint.pk)
    versions.require(found, expected)
    return found


def _check_dates(start: date, end: date) -> None:
    if end < start:
        raise Invalid({"end_date": [f"A sprint ends on or after its start, {start}."]})
    if (end - start).days >= LONGEST_DAYS:
        raise Invalid({"end_date": [f"A sprint lasts at most {LONGEST_DAYS} days."]})


def _free(key: str | None) -> None:
    if key and Sprint.objects.keyed(key).exists():
        raise SprintKeyTaken(f"There is a sprint {key!r} already; choose another sprint_id.")
