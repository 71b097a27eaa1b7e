"""Registering agents and revising them, and whose agent an account is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from agents import secrets
from agents.events import AgentRegistered, AgentRevised, AgentStatusChanged
from agents.models import Agent
from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid, Missing, NotAllowed
from coordinator.lib.keys import is_key
from traceability import ledger
from traceability.events import Actor

FIELDS = ("agent_id", "name", "adapter_module", "adapter_config", "capabilities", "status", "cost_per_mtok")
LOCKED = f"SELECT * FROM {Agent._meta.db_table} WHERE agent_id = %s FOR NO KEY UPDATE"
REVISED = "revision"
LONGEST_CAPABILITY = 100
MOST_CAPABILITIES = 200


class AgentTaken(Conflict):
    """There is an agent with this public key, or this account has another agent."""


def agent_of(user: Any) -> Agent | None:
    """The agent whose service account this is; None for people and for accounts without one."""
    return Agent.objects.filter(service_account_id=user.pk).first() if is_service(user) else None


def may_act_for(user: Any, agent: Agent) -> None:
    """Raises NotAllowed when a service account acts for another agent than its own."""
    if is_service(user) and agent.service_account_id != user.pk:
        raise NotAllowed(f"This token does not belong to agent {agent.key}; an agent acts only for itself.")


def may_change(user: Any, agent: Agent | None) -> None:
    """Raises NotAllowed when a service account changes what belongs to another agent; what is nobody's is free."""
    if agent is not None:
        may_act_for(user, agent)


def is_service(user: Any) -> bool:
    return bool(user.kind == User.Kind.SERVICE)


def create_agent(*, actor: Actor, now: datetime, by_report: bool = False, **fields: Any) -> Agent:
    """An agent; its name is its key when none is given. Raises AgentTaken, Invalid."""
    fields = _checked(fields)
    agent = Agent(**fields, status_since=now, created_at=now, updated_at=now)
    with ledger.writing():
        _insert(agent)
        if not agent.name:
            Agent.objects.filter(pk=agent.pk).update(name=agent.key)
            agent.name = agent.key
        told = AgentRegistered(agent=agent.ref, fields=_told(agent.values_of(*FIELDS)), by_report=by_report)
        ledger.record(told, actor=actor, at=now)
    return agent


def revise_agent(agent: Agent, *, actor: Actor, now: datetime, expected: int | None = None, **changes: Any) -> Agent:
    """Changes what differs. Raises AgentTaken, Invalid, Stale."""
    changes = _checked(changes)
    with ledger.writing():
        agent = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
        versions.require(agent, expected)
        before = agent.status
        if changes.get("status", before) != before:
            changes |= {"status_since": now, "status_reason": ""}
        changed = _bump(agent, changes, now)
        _tell(agent, before, changed, actor, now)
    return agent


def reporter(named: str, *, user: Any, scopes: frozenset[str], actor: Actor, now: datetime, lock: bool) -> Agent:
    """The agent that reports under this id or key; an unknown one is registered when the caller may.

    A service account without an agent becomes the new agent's account; everyone else needs the scope `agents:write`.
    Raises NotAllowed, Missing (an unknown name that is no public key), AgentTaken.
    """
    agent = _found(named, lock)
    if agent is None:
        _refuse_registering(named, user, scopes)
        mine = user if is_service(user) else None
        agent = _first_report(named, lock, account=mine, actor=actor, now=now)
    may_act_for(user, agent)
    return agent


def _refuse_registering(named: str, user: Any, scopes: frozenset[str]) -> None:
    if not is_key(named):
        raise Missing(f"There is no agent {named[:100]!r}.")
    mine = is_service(user)
    if mine and (own := agent_of(user)) and own.key != named:
        raise NotAllowed(f"This token belongs to agent {own.key}; it cannot register {named}.")
    if not mine and "agents:write" not in scopes:
        raise NotAllowed(f"There is no agent {named}, and this token may not register it: it lacks agents:write.")


def _found(named: str, lock: bool) -> Agent | None:
    """The agent, by its key in one plain statement: every report pays for it."""
    if lock and is_key(named):
        return next(iter(Agent.objects.raw(LOCKED, [named])), None)
    rows = Agent.objects.select_for_update(no_key=True) if lock else Agent.objects.all()
    return rows.named(named).first()


def _first_report(named: str, lock: bool, *, account: Any, actor: Actor, now: datetime) -> Agent:
    """Registers the agent; when another report did so at the same moment, that one is taken."""
    try:
        return create_agent(agent_id=named, service_account=account, by_report=True, actor=actor, now=now)
    except AgentTaken:
        first = _found(named, lock)
        if first is None:
            raise
        return first


def _insert(agent: Agent) -> None:
    try:
        with transaction.atomic():
            agent.save(force_insert=True)
    except IntegrityError as taken:
        raise _taken(agent) from taken


def _bump(agent: Agent, changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    try:
        with transaction.atomic():
            return versions.bump(agent, now=now, **changes)
    except IntegrityError as taken:
        raise _taken(agent) from taken


def _taken(agent: Agent) -> AgentTaken:
    if Agent.objects.filter(agent_id=agent.agent_id).exclude(pk=agent.pk).exists():
        return AgentTaken(f"There is an agent {agent.agent_id!r} already; choose another agent_id.")
    return AgentTaken("This service account belongs to another agent; an account has one agent.")


def _tell(agent: Agent, before: str, changed: dict[str, Any], actor: Actor, now: datetime) -> None:
    if "status" in changed:
        moved = AgentStatusChanged(agent=agent.ref, before=before, after=agent.status, because=REVISED)
        ledger.record(moved, actor=actor, at=now)
    rest = {name: value for name, value in changed.items() if not name.startswith("status")}
    if rest:
        ledger.record(AgentRevised(agent=agent.ref, fields=_told(rest)), actor=actor, at=now)


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as history keeps them: the account by its e-mail."""
    return {name: str(value) if isinstance(value, User) else value for name, value in fields.items()}


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, capabilities each once. Raises Invalid naming what breaks a rule."""
    errors: dict[str, list[str]] = {}
    if found := sorted(secrets.held_in(fields.get("adapter_config") or {})):
        errors["adapter_config"] = [f"{path} looks like a secret; {secrets.ADVICE}." for path in found]
    if not isinstance(fields.get("adapter_config", {}), dict):
        errors["adapter_config"] = ["This must be an object."]
    account = fields.get("service_account")
    if account is not None and not (is_service(account) and account.is_active):
        errors["service_account"] = [f"{account} is no active service account."]
    if "capabilities" in fields and not _are_capabilities(fields["capabilities"]):
        errors["capabilities"] = [f"A list of at most {MOST_CAPABILITIES} short texts, such as python or review."]
    if errors:
        raise Invalid(errors)
    return fields | ({"capabilities": list(dict.fromkeys(fields["capabilities"]))} if "capabilities" in fields else {})


def _are_capabilities(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_CAPABILITIES
        and all(isinstance(each, str) and 0 < len(each.strip()) <= LONGEST_CAPABILITY for each in value)
    )
