"""GitHub's issues as rows, each open one with a task. What GitHub says is recorded; it moves no task by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from missions.events import IssuesSynced
from missions.lifecycle import MissionStatus
from missions.models import GitHubFeed, GitHubIssue, Mission
from missions.services import planning
from traceability import ledger
from traceability.events import Actor

KEPT = ("title", "body", "state", "labels", "author", "url", "opened_at", "changed_at")
"""What an issue's row holds of GitHub's telling."""


@dataclass(frozen=True)
class Synced:
    """How many issues were seen, how many of them are new here, and how many had changed."""

    repository: str
    mission: str | None
    seen: int = 0
    created: int = 0
    changed: int = 0


def store(
    repository: str,
    wanted: Mapping[int, Mapping[str, Any]],
    *,
    mission: Mission | None,
    actor: Actor,
    now: datetime,
) -> Synced:
    """Stores these issues (their `KEPT` fields by number); an older telling than the stored one changes nothing.

    New open issues become tasks of `mission`, else of the mission that this repository's issues already belong to,
    else of a new one.
    """
    with ledger.writing():
        rows = GitHubIssue.objects.select_for_update().filter(repository=repository, number__in=wanted)
        present = {row.number: row for row in rows.order_by("number")}
        fresh = {number: fields for number, fields in wanted.items() if number not in present}
        made = [
            GitHubIssue.objects.create(repository=repository, number=number, synced_at=now, **fields)
            for number, fields in sorted(fresh.items())
        ]
        changed = [row for number, row in present.items() if _renewed(row, wanted[number], now)]
        home = _give_tasks([*made, *changed], repository, mission, actor, now)
        told = Synced(repository, home.key if home else None, len(wanted), len(made), len(changed))
        if made or changed:
            event = IssuesSynced(
                mission=home.ref if home else None,
                repository=repository,
                seen=told.seen,
                created=told.created,
                changed=told.changed,
            )
            ledger.record(event, actor=actor, at=now)
    return told


def note_read(repository: str, *, since: datetime | None, etag: str, now: datetime) -> None:
    """Keeps by what the next sync asks only for what is new; no change of the domain, so the ledger is not told."""
    seen = {"since": since, "etag": etag[:200], "read_at": now}
    GitHubFeed.objects.update_or_create(repository=repository, defaults=seen)


def _give_tasks(
    issues: list[GitHubIssue], repository: str, mission: Mission | None, actor: Actor, now: datetime
) -> Mission | None:
    """A task for each open issue that has none; answers the mission that took them."""
    homeless = [issue for issue in issues if issue.task_id is None and issue.state == "open"]
    home = mission or _known_home(repository)
    if not homeless:
        return home
    home = home or _new_home(repository, actor, now)
    for issue in homeless:
        issue.task = planning.create_task(
            mission=home,
            objective=issue.title,
            description=f"{issue.url}\n\n{issue.body}".strip(),
            actor=actor,
            now=now,
        )
        issue.save(update_fields=["task"])
    return home


def _known_home(repository: str) -> Mission | None:
    """The mission, not ended, that the newest issue with a task of this repository belongs to."""
    with_task = GitHubIssue.objects.filter(repository=repository, task__isnull=False).exclude(
        task__mission__status__in=[MissionStatus.COMPLETED, MissionStatus.CANCELLED]
    )
    last = with_task.select_related("task__mission").order_by("-pk").first()
    return last.task.mission if last and last.task else None


def _new_home(repository: str, actor: Actor, now: datetime) -> Mission:
    return planning.create_mission(
        goal=f"Work through the GitHub issues of {repository}"[:500],
        description="Each open issue of the repository is a task here.",
        actor=actor,
        now=now,
    )


def _renewed(row: GitHubIssue, fields: Mapping[str, Any], now: datetime) -> bool:
    """Whether GitHub told something new of a stored issue; if so it is saved."""
    if fields["changed_at"] < row.changed_at or all(getattr(row, name) == fields[name] for name in KEPT):
        return False
    for name in KEPT:
        setattr(row, name, fields[name])
    row.synced_at = now
    row.save(update_fields=[*KEPT, "synced_at"])
    return True
