"""What somebody asks about: the mission, task and agent that they name, as policies see them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q

from agents.models import Agent
from agents.services import registering
from coordinator.lib.errors import Invalid, Missing, NotAllowed
from coordinator.lib.models import Resource, ResourceQuerySet
from missions import facts
from missions.models import Mission, Task
from policies.subjects import Subjects
from sprints.models import Sprint

NOUNS: dict[str, type[Resource]] = {"mission": Mission, "task": Task, "agent": Agent, "sprint": Sprint}


def resolve(*, mission: object, task: object, agent: object, user: Any) -> Subjects:
    """By id or public key, each may be None. A task brings its mission; a service account brings its agent.

    Raises Invalid (there is no such thing, or the task is of another mission), NotAllowed (an agent speaks for another
    agent, or about another's task).
    """
    doer = _agent(agent, user)
    work = _named("task", Task.objects.select_related("mission", "sprint", "agent"), task)
    whole = _named("mission", Mission.objects.all(), mission) or (work and work.mission)
    if work and whole and work.mission_id != whole.pk:
        raise Invalid({"task": [f"Task {work.key} belongs to mission {work.mission.key}."]})
    if work and work.agent and registering.is_service(user) and work.agent.service_account_id != user.pk:
        raise NotAllowed(f"Task {work.key} belongs to another agent.")
    if doer is None:
        doer = work.agent if work else None
    return Subjects(
        mission=whole.ref if whole else None,
        task=work.ref if work else None,
        agent=doer.ref if doer else None,
        sprint=work.sprint.ref if work and work.sprint else None,
        agent_type=doer.adapter_module if doer else "",
        capabilities=capabilities(doer, work),
        facts={"mission": facts.of_mission(whole)} if whole else {},
    )


def strangers(named: Mapping[str, Iterable[object]]) -> dict[str, list[str]]:
    """Of the missions, tasks, agents and sprints that are named by id or key, those that do not exist.

    One statement for each noun.
    """
    return {noun: found for noun, names in named.items() if (found := _strangers(noun, {str(each) for each in names}))}


def _strangers(noun: str, names: set[str]) -> list[str]:
    model = NOUNS.get(noun)
    if model is None:
        return []
    ids = {int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 19}
    keys = {f"{model.KEY}__in": names - {str(each) for each in ids}}
    rows = model._default_manager.filter(Q(pk__in=ids) | Q(**keys)).values_list("pk", model.KEY)
    known = {str(name) for row in rows for name in row}
    return sorted(name for name in names if name not in known)


def capabilities(agent: Agent | None, task: Task | None) -> tuple[str, ...]:
    """What the agent can do and what the task requires."""
    able = agent.capabilities if agent else []
    wanted = task.required_capabilities if task else []
    return tuple(sorted({*able, *wanted}))


def _agent(named: object, user: Any) -> Agent | None:
    found: Agent | None = _named("agent", Agent.objects.all(), named)
    if found is None:
        return registering.agent_of(user)
    registering.may_act_for(user, found)
    return found


def _named(noun: str, rows: ResourceQuerySet[Any], value: object) -> Any:
    if value is None:
        return None
    try:
        return rows.identified(value)
    except Missing as unknown:
        raise Invalid({noun: [unknown.detail]}) from unknown
