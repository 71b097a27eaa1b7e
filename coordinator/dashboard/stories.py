"""Ledger entries as sentences that a person reads: who did what to which thing, and when. Pure, but for `recent`."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.urls import reverse

from coordinator.dashboard import wording
from coordinator.lib.chips import look
from traceability.models import Entry

PAGES = (("task", "pages:task"), ("mission", "pages:mission"), ("agent", "pages:agent"))
OF_SUBJECT = {
    "sprint": "pages:sprint",
    "policy": "pages:policy",
    "document": "pages:document",
    "requirement": "pages:requirement",
}
LISTED = {"approval": "pages:approvals", "objective": "pages:objectives", "key_result": "pages:objectives"}
OF_STREAM = {"trace.archived", "trace.erased"}
"""Kinds that tell of the record itself."""

Titles = Mapping[tuple[str, int], str]
"""What tasks and missions are called, and agents whose record is told of, by noun and id."""

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


def recent(since: datetime, scopes: Container[str], *, limit: int = 8) -> list[Entry]:
    """The last entries that are worth a line and that these scopes may read; one statement."""
    rows = loud(Entry.objects.filter(recorded_at__gte=since, occurred_at__gte=since))
    return list(rows.readable_with(scopes).order_by("-pk")[:limit])


def loud(rows: Any) -> Any:
    """Only what a person cares for: work, verdicts, goals, documents, and what went wrong."""
    wanted = Q(kind__in=wording.LOUD)
    for kind, words in wording.LOUD_WHEN:
        wanted |= Q(kind=kind, canonical__contains=words)
    return rows.filter(wanted)


def tell(entries: Iterable[Entry], titles: Titles, *, here: str = "") -> list[Line]:
    """The entries as lines; what has the page at the address `here` is called "it"."""
    return [line(entry, titles, here) for entry in entries]


def line(entry: Entry, titles: Titles, here: str = "") -> Line:
    about, href = _about(entry, titles)
    tone, words = _said(entry, bool(about))
    if here and href == here:
        about, href = "it", ""
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
        entry.kind in wording.OWN
        or entry.kind == "agent.status_changed"
        or (entry.kind == "task.moved" and entry.data.get("after") in wording.OWN_MOVES)
    )
    return (own and entry.key_of("agent")) or short(entry.actor_name)


def short(name: str) -> str:
    """An e-mail's part before the @; any other name as it is."""
    return name.split("@", 1)[0]


def _said(entry: Entry, goes_on: bool) -> tuple[str, str]:
    """The tone and the verb; `goes_on` when the name of a thing follows."""
    data = entry.data
    after = str(data.get("after") or "")
    if entry.kind == "agent.status_changed":
        silent, speaking = wording.SPEAKING.get(after, (f"is {look(after).word.lower()}", ""))
        return look(after).tone, speaking if goes_on else silent
    if entry.kind.endswith(".moved"):
        return look(after).tone, wording.MOVED.get(after, f"moved to {after}")
    if entry.kind == "decision.made":
        return _judged(data, goes_on)
    if entry.kind in BY_DATA:
        return BY_DATA[entry.kind](data)
    noun, _, verb = entry.kind.partition(".")
    return wording.WORDS.get(entry.kind, ("idle", f"{verb} {noun}".replace("_", " ")))


def _judged(data: Mapping[str, Any], goes_on: bool) -> tuple[str, str]:
    tone, verb = wording.OUTCOMES.get(str(data.get("outcome")), ("idle", "asked about"))
    action = str(data.get("action_type") or "an action").replace("_", " ")
    return tone, f"{verb} {action}" + (" on" if goes_on else "")


def _process(data: Mapping[str, Any]) -> tuple[str, str]:
    detail = str(data.get("detail") or "")
    told = next((words for part, words in wording.PROCESS_DETAILS.items() if part in detail), None)
    return told or wording.PROCESS.get(str(data.get("state")), ("idle", "changed the process of"))


def _reviewed(data: Mapping[str, Any]) -> tuple[str, str]:
    return ("done", "approved") if data.get("approved") else ("failed", "rejected")


