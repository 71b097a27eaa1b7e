"""Ledger entries as sentences that a person reads: who did what to which thing, and when. Pure, but for `recent`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse

from coordinator.dashboard.wording import MOVED, OUTCOMES, OWN, OWN_MOVES, QUIET, WORDS
from coordinator.lib.chips import look
from traceability import topics
from traceability.models import Entry

PAGES = (("task", "pages:task"), ("mission", "pages:mission"), ("agent", "pages:agent"))
OF_SUBJECT = {
    "sprint": "pages:sprint",
    "policy": "pages:policy",
    "document": "pages:document",
    "requirement": "pages:requirement",
}
LISTED = {"approval": "pages:approvals", "objective": "pages:objectives", "key_result": "pages:objectives"}
TITLES = ("title", "name", "goal", "summary")


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
    rows = loud(Entry.objects.filter(recorded_at__gte=since, occurred_at__gte=since))
    return list(readable(rows, scopes).order_by("-pk")[:limit])


def loud(rows: Any) -> Any:
    """Without the entries that would drown a feed."""
    return rows.exclude(kind__in=QUIET).exclude(kind__startswith="session.")


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
        who=_who(entry),
        words=words,
        about=about,
        href=href,
        at=entry.occurred_at,
        kind=entry.kind,
        more=_more(entry),
    )


def _who(entry: Entry) -> str:
    """The agent where it speaks of its own work, whoever's token it used; else who did it."""
    own = (
        entry.kind in OWN
        or entry.kind == "agent.status_changed"
        or (entry.kind == "task.moved" and entry.data.get("after") in OWN_MOVES)
    )
    return (own and entry.key_of("agent")) or short(entry.actor_name)


def short(name: str) -> str:
    """An e-mail's part before the @; any other name as it is."""
    return name.split("@", 1)[0]


def _said(entry: Entry) -> tuple[str, str]:
    data = entry.data
    after = str(data.get("after") or "")
    if entry.kind == "agent.status_changed":
        return look(after).tone, f"is {look(after).word.lower()}"
    if entry.kind.endswith(".moved"):
        return look(after).tone, MOVED.get(after, f"moved to {after}")
    if entry.kind == "task.reviewed":
        return ("done", "approved") if data.get("approved") else ("failed", "rejected")
    if entry.kind == "decision.made":
        return OUTCOMES.get(str(data.get("outcome")), "idle"), WORDS[entry.kind][1]
    noun, _, verb = entry.kind.partition(".")
    return WORDS.get(entry.kind, ("idle", f"{verb} {noun}".replace("_", " ")))


def _about(entry: Entry, titles: dict[int, str]) -> tuple[str, str]:
    """What the entry tells of, and its page: the subject's when it has one, else the task's, mission's or agent's."""
    if entry.kind == "agent.status_changed":
        return "", ""
    if found := _subject(entry):
        return found
    for noun, address in PAGES:
        if key := entry.key_of(noun):
            title = titles.get(entry.task_id or 0, "") if noun == "task" else ""
            title = entry.data["message"] if entry.kind == "advisory.opened" else title
            return title or key, reverse(address, args=[getattr(entry, f"{noun}_id")])
    return entry.subject_key or "", ""


def _subject(entry: Entry) -> tuple[str, str] | None:
    key, kind = entry.subject_key or "", entry.subject_type or ""
    told = {**entry.data, **(entry.data.get("fields") or {})}
    title = next((str(told[name]) for name in TITLES if told.get(name)), key)
    if key and kind in OF_SUBJECT:
        return title, reverse(OF_SUBJECT[kind], args=[key])
    return (title, reverse(LISTED[kind])) if kind in LISTED else None


def _more(entry: Entry) -> str:
    """A few words of the entry's own: why it was done, or what was said."""
    data = entry.data
    if entry.kind == "advisory.opened" or entry.kind.endswith(".created"):
        return ""
    for name in ("reason", "comment", "message", "detail"):
        if data.get(name):
            return str(data[name])[:300]
    if decisions := data.get("decisions"):
        return "; ".join(str(each.get("message", "")) for each in decisions)[:300]
    return _figure(data)


def _figure(data: dict[str, Any]) -> str:
    """What an entry without words of its own says in a figure or a name."""
    if data.get("cost_usd") is not None:
        return f"${Decimal(str(data['cost_usd'])):,.2f}"
    if data.get("outcome"):
        return f"{data.get('action_type', '')}: {data['outcome']}".replace("_", " ")
    if data.get("percent") is not None:
        return f"{data['percent']} %"
    return ", ".join(sorted(data.get("fields") or ())).replace("_", " ")[:300]
