"""The language of conditions: a closed vocabulary in JSON. What does not fully read is never saved."""

from policies.conditions.attributes import Registry, misfits, nearest
from policies.conditions.operators import Answer, Fault
from policies.conditions.reading import Unreadable, read
from policies.conditions.tree import MISSING, Node, measures_of, reach

__all__ = [
    "MISSING", "Answer", "Fault", "Node", "Registry", "Unreadable", "measures_of", "misfits", "nearest", "reach",
    "read",
]  # fmt: skip
