"""Folding entries into a state: old data is brought to its present form, then one reducer changes the state. Pure.

Every kind that may stand in a mission's stream has a reducer or is named in `CHANGES_NOTHING`; another one stops the
fold, since what is not understood may matter.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from missions.replaying import rules, works
from missions.replaying.state import State, Told

Data = dict[str, Any]
S = TypeVar("S")

REDUCERS = works.REDUCERS | rules.REDUCERS

CHANGES_NOTHING = frozenset(
    {
        "mission.move_refused", "mission.move_held", "task.move_refused", "task.move_held", "agent.status_changed",
        "document.stored", "document.revised", "document.removed", "github.synced", "trace.erased", "trace.archived",
    }
)  # fmt: skip
"""Kinds of a mission's stream that leave its state as it was: refusals, what waits, and what belongs elsewhere."""

UPCASTERS: dict[tuple[str, int], Callable[[Data], Data]] = {}
"""By kind and schema: the data of an entry of that schema in the form of the next one."""


class CannotFold(ValueError):
    """The trace does not fold: an entry is missing, unknown, or does not fit what stands before it."""

    def __init__(self, stream: str, seq: int, why: str) -> None:
        super().__init__(f"Entry {seq} of {stream} {why}.")
        self.stream, self.seq = stream, seq


class UnknownKind(CannotFold):
    """The code does not know entries of this kind, or of this schema."""


def fold(entries: Iterable[Told], state: State | None = None) -> State:
    """The state after these entries of one stream, in the order of `seq`. Raises CannotFold."""
    state = State() if state is None else state
    for told in entries:
        apply(state, told)
    return state


def apply(state: State, told: Told) -> None:
    """One entry's change of a mission's whole state. Raises CannotFold."""
    apply_by(REDUCERS, state, told)


def apply_by(reducers: Mapping[str, Callable[[S, Told], None]], state: S, told: Told) -> None:
    """One entry's change of a state by its own reducers; kinds that only others reduce leave it. Raises CannotFold."""
    if told.schema != 1 or (told.kind, 1) in UPCASTERS:
        told = _raised(told)
    reduce = reducers.get(told.kind)
    if reduce is not None:
        try:
            reduce(state, told)
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as problem:
            raise CannotFold(told.stream, told.seq, f"({told.kind}) does not fit: {problem!r}") from problem
    elif told.kind not in CHANGES_NOTHING and told.kind not in REDUCERS:
        raise UnknownKind(told.stream, told.seq, f"is of the kind {told.kind}, which this version does not know")


def present_schema(kind: str) -> int:
    """The schema that the reducer of this kind reads."""
    return 1 + max((schema for named, schema in UPCASTERS if named == kind), default=0)


def _raised(told: Told) -> Told:
    """The entry in its present form. Raises UnknownKind for a schema that is newer than the code."""
    schema, data = told.schema, told.data
    while raise_data := UPCASTERS.get((told.kind, schema)):
        data, schema = raise_data(data), schema + 1
    if schema != present_schema(told.kind):
        raise UnknownKind(told.stream, told.seq, f"({told.kind}) has schema {schema}, which this version does not know")
    return told._replace(schema=schema, data=data)
