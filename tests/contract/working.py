"""Missions and tasks: fields, moves, reports, reviews, claims."""

from tests.contract import things
from tests.contract.client import Client, expect, promise, same, unique

MISSION_FIELDS = {
    "id", "mission_id", "goal", "description", "status", "owner", "budget_usd", "deadline", "review_required",
    "four_eyes", "progress", "cost_usd", "process", "version", "created_at", "updated_at",
}  # fmt: skip
TASK_FIELDS = {
    "id", "task_id", "objective", "description", "status", "priority", "mission", "sprint", "agent", "requirements",
    "depends_on", "acceptance_criteria", "required_capabilities", "budget_usd", "due_at", "review_required", "outputs",
    "percent", "attempts", "claimed_by", "lease_until", "cost_usd", "version", "created_at", "updated_at",
}  # fmt: skip


@promise("POST /missions", "every field of the contract, answered and read back the same")
def mission_fields(api: Client) -> None:
    given = {
        "mission_id": unique("m"), "goal": "All fields", "description": "Of a mission", "budget_usd": "10.00",
        "deadline": "2031-01-01T00:00:00Z", "review_required": True, "four_eyes": True,
        "owner": api.get("/me")["email"],
    }  # fmt: skip
    made = api.post("/missions", {"mission": given}, 201)
    expect(set(made.json) >= MISSION_FIELDS, MISSION_FIELDS - set(made.json))
    same({name: made[name] for name in given}, given)
    same(api.get(f"/missions/{given['mission_id']}").json, made.json)
    same((made["progress"], made["status"]), (0, "planning"))


@promise("POST /missions/{m}/start", "start, pause, start, complete move the status; the process tells its state")
def mission_moves(api: Client) -> None:
    key = things.mission(api, "planning")
    for step, status in (("start", "active"), ("pause", "paused"), ("start", "active"), ("complete", "completed")):
        same(api.post(f"/missions/{key}/{step}")["status"], status)
    expect({"state", "host", "restarts", "since"} <= set(api.get(f"/missions/{key}")["process"]), "no process")


@promise("POST /missions/{m}/pause", "an impossible move is 422 and moves nothing, by POST and by PATCH")
def mission_stays(api: Client) -> None:
    key = things.mission(api, "planning")
    api.post(f"/missions/{key}/pause", status=422)
    api.patch(f"/missions/{key}", {"status": "completed"}, 422)
    same(api.get(f"/missions/{key}")["status"], "planning")
    api.post(f"/missions/{key}/cancel")
    api.post(f"/missions/{key}/start", status=422)


@promise("GET /missions", "the list filters by status; PATCH changes fields and moves the status")
def mission_list(api: Client) -> None:
    key = things.mission(api, "planning")
    same(api.patch(f"/missions/{key}", {"mission": {"goal": "Go", "status": "active"}})["status"], "active")
    expect(key in [row["mission_id"] for row in api.every("/missions?status=active&page_size=500")], key)
    expect(key not in [row["mission_id"] for row in api.every("/missions?status=planning&page_size=500")], key)


@promise("POST /missions/{m}/agents", "agents and people take part with a role, are listed, and leave")
def participants(api: Client) -> None:
    key, agent, email = things.mission(api), things.agent(api), api.get("/me")["email"]
    for noun, who in (("agent", agent), ("member", email)):
        path = f"/missions/{key}/{noun}s"
        same(api.post(path, {noun: who, "role": "lead"}, 201)["role"], "lead")
        api.post(path, {noun: who, "role": "observer"})
        api.post(path, {noun: who, "role": "king"}, 422)
        same([(row[noun], row["role"]) for row in api.every(path)], [(who, "observer")])
        api.delete(f"{path}/{who}")
        api.delete(f"{path}/{who}", 404)


@promise("POST /missions/{m}/tasks", "every field of the contract, answered and read back the same")
def task_fields(api: Client) -> None:
    owner, agent, sprint, wanted = things.mission(api), things.agent(api), unique("s"), unique("r")
    api.post("/sprints", {"sprint_id": sprint, "name": "S", "start_date": "2031-01-01", "end_date": "2031-01-14"}, 201)
    api.post("/requirements", {"requirement_id": wanted, "title": "It holds"}, 201)
    given = {
        "task_id": unique("t"), "objective": "All fields", "description": "Of a task", "priority": 3, "sprint": sprint,
        "agent": agent, "requirements": [wanted], "depends_on": [things.task(api, owner)],
        "acceptance_criteria": ["It is green."], "required_capabilities": ["python"], "budget_usd": "2.50",
        "due_at": "2031-01-02T00:00:00Z", "review_required": True,
    }  # fmt: skip
    made = api.post(f"/missions/{owner}/tasks", {"task": given}, 201)
    expect(set(made.json) >= TASK_FIELDS, TASK_FIELDS - set(made.json))
    same({name: made[name] for name in given}, given)
    same((made["status"], made["mission"], made["attempts"], made["percent"]), ("pending", owner, 0, 0))
    same(api.get(f"/tasks/{given['task_id']}").json, made.json)
    for query in (f"sprint={sprint}", f"requirement={wanted}", f"agent={agent}", f"mission={owner}&q=All+fields"):
        same([row["task_id"] for row in api.every(f"/tasks?{query}")], [given["task_id"]])
    api.post(f"/missions/{owner}/tasks", {"objective": "x", "priority": 4}, 422)


