"""Reading GitHub's issues, a batch at a time, and understanding how GitHub tells of one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime

from coordinator.lib.errors import Invalid
from missions.github.client import GitHub, GitHubNotConfigured
from missions.models import GitHubFeed, GitHubIssue, Mission
from missions.services import following_issues
from missions.services.following_issues import Synced
from traceability.events import Actor

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[\w.-]{1,100}\Z", re.ASCII)
BATCH = 100
LARGEST_NUMBER = 2**31


def sync(github: GitHub, *, repository: str, mission: Mission | None, actor: Actor, now: datetime) -> Synced:
    """Reads what changed since the last sync and stores it, a batch to a transaction. Safe to repeat.

    Raises what the client raises.
    """
    told = Synced(repository, mission.key if mission else None)
    latest = GitHubIssue.objects.filter(repository=repository).order_by("-changed_at").first()
    since = latest.changed_at if latest else None
    feed = GitHubFeed.objects.filter(repository=repository, since=since).first()
    issues = github.issues(repository, since, feed.etag if feed and since else "")
    for batch in _batches(iter(issues)):
        told = _sum(told, store(repository, batch, mission=mission, actor=actor, now=now))
    following_issues.note_read(repository, since=since, etag=issues.etag, now=now)
    return told


def store(
    repository: str, issues: Iterable[Mapping[str, Any]], *, mission: Mission | None, actor: Actor, now: datetime
) -> Synced:
    """Stores these issues as GitHub tells them. Raises Invalid."""
    wanted = {_number(issue): _fields(issue) for issue in issues}
    return following_issues.store(repository, wanted, mission=mission, actor=actor, now=now)


def chosen_repository(named: str | None) -> str:
    """The repository that the caller names, else the one of the settings. Raises Invalid, GitHubNotConfigured."""
    repository = named or settings.GITHUB_REPOSITORY
    if not repository:
        raise GitHubNotConfigured("Name a repository, or set GITHUB_REPOSITORY.")
    if not REPOSITORY.match(repository):
        raise Invalid({"repository": ["Write it as owner/name."]})
    return str(repository)


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
