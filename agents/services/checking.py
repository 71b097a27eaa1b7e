"""Checking an agent now: its adapter when it has one, else when it was last heard. The record is kept on the agent."""

from datetime import datetime

from django.conf import settings

from agents import adapters
from agents.adapters.base import AdapterProblem, Health
from agents.health import HealthState, is_silent
from agents.health_events import AgentHealthChanged
from agents.models import Agent
from traceability import ledger
from traceability.events import Actor

LONGEST_REASON = 500


def check(agent: Agent, *, actor: Actor, now: datetime) -> Agent:
    """Asks, then stores what was found; the ledger hears of it when the state changed."""
    return keep(agent, look_at(agent, now), actor=actor, now=now)


def look_at(agent: Agent, now: datetime) -> Health:
    """How the agent is; may start a program or ask the network, so it is called outside every transaction."""
    if not agent.adapter_module:
        return heard(agent, now)
    try:
        return adapters.named(agent.adapter_module).check(agent.adapter_config)
    except AdapterProblem as problem:
        return Health.of(problem)


def heard(agent: Agent, now: datetime) -> Health:
    """The health of an agent that works by itself and reports."""
    if agent.last_seen_at is None:
        return Health(state=HealthState.UNKNOWN, reason="It has no adapter and has not reported yet.")
    since = f"{agent.last_seen_at:%Y-%m-%d %H:%M:%S} UTC"
    if is_silent(agent.last_seen_at, now, after_s=settings.AGENT_SILENT_AFTER_S):
        return Health(state=HealthState.DEGRADED, reason=f"It has been silent since {since}.")
    return Health(state=HealthState.HEALTHY, reason=f"It was last heard at {since}.")


def keep(agent: Agent, found: Health, *, actor: Actor, now: datetime) -> Agent:
    """Stores a health record. Its check is no revision of the agent: the version stays."""
    with ledger.writing():
        agent = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
        before, reason = agent.health_state, found.reason.replace("\x00", "")[:LONGEST_REASON]
        agent.health_state, agent.health_reason, agent.health_checked_at = found.state, reason, now
        if before != found.state:
            agent.health_since = now
            told = AgentHealthChanged(agent=agent.ref, before=before, after=found.state, reason=reason)
            ledger.record(told, actor=actor, at=now)
        agent.save(update_fields=["health_state", "health_reason", "health_checked_at", "health_since"])
    return agent
