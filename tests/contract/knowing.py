"""Agents, policies, trace, goals, sprints, knowledge, use, GitHub."""

from tests.contract import things
from tests.contract.client import Client, expect, promise, same, unique

EVENTS = ("session_start", "task_start", "task_complete", "blocked", "completed", "error", "stop", "waiting_for_input",
          "heartbeat")  # fmt: skip


@promise("POST /agents", "every field of the contract; a secret in adapter_config is 422, its environment name is not")
def agent_fields(api: Client) -> None:
    given = {
        "agent_id": unique("a"), "name": "Ada", "adapter_module": "claude_code", "capabilities": ["python"],
        "adapter_config": {"api_key": {"env": "CONTRACT_KEY"}}, "cost_per_mtok": "3.00",
    }  # fmt: skip
    made = api.post("/agents", {"agent": given}, 201)
    same({name: made[name] for name in given}, given)
    expect({"last_seen_at", "health", "current_task", "cost_usd", "status"} <= set(made.json), made)
    secret = {"adapter_config": {"api_key": "sk-ant-0123456789abcdef0123456789abcdef"}}
    expect("adapter_config" in api.patch(f"/agents/{given['agent_id']}", secret, 422)["errors"], "taken")
    same(api.patch(f"/agents/{given['agent_id']}", {"status": "blocked"})["status"], "blocked")
    api.post("/agents", {"adapter_module": "nonsense"}, 422)


@promise("POST /agents/{a}/activity", "each event is taken; an unknown agent is registered by its first report")
def activity(api: Client) -> None:
    key = unique("a")
    for event in EVENTS:
        api.post(f"/agents/{key}/activity", {"event": event, "context": {"note": event}}, 201)
    same([row["event"] for row in api.every(f"/agents/{key}/activity")], list(reversed(EVENTS)))
    expect(api.get(f"/agents/{key}")["last_seen_at"], "never seen")


@promise("POST /agents/{a}/activity", "a list of up to 500; another event is 422 and nothing of the list is stored")
def activities(api: Client) -> None:
    key = things.agent(api)
    same(api.post(f"/agents/{key}/activity", [{"event": "heartbeat"}] * 500, 201)["count"], 500)
    for body in ([{"event": "heartbeat"}, {"event": "dance"}], [{"event": "heartbeat"}] * 501, []):
        api.post(f"/agents/{key}/activity", body, 422)
    same(len(api.every(f"/agents/{key}/activity?page_size=500")), 500)


@promise(
    "GET /agents/{a}/briefing", "what this agent should know: tasks, what is ready, approvals, advisories, policies"
)
def briefing(api: Client) -> None:
    key = things.agent(api)
    task = things.task(api, agent=key)
    told = api.get(f"/agents/{key}/briefing")
    expect({"tasks", "ready", "approvals", "advisories", "policies"} <= set(told.json), told)
    expect(task in [row["task_id"] for row in told["tasks"] + told["ready"]], told)


@promise("POST /agents/{a}/health", "checks now; the answer is the health record")
def health(api: Client) -> None:
    expect({"state", "reason", "checked_at"} <= set(api.post(f"/agents/{things.agent(api)}/health").json), "no record")


@promise("POST /sprints", "made, revised, started, completed; end before start is 422; burndown and velocity")
def sprints(api: Client) -> None:
    given = {"sprint_id": unique("s"), "name": "S", "goal": "G", "start_date": "2031-01-01", "end_date": "2031-01-14"}
    made = api.post("/sprints", {"sprint": given}, 201)
    same({name: made[name] for name in given} | {"status": made["status"]}, given | {"status": "planned"})
    path = f"/sprints/{given['sprint_id']}"
    expect("end_date" in api.patch(path, {"end_date": "2030-01-01"}, 422)["errors"], "not named")
    api.post(f"{path}/complete", status=422)
    same(api.post(f"{path}/start")["status"], "active")
    same(api.post(f"{path}/complete")["status"], "completed")
    same(len(api.get(f"{path}/burndown")["days"]), 14)
    expect(isinstance(api.get("/sprints/velocity")["sprints"], list), "no velocity")
    expect(given["sprint_id"] in [row["sprint_id"] for row in api.every("/sprints?status=completed")], "not listed")


@promise("POST /policies", "a PATCH makes a new revision; the old ones stay readable")
def revisions(api: Client) -> None:
    key = things.policy(api, "warn", things.mission(api))
    first = api.get(f"/policies/{key}")["revision"]
    api.patch(f"/policies/{key}", {"policy": {"actions": [{"block": "Now it blocks."}]}})
    rows = api.every(f"/policies/{key}/revisions")
    same([row["revision"] for row in rows], [first, first + 1])
    same([next(iter(row["actions"][0])) for row in rows], ["warn", "block"])
    api.post("/policies", {"conditions": {"nonsense_of": {"no": "such"}}, "actions": []}, 422)


