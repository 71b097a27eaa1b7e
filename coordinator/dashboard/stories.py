"""Ledger entries as sentences that a person reads: who did what to which thing, and when. Pure, but for `recent`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from coordinator.lib.chips import look
from traceability import topics
from traceability.models import Entry

QUIET = ("task.costed", "mission.costed", "task.updated", "task.released", "task.reported", "session", "decision.made")
"""Kinds that would drown a feed."""

WORDS = {
    "mission.created": ("idle", "created"),
    "mission.updated": ("idle", "changed"),
    "mission.move_refused": ("blocked", "was refused by a policy on"),
    "mission.participant_joined": ("idle", "added a participant to"),
    "mission.participant_left": ("idle", "removed a participant from"),
    "mission.process_changed": ("idle", "process changed of"),
    "mission.costed": ("idle", "spent on"),
    "task.created": ("idle", "created"),
    "task.updated": ("idle", "changed"),
    "task.reported": ("working", "reported on"),
    "task.move_refused": ("blocked", "was refused by a policy on"),
    "task.move_held": ("waiting", "waits for approval of"),
    "task.claimed": ("working", "claimed"),
    "task.released": ("idle", "let go of"),
    "task.costed": ("idle", "spent on"),
    "execution.queued": ("waiting", "queued a run of"),
    "execution.started": ("working", "started a run of"),
    "execution.ended": ("idle", "ended a run of"),
    "advisory.opened": ("waiting", "advises on"),
    "advisory.resolved": ("done", "withdrew its advice on"),
    "advisory.acknowledged": ("done", "acknowledged advice on"),
}
MOVED = {
    "in_progress": "started",
    "blocked": "is blocked on",
    "pending_review": "asks for review of",
    "completed": "completed",
    "rejected": "sent back",
    "failed": "failed",
    "pending": "put back",
    "active": "started",
    "paused": "paused",
    "cancelled": "cancelled",
}
PAGES = (("task", "pages:task"), ("mission", "pages:mission"), ("agent", "pages:agent"))
OF_SUBJECT = {"sprint": "pages:sprint", "policy": "pages:policy", "document": "pages:document"}


@dataclass(frozen=True)
class Line:
    """One entry as a feed shows it. `about` is the thing's title or key; `href` leads to its page."""

    id: int
    tone: str
    icon: str
    who: str
    words: str
    about: str
    href: str
    at: datetime
    kind: str = ""
    more: str = ""


def recent(since: datetime, scopes: Iterable[str], *, limit: int = 8) -> list[Entry]:
    """The last entries that are worth a line and that these scopes may read; one statement."""
    rows = Entry.objects.filter(recorded_at__gte=since).exclude(kind__in=QUIET).exclude(kind__startswith="session.")
    return list(readable(rows, scopes).order_by("-pk")[:limit])


def readable(rows: Any, scopes: Iterable[str]) -> Any:
    """Those entries that somebody with these scopes may read: accounts are for who may administer them."""
    held = set(scopes)
    for noun in topics.PLURALS:
        if topics.scope_of_kind(noun) not in held:
            rows = rows.exclude(kind__startswith=f"{noun}.")
    return rows


def tell(entries: Iterable[Entry], titles: dict[int, str]) -> list[Line]:
    """The entries as lines; `titles` gives the objective of each task that has one."""
    return [line(entry, titles) for entry in entries]


def line(entry: Entry, titles: dict[int, str]) -> Line:
    tone, words = _said(entry)
    about, href = _about(entry, titles)
    return Line(
        id=entry.pk,
        tone=tone,
        icon=tone,
        who=short(entry.actor_name),
        words=words,
        about=about,
        href=href,
        at=entry.occurred_at,
        kind=entry.kind,
        more=_more(entry),
    )


def short(name: str) -> str:
    """An e-mail's part before the @; any other name as it is."""
    return name.split("@", 1)[0]


def _said(entry: Entry) -> tuple[str, str]:
    data = entry.data
    if entry.kind in {"task.moved", "mission.moved"}:
        after = str(data.get("after"))
        return look(after).tone, MOVED.get(after, f"moved to {after}")
    if entry.kind == "task.reviewed":
        return ("done", "approved") if data.get("approved") else ("failed", "rejected")
    if entry.kind in WORDS:
        return WORDS[entry.kind]
    noun, _, verb = entry.kind.partition(".")
    state = str(data.get("after") or data.get("state") or data.get("status") or "")
    return (look(state).tone if state else "idle"), f"{verb.replace('_', ' ')} {noun.replace('_', ' ')}"


def _about(entry: Entry, titles: dict[int, str]) -> tuple[str, str]:
    """What the entry tells of, and its page: the subject's when it has one, else the task's, mission's or agent's."""
    named = OF_SUBJECT.get(entry.subject_type or "")
    if named and entry.subject_key:
        return entry.subject_key, reverse(named, args=[entry.subject_key])
    for noun, address in PAGES:
        if key := entry.key_of(noun):
            title = titles.get(entry.task_id or 0, "") if noun == "task" else ""
            return title or key, reverse(address, args=[getattr(entry, f"{noun}_id")])
    return entry.subject_key or "", ""


def _more(entry: Entry) -> str:
    """A few words of the entry's own: why it was done, or what was said."""
    data = entry.data
    for name in ("reason", "comment", "message", "detail"):
        if data.get(name):
            return str(data[name])[:300]
    if decisions := data.get("decisions"):
        return "; ".join(str(each.get("message", "")) for each in decisions)[:300]
    if "cost_usd" in data and data["cost_usd"] is not None:
        return f"${data['cost_usd']}"
    if fields := data.get("fields"):
        return ", ".join(sorted(fields))[:300]
    return ""
