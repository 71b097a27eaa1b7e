"""The server itself: probes, schema, reference, the live stream."""

import json
import re
from typing import Any

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.contract import things
from tests.contract.client import Broken, Client, expect, promise, same

SOON_S = 15
AWAY = re.compile(
    r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""", re.IGNORECASE
)


@promise("GET //healthz", "alive: 200")
def alive(api: Client) -> None:
    api.with_token(None).get("//healthz")


@promise("GET //readyz", "ready: 200, or 503 with Retry-After that says what is missing")
def ready(api: Client) -> None:
    told = api.with_token(None).call("GET", "//readyz")
    expect(told.status == 200 or (told.status == 503 and told.headers.get("Retry-After") and told["faults"]), told)


@promise("GET //metrics", "Prometheus text")
def measured(api: Client) -> None:
    told = api.get("//metrics")
    expect(told.headers["Content-Type"].startswith("text/plain"), told.headers)
    for line in told.text.splitlines():
        expect(line.startswith("#") or re.fullmatch(r"[a-zA-Z_:][\w:]*(\{.*\})? \S+", line), line)


@promise("GET /schema", "OpenAPI 3.1 that has every row of the contract")
def schema(api: Client) -> None:
    told = api.get("/schema")
    expect(told["openapi"].startswith("3.1"), told["openapi"])
    known = {re.sub(r"{\w+}", "{}", path) for path in told["paths"]}
    missing = [path for path in ROUTES if path not in known]
    expect(not missing, f"not in the schema: {missing}")


@promise("GET /docs", "a page that needs no other machine")
def reference(api: Client) -> None:
    page = api.get("/docs")
    expect(page.headers["Content-Type"].startswith("text/html"), page.headers)
    expect(not AWAY.search(page.text), AWAY.search(page.text))
    for address in re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', page.text):
        api.get(f"/{address}")


def opened(api: Client, query: str = "") -> ClientConnection:
    headers = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    return connect(api.base.replace("http", "ws", 1) + f"/ws/stream{query}", additional_headers=headers)


def heard(socket: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """The next frame that has these members."""
    for _ in range(200):
        frame: dict[str, Any] = json.loads(socket.recv(timeout=SOON_S))
        if all(frame.get(name) == value for name, value in wanted.items()):
            return frame
    raise Broken(f"no frame with {wanted}")


@promise("WS //ws/stream", "a change is told after it was made, to who subscribed, as {id, topic, event, at, data}")
def stream(api: Client) -> None:
    with opened(api, "?topics=missions") as socket:
        heard(socket, event="subscribed")
        key = things.mission(api, "planning")
        frame = heard(socket, event="mission.created")
        same(set(frame), {"id", "topic", "event", "at", "data"})
        same((frame["topic"], frame["data"]["mission"]), ("missions", key))


@promise(
    "WS //ws/stream", "one thing is followed by its key; who comes back with the last id gets what it missed, once"
)
def followed(api: Client) -> None:
    key = things.mission(api, "planning")
    with opened(api) as socket:
        socket.send(json.dumps({"subscribe": [f"mission:{key}"]}))
        heard(socket, event="subscribed")
        api.patch(f"/missions/{key}", {"goal": "One"})
        last = heard(socket, topic=f"mission:{key}")["id"]
    for goal in ("Two", "Three"):
        api.patch(f"/missions/{key}", {"goal": goal})
    with opened(api, f"?topics=mission:{key}&after={last}") as socket:
        heard(socket, event="subscribed")
        missed = [heard(socket, topic=f"mission:{key}")["id"] for _ in range(2)]
    expect(last < missed[0] < missed[1], (last, missed))


@promise("WS //ws/stream", "without a token the socket is closed; a topic without its scope is refused")
def shut(api: Client) -> None:
    with opened(api.with_token(None), "?topics=missions") as socket:
        try:
            raise Broken(f"a stranger heard {socket.recv(timeout=SOON_S)!r}")
        except ConnectionClosed:
            pass
    with opened(things.narrow(api, "knowledge:read")) as socket:
        socket.send(json.dumps({"subscribe": ["missions"]}))
        heard(socket, event="error")


@promise("GET /stream", "the same frames as Server-Sent Events; what may not be followed is a problem before it begins")
def events(api: Client) -> None:
    api.get("/stream", 400)
    api.with_token(None).get("/stream?topics=missions", 401)
    things.narrow(api, "knowledge:read").get("/stream?topics=missions", 403)
    api.get("/stream?topics=mission:no-such-mission", 404)
    first = api.every(f"/trace?mission={things.mission(api, 'planning')}")[0]["id"]
    query = {"topics": "missions", "after": str(first - 1)}
    headers = {"Authorization": f"Bearer {api.token}"}
    with requests.get(f"{api.base}/api/stream", query, headers=headers, stream=True, timeout=SOON_S) as told:
        lines = (line for line in told.iter_lines(chunk_size=1, decode_unicode=True) if line.startswith("data: "))
        same(json.loads(next(lines).removeprefix("data: "))["event"], "subscribed")
        frame = json.loads(next(lines).removeprefix("data: "))
    same((frame["id"], frame["event"]), (first, "mission.created"))
    same(set(frame), {"id", "topic", "event", "at", "data"})


ROUTES = (
    "/api/missions", "/api/missions/{}", "/api/missions/{}/start", "/api/missions/{}/pause",
    "/api/missions/{}/complete", "/api/missions/{}/cancel", "/api/missions/{}/tasks", "/api/tasks", "/api/tasks/{}",
    "/api/tasks/{}/report", "/api/tasks/{}/approve", "/api/tasks/{}/reject", "/api/tasks/{}/execute",
    "/api/tasks/{}/executions", "/api/executions/{}", "/api/executions/{}/cancel", "/api/executions/{}/output",
    "/api/tasks/{}/claim",
    "/api/tasks/{}/release", "/api/tasks/{}/renew", "/api/tasks/{}/context", "/api/tasks/{}/candidates",
    "/api/missions/{}/agents", "/api/missions/{}/agents/{}", "/api/missions/{}/members", "/api/missions/{}/members/{}",
    "/api/agents", "/api/agents/{}", "/api/agents/{}/activity", "/api/agents/{}/briefing", "/api/agents/{}/health",
    "/api/sprints", "/api/sprints/{}", "/api/sprints/{}/start", "/api/sprints/{}/complete", "/api/sprints/{}/burndown",
    "/api/sprints/velocity", "/api/policies", "/api/policies/{}", "/api/policies/{}/revisions",
    "/api/policies/evaluate", "/api/policies/{}/simulate", "/api/policies/simulate", "/api/decisions",
    "/api/approvals", "/api/approvals/{}/approve", "/api/approvals/{}/reject", "/api/advisories",
    "/api/advisories/{}/acknowledge", "/api/advisories/{}/snooze", "/api/missions/{}/restart",
    "/api/executions/{}/output", "/api/trace", "/api/missions/{}/trace", "/api/missions/{}/replay",
    "/api/trace/verify", "/api/missions/{}/trace/verify", "/api/objectives", "/api/objectives/{}",
    "/api/objectives/{}/key_results", "/api/key_results/{}", "/api/requirements", "/api/requirements/{}",
    "/api/traceability", "/api/traceability/export", "/api/traceability/import", "/api/knowledge/documents",
    "/api/knowledge/documents/{}", "/api/knowledge/search", "/api/usage", "/api/github/issues",
    "/api/github/issues/{}", "/api/github/sync", "/api/github/webhook", "/api/stream",
)  # fmt: skip
