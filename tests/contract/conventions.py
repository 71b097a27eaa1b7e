"""What holds for every resource: who may come in, bodies, keys, errors."""

import json
import re
from typing import Any

from tests.contract import things
from tests.contract.client import PROBLEM, Client, expect, promise, promised, same, unique

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")
MONEY = re.compile(r"\d+\.\d\d+\Z")


@promise("GET /missions", "without a token: 401 with WWW-Authenticate: Bearer")
def no_token(api: Client) -> None:
    same(api.with_token(None).get("/missions", 401).headers.get("WWW-Authenticate"), "Bearer")


@promise("GET /missions", "with a token that is none: 401 with WWW-Authenticate: Bearer")
def bad_token(api: Client) -> None:
    for token in ("nonsense", "coord_00000000_nothing"):
        same(api.with_token(token).get("/missions", 401).headers.get("WWW-Authenticate"), "Bearer")


@promise("POST /missions", "a token without the scope: 403")
def no_scope(api: Client) -> None:
    things.narrow(api, "missions:read").post("/missions", {"goal": "Not mine to make"}, 403)


@promise("DELETE /tokens/{id}", "a revoked token is refused at once")
def revoked(api: Client) -> None:
    made = api.post("/tokens", {"name": "short", "scopes": ["missions:read"]}, 201)
    bearer = api.with_token(made["token"])
    bearer.get("/missions")
    api.delete(f"/tokens/{made['id']}")
    bearer.get("/missions", 401)


@promise("POST /missions", "a wrapped body and a flat one make the same: 201, the resource, flat")
def wrapped(api: Client) -> None:
    for wrap in (lambda body: {"mission": body}, lambda body: body):
        key = unique("m")
        made = api.post("/missions", wrap({"mission_id": key, "goal": "Either way"}), 201)
        same((made["mission_id"], made["goal"], made["status"]), (key, "Either way", "planning"))
        expect(isinstance(made["id"], int), made)


@promise("GET /missions/{m}", "the path takes the public key and the integer id")
def both_ids(api: Client) -> None:
    key = things.mission(api, "planning")
    told = api.get(f"/missions/{key}")
    same(api.get(f"/missions/{told['id']}").json, told.json)


@promise("POST /missions", "a public key that is left out is made")
def made_key(api: Client) -> None:
    made = api.post("/missions", {"goal": "Name me"}, 201)
    expect(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", made["mission_id"]), made)


@promise("POST /missions", "a public key that breaks the rule is 422 and named; one that is taken is 409")
def key_rule(api: Client) -> None:
    for key in ("", "12345", "has space", "-first", "é", "a/b", "x" * 101):
        refused = api.post("/missions", {"mission_id": key, "goal": "No"}, 422)
        expect("mission_id" in refused["errors"], refused)
    key = things.mission(api, "planning")
    api.post("/missions", {"mission_id": key, "goal": "Twice"}, 409)
    api.post("/missions", {"mission_id": unique("a:b_c.d"), "goal": "Yes"}, 201)


@promise("POST /missions", "an unknown field is 422 and named, and nothing is stored")
def unknown_field(api: Client) -> None:
    key = unique("m")
    refused = api.post("/missions", {"mission": {"mission_id": key, "goal": "No", "colour": "red"}}, 422)
    expect("colour" in refused["errors"], refused)
    api.get(f"/missions/{key}", 404)


@promise("PATCH /missions/{m}", "a field that is read-only is 422 and named")
def read_only(api: Client) -> None:
    key = things.mission(api, "planning")
    for field in ("progress", "cost_usd", "version", "created_at"):
        expect(field in api.patch(f"/missions/{key}", {field: 1}, 422)["errors"], field)


@promise("GET /missions", "an unknown filter, an unknown value and a bad page_size are 400")
def filters(api: Client) -> None:
    for query in ("colour=red", "status=nowhere", "page_size=0", "page_size=501", "page_size=x", "cursor=nonsense"):
        api.get(f"/missions?{query}", 400)


@promise("POST /missions", "what is no JSON is 400, a list is 400 or 422, another media type is 415, 2 MiB are 413")
def bad_bodies(api: Client) -> None:
    for raw in (b"{", b"goal=x", b'{"goal": NaN}', b'{"goal": "a", "goal": "b"}', b"\xff\xfe", b"[" * 100_000):
        promised(api.call("POST", "/missions", raw=raw), 400)
    expect(api.call("POST", "/missions", [1]).status in {400, 422}, "a list was taken")
    for kind in (
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        promised(api.call("POST", "/missions", raw=b"{}", headers={"Content-Type": kind}), 415)
    big = json.dumps({"goal": "x", "description": "y" * 2 * 1024 * 1024}).encode()
    promised(api.call("POST", "/missions", raw=big), 413)


@promise("DELETE /missions/{m}", "a verb that an address does not take is 405 with Allow; no address, no thing: 404")
def nowhere(api: Client) -> None:
    expect("GET" in promised(api.call("DELETE", "/missions"), 405).headers["Allow"], "no Allow")
    for path in ("/missions/", "/nowhere", "/missions/no-such-mission", "/missions/999999999999", "/tasks/0"):
        api.get(path, 404)


@promise("GET /missions/{m}", "an error is a problem document, whatever the client says that it accepts")
def never_html(api: Client) -> None:
    for path in ("/missions/no-such-mission", "/nowhere"):
        refused = api.get(path, 404, headers={"Accept": "text/html"})
        expect(refused.headers["Content-Type"].startswith(PROBLEM), refused.headers)


@promise("GET /missions/{m}", "times are RFC 3339 UTC with Z, money is a decimal string")
def forms(api: Client) -> None:
    deadline = "2031-05-06T07:08:09+02:00"
    key = things.mission(api, budget_usd="12.5", deadline=deadline)
    told = api.get(f"/missions/{key}")
    for field in ("created_at", "updated_at", "deadline", "started_at"):
        expect(INSTANT.match(str(told[field])), f"{field}: {told[field]}")
    same(told["deadline"], "2031-05-06T05:08:09Z")
    for field in ("budget_usd", "cost_usd"):
        expect(isinstance(told[field], str) and MONEY.match(told[field]), f"{field}: {told[field]!r}")
    same(told["budget_usd"], "12.50")


@promise("GET /missions", "X-Request-Id is echoed, made when absent, and stored on what the request wrote")
def request_id(api: Client) -> None:
    named = unique("request")
    key = unique("m")
    made = api.post("/missions", {"mission_id": key, "goal": "Be traced"}, 201, headers={"X-Request-Id": named})
    same(made.headers["X-Request-Id"], named)
    entries: list[Any] = api.every(f"/missions/{key}/trace")
    expect(entries and {entry["request_id"] for entry in entries} == {named}, entries)
    expect(api.get("/missions").headers.get("X-Request-Id"), "none was made")


@promise("POST /missions/{m}/tasks", "a thing is named in a body by its integer id or its public key")
def references(api: Client) -> None:
    owner, worker = things.mission(api), things.agent(api)
    first = things.task(api, owner)
    for name in (first, api.get(f"/tasks/{first}")["id"]):
        same(api.get(f"/tasks/{things.task(api, owner, depends_on=[name])}")["depends_on"], [first])
    for name in (worker, api.get(f"/agents/{worker}")["id"]):
        same(api.get(f"/tasks/{things.task(api, owner, agent=name)}")["agent"], worker)
    api.post(f"/missions/{owner}/tasks", {"objective": "x", "agent": "no-such-agent"}, 422)
