"""Missions' present rows in the form that replay gives, so that the two can be compared value by value."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from coordinator.lib.money import plain_money
from missions.models import Advisory, Execution, Mission, Participation, Report, Review, Task
from missions.replaying.rules import SAID
from missions.replaying.state import APART, settled
from missions.services.planning import MISSION_FIELDS, TASK_FIELDS, plain
from policies.models import Approval, Decision
from traceability import canonical

Found = dict[int, dict[str, Any]]


def of(mission: Mission) -> dict[str, Any]:
    """The mission's state now, in a fixed number of statements."""
    return of_all([mission.pk])[mission.pk]


def of_all(mission_ids: Collection[int]) -> Found:
    """The state of each mission now, by row id, in a fixed number of statements."""
    rows = Mission.objects.filter(pk__in=mission_ids).select_related("owner", "process")
    states = {row.pk: _mission(row) for row in rows}
    for part, by_mission in (
        ("tasks", _tasks(mission_ids)),
        ("participants", _participants(mission_ids)),
        ("decisions", _by_mission(Decision.objects.filter(mission_id__in=mission_ids), _decision)),
        ("approvals", _by_mission(Approval.objects.filter(mission_id__in=mission_ids), _approval)),
        ("executions", _by_mission(_named(Execution.objects, mission_ids), _execution)),
        ("advisories", _by_mission(_named(Advisory.objects, mission_ids), _advisory)),
    ):
        for each, state in states.items():
            state[part] = by_mission.get(each, {})
    return states


def _mission(row: Mission) -> dict[str, Any]:
    fields = settled(_read(plain(row.values_of(*MISSION_FIELDS))))
    return {
        "status": fields.pop("status"),
        "fields": dict(sorted(fields.items())),
        "process": {"state": row.process.state},
        "cost_usd": plain_money(row.cost_usd),
    }


def _tasks(mission_ids: Collection[int]) -> Found:
    rows = Task.objects.filter(mission__in=mission_ids).shown().prefetch_related("requirement_links__requirement")
    reports = Counter(Report.objects.filter(task__mission__in=mission_ids).values_list("task_id", flat=True))
    reviews = Counter(Review.objects.filter(task__mission__in=mission_ids).values_list("task_id", "approved"))
    found: Found = defaultdict(dict)
    for task in rows.order_by("task_id"):
        told = {"approved": reviews[task.pk, True], "rejected": reviews[task.pk, False]}
        found[task.mission_id][task.key] = {**_task(task), "reports": reports[task.pk], "reviews": told}
    return found


def _task(task: Task) -> dict[str, Any]:
    fields = settled(_read(plain(task.values_of(*TASK_FIELDS))))
    apart = {name: fields.pop(name) for name in APART}
    links = sorted(task.requirement_links.all(), key=lambda link: link.requirement.key)
    held = getattr(task, "claim", None)
    return {
        **apart,
        "fields": dict(sorted(fields.items())),
        "attempts": task.attempts,
        "cost_usd": plain_money(task.cost_usd),
        "depends_on": sorted(need.key for need in task.depends_on.all()),
        "requirements": [{"key": link.requirement.key, "revision": link.revision} for link in links],
        "claim": held and {"agent": held.agent.key, "fence": held.fence},
    }


def _participants(mission_ids: Collection[int]) -> Found:
    found: Found = defaultdict(dict)
    for part in Participation.objects.filter(mission__in=mission_ids).select_related("agent", "member"):
        name = f"agent:{part.agent}" if part.agent else f"member:{part.member}"
        found[part.mission_id][name] = part.role
    return found


def _named(rows: Any, mission_ids: Collection[int]) -> Any:
    return rows.filter(mission__in=mission_ids).select_related("task", "agent")


def _by_mission(rows: Iterable[Any], shown: Any) -> Found:
    """The rows of each mission by their id as text."""
    found: Found = defaultdict(dict)
    for row in rows:
        found[row.mission_id][str(row.pk)] = shown(row)
    return found


def _decision(row: Decision) -> dict[str, Any]:
    return {
        "task": row.task_key or None,
        "agent": row.agent_key or None,
        "policies": [{name: each[name] for name in SAID} for each in row.matched],
        "point": row.point,
        "action_type": row.action_type,
        "outcome": row.outcome,
        "input_hash": row.input_hash,
        "bundle_hash": row.bundle_hash,
        "approval": row.approval_id,
    }


def _approval(row: Approval) -> dict[str, Any]:
    return {
        "task": row.task_key or None,
        "agent": row.agent_key or None,
        "state": row.state,
        "used": row.consumed_at is not None,
        "summary": row.summary,
        "reason": row.reason,
        "digest": row.digest,
        "expires_at": canonical.moment(row.expires_at),
        "policies": row.policies,
    }


def _execution(row: Execution) -> dict[str, Any]:
    return {
        "task": row.task.key,
        "agent": row.agent.key,
        "adapter": row.adapter,
        "state": row.state,
        "attempt": row.attempt,
        "host": row.host,
        "failure": row.failure,
        "cost_usd": None if row.cost_usd is None else plain_money(row.cost_usd),
    }


def _advisory(row: Advisory) -> dict[str, Any]:
    return {
        "task": row.task.key if row.task else None,
        "agent": row.agent.key if row.agent else None,
        "cause": row.cause,
        "kind": row.kind,
        "severity": row.severity,
        "message": row.message,
        "acknowledged": row.acknowledged_at is not None,
        "snoozed_until": row.snoozed_until and canonical.moment(row.snoozed_until),
        "resolved": row.resolved_at is not None,
    }


def _read(fields: dict[str, Any]) -> dict[str, Any]:
    """As the ledger would give them back."""
    found: dict[str, Any] = canonical.read(canonical.write(fields))
    return found
