"""What runs by the clock: one table. The rows of the queue's scheduler are made from it, and only from it.

The scheduler looks about twice a minute, so a job runs up to half a minute late; each job is safe to run twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django_q.models import Schedule

from missions.supervision import presence


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table: a job by its dotted path, how often it runs, and why."""

    job: str
    minutes: int
    why: str
    queue: str = ""


TABLE = (
    Line(job="missions.jobs.revive", minutes=1, why="asks for a host of mission processes when none lives"),
    Line(job="missions.jobs.expire", minutes=1, why="ends lapsed claims and executions when no host is at work"),
    Line(job="missions.jobs.tidy", minutes=60, why="forgets machines that went away"),
    Line(job="missions.jobs.archive", minutes=1440, why="moves missions that ended long ago to files, where it may"),
    Line(job="policies.jobs.expire_approvals", minutes=1, why="an approval past its deadline is rejected"),
    Line(job="traceability.jobs.checkpoint", minutes=5, why="signs where the record stands, so that it cannot change"),
    Line(job="knowledge.jobs.embed_waiting", minutes=5, why="embeds what a dead worker left behind"),
    Line(job="knowledge.jobs.refresh_lexemes", minutes=30, why="keeps the words of the search's suggestions fresh"),
    Line(
        job="agents.jobs.check_adapters",
        minutes=5,
        why="a broken adapter is seen before a task needs it",
        queue=presence.HEALTH,
    ),
    Line(job="agents.jobs.mark_silent", minutes=1, why="an agent that is heard no more is shown as offline"),
    Line(job="accounts.jobs.notify", minutes=1, why="sends notifications on when no host is at work"),
    Line(job="accounts.jobs.purge", minutes=60, why="deletes expired sessions, old answers and old deliveries"),
)
NAME = "coordinator: {job}"
LOCK = "coordinator.schedules"


def ensure(now: datetime) -> int:
    """Makes the scheduler's rows as the table says, keeping each one's next run; answers how many were changed."""
    wanted = {NAME.format(job=line.job): line for line in TABLE}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
        ours = Schedule.objects.select_for_update().filter(name__startswith=NAME.format(job=""))
        present = {row.name: row for row in ours.order_by("pk")}
        gone, _ = ours.exclude(pk__in=[row.pk for name, row in present.items() if name in wanted]).delete()
        return int(gone) + sum(_settle(name, line, present.get(name), now) for name, line in wanted.items())


def _settle(name: str, line: Line, present: Schedule | None, now: datetime) -> bool:
    fields = {
        "func": line.job,
        "schedule_type": Schedule.MINUTES,
        "minutes": line.minutes,
        "repeats": -1,
        "kwargs": str({"q_options": {"cluster": line.queue}}) if line.queue else "",
    }
    if present is None:
        Schedule.objects.create(name=name, next_run=now + timedelta(minutes=line.minutes), **fields)
        return True
    changed = any(getattr(present, field) != value for field, value in fields.items())
    if changed:
        Schedule.objects.filter(pk=present.pk).update(**fields)
    return changed
