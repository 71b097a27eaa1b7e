"""Making and revising policies: every change is a new revision, and counts from the next decision on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid
from coordinator.lib.keys import KEY_RULE, is_key
from policies import bundles, drafts, resolving, trials
from policies.events import PolicyCreated, PolicyRevised
from policies.models import FIELDS, ActiveBundle, Policy, PolicyRevision, usual_content
from policies.vocabulary import PolicyStatus
from traceability import canonical, ledger
from traceability.events import Actor, Subject

LONGEST_NOTE = 500
RESERVED = {"evaluate", "simulate"}
"""Names that stand for something else in `/policies/{p}`."""


class PolicyKeyTaken(Conflict):
    """This public key is taken."""


def create(
    *, actor: Actor, now: datetime, policy_id: str | None = None, change_note: str = "", **fields: Any
) -> Policy:
    """A policy with its first revision; left out, it is active and enforced. Raises Invalid, PolicyKeyTaken."""
    content = drafted(fields)
    known_scope(content["scope"])
    with ledger.writing():
        _one_at_a_time()
        _free(policy_id)
        policy = Policy.objects.create(
            policy_id=policy_id or "", **content, content_hash=drafts.hash_of(content), created_at=now, updated_at=now
        )
        _keep_revision(policy, change_note, actor, now)
        told = PolicyCreated(subject=subject_of(policy), revision=policy.version, fields=content)
        ledger.record(told, actor=actor, at=now)
    return policy


def revise(
    policy: Policy, *, expected: int | None, actor: Actor, now: datetime, change_note: str = "", **fields: Any
) -> Policy:
    """A new revision with what differs; what does not differ makes none. Raises Invalid, Stale."""
    with ledger.writing():
        _one_at_a_time()
        policy = Policy.objects.select_for_update().get(pk=policy.pk)
        versions.require(policy, expected)
        stored = policy.values_of(*FIELDS)
        given = _without_key(policy, fields)
        content = {**stored, **given} if _only_ends(given) else drafted({**stored, **given})
        changed = {name: value for name, value in content.items() if differs(value, stored[name])}
        if "scope" in changed:
            known_scope(content["scope"])
        if changed:
            _store(policy, changed, content, now)
            _keep_revision(policy, change_note, actor, now)
            told = PolicyRevised(
                subject=subject_of(policy), revision=policy.version, fields=changed, change_note=change_note
            )
            ledger.record(told, actor=actor, at=now)
    return policy


def activate(
    policy: Policy,
    *,
    revision: int | None = None,
    expected: int | None,
    actor: Actor,
    now: datetime,
    change_note: str = "",
) -> Policy:
    """Puts a revision in force, as the next revision; without a number the policy as it stands. Raises Invalid, Stale.

    So a rollback is told like every other change, and the history only grows.
    """
    content: dict[str, Any] = {}
    if revision is not None:
        kept = PolicyRevision.objects.filter(policy=policy, n=revision).first()
        if kept is None:
            raise Invalid({"revision": [f"Policy {policy.key} has no revision {revision}."]})
        content = {name: getattr(kept, name) for name in FIELDS}
        change_note = change_note or f"Revision {revision} again."
    content["status"] = PolicyStatus.ACTIVE
    return revise(policy, expected=expected, actor=actor, now=now, change_note=change_note, **content)


def subject_of(policy: Policy) -> Subject:
    return Subject("policy", policy.pk, policy.key)


def known_scope(scope: Any) -> None:
    """Raises Invalid when the scope names an object that does not exist: such a policy would never match."""
    if unknown := resolving.strangers(scope):
        raise Invalid({"scope": unknown})


def differs(new: Any, old: Any) -> bool:
    """By their canonical text: `true` is not `1`."""
    return canonical.write(new) != canonical.write(old)


def drafted(fields: Mapping[str, Any], *, tried: bool = True) -> dict[str, Any]:
    """The whole content of a draft: what was left out has its usual value. Raises Invalid with every mistake.

    Its tests are run; without `tried` they are only read.
    """
    if unknown := set(fields) - set(FIELDS):
        raise Invalid({name: [f"There is no field {name!r} here."] for name in sorted(unknown)})
    content = {**usual_content(), **fields}
    registry = bundles.registry()
    mistakes = drafts.mistakes_of(content, registry)
    if unreadable := trials.mistakes_of(content["tests"], registry):
        mistakes["tests"] = unreadable
    if mistakes:
        raise Invalid(mistakes)
    content["on_error"] = str(content["on_error"] or drafts.usual_on_error(content["actions"]))
    content["status"], content["mode"] = str(content["status"]), str(content["mode"])
    if tried:
        _try(content)
    return content


def _try(content: Mapping[str, Any]) -> None:
    """Runs the tests that the draft brings. Raises Invalid with every one that fails."""
    if content["tests"]:
        rule = bundles.rule_of(content, policy=0, key="draft", revision=0)
        if failed := trials.failures(rule, content["tests"]):
            raise Invalid({"tests": failed})


def _store(policy: Policy, changed: Mapping[str, Any], content: Mapping[str, Any], now: datetime) -> None:
    for name, value in changed.items():
        setattr(policy, name, value)
    policy.content_hash = drafts.hash_of(content)
    policy.version += 1
    policy.updated_at = now
    policy.save(update_fields=[*changed, "content_hash", "version", "updated_at"])


def _keep_revision(policy: Policy, change_note: str, actor: Actor, now: datetime) -> None:
    PolicyRevision.objects.create(
        policy=policy,
        n=policy.version,
        author=actor.name,
        change_note=change_note[:LONGEST_NOTE],
        created_at=now,
        content_hash=policy.content_hash,
        **policy.values_of(*FIELDS),
    )
    ActiveBundle.objects.update_or_create(id=True, defaults={"hash": bundles.hash_in_force()})


def _only_ends(given: Mapping[str, Any]) -> bool:
    """Whether the policy is only switched off: that goes through also when it cannot be read any more."""
    return set(given) == {"status"} and given["status"] in {PolicyStatus.DISABLED, PolicyStatus.ARCHIVED}


def _without_key(policy: Policy, fields: Mapping[str, Any]) -> dict[str, Any]:
    if fields.get("policy_id", policy.key) != policy.key:
        raise Invalid({"policy_id": ["A policy keeps its key."]})
    return {name: value for name, value in fields.items() if name != "policy_id"}


def _free(key: str | None) -> None:
    if not key:
        return
    if not is_key(key) or key in RESERVED:
        raise Invalid({"policy_id": [f"{key!r} is an address of its own." if key in RESERVED else KEY_RULE]})
    if Policy.objects.keyed(key).exists():
        raise PolicyKeyTaken(f"There is a policy {key!r} already; choose another policy_id.")


def _one_at_a_time() -> None:
    """Changes of policies wait for each other, so that the hash of all of them is of all of them."""
    list(ActiveBundle.objects.select_for_update())
