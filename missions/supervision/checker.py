"""The PolicyChecker: holds what is running against the policies, now and then, and advises where they object.

Before a move the policies decide in its transaction (`policies.services.deciding`); here nothing waits for their word.
So nothing is blocked or held: what warns or blocks is a warning, what escalates is critical, each told once for as
long as it is so. Only policies that name the action `execution` are asked.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from coordinator.lib.masking import masked
from missions import facts, subjects
from missions.advice.findings import POLICY, Finding
from missions.models import Execution
from missions.services import advising
from policies import bundles, engine, measuring
from policies.engine import Facts, Rule
from policies.subjects import Subjects
from policies.vocabulary import Outcome
from traceability.events import SYSTEM

ACTION = "execution"
POINT = "execution_running"
SEVERITIES = {Outcome.WARN: "warning", Outcome.BLOCK: "warning", Outcome.ESCALATE: "critical"}
SAYS = {
    Outcome.WARN: "warns of",
    Outcome.BLOCK: "would block",
    Outcome.ESCALATE: "asks a person to look at",
}


def check(*, now: datetime) -> tuple[int, int]:
    """Judges every running execution; answers how many advisories were opened and resolved."""
    return advising.keep(findings(now), kind=POLICY, now=now)


def findings(now: datetime) -> Iterator[Finding]:
    """What the policies in force have against what runs now; two statements, one where no policy names executions."""
    bundle = bundles.current()
    rules, wanted = bundle.by_type.get(ACTION, ()), bundle.measures_for(ACTION)
    if rules:
        runs = Execution.objects.filter(state=Execution.State.RUNNING)
        for run in runs.select_related("mission", "task__sprint", "agent").order_by("pk"):
            yield from _judged(run, rules, measuring.completed(_facts(run, now), wanted))


def _judged(run: Execution, rules: tuple[Rule, ...], known: Facts) -> Iterator[Finding]:
    for found in engine.judge(known, rules).findings:
        if found.outcome in SEVERITIES:
            what = f"the run of task {run.task.key} by {run.agent.key}"
            yield Finding(
                name=f"{POLICY}:{found.rule.key}:execution:{run.pk}",
                kind=POLICY,
                severity=SEVERITIES[found.outcome],
                message=f"Policy {found.rule.key} {SAYS[found.outcome]} {what}: {found.message}"[:500],
                evidence=masked(_evidence(run, known, found.as_data())),
                mission_id=run.mission_id,
                task_id=run.task_id,
                agent=run.agent.key,
            )


def _evidence(run: Execution, known: Facts, said: dict[str, Any]) -> dict[str, Any]:
    policy = {name: said[name] for name in ("policy_id", "revision", "outcome", "matched")}
    return {**policy, "execution": run.pk, "facts": dict(known.action)}


def _facts(run: Execution, now: datetime) -> Facts:
    task, agent = run.task, run.agent
    about = Subjects(
        mission=run.mission.ref,
        task=task.ref,
        agent=agent.ref,
        sprint=task.sprint.ref if task.sprint else None,
        agent_type=agent.adapter_module,
        capabilities=subjects.capabilities(agent, task),
    )
    action = facts.of_execution(run, now=now)
    return Facts(point=POINT, action=action, subjects=about, actor_kind=SYSTEM.kind, actor_name=SYSTEM.name, at=now)