@promise("POST /policies/evaluate", "asked before it is done: outcome, decisions and approval; all on record")
def evaluate(api: Client) -> None:
    owner, agent, branch = things.mission(api), things.agent(api), unique("branch")
    body = {
        "policy_id": unique("p"), "conditions": {"action_type": "git_push", "branch": branch, "force": True},
        "actions": [{"block": "Not by force."}], "scope": {"mission": [owner]},
    }  # fmt: skip
    api.post("/policies", {"policy": body}, 201)
    action = {"action_type": "git_push", "branch": branch, "force": True}
    told = api.post("/policies/evaluate", {"action": action, "agent": agent, "mission": owner})
    same((told["outcome"], told["approval"]), ("block", None))
    found = told["decisions"][0]
    same((found["policy_id"], found["outcome"], found["message"]), (body["policy_id"], "block", "Not by force."))
    expect({"revision", "matched"} <= set(found), found)
    calm = api.post("/policies/evaluate", {"action": {**action, "force": False}, "agent": agent})
    same((calm["outcome"], calm["decisions"]), ("allow", []))
    same([row["outcome"] for row in api.every(f"/decisions?agent={agent}")], ["block", "allow"])
    same(api.post(f"/policies/{body['policy_id']}/simulate", {})["outcomes"].get("block"), 1)
    draft = {"conditions": {"action_type": "git_push", "branch": branch}, "actions": [{"warn": "A push."}]}
    same(api.post("/policies/simulate", draft)["matched"], 2)


@promise("GET /trace", "oldest first, filtered by event, mission, task and time; it takes no writing")
def trace(api: Client) -> None:
    owner = things.mission(api)
    key = things.task(api, owner)
    things.reported(api, key, "in_progress")
    entries = api.every(f"/trace?mission={owner}")
    ids = [entry["id"] for entry in entries]
    expect(ids == sorted(ids) and len(ids) >= 4, ids)
    same(api.every(f"/missions/{owner}/trace")[: len(entries)], entries)
    same({entry["task"] for entry in api.every(f"/trace?task={key}")}, {key})
    same(api.every(f"/missions/{owner}/trace?event=task")[0]["event"], "task.created")
    moment = entries[-1]["recorded_at"]
    expect(ids[-1] in [each["id"] for each in api.every(f"/trace?mission={owner}&after={moment}")], moment)
    expect(ids[-1] not in [each["id"] for each in api.every(f"/trace?mission={owner}&before={moment}")], moment)
    api.post("/trace", {}, 405)


@promise("GET /trace/verify", "checks the chain, of all and of one mission")
def verify(api: Client) -> None:
    owner = things.mission(api)
    for path in (f"/missions/{owner}/trace/verify", "/trace/verify"):
        told = api.get(path)
        same((told["valid"], told["first_bad"]), (True, None))
        expect(told["entries"] > 0 and "head" in told.json, told)


@promise("POST /missions/{m}/replay", "rebuilds the mission from its trace, now and as it was at an entry")
def replay(api: Client) -> None:
    owner = things.mission(api, goal="Replay me")
    things.reported(api, things.task(api, owner), "in_progress")
    told = api.post(f"/missions/{owner}/replay", {})
    same((told["matches_current"], told["differences"]), (True, []))
    expect({"entries", "state", "timeline"} <= set(told.json), told)
    first = api.every(f"/missions/{owner}/trace")[0]["id"]
    same(api.post(f"/missions/{owner}/replay", {"until": first})["entries"], 1)
    api.post(f"/missions/{owner}/replay", {"until": "yesterday"}, 422)


@promise("POST /objectives", "objectives, key results and requirements: made, listed, shown, revised")
def okrs(api: Client) -> None:
    objective, result, wanted = unique("o"), unique("k"), unique("r")
    api.post("/objectives", {"objective": {"objective_id": objective, "title": "Be reliable"}}, 201)
    body = {"kr_id": result, "title": "Uptime", "target": "99.9", "current": "98", "unit": "%"}
    made = api.post(f"/objectives/{objective}/key_results", {"key_result": body}, 201)
    same((made["objective"], made["target"], made["unit"]), (objective, "99.9", "%"))
    same([row["kr_id"] for row in api.every(f"/objectives/{objective}/key_results")], [result])
    same(api.patch(f"/key_results/{result}", {"current": "99"})["current"], "99")
    body = {"requirement_id": wanted, "title": "Fail over", "key_result": result, "priority": "p0", "horizon": "h2"}
    made = api.post("/requirements", {"requirement": body}, 201)
    same({name: made[name] for name in body}, body)
    same([row["requirement_id"] for row in api.every(f"/requirements?key_result={result}")], [wanted])
    same(api.patch(f"/requirements/{wanted}", {"description": "In a minute"})["description"], "In a minute")
    api.post("/requirements", {"title": "x", "priority": "p9"}, 422)


