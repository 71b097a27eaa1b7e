"""A small real server of OpenAI's `/embeddings`, on a free port of this machine."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIMENSIONS = 8


class EmbeddingServer(ThreadingHTTPServer):
    """`requests` holds the bodies that came; `answer` may be set to a `(status, body)` that is sent instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answer: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        status, answer = self.server.answer or (200, self._vectors(body["input"]))
        self.send_response(status if self.path == "/v1/embeddings" else 404)
        self.end_headers()
        self.wfile.write(answer)

    def _vectors(self, texts: list[str]) -> bytes:
        rows = [{"index": at, "embedding": vector_of(text)} for at, text in enumerate(texts)]
        return json.dumps({"data": rows[::-1]}).encode()

    def log_message(self, *args: Any) -> None:
        """Nothing on the test's output."""


def vector_of(text: str) -> list[float]:
    """A vector that depends on the text's words: texts that share words are near each other."""
    vector = [0.01] * DIMENSIONS
    for word in text.lower().split():
        vector[hashlib.sha256(word.encode()).digest()[0] % DIMENSIONS] += 1
    return vector


@contextmanager
def running() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
