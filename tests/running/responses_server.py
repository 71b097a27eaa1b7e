"""A small real server of OpenAI's Responses API in the background mode, on a free port of this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "key-of-the-test"
USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 600},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 120},
    "total_tokens": 1300,
}


class ResponsesServer(ThreadingHTTPServer):
    """`ends` is what a response becomes after `steps` questions; `fault` is `(status, body)` for every request.

    With `forgotten` it knows no response that it is asked about.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.created: list[dict[str, Any]] = []
        self.once: list[str | None] = []
        self.asked = 0
        self.cancelled = 0
        self.steps = 2
        self.ends: dict[str, Any] = {"status": "completed"}
        self.forgotten = False
        self.fault: tuple[int, Any] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def response(self) -> dict[str, Any]:
        shown = {"id": "resp_1", "object": "response", "model": "gpt-5.2"}
        if self.cancelled:
            return {**shown, "status": "cancelled"}
        if self.asked < self.steps:
            return {**shown, "status": "in_progress" if self.asked else "queued"}
        message = {"type": "message", "content": [{"type": "output_text", "text": "Written."}]}
        return {**shown, "output": [{"type": "reasoning"}, message], "usage": USAGE, **self.ends}


class Handler(BaseHTTPRequestHandler):
    server: ResponsesServer

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._answer(200, {"object": "list", "data": [{"id": "gpt-5.2"}]})
        else:
            self.server.asked += 1
            self._answer(200, self.server.response())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/v1/responses":
            self.server.created.append(json.loads(body))
            self.server.once.append(self.headers.get("Idempotency-Key"))
        elif self.path == "/v1/responses/resp_1/cancel":
            self.server.cancelled += 1
        self._answer(200, self.server.response())

    def _answer(self, status: int, body: Any) -> None:
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            status, body = 401, {"error": {"code": "invalid_api_key", "message": "Incorrect API key provided."}}
        elif self.server.forgotten and self.command == "GET":
            status, body = 404, {"error": {"code": None, "message": "No such response."}}
        elif self.server.fault:
            status, body = self.server.fault
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: Any) -> None:
        """Nothing on the test's output."""


@contextmanager
def running() -> Iterator[ResponsesServer]:
    server = ResponsesServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