@promise("GET /traceability", "the tree with its stats; a task that serves a requirement is counted as linked")
def coverage(api: Client) -> None:
    before = api.get("/traceability")["stats"]
    objective, result, wanted = unique("o"), unique("k"), unique("r")
    api.post("/objectives", {"objective_id": objective, "title": "Tree"}, 201)
    api.post(f"/objectives/{objective}/key_results", {"kr_id": result, "title": "Leaf", "target": "1"}, 201)
    api.post("/requirements", {"requirement_id": wanted, "title": "Linked", "key_result": result}, 201)
    expect(wanted in api.get("/traceability")["requirements_without_tasks"], "not named as uncovered")
    things.task(api, requirements=[wanted])
    told = api.get("/traceability")["stats"]
    for name in ("objectives", "key_results", "requirements", "tasks"):
        expect(told[f"total_{name}"] > before[f"total_{name}"], (name, before, told))
    expect(told["linked_tasks"] > before["linked_tasks"], told)
    same(told["linked_tasks"] + told["unlinked_tasks"], told["total_tasks"])
    expect(abs(told["task_coverage"] - 100 * told["linked_tasks"] / told["total_tasks"]) < 0.1, told)


@promise("GET /traceability/export", "csv, json, reqif and md; what was exported can be imported")
def exchange(api: Client) -> None:
    objective = unique("o")
    api.post("/objectives", {"objective_id": objective, "title": "Carry it out"}, 201)
    for form in ("csv", "json", "reqif", "md"):
        expect(objective in api.get(f"/traceability/export?format={form}").text, form)
    api.get("/traceability/export?format=pdf", 400)
    told = api.post(
        "/traceability/import", {"format": "csv", "content": api.get("/traceability/export?format=csv").text}
    )
    same((told["dry_run"], told["created"], told["changed"], told["errors"]), (True, 0, 0, []))


@promise("POST /knowledge/documents", "stored and found; the same content again is 200 with the first document")
def documents(api: Client) -> None:
    word = unique("zanzibar")
    given = {"title": "Notes", "content": f"The {word} procedure restarts the indexer.", "tags": ["ops"],
             "metadata": {"team": "data"}}  # fmt: skip
    made = api.post("/knowledge/documents", given, 201)
    same({name: made[name] for name in given}, given)
    same(api.post("/knowledge/documents", given)["id"], made["id"])
    path = f"/knowledge/documents/{made['id']}"
    same(api.get(path)["content"], given["content"])
    found = api.post("/knowledge/search", {"query": word, "mode": "text", "limit": 5})["results"]
    same([hit["document"]["id"] for hit in found][:1], [made["id"]])  # others may share a part of the made-up word
    expect({"passage", "score", "highlights"} <= set(found[0]), found)
    for mode in ("hybrid", "semantic"):
        expect(isinstance(api.post("/knowledge/search", {"query": word, "mode": mode})["results"], list), mode)
    same(api.patch(path, {"title": "Better notes"})["title"], "Better notes")
    api.delete(path)
    api.get(path, 404)
    for body in ({"query": ""}, {"query": "x", "limit": 101}, {"query": "x", "mode": "magic"}):
        api.post("/knowledge/search", body, 422)


@promise("POST /usage", "tokens and cost; one usage_id counts once; summed by group")
def usage(api: Client) -> None:
    agent, named = things.agent(api), unique("usage")
    use = {"agent": agent, "usage_id": named, "model": "claude-sonnet-4-5", "input_tokens": 100, "cost_usd": "0.30"}
    same(api.post("/usage", use, 201)["counted"], True)
    same(api.post("/usage", use)["counted"], False)
    rows = api.get(f"/usage?group_by=agent,model&agent={agent}")["results"]
    same([(row["agent"], row["cost_usd"], row["input_tokens"]) for row in rows], [(agent, "0.30", 100)])
    api.get("/usage?group_by=colour", 400)


@promise("GET /github/issues", "listed; an unknown one is 404; a sync without a set-up is 422; a delivery is signed")
def github(api: Client) -> None:
    expect(isinstance(api.get("/github/issues?state=open")["results"], list), "no list")
    api.get("/github/issues/999999999", 404)
    synced = api.call("POST", "/github/sync", {"repository": "no-such-owner/no-such-repository"})
    expect(synced.status in {200, 404, 409, 422, 503}, synced)
    api.with_token(None).post("/github/webhook", {"action": "opened"}, 401)
