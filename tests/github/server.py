"""A server on this machine that speaks as much of GitHub's REST API as we use: issues by page and ETag, and merges."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

REPOSITORY = "octo/hello"
TOKEN = "github_pat_for_tests"


@dataclass
class Hub:
    """What this GitHub holds, and what it was asked. `failing` answers every request with this status and headers."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    merges: dict[int, tuple[int, str]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    failing: tuple[int, dict[str, str], Any] | None = None
    page: int = 2
    elsewhere: str = ""
    url: str = ""

    def issue(self, number: int, changed: str, **fields: Any) -> None:
        """Stores or changes an issue."""
        told = {
            "number": number,
            "title": f"Issue {number}",
            "body": "It breaks.",
            "state": "open",
            "labels": [{"name": "bug"}],
            "user": {"login": "mona"},
            "html_url": f"https://github.com/{REPOSITORY}/issues/{number}",
            "created_at": "2026-11-01T00:00:00Z",
            "updated_at": changed,
            **fields,
        }
        self.issues = [each for each in self.issues if each["number"] != number] + [told]

    def pull(self, number: int, *, merged: bool = False, refusal: tuple[int, str] | None = None) -> str:
        """Opens a pull request; merging it is answered with `refusal` if there is one. Answers its address."""
        self.pulls[number] = {"number": number, "merged": merged, "head": {"sha": f"sha-{number}"}}
        if refusal:
            self.merges[number] = refusal
        return f"{self.url}/{REPOSITORY}/pull/{number}"


@contextmanager
def serve() -> Iterator[Hub]:
    """Runs it on a free port of the loopback interface."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]

    def do_GET(self) -> None:
        self.note()
        parts = urlsplit(self.path)
        if parts.path == f"/repos/{REPOSITORY}/issues":
            self.list_issues({name: values[0] for name, values in parse_qs(parts.query).items()})
        elif parts.path.startswith(f"/repos/{REPOSITORY}/pulls/"):
            pull = self.hub.pulls.get(int(parts.path.rsplit("/", 1)[1]))
            self.answer(200 if pull else 404, pull or {"message": "Not Found"})
        else:
            self.answer(404, {"message": "Not Found"})

    def do_PUT(self) -> None:
        self.note()
        number = int(self.path.split("/")[-2])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if number in self.hub.merges:
            status, message = self.hub.merges[number]
            self.answer(status, {"message": message})
        elif body.get("sha") != self.hub.pulls[number]["head"]["sha"]:
            self.answer(409, {"message": "Head branch was modified. Review and try the merge again."})
        else:
            self.hub.pulls[number]["merged"] = True
            self.answer(200, {"sha": "merge-commit", "merged": True, "message": "Pull Request successfully merged"})

    def list_issues(self, query: dict[str, str]) -> None:
        since, number = query.get("since", ""), int(query.get("page", "1"))
        found = sorted((each for each in self.hub.issues if each["updated_at"] >= since), key=lambda e: e["updated_at"])
        etag = f'W/"{sha256(json.dumps([query, found]).encode()).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self.answer(304, None, {"ETag": etag})
            return
        links = {}
        if len(found) > number * self.hub.page:
            base = self.hub.elsewhere or self.hub.url
            address = f"{base}/repos/{REPOSITORY}/issues?{urlencode({**query, 'page': number + 1})}"
            links = {"Link": f'<{address}>; rel="next", <{address}>; rel="last"'}
        self.answer(200, found[(number - 1) * self.hub.page : number * self.hub.page], {"ETag": etag, **links})

    def note(self) -> None:
        self.hub.asked.append((self.command, self.path, dict(self.headers)))

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        if self.hub.failing:
            status, headers, body = self.hub.failing
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, headers, body = 401, {}, {"message": "Bad credentials"}
        text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


def handler_of(hub: Hub) -> type[BaseHTTPRequestHandler]:
    return type("HandlerOfOne", (Handler,), {"hub": hub})
