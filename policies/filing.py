"""Rules filed by whom they concern and compiled together, so that a decision looks at few of them. Pure.

Rules for everybody are one function. A rule with a scope is filed under each name of its narrowest line and looked at
only when the action has that name. What the functions say is what each rule's own tree says.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from policies import engine
from policies.conditions import Answer, Node, measures_of
from policies.conditions.compiling import Sieve, compiled
from policies.engine import Facts, Rule

Name = tuple[str, str]
"""A noun of scopes and a name: `("mission", "m-1")`."""


class Sifted:
    """Rules as one function. Those that require paths, or cannot be read any more, are always asked themselves."""

    def __init__(self, rules: Iterable[Rule], action_type: str | None) -> None:
        self._rules, self._asking, self._action_type = list[Rule](), list[Rule](), action_type
        for rule in rules:
            (self._asking if rule.broken or rule.require else self._rules).append(rule)
        self._sure: list[tuple[Rule, Answer]] = [(rule, True) for rule in self._rules]
        self._bare = all(_is_bare(rule.tree) for rule in self._rules)
        self._always = not any(rule.scope or rule.valid_from or rule.valid_until for rule in self._rules)

    def answers(self, facts: Facts) -> list[tuple[Rule, Answer]]:
        held: list[int] = []
        doubted: list[int] = []
        self._sieve(facts.bare if self._bare else facts.view, held.append, doubted.append)
        sure = self._sure
        if not doubted and not self._asking:
            found = [sure[number] for number in held]
            return found if self._always else [each for each in found if each[0].concerns(facts)]
        doubts = set(doubted)
        found = [sure[number] for number in held if number not in doubts and self._rules[number].concerns(facts)]
        asked = [*(self._rules[number] for number in sorted(doubts)), *self._asking]
        return [*found, *engine.answers(asked, facts)]

    @cached_property
    def _sieve(self) -> Sieve:
        return compiled((rule.tree for rule in self._rules), self._action_type)


def _is_bare(tree: Node) -> bool:
    """Whether it looks at the action's own attributes only, so that the context need not be made."""
    return all(leaf.path and leaf.path[0] != "context" for leaf in tree.leaves())


class Shelf:
    """The rules for one action type, or those for every type."""

    def __init__(self, rules: Collection[Rule], action_type: str | None = None) -> None:
        everybody, filed = list[Rule](), dict[Name, list[Rule]]()
        for rule in rules:
            if not rule.scope:
                everybody.append(rule)
                continue
            noun, names = min(rule.scope, key=lambda line: len(line[1]))
            for name in names:
                filed.setdefault((noun, name), []).append(rule)
        self.measures = frozenset(name for rule in rules for name in measures_of(rule.tree, rule.require))
        self._everybody = Sifted(everybody, action_type) if everybody else None
        self._filed = {name: Sifted(found, action_type) for name, found in filed.items()}
        self._nouns = tuple(sorted({noun for noun, _ in filed}))

    def answers(self, facts: Facts) -> list[tuple[Rule, Answer]]:
        found = self._everybody.answers(facts) if self._everybody is not None else []
        return [*found, *self._of_names(facts)] if self._nouns else found

    def _of_names(self, facts: Facts) -> list[tuple[Rule, Answer]]:
        """Each rule once: a mission has an id and a key, and a rule may name both."""
        found: dict[int, tuple[Rule, Answer]] = {}
        for noun in self._nouns:
            for name in facts.names.get(noun, ()):
                if (sifted := self._filed.get((noun, name))) is not None:
                    found.update((id(each[0]), each) for each in sifted.answers(facts))
        return list(found.values())


@dataclass(frozen=True)
class Filed:
    """All rules that may hold for an action of one type."""

    shelves: tuple[Shelf, ...] = ()

    def answers(self, facts: Facts) -> list[tuple[Rule, Answer]]:
        """The rules that concern the action and hold or cannot be judged, in any order."""
        if len(self.shelves) == 1:
            return self.shelves[0].answers(facts)
        return [each for shelf in self.shelves for each in shelf.answers(facts)]

    @cached_property
    def measures(self) -> frozenset[str]:
        """The counts and costs that the rules ask for."""
        return frozenset(name for shelf in self.shelves for name in shelf.measures)
