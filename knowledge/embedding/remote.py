"""The bundled model in another process (knowledge.embedding.server), asked over a Unix socket."""

import json
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from knowledge.embedding.base import EmbedderUnavailable, Vector
from knowledge.embedding.minilm import MOST_CHARACTERS, MiniLM

QUERY_TIMEOUT_S = 5.0
DOCUMENT_TIMEOUT_S = 30.0
REST_AFTER_SILENCE_S = 5.0
"""How long searches do without a process that let one wait in vain, so that not each of them waits."""
LONGEST_ANSWER = 64 * 1024


class RemoteMiniLM:
    """Gives the vectors that `MiniLM` gives. Each call opens a connection of its own, which costs 0.1 ms and spares
    every question of threads, forks and restarts; a call's texts go one by one, in turn with other callers'.
    """

    identity = MiniLM.identity

    def __init__(self, path: Path) -> None:
        self.path = path
        self._resting_until = 0.0

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return self._ask(texts, DOCUMENT_TIMEOUT_S)

    def embed_query(self, text: str) -> Vector:
        if time.monotonic() < self._resting_until:
            raise EmbedderUnavailable("The embedding process did not answer a moment ago.")
        return self._ask([text], QUERY_TIMEOUT_S)[0]

    def _ask(self, texts: Sequence[str], timeout_s: float) -> list[Vector]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(timeout_s)
                connection.connect(str(self.path))
                with connection.makefile("rb") as answers:
                    return [self._vector(connection, answers, text) for text in texts]
        except TimeoutError as silent:
            self._resting_until = time.monotonic() + REST_AFTER_SILENCE_S
            raise EmbedderUnavailable(f"The embedding process did not answer within {timeout_s:g} s.") from silent
        except (OSError, KeyError, TypeError, ValueError) as problem:
            raise EmbedderUnavailable(f"The embedding process does not answer: {problem}") from problem

    def _vector(self, connection: socket.socket, answers: IO[bytes], text: str) -> Vector:
        connection.sendall(json.dumps({"text": text[:MOST_CHARACTERS]}).encode() + b"\n")
        answer = json.loads(answers.readline(LONGEST_ANSWER) or b'{"error": "It closed the connection."}')
        if "error" in answer:
            raise EmbedderUnavailable(str(answer["error"]))
        vector = [float(number) for number in answer["vector"]]
        if len(vector) != self.identity.dimensions:
            raise ValueError(f"expected {self.identity.dimensions} numbers")
        return vector
