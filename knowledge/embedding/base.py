"""What every embedder promises: texts in, vectors of one length out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Vector = list[float]


class EmbedderUnavailable(Exception):
    """No vectors can be made now: the model file is missing or the provider does not answer."""


@dataclass(frozen=True)
class Identity:
    """What makes vectors comparable: two texts may be compared only when the same identity embedded both."""

    provider: str
    model: str
    dimensions: int


class Embedder(Protocol):
    """Turns texts into vectors of `identity.dimensions` floats, of length 1."""

    @property
    def identity(self) -> Identity: ...

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        """One vector for each text, in order. Raises EmbedderUnavailable."""
        ...

    def embed_query(self, text: str) -> Vector:
        """The vector of a question. Raises EmbedderUnavailable."""
        ...