@promise("GET /tasks", "ready=true: pending, every dependency completed, mission active, unclaimed")
def ready(api: Client) -> None:
    owner = things.mission(api)
    first = things.task(api, owner, required_capabilities=["sql"])
    second = things.task(api, owner, depends_on=[first])
    asked = f"/tasks?mission={owner}&ready=true"
    same([row["task_id"] for row in api.every(asked)], [first])
    same([row["task_id"] for row in api.every(f"{asked}&capability=sql&status=pending")], [first])
    things.reported(api, first, "in_progress", "completed")
    same([row["task_id"] for row in api.every(asked)], [second])
    api.post(f"/tasks/{second}/claim", {"agent": things.agent(api)})
    same(api.every(asked), [])


@promise("PATCH /tasks/{t}", "a cycle of dependencies is 422 and changes nothing")
def cycle(api: Client) -> None:
    owner = things.mission(api)
    first = things.task(api, owner)
    second = things.task(api, owner, depends_on=[first])
    for names in ([second], [first]):
        api.patch(f"/tasks/{first}", {"depends_on": names}, 422)
    same(api.get(f"/tasks/{first}")["depends_on"], [])


@promise("PATCH /tasks/{t}", "moves the status by the rules of a report; an impossible move names the open ones")
def task_moves(api: Client) -> None:
    key = things.task(api)
    refused = api.patch(f"/tasks/{key}", {"task": {"status": "completed"}}, 422)
    expect("in_progress" in refused["detail"] and "blocked" in refused["detail"], refused)
    same(api.patch(f"/tasks/{key}", {"status": "in_progress", "priority": 0})["status"], "in_progress")
    for status in ("blocked", "in_progress", "failed", "pending"):
        same(api.patch(f"/tasks/{key}", {"status": status})["status"], status)


@promise("POST /tasks/{t}/report", "records, merges outputs, moves; answers with decisions and advisories")
def report(api: Client) -> None:
    key = things.task(api)
    line = {"message": "Begun", "timestamp": "2026-11-24T10:00:00Z", "level": "info"}
    usage = {"model": "claude-sonnet-4-5", "input_tokens": 1000, "output_tokens": 10, "cost_usd": "0.25"}
    body = {"status": "in_progress", "percent": 40, "outputs": {"a": 1, "b": 1}, "logs": [line], "usage": usage}
    told = api.post(f"/tasks/{key}/report", {"progress": body})
    same((told["status"], told["percent"], told["outputs"]), ("in_progress", 40, {"a": 1, "b": 1}))
    same((told["decisions"], told["cost_usd"]), ([], "0.25"))
    expect(isinstance(told["advisories"], list), told)
    again = api.post(f"/tasks/{key}/report", {"progress": {"status": "in_progress", "outputs": {"b": 2}}})
    same(again["outputs"], {"a": 1, "b": 2})
    api.post(f"/tasks/{key}/report", {"progress": {"percent": 101}}, 422)
    api.post(f"/tasks/{key}/report", {"progress": {"status": "rejected"}}, 422)


@promise("POST /tasks/{t}/approve", "only from pending_review; reject sends back, approve completes, with a comment")
def review(api: Client) -> None:
    key = things.task(api, review_required=True)
    for step in ("approve", "reject"):
        api.post(f"/tasks/{key}/{step}", {"comment": "Too early"}, 422)
    things.reported(api, key, "in_progress")
    api.post(f"/tasks/{key}/report", {"progress": {"status": "completed"}}, 422)
    things.reported(api, key, "pending_review")
    same(api.post(f"/tasks/{key}/reject", {"comment": "Once more"})["status"], "rejected")
    things.reported(api, key, "in_progress", "pending_review")
    same(api.post(f"/tasks/{key}/approve", {"comment": "Good"})["status"], "completed")
    api.post(f"/tasks/{key}/report", {"progress": {"status": "pending"}}, 422)


@promise(
    "POST /tasks/{t}/approve", "four_eyes: who reported it cannot approve it; an agent never approves its own work"
)
def four_eyes(api: Client) -> None:
    key = things.task(api, things.mission(api, four_eyes=True))
    things.reported(api, key, "in_progress", "pending_review")
    api.post(f"/tasks/{key}/approve", {}, 403)
    agent, as_agent = things.own_agent(api)
    own = things.task(api, agent=agent)
    things.reported(as_agent, own, "in_progress", "pending_review")
    as_agent.post(f"/tasks/{own}/approve", {}, 403)
    same(api.get(f"/tasks/{own}")["status"], "pending_review")
    api.post(f"/tasks/{own}/approve")


@promise("GET /missions/{m}", "progress is the share of tasks done, with counts by status")
def progress(api: Client) -> None:
    owner = things.mission(api)
    done, _ = things.task(api, owner), things.task(api, owner)
    things.reported(api, done, "in_progress", "completed")
    told = api.get(f"/missions/{owner}")
    same((told["progress"], told["counts"]["completed"], told["counts"]["pending"]), (0.5, 1, 1))
