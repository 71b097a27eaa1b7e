"""GitHub's issues as rows, each open one with a task. What GitHub says is recorded; it moves no task by itself."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime

from coordinator.lib.errors import Invalid
from missions.events import IssuesSynced
from missions.github.client import GitHub, GitHubNotConfigured
from missions.lifecycle import MissionStatus
from missions.models import GitHubFeed, GitHubIssue, Mission
from missions.services import planning
from traceability import ledger
from traceability.events import Actor

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[\w.-]{1,100}\Z", re.ASCII)
BATCH = 100
LARGEST_NUMBER = 2**31
KEPT = ("title", "body", "state", "labels", "author", "url", "opened_at", "changed_at")


@dataclass(frozen=True)
class Synced:
    """How many issues were seen, how many of them are new here, and how many had changed."""

    repository: str
    mission: str | None
    seen: int = 0
    created: int = 0
    changed: int = 0


def sync(github: GitHub, *, repository: str, mission: Mission | None, actor: Actor, now: datetime) -> Synced:
    """Reads what changed since the last sync and stores it, a batch to a transaction. Safe to repeat.

    New open issues become tasks of `mission`, else of the mission that this repository's issues already belong to,
    else of a new one. Raises what the client raises.
    """
    told = Synced(repository, mission.key if mission else None)
    latest = GitHubIssue.objects.filter(repository=repository).order_by("-changed_at").first()
    since = latest.changed_at if latest else None
    feed = GitHubFeed.objects.filter(repository=repository, since=since).first()
    issues = github.issues(repository, since, feed.etag if feed and since else "")
    for batch in _batches(iter(issues)):
        told = _sum(told, store(repository, batch, mission=mission, actor=actor, now=now))
    seen = {"since": since, "etag": issues.etag[:200], "read_at": now}
    GitHubFeed.objects.update_or_create(repository=repository, defaults=seen)
    return told


def store(
    repository: str, issues: Iterable[Mapping[str, Any]], *, mission: Mission | None, actor: Actor, now: datetime
) -> Synced:
    """Stores these issues as GitHub tells them; an older telling than the stored one changes nothing."""
    wanted = {_number(issue): _fields(issue) for issue in issues}
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


def chosen_repository(named: str | None) -> str:
    """The repository that the caller names, else the one of the settings. Raises Invalid, GitHubNotConfigured."""
    repository = named or settings.GITHUB_REPOSITORY
    if not repository:
        raise GitHubNotConfigured("Name a repository, or set GITHUB_REPOSITORY.")
    if not REPOSITORY.match(repository):
        raise Invalid({"repository": ["Write it as owner/name."]})
    return str(repository)


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


def _renewed(row: GitHubIssue, fields: dict[str, Any], now: datetime) -> bool:
    """Whether GitHub told something new of a stored issue; if so it is saved."""
    if fields["changed_at"] < row.changed_at or all(getattr(row, name) == fields[name] for name in KEPT):
        return False
    for name in KEPT:
        setattr(row, name, fields[name])
    row.synced_at = now
    row.save(update_fields=[*KEPT, "synced_at"])
    return True


def _number(issue: Mapping[str, Any]) -> int:
    found = issue.get("number")
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found < LARGEST_NUMBER:
        raise Invalid({"issue": ["An issue has a number."]})
    return found


def _fields(issue: Mapping[str, Any]) -> dict[str, Any]:
    labels, user = issue.get("labels"), issue.get("user")
    return {
        "title": _text(issue.get("title"), 500) or f"Issue {issue['number']}",
        "body": _text(issue.get("body"), 200_000),
        "state": _text(issue.get("state"), 16),
        "labels": [_text(_label(each), 100) for each in (labels if isinstance(labels, list) else ())],
        "author": _text(user.get("login") if isinstance(user, dict) else None, 100),
        "url": _text(issue.get("html_url"), 500),
        "opened_at": _moment(issue.get("created_at")),
        "changed_at": _moment(issue.get("updated_at")),
    }


def _label(told: Any) -> Any:
    return told.get("name") if isinstance(told, dict) else told


def _text(value: Any, longest: int) -> str:
    """Text that PostgreSQL can keep."""
    return "" if value is None else str(value).replace("\x00", "")[:longest]


def _moment(value: Any) -> datetime:
    try:
        found = parse_datetime(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid({"issue": [f"{str(value)[:50]!r} is not a time."]})
    return found


def _batches(issues: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(issues, BATCH)):
        yield batch


def _sum(one: Synced, other: Synced) -> Synced:
    return Synced(
        one.repository,
        other.mission or one.mission,
        one.seen + other.seen,
        one.created + other.created,
        one.changed + other.changed,
    )
