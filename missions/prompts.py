"""What an agent is asked when a task is handed to its adapter."""

import json

from missions.models import Task

LONGEST_OUTPUT = 4000


def of(task: Task) -> str:
    """Objective, description, criteria, and what the task's dependencies put out; needs the mission loaded."""
    parts = [f"# Task {task.key}: {task.objective}", f"It belongs to the mission: {task.mission.goal}"]
    if task.description:
        parts.append(task.description)
    if task.acceptance_criteria:
        parts.append(_list("It is done when:", [str(each) for each in task.acceptance_criteria]))
    if needed := [_result(each) for each in task.depends_on.order_by("pk") if each.outputs]:
        parts.append(_list("Results that it builds on:", needed))
    if comment := task.reviews.filter(approved=False).exclude(comment="").order_by("-pk").first():
        parts.append(f"The last review asked for a change:\n{comment.comment}")
    return "\n\n".join(parts)


def _result(task: Task) -> str:
    outputs = json.dumps(task.outputs, ensure_ascii=False, sort_keys=True)
    cut = outputs if len(outputs) <= LONGEST_OUTPUT else outputs[:LONGEST_OUTPUT] + " …"
    return f"{task.key} ({task.objective}): {cut}"


def _list(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"- {line}" for line in lines)])
