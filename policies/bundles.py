"""The policies in force, compiled once for each revision and kept in the process for as long as they are in force.

Each decision compares one hash in the database with the kept one, so that a change counts from the next decision on,
in every process. The kept bundle is named by its content: what a transaction saw and took back is never taken for
something else.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import connection

from policies import drafts, trials
from policies.conditions import Node, Registry, Unreadable, read
from policies.conditions.tree import All
from policies.engine import Rule
from policies.filing import Filed, Shelf
from policies.models import ActiveBundle, Policy
from policies.vocabulary import OnError
from traceability import canonical

IN_FORCE = f'SELECT hash FROM "{ActiveBundle._meta.db_table}"'
"""Asked before every decision, so it is plain SQL."""

KEPT = 4
"""Bundles that a process keeps: more than one, for transactions that overlap a change."""


@dataclass(frozen=True)
class Bundle:
    """Rules by the action type that they can hold for; `general` ones look at every action."""

    hash: str
    by_type: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    general: tuple[Rule, ...] = ()

    def rules_for(self, action_type: str) -> Filed:
        """The rules that may hold for such an action, compiled and filed at their first use."""
        return self._filed.get(action_type, self._general)

    def measures_for(self, action_type: str) -> frozenset[str]:
        """The counts and costs that these rules ask for."""
        return self.rules_for(action_type).measures

    @cached_property
    def _general(self) -> Filed:
        return Filed((Shelf(self.general),))

    @cached_property
    def _filed(self) -> dict[str, Filed]:
        general = self._general.shelves
        return {name: Filed((Shelf(rules, name), *general)) for name, rules in self.by_type.items()}


EMPTY = Bundle("")
_kept: dict[str, Bundle] = {"": EMPTY}
_lock = Lock()


def current() -> Bundle:
    """The bundle in force: one statement when it is kept, two when it has changed."""
    with connection.cursor() as cursor:
        cursor.execute(IN_FORCE)
        row = cursor.fetchone()
    found = _kept.get(row[0]) if row is not None else None
    return found or _keep(list(Policy.objects.active().order_by("pk")))


def hash_in_force() -> str:
    """The hash of the policies that are active now; empty when there is none."""
    return _hash(Policy.objects.active().order_by("pk").only("policy_id", "version", "content_hash"))


def registry() -> Registry:
    """The known action types, the installation's own included."""
    return Registry(settings.POLICY_ACTION_TYPES)


def rule_of(content: Mapping[str, Any], *, policy: int, key: str, revision: int) -> Rule:
    """A policy's content, compiled. What cannot be read any more becomes a rule that can never be judged."""
    tree, types, broken = _tree(
        canonical.write(content["conditions"]), json.dumps(settings.POLICY_ACTION_TYPES, sort_keys=True)
    )
    return Rule(
        policy=policy,
        key=key,
        revision=revision,
        outcome=drafts.outcome_of(content["actions"]),
        message=drafts.message_of(content["actions"]),
        tree=tree,
        types=types,
        mode=trials.mode_of(content["mode"], content.get("tests", ()), required=settings.POLICY_TESTS_REQUIRED),
        on_error=OnError(content["on_error"]),
        scope=drafts.scope_of(content["scope"]),
        require=drafts.paths_of(content["require"]),
        priority=content["priority"],
        valid_from=content["valid_from"],
        valid_until=content["valid_until"],
        broken=broken,
    )


def _keep(policies: list[Policy]) -> Bundle:
    bundle = _bundle(_hash(policies), [_rule(policy) for policy in policies])
    with _lock:
        while len(_kept) > KEPT:
            del _kept[next(name for name in _kept if name)]
        _kept[bundle.hash] = bundle
    return bundle


def _rule(policy: Policy) -> Rule:
    return rule_of(policy.__dict__, policy=policy.pk, key=policy.key, revision=policy.version)


def _bundle(name: str, rules: list[Rule]) -> Bundle:
    by_type: dict[str, list[Rule]] = {}
    for rule in rules:
        for action_type in rule.types or ():
            by_type.setdefault(action_type, []).append(rule)
    general = tuple(rule for rule in rules if rule.types is None)
    return Bundle(name, {action_type: tuple(found) for action_type, found in by_type.items()}, general)


def _hash(policies: Any) -> str:
    named = [[each.pk, each.policy_id, each.version, each.content_hash] for each in policies]
    return hashlib.sha256(canonical.write(named).encode()).hexdigest() if named else ""


@lru_cache(maxsize=4096)
def _tree(conditions: str, own_types: str) -> tuple[Node, frozenset[str] | None, str]:
    try:
        return *read(canonical.read(conditions), Registry(json.loads(own_types))), ""
    except Unreadable as wrong:
        return All(()), None, f"its conditions cannot be read: {wrong}"
