"""A web server on the loopback that takes webhooks, and fails in every way that one can."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def frame(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures is by this secret, as the Standard Webhooks specification says."""
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        told = f"{self.message_id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = "v1," + base64.b64encode(hmac.new(raw, told, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(wanted, each) for each in self.headers["webhook-signature"].split())


@dataclass
class Receiver:
    """`answers` with a status and a body; `headers` go with it. `drips` sends its answer without end."""

    status: int = 200
    text: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    drips: bool = False
    got: list[Got] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    hold: threading.Event | None = None
    """While it is there and not set, requests get no answer."""

    tls: ssl.SSLContext | None = None
    server: ThreadingHTTPServer | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?who=me"

    @property
    def ids(self) -> list[int]:
        """The entries that were taken, in the order of their arrival."""
        return [each.frame["id"] for each in self.got]

    def start(self) -> None:
        """Listens, on the same port as before."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def stop(self) -> None:
        """Listens no more: connections are refused."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        self.got.append(Got(request.path, {name.lower(): value for name, value in request.headers.items()}, body))
        self.arrived.set()
        if self.hold is not None:
            self.hold.wait(30)
        if self.drips:
            self._drip(request.connection)
            return
        request.send_response(self.status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(self.text.encode())

    def _drip(self, held: socket.socket) -> None:
        """Sends a byte of a header each tenth of a second, until the other side has had enough."""
        try:
            held.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            for _ in range(300):
                held.sendall(b"a")
                if self.hold is None:
                    threading.Event().wait(0.1)
        except OSError:
            return


@contextmanager
def listening(**fields: Any) -> Iterator[Receiver]:
    receiver = Receiver(**fields)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()
