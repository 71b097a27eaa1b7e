"""Advisories: each opens once for its cause, carries its evidence, and resolves when the cause is gone.

What is wrong with a mission follows from its standing (`missions.advice.rules`), what concerns several from the rows
(`missions.advice.everywhere`). Nothing here moves a task. What people say to an advisory is in `answering`.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from agents.models import Agent
from coordinator.lib.refs import Ref, Subject
from missions.advice import everywhere, hearing, of_tasks, rules
from missions.advice.findings import OF_MISSIONS, SAME_FILES, SWEPT, Finding
from missions.advice.rules import Look
from missions.events import AdvisoryOpened, AdvisoryResolved
from missions.lifecycle import MissionStatus
from missions.models import Advisory, Mission, Task
from missions.standing.state import Standing
from traceability import ledger
from traceability.events import SYSTEM

LOCK = "missions.advising"
LISTEN_S = 60.0
"""So often is asked what was heard beyond the ledger of tasks that seem stalled: nothing is told of a sign of life."""

OWNED = """
    SELECT mission_id FROM missions_missionprocess
    WHERE owner_id = %s AND mission_id = ANY(%s) ORDER BY mission_id FOR SHARE
"""
COLUMNS = (
    "cause", "kind", "severity", "message", "evidence", "mission_id", "task_id", "agent_id", "opened_at",
    "snoozed_until",
)  # fmt: skip
INSERT = f"INSERT INTO {Advisory._meta.db_table} ({', '.join(COLUMNS)}, snoozes) VALUES "
ROW = f"({', '.join('%s::jsonb' if name == 'evidence' else '%s' for name in COLUMNS)}, 0)"
ONCE = " ON CONFLICT (cause) WHERE resolved_at IS NULL DO NOTHING RETURNING cause, id"


@dataclass(frozen=True)
class Weighed:
    """When to look at each mission again (seconds since 1970, None: when something is told), and what changed."""

    next_at: dict[int, float | None]
    opened: int = 0
    resolved: int = 0


def consider(standings: Mapping[int, Standing], *, now: datetime, owner: int | None = None) -> dict[int, float | None]:
    """Opens what is newly wrong with these missions and resolves what is no longer; answers when to look again.

    Where nothing differs nothing is written. With `owner` (a host's id) only what that host still owns is written.
    """
    return weigh(standings, now=now, owner=owner).next_at


def weigh(standings: Mapping[int, Standing], *, now: datetime, owner: int | None = None) -> Weighed:
    """The same, and how many advisories were opened and resolved."""
    looks = _looks(standings, now.timestamp())
    next_at = {pk: look.next_at for pk, look in looks.items()}
    changed = {pk for pk, look in looks.items() if look.new(standings[pk]) or look.gone(standings[pk])}
    if not changed:
        return Weighed(next_at)
    with ledger.writing():
        mine = changed if owner is None else _owned(owner, changed)
        gone = [pk for each in sorted(mine) for pk in looks[each].gone(standings[each])]
        new = [watch.tell() for each in sorted(mine) for watch in looks[each].new(standings[each])]
        resolved = _resolve(Advisory.objects.filter(pk__in=gone), now) if gone else 0
        return Weighed(next_at, _open(new, now), resolved)


def sweep(*, now: datetime) -> tuple[int, int]:
    """The same for what concerns several missions, and missions that no host watches; (0, 0) while another sweeps."""
    unwatched = Q(kind__in=OF_MISSIONS) & ~Q(mission__status=MissionStatus.ACTIVE)
    rows = Advisory.objects.filter(Q(kind__in=SWEPT) | unwatched)
    with ledger.writing():
        return _keep(everywhere.findings(now), rows, now) if _alone() else (0, 0)


def compare_files(*, now: datetime) -> tuple[int, int]:
    """The same for agents who work on the same files: this reads more, and is done less often."""
    return keep(everywhere.same_files(now), kind=SAME_FILES, now=now)


def keep(findings: Iterable[Finding], *, kind: str, now: datetime) -> tuple[int, int]:
    """Lets the open advisories of one kind be these findings; answers how many were opened and resolved."""
    with ledger.writing():
        return _keep(findings, Advisory.objects.filter(kind=kind), now)


def _looks(standings: Mapping[int, Standing], now: float) -> dict[int, Look]:
    """Each mission looked at; tasks that seem stalled are held against what was heard of them beyond the ledger."""
    looks = {pk: rules.look(pk, standing, now) for pk, standing in standings.items()}
    doubtful = {pk: stalled for pk, look in looks.items() if (stalled := of_tasks.stalled_among(look.wrong))}
    if doubtful:
        heard = hearing.of_tasks([task for tasks in doubtful.values() for task in tasks])
        for pk in doubtful:
            look = rules.look(pk, standings[pk], now, heard)
            looks[pk] = look.before(now + LISTEN_S) if of_tasks.stalled_among(look.wrong) else look
    return looks


def _owned(owner: int, mission_ids: Collection[int]) -> set[int]:
    """Those of the missions that the host still owns; nobody takes them before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(OWNED, [owner, list(mission_ids)])
        return {mission_id for (mission_id,) in cursor.fetchall()}


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [LOCK])
        return bool(cursor.fetchone()[0])


