"""Policies with their verdicts, what waits for approval, and the decision log."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from coordinator.dashboard import stories
from missions.models import Mission, Task
from policies.models import Approval, Decision, Policy, PolicyRevision

WEEK = timedelta(days=7)
DECISIONS = 60
STRICT = ("block", "escalate", "warn", "allow")


def index(filters: Mapping[str, str], now: datetime) -> Mapping[str, Any]:
    """The policies with what they decided in the last seven days; 2 statements."""
    found = Policy.objects.all()
    if status := filters.get("status"):
        found = found.filter(status=status)
    if words := filters.get("q"):
        found = found.filter(Q(policy_id__icontains=words) | Q(description__icontains=words))
    verdicts = _verdicts(now - WEEK)
    return {
        "policies": [
            {"policy": policy, "says": said(policy.actions), "verdicts": verdicts.get(policy.pk, {}).items()}
            for policy in found.order_by("status", "-priority", "policy_id")[:200]
        ]
    }


def _verdicts(since: datetime) -> dict[int, dict[str, int]]:
    """How often each policy matched, by outcome, the strictest first; 1 statement."""
    counts: dict[int, dict[str, int]] = {}
    rows = Decision.objects.filter(at__gte=since).exclude(policies=[]).values_list("policies", "outcome")
    for policies, outcome, count in rows.annotate(Count("pk")).order_by():
        for policy_id in policies:
            of_policy = counts.setdefault(policy_id, {})
            of_policy[outcome] = of_policy.get(outcome, 0) + count
    return {pk: {each: of[each] for each in STRICT if each in of} for pk, of in counts.items()}


def said(actions: Any) -> list[dict[str, str]]:
    """A policy's actions as outcome and message."""
    if not isinstance(actions, list):
        return []
    pairs = [(outcome, told) for action in actions if isinstance(action, dict) for outcome, told in action.items()]
    return [{"outcome": outcome, "message": _message(told)} for outcome, told in pairs if outcome in STRICT]


def _message(told: Any) -> str:
    return str(told.get("message", "")) if isinstance(told, dict) else str(told)


def headline(key: str) -> Mapping[str, Any]:
    """One policy, its conditions as text and its revisions; 2 statements."""
    policy = Policy.objects.identified(key)
    revisions = PolicyRevision.objects.filter(policy=policy).order_by("-n")[:20]
    return {
        "policy": policy,
        "says": said(policy.actions),
        "conditions": json.dumps(policy.conditions, indent=2, ensure_ascii=False),
        "scope_text": policy.scope if isinstance(policy.scope, str) else json.dumps(policy.scope, ensure_ascii=False),
        "revisions": list(revisions),
    }


def decisions(rows: QuerySet[Decision], filters: Mapping[str, str]) -> Mapping[str, Any]:
    """The last decisions that the filters leave; 2 statements."""
    if outcome := filters.get("outcome"):
        rows = rows.filter(outcome=outcome)
    if action := filters.get("action"):
        rows = rows.filter(action_type__icontains=action)
    found = list(rows.order_by("-pk")[:DECISIONS])
    titles = _titles({each.task_id for each in found if each.task_id})
    return {"decisions": [_decision(each, titles) for each in found]}


def _decision(each: Decision, titles: Mapping[int, str]) -> dict[str, Any]:
    return {
        "id": each.pk,
        "at": each.at,
        "outcome": each.outcome,
        "action": each.action_type,
        "who": each.agent_key or stories.short(each.actor_name),
        "task": each.task_key,
        "title": titles.get(each.task_id or 0, each.task_key),
        "matched": [_matched(hit) for hit in each.matched if isinstance(hit, dict)],
        "micros": each.duration_us,
    }


def _matched(hit: Mapping[str, Any]) -> dict[str, Any]:
    return {"policy": hit.get("policy_id", ""), "revision": hit.get("revision", ""), "message": hit.get("message", "")}


def _titles(task_ids: set[int]) -> dict[int, str]:
    return dict(Task.objects.filter(pk__in=task_ids).values_list("pk", "objective")) if task_ids else {}


def waiting() -> Mapping[str, Any]:
    """What waits for a person's word, the nearest deadline first; 2 statements."""
    found = list(Approval.objects.pending().select_related("requester").order_by("expires_at", "pk")[:60])
    return {"approvals": _approvals(found), "total": len(found)}


def decided() -> Mapping[str, Any]:
    """The last that were decided or ran out; 2 statements."""
    rows = Approval.objects.exclude(pk__in=Approval.objects.pending().values("pk")).select_related("decided_by")
    return {"decided": _approvals(list(rows.order_by("-decided_at", "-pk")[:30]))}


def _approvals(found: list[Approval]) -> list[dict[str, Any]]:
    goals = dict(Mission.objects.filter(pk__in={each.mission_id for each in found}).values_list("pk", "goal"))
    return [
        {
            "approval": each,
            "goal": goals.get(each.mission_id or 0, each.mission_key),
            "asker": each.agent_key or stories.short(each.requester_name),
        }
        for each in found
    ]