def _paused(data: Mapping[str, Any]) -> tuple[str, str]:
    return wording.GAVE_UP if data.get("automatic") else wording.WORDS["notification.paused"]


def _snoozed(data: Mapping[str, Any]) -> tuple[str, str]:
    return "idle", "put off advice on" if data.get("until") else "took up again advice on"


def _archived(data: Mapping[str, Any]) -> tuple[str, str]:
    count = data["last_seq"] - data["first_seq"] + 1
    return "idle", f"archived {count} entr{'y' if count == 1 else 'ies'} of"


BY_DATA: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "task.reviewed": _reviewed,
    "mission.process_changed": _process,
    "notification.paused": _paused,
    "advisory.snoozed": _snoozed,
    "trace.archived": _archived,
}
"""Kinds whose tone and verb depend on the entry's own fields."""


def _about(entry: Entry, titles: Titles) -> tuple[str, str]:
    """What the entry tells of, and its page: the subject's when it has one, else the task's, mission's or agent's."""
    if entry.kind == "agent.status_changed":
        return (str(entry.data.get("reason") or "") if entry.data.get("after") in wording.SPEAKING else ""), ""
    if found := _subject(entry):
        return found
    for noun, address in PAGES:
        if (key := entry.key_of(noun)) and not (noun == "agent" and key == _who(entry)):
            row_id = getattr(entry, f"{noun}_id")
            title = entry.data["message"] if entry.kind == "advisory.opened" else titles.get((noun, row_id))
            return title or key, reverse(address, args=[row_id])
    if entry.kind in OF_STREAM:
        return _record(entry, titles)
    return _untied(entry), ""


def _untied(entry: Entry) -> str:
    """What an entry tells of that has no page."""
    if entry.kind == "advisory.opened":
        return str(entry.data["message"])
    return "" if entry.kind == "decision.made" else entry.subject_key or ""


def _subject(entry: Entry) -> tuple[str, str] | None:
    key, kind = entry.subject_key or "", entry.subject_type or ""
    told = {**entry.data, **(entry.data.get("fields") or {})}
    title = next((str(told[name]) for name in TITLES if told.get(name)), key)
    if key and kind in OF_SUBJECT:
        return title, reverse(OF_SUBJECT[kind], args=[key])
    return (title, reverse(LISTED[kind])) if kind in LISTED else None


def _record(entry: Entry, titles: Titles) -> tuple[str, str]:
    """Whose record it tells of: a mission's or an agent's by its name, else the organisation's."""
    if not (owner := owner_of(entry)):
        return "the organisation", ""
    noun, row_id = owner
    return titles.get(owner) or f"{noun} {row_id}", reverse(f"pages:{noun}", args=[row_id])


def owner_of(entry: Entry) -> tuple[str, int] | None:
    """The mission or agent whose record was archived or lost texts, by noun and id."""
    noun, _, row_id = str(entry.data["of_stream"]).partition(":") if entry.kind in OF_STREAM else ("", "", "")
    return (noun, int(row_id)) if noun in {"mission", "agent"} else None


def _more(entry: Entry) -> str:
    """A few words of the entry's own: why it was done, or what was said."""
    data = entry.data
    spoken = entry.kind == "agent.status_changed" and data.get("after") in wording.SPEAKING
    if spoken or entry.kind == "advisory.opened" or entry.kind.endswith(".created"):
        return ""
    for name in ("reason", "comment", "message", "detail"):
        if data.get(name):
            text = str(data[name])[:300]
            return text if " " in text else text.replace("_", " ")
    if decisions := data.get("decisions") or (data.get("policies") if entry.kind == "decision.made" else None):
        return "; ".join(str(each.get("message", "")) for each in decisions)[:300]
    return _figure(data)


def _figure(data: dict[str, Any]) -> str:
    """What an entry without words of its own says in a figure or a name."""
    if data.get("cost_usd") is not None:
        return f"${Decimal(str(data['cost_usd'])):,.2f}"
    if data.get("percent") is not None:
        return f"{data['percent']} %"
    return ", ".join(sorted(data.get("fields") or ())).replace("_", " ")[:300]