def _keep(findings: Iterable[Finding], rows: QuerySet[Advisory], now: datetime) -> tuple[int, int]:
    wanted = {each.name: each for each in findings}
    present = dict(rows.filter(resolved_at=None).values_list("cause", "pk"))
    gone = [pk for cause, pk in present.items() if cause not in wanted]
    resolved = _resolve(rows.filter(pk__in=gone), now) if gone else 0
    return _open([each for name, each in wanted.items() if name not in present], now), resolved


def _open(findings: Iterable[Finding], now: datetime) -> int:
    """Opens an advisory for each finding whose cause has none, whoever else is doing so; answers how many."""
    wanted = sorted(findings, key=lambda each: each.name)
    if not wanted:
        return 0
    missions = _refs(Mission, {each.mission_id for each in wanted})
    tasks = _refs(Task, {each.task_id for each in wanted})
    agents = _agents({each.agent for each in wanted if each.agent})
    asleep = _asleep([each.name for each in wanted], now)
    found = [(each, missions.get(each.mission_id), agents.get(each.agent or "")) for each in wanted]
    opened = _insert([_row(each, mission, agent, now, asleep.get(each.name)) for each, mission, agent in found])
    for each, mission, agent in found:
        if each.name in opened:
            told = AdvisoryOpened(
                mission=mission,
                task=tasks.get(each.task_id),
                agent=agent,
                subject=Subject("advisory", opened[each.name], each.name),
                advisory=opened[each.name],
                cause=each.name,
                about=each.kind,
                severity=each.severity,
                message=_message(each, mission),
                snoozed_until=asleep.get(each.name),
            )
            ledger.record(told, actor=SYSTEM, at=now)
    return len(opened)


def _asleep(causes: list[str], now: datetime) -> dict[str, datetime]:
    """Until when causes are put off that come back: what was said of them before still holds."""
    last = Advisory.objects.filter(cause__in=causes).order_by("cause", "-pk").distinct("cause")
    rows = last.values_list("cause", "snoozed_until")
    return {cause: until for cause, until in rows if until is not None and until > now}


def _agents(keys: set[str]) -> dict[str, Ref]:
    rows = Agent.objects.filter(agent_id__in=keys).values_list("pk", "agent_id")
    return {key: Ref(pk, key) for pk, key in rows}


def _refs(model: Any, ids: set[int | None]) -> dict[int | None, Ref]:
    rows = model.objects.filter(pk__in=ids - {None}).values_list("pk", model.KEY)
    return {pk: Ref(pk, key) for pk, key in rows}


def _row(
    finding: Finding, mission: Ref | None, agent: Ref | None, now: datetime, until: datetime | None
) -> tuple[Any, ...]:
    return (
        finding.name, finding.kind, finding.severity, _message(finding, mission), json.dumps(finding.evidence),
        finding.mission_id, finding.task_id, agent and agent.id, now, until,
    )  # fmt: skip


def _message(finding: Finding, mission: Ref | None) -> str:
    return finding.message.replace("{mission}", mission.key if mission else "")[:500]


def _insert(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    """The ids of the rows that were really made, by cause."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT + ", ".join([ROW] * len(rows)) + ONCE, [value for row in rows for value in row])
        return dict(cursor.fetchall())


def _resolve(rows: QuerySet[Advisory], now: datetime) -> int:
    held = list(
        rows.filter(resolved_at=None).select_for_update(of=("self",)).order_by("pk")
        .select_related("mission", "task", "agent")
    )  # fmt: skip
    Advisory.objects.filter(pk__in=[row.pk for row in held]).update(resolved_at=now)
    for row in held:
        ledger.record(AdvisoryResolved(**row.named, advisory=row.pk, cause=row.cause), actor=SYSTEM, at=now)
    return len(held)
