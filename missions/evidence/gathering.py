"""Evidence of a mission beside its entries: approvals, policies, costs, and the hashes of what was made."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Model, Q

from agents.models import Usage
from knowledge.models import Document
from missions.models import Mission, Report, Review, Task
from policies.models import FIELDS, Approval, Decision, PolicyRevision
from policies.vocabulary import PolicyStatus
from traceability import canonical


def approvals(mission: Mission) -> Iterator[dict[str, Any]]:
    """Held actions and what became of them, and the reviews of tasks."""
    for each in Approval.objects.filter(mission_id=mission.pk).order_by("pk"):
        yield {"approval": each.pk, **_plain(each, without=("id",))}
    for review in Review.objects.filter(task__mission=mission).select_related("task", "reviewer").order_by("pk"):
        yield {
            "review": review.pk, "task": review.task.key, "approved": review.approved, "comment": review.comment,
            "reviewer": str(review.reviewer), "at": review.at,
        }  # fmt: skip


def decisions(mission: Mission) -> Iterator[dict[str, Any]]:
    """What the policies said, with the hash of all that they were told and of the policies then in force."""
    for each in Decision.objects.filter(mission_id=mission.pk).order_by("pk"):
        yield {"decision": each.pk, **_plain(each, without=("id", "input"))}


def policies(mission: Mission, now: datetime) -> Iterator[dict[str, Any]]:
    """Every revision that was in force at some time between the mission's beginning and its end."""
    until = mission.ended_at or now
    followed: dict[int, datetime] = {}
    rows = PolicyRevision.objects.filter(created_at__lte=until).select_related("policy").order_by("policy_id", "-n")
    for each in rows:
        replaced = followed.get(each.policy_id)
        followed[each.policy_id] = each.created_at
        if each.status == PolicyStatus.ACTIVE and (replaced is None or replaced >= mission.created_at):
            content = {name: getattr(each, name) for name in FIELDS}
            yield {
                "policy": each.policy.key, "revision": each.n, "author": each.author, "from": each.created_at,
                "until": replaced, "content_hash": each.content_hash, "content": content,
            }  # fmt: skip


def costs(mission: Mission) -> Iterator[dict[str, Any]]:
    """The sum, each task's part of it, and every reported use that it is made of."""
    yield {"mission": mission.key, "cost_usd": mission.cost_usd, "budget_usd": mission.budget_usd}
    tasks = Task.objects.filter(mission=mission).order_by("pk")
    for task in tasks:
        yield {"task": task.key, "cost_usd": task.cost_usd, "budget_usd": task.budget_usd}
    rows = Usage.objects.filter(Q(mission_id=mission.pk) | Q(task_id__in=tasks.values("pk"))).select_related("agent")
    for each in rows.order_by("pk"):
        yield {"usage": each.pk, "agent": each.agent and each.agent.key, **_plain(each, without=("id", "agent"))}


def artifacts(mission: Mission) -> Iterator[dict[str, Any]]:
    """The SHA-256 of each task's outputs, each report's log lines and each document, as canonical JSON or as text."""
    for task in Task.objects.filter(mission=mission).order_by("pk"):
        for name, value in sorted(task.outputs.items()):
            yield {"task": task.key, "output": name, "sha256": _digest(canonical.write(value))}
    for report in Report.objects.filter(task__mission=mission).select_related("task").order_by("pk"):
        yield {
            "task": report.task.key, "report": report.pk, "at": report.at, "log_lines": len(report.logs),
            "logs_sha256": report.logs_sha256, "outputs_sha256": _digest(canonical.write(report.outputs)),
        }  # fmt: skip
    for document in Document.objects.filter(mission_id=mission.pk).order_by("pk"):
        yield {"document": document.key, "title": document.title, "sha256": document.sha256}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(row: Model, without: tuple[str, ...]) -> dict[str, Any]:
    """The row's own columns."""
    columns = (field for field in row._meta.concrete_fields if field.name not in without)
    return {field.attname: getattr(row, field.attname) for field in columns}
