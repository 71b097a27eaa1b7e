"""What is odd about policies that can all be read: untested, over, never matching, shadowed, contradicting. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies import trials
from policies.conditions import Node
from policies.conditions.tree import All, Leaf
from policies.engine import Rule, Scope
from policies.vocabulary import STRICTNESS, Mode, PolicyStatus

ERROR, WARNING = "error", "warning"
IN_FORCE = {PolicyStatus.ACTIVE, PolicyStatus.DRAFT}


@dataclass(frozen=True)
class Linted:
    """A policy: where it stands, what it says, and its rule."""

    place: str
    key: str
    content: dict[str, Any]
    rule: Rule


@dataclass(frozen=True)
class Remark:
    """Errors are what can never do its work; warnings are what a person should look at."""

    place: str
    level: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.level}: {self.kind}: {self.text}"


def remarks(policies: Iterable[Linted], now: datetime) -> list[Remark]:
    """Everything about each policy by itself and beside the others, in their order."""
    listed = list(policies)
    return [remark for each in listed for remark in (*_alone(each, now), *_beside(each, listed))]


def _alone(each: Linted, now: datetime) -> Iterator[Remark]:
    rule, content = each.rule, each.content
    if rule.broken:
        yield Remark(each.place, ERROR, "unreadable", rule.broken)
        return
    if rule.types is not None and not rule.types:
        yield Remark(each.place, ERROR, "never", "It asks for two action types at once and can never match.")
    for text in trials.failures(rule, content["tests"]):
        yield Remark(each.place, ERROR, "failing", f"tests{text}")
    if not trials.suffice(content["tests"]):
        yield Remark(each.place, WARNING, "untested", "It needs a test that matches and one that does not.")
    if rule.valid_until and rule.valid_until <= now:
        yield Remark(each.place, WARNING, "unreachable", f"Its time ended at {rule.valid_until:%Y-%m-%d %H:%M} UTC.")


def _beside(each: Linted, others: Iterable[Linted]) -> list[Remark]:
    """What others take from it: the first of them that does, since one is enough."""
    if each.rule.broken:
        return []
    wide = (other for other in others if other.key != each.key and not other.rule.broken and _covers(other, each))
    found = (remark for other in wide if (remark := _overtaken(each, other)))
    return [remark for remark in [next(found, None)] if remark]


def _overtaken(each: Linted, other: Linted) -> Remark | None:
    mine, theirs = STRICTNESS[each.rule.outcome], STRICTNESS[other.rule.outcome]
    if theirs < mine:
        return None
    if not _covers(each, other):
        text = f"Whatever it matches, {other.key} matches too, and {other.rule.outcome} counts at least as much."
        return Remark(each.place, WARNING, "shadowed", text)
    if theirs > mine:
        text = f"Of the same actions {other.key} says {other.rule.outcome}; the stricter counts, this one never."
        return Remark(each.place, WARNING, "contradicting", text)
    if other.key < each.key:
        return Remark(each.place, WARNING, "double", f"{other.key} says the same of the same actions.")
    return None


def _covers(wide: Linted, narrow: Linted) -> bool:
    """Whether the wide one binds wherever the narrow one matches; only what is certain is told."""
    first, second = wide.rule, narrow.rule
    types = first.types is None or (second.types is not None and second.types <= first.types)
    if not types or first.mode != Mode.ENFORCE or wide.content["status"] not in IN_FORCE:
        return False
    if (first.valid_from, first.valid_until) not in {(None, None), (second.valid_from, second.valid_until)}:
        return False
    return _scope_covers(first.scope, second.scope) and _implied(first.tree, second.tree)


def _scope_covers(wide: Scope, narrow: Scope) -> bool:
    lines = dict(narrow)
    return all(noun in lines and lines[noun] <= names for noun, names in wide)


def _implied(wide: Node, narrow: Node) -> bool:
    """Whether each part of the wide tree follows from some part of the narrow one."""
    parts = list(_parts(narrow))
    return all(any(_follows(wanted, part) for part in parts) for wanted in _parts(wide))


def _parts(tree: Node) -> Iterator[Node]:
    if isinstance(tree, All):
        for part in tree.parts:
            yield from _parts(part)
    else:
        yield tree


def _follows(wanted: Node, given: Node) -> bool:
    if wanted == given:
        return True
    if not isinstance(wanted, Leaf) or not isinstance(given, Leaf) or wanted.path != given.path or wanted.op != "in":
        return False
    if given.op not in {"eq", "in"}:
        return False
    values = given.operand if given.op == "in" else [given.operand]
    return all(wanted.of(value) is True for value in values)
