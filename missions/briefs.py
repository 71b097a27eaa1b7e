"""What an agent needs to decide well about one task, within a number of tokens. Reads only."""

from datetime import datetime
from typing import Any

from coordinator.lib.money import plain_money
from knowledge import search
from missions import archiving
from missions.models import Advisory, Task
from missions.packing import Section, cut, pack, tokens_of
from policies.models import Policy

LEAST_TOKENS = 500
MOST_TOKENS = 200_000
USUAL_TOKENS = 4_000
LONGEST_QUERY = 500
PASSAGES = 8
ENTRIES = 30
TOLD = ("before", "after", "reason", "percent", "comment", "approved", "message", "fence", "state")
"""What a line of the recent trace repeats of an entry."""


def of(task: Task, *, max_tokens: int, now: datetime) -> dict[str, Any]:
    """The brief: `{"task", "max_tokens", "tokens", "sections", "left_out"}`; `task` is loaded with `shown()`.

    Sections in order of weight: task, goals, dependencies, reviews, policies, advisories, knowledge, trace.
    """
    sections = [
        Section("task", _task(task, max_tokens // 3), 0.5),
        Section("goals", _goals(task, max_tokens // 10), 0.2),
        Section("dependencies", _dependencies(task, max_tokens // 6), 0.3),
        Section("reviews", _reviews(task, max_tokens // 10), 0.2),
        Section("policies", _policies(task), 0.15),
        Section("advisories", _advisories(task, now), 0.1),
        Section("knowledge", _knowledge(task), 0.3),
        Section("trace", _trace(task), 0.2),
    ]
    return {"task": task.key, "max_tokens": max_tokens, "at": now, **pack(sections, max_tokens)}


def _task(task: Task, room: int) -> list[dict[str, Any]]:
    """The task itself, its criteria apart, so that a long description does not push them out."""
    state = {
        "task": task.key,
        "objective": task.objective,
        "status": task.status,
        "priority": task.priority,
        "agent": task.agent and task.agent.key,
        "attempts": task.attempts,
        "review_required": task.needs_review,
        "due_at": task.due_at,
        "budget_usd": plain_money(task.budget_usd) if task.budget_usd is not None else None,
        "cost_usd": plain_money(task.cost_usd),
    }
    items: list[dict[str, Any]] = [{name: value for name, value in state.items() if value is not None}]
    items += [{"criterion": text} for text in task.acceptance_criteria]
    if task.description:
        items.append({"description": cut(task.description, room)})
    if task.outputs:
        items.append({"outputs": _shortened(task.outputs, room)})
    return items


def _goals(task: Task, room: int) -> list[dict[str, Any]]:
    """The chain above the task: its mission, and objective, key result and requirement of each that it serves."""
    mission = task.mission
    items: list[dict[str, Any]] = [{"mission": mission.key, "goal": mission.goal, "deadline": mission.deadline}]
    links = task.requirement_links.select_related("requirement__key_result__objective").order_by("requirement_id")
    for link in links:
        requirement, result = link.requirement, link.requirement.key_result
        items.append(
            {
                "requirement": requirement.key,
                "title": requirement.title,
                "description": cut(requirement.description, room),
                "changed_since": requirement.revision != link.revision,
                "key_result": result
                and f"{result.title}: {result.current:f} of {result.target:f} {result.unit}".strip(),
                "objective": result and result.objective.title,
            }
        )
    if mission.description:
        items.append({"mission": mission.key, "description": cut(mission.description, room)})
    return items


def _dependencies(task: Task, room: int) -> list[dict[str, Any]]:
    return [
        {
            "task": need.key,
            "objective": need.objective,
            "status": need.status,
            "outputs": _shortened(need.outputs, room),
        }
        for need in task.depends_on.all()
    ]


def _reviews(task: Task, room: int) -> list[dict[str, Any]]:
    rows = task.reviews.select_related("reviewer").order_by("-pk")[:10]
    return [
        {
            "approved": review.approved,
            "comment": cut(review.comment, room),
            "reviewer": review.reviewer.shown_name,
            "at": review.at,
        }
        for review in rows
    ]


def _policies(task: Task) -> list[dict[str, Any]]:
    """The policies in force whose scope takes in the task, the weightiest first."""
    names = _names(task)
    rows = Policy.objects.active().order_by("-priority", "policy_id")
    return [
        {"policy": row.key, "description": row.description, "when": row.conditions, "then": row.actions}
        for row in rows
        if row.scope == "global" or all(names.get(noun, set()) & _texts(wanted) for noun, wanted in row.scope.items())
    ]


def _names(task: Task) -> dict[str, set[str]]:
    """By which ids and keys a policy's scope may mean this task."""
    rows = {"mission": task.mission, "task": task, "agent": task.agent, "sprint": task.sprint}
    found = {noun: {str(row.pk), row.key} for noun, row in rows.items() if row is not None}
    has = task.agent.capabilities if task.agent else []
    kind = {task.agent.adapter_module} if task.agent else set()
    return {**found, "capability": {*task.required_capabilities, *has}, "agent_type": kind}


def _texts(wanted: Any) -> set[str]:
    return {str(each) for each in wanted}


def _advisories(task: Task, now: datetime) -> list[dict[str, Any]]:
    rows = Advisory.objects.open().awake(now).about(task).order_by("-pk")[:20]
    return [
        {"kind": row.kind, "severity": row.severity, "message": row.message, "opened_at": row.opened_at} for row in rows
    ]


def _knowledge(task: Task) -> list[dict[str, Any]]:
    """The passages that fit the task best, of everything that is stored."""
    query = " ".join([task.objective, *task.acceptance_criteria])[:LONGEST_QUERY]
    found = search.answer(query, limit=PASSAGES)
    return [
        {"document": hit.document.key, "title": hit.document.title, "heading": hit.heading_path, "text": hit.text}
        for hit in found.hits
    ]


def _trace(task: Task) -> list[dict[str, Any]]:
    """What happened to the task, the newest first."""
    return [
        {
            "at": entry.occurred_at,
            "event": entry.kind,
            "actor": entry.actor_name,
            **{name: entry.data[name] for name in TOLD if entry.data.get(name) not in (None, "", 0)},
        }
        for entry in archiving.entries_of(task.mission).of_task(task.pk).order_by("-pk")[:ENTRIES]
    ]


def _shortened(outputs: dict[str, Any], room: int) -> dict[str, Any]:
    """The outputs, or the names and beginnings of them when they are long."""
    if tokens_of(outputs) <= room:
        return outputs
    each = max(room // (len(outputs) or 1) - 10, 5)
    return {
        str(name)[:100]: cut(value if isinstance(value, str) else str(value), each) for name, value in outputs.items()
    }
