"""Any server that speaks OpenAI's `POST /embeddings`."""

import math
import time
from collections.abc import Sequence
from typing import Any

import requests

from knowledge.embedding.base import EmbedderUnavailable, Identity, Vector

BATCH = 32
QUERY_TIMEOUT_S = 5.0
DOCUMENT_TIMEOUT_S = 60.0
REST_AFTER_FAILURE_S = 10.0
"""How long searches do without a server that failed, so that each of them does not wait for its timeout."""


class OpenAIEmbedder:
    """Asks `{url}/embeddings` for vectors of `dimensions` floats."""

    def __init__(self, *, url: str, model: str, dimensions: int, api_key: str = "") -> None:
        self.identity = Identity(provider="openai", model=model, dimensions=dimensions)
        self.endpoint = f"{url.rstrip('/')}/embeddings"
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._resting_until = 0.0

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        batches = (list(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH))
        return [vector for batch in batches for vector in self._ask(batch, DOCUMENT_TIMEOUT_S)]

    def embed_query(self, text: str) -> Vector:
        if time.monotonic() < self._resting_until:
            raise EmbedderUnavailable("The embedding server failed a moment ago.")
        try:
            return self._ask([text], QUERY_TIMEOUT_S)[0]
        except EmbedderUnavailable:
            self._resting_until = time.monotonic() + REST_AFTER_FAILURE_S
            raise

    def _ask(self, texts: list[str], timeout_s: float) -> list[Vector]:
        body = {"model": self.identity.model, "input": texts, "encoding_format": "float"}
        try:
            answer = requests.post(self.endpoint, json=body, headers=self.headers, timeout=timeout_s)
            answer.raise_for_status()
            return self._vectors(answer.json(), len(texts))
        except (requests.RequestException, KeyError, TypeError, ValueError) as problem:
            raise EmbedderUnavailable(f"The embedding server did not answer with vectors: {problem}") from problem

    def _vectors(self, answer: dict[str, Any], wanted: int) -> list[Vector]:
        rows = sorted(answer["data"], key=lambda row: int(row["index"]))
        vectors = [[float(number) for number in row["embedding"]] for row in rows]
        if len(vectors) != wanted or any(len(vector) != self.identity.dimensions for vector in vectors):
            raise ValueError(f"expected {wanted} vectors of {self.identity.dimensions} numbers")
        return [_unit(vector) for vector in vectors]


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(number * number for number in vector))
    if not math.isfinite(length) or length == 0:
        raise ValueError("a vector without length")
    return [number / length for number in vector]
