"""Gathering the counts and costs that policies ask for, before judging, so that they are judged and kept as facts.

Only what some policy of the action's type names is read: one statement for all counts, one for each cost.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from django.conf import settings
from django.db.models import Count, Q
from django.utils.module_loading import import_string

from coordinator.lib.money import plain_money
from policies.conditions import measures
from policies.conditions.measures import Measure
from policies.engine import Facts
from policies.models import Decision
from policies.subjects import Subjects

ASKED = "agent_action"
Span = tuple[str, timedelta | None]
"""A noun and how far back; None is all time."""
Costs = Callable[..., Mapping[Span, Decimal]]


def completed(facts: Facts, wanted: Iterable[str]) -> Facts:
    """The facts with the counts and costs of these names. What nobody can know is left out, as something missing."""
    asked = [found for name in sorted(wanted) if (found := measures.measure(name)) is not None]
    if not asked:
        return facts
    known = {**_rates(asked, facts.subjects, facts.at), **_costs(asked, facts.subjects, facts.at)}
    gathered = {measures.RATE: {}, measures.COST: {}, **measures.nested(known)}
    return replace(facts, subjects=replace(facts.subjects, facts={**facts.subjects.facts, **gathered}))


def _rates(asked: list[Measure], subjects: Subjects, at: datetime) -> dict[str, int]:
    """How many actions the agent has asked about, this one not counted."""
    wanted = [(each, each.window) for each in asked if each.group == measures.RATE and each.window is not None]
    if not wanted or subjects.agent is None:
        return {}
    counts = {f"n{number}": Count("pk", filter=_within(each, at)) for number, (each, _) in enumerate(wanted)}
    since = at - max(window for _, window in wanted)
    found = Decision.objects.filter(agent_id=subjects.agent.id, point=ASKED, at__gte=since).aggregate(**counts)
    return {each.name: found[f"n{number}"] for number, (each, _) in enumerate(wanted)}


def _within(wanted: Measure, at: datetime) -> Q:
    within = Q(at__gte=at - (wanted.window or timedelta(0)))
    return within if wanted.of == measures.ANY_TYPE else within & Q(action_type=wanted.of)


def _costs(asked: list[Measure], subjects: Subjects, at: datetime) -> dict[str, Any]:
    """Of the room above that keeps costs; the settings name it."""
    wanted = {each.name: (each.of, each.window) for each in asked if each.group == measures.COST}
    if not wanted:
        return {}
    costs = cast(Costs, import_string(settings.COST_READER))(set(wanted.values()), subjects, now=at)
    return {name: plain_money(costs[span]) for name, span in wanted.items() if span in costs}
