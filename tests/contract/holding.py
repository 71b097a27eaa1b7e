"""Claims, policies that hold or block a move, executions, what helps to decide."""

from concurrent.futures import ThreadPoolExecutor

from tests.contract import things
from tests.contract.client import Client, expect, promise, same, unique


@promise("POST /tasks/{t}/claim", "one winner; everyone else 409 naming the holder; renew and release are the holder's")
def claim(api: Client) -> None:
    key, winner, loser = things.task(api), things.agent(api), things.agent(api)
    held = api.post(f"/tasks/{key}/claim", {"agent": winner, "ttl_s": 120})
    same(held["claimed_by"], winner)
    expect(held["lease_until"], held)
    expect(winner in api.post(f"/tasks/{key}/claim", {"agent": loser}, 409)["detail"], "the holder is not named")
    later = api.post(f"/tasks/{key}/renew", {"agent": winner, "ttl_s": 600})
    expect(later["lease_until"] > held["lease_until"], later)
    for step in ("renew", "release"):
        api.post(f"/tasks/{key}/{step}", {"agent": loser}, 409)
    same(api.post(f"/tasks/{key}/release", {"agent": winner})["claimed_by"], None)
    api.post(f"/tasks/{key}/claim", {"agent": loser})


@promise("POST /tasks/{t}/claim", "many at once: one winner")
def claim_race(api: Client) -> None:
    key, agents = things.task(api), [things.agent(api) for _ in range(8)]

    def run(agent: str) -> int:
        return Client(api.base, api.token).call("POST", f"/tasks/{key}/claim", {"agent": agent}).status

    with ThreadPoolExecutor(8) as pool:
        same(sorted(pool.map(run, agents)), [200] + [409] * 7)


@promise(
    "POST /tasks/{t}/report", "an agent's token works on its own tasks; another agent's task is 403, also to claim"
)
def others(api: Client) -> None:
    mine, as_me = things.own_agent(api)
    other, _ = things.own_agent(api)
    own, foreign = things.task(api, agent=mine), things.task(api, agent=other)
    things.reported(as_me, own, "in_progress")
    as_me.post(f"/tasks/{foreign}/report", {"progress": {"status": "in_progress"}}, 403)
    as_me.post(f"/tasks/{foreign}/claim", {"agent": other}, 403)
    as_me.patch(f"/tasks/{foreign}", {"objective": "Mine now"}, 403)
    same(api.get(f"/tasks/{foreign}")["status"], "pending")


@promise("POST /tasks/{t}/report", "a policy that blocks: 409 with the decisions, nothing moved, the refusal on record")
def blocked(api: Client) -> None:
    owner = things.mission(api)
    rule = things.policy(api, "block", owner, to="in_progress")
    key = things.task(api, owner)
    refused = api.post(f"/tasks/{key}/report", {"progress": {"status": "in_progress"}}, 409)
    same([(each["policy_id"], each["outcome"]) for each in refused["decisions"]], [(rule, "block")])
    same(api.get(f"/tasks/{key}")["status"], "pending")
    same([each["outcome"] for each in api.every(f"/decisions?task={key}")], ["block"])


@promise("POST /tasks/{t}/report", "a policy that escalates: 202 with the approval; approved, the move is made")
def escalated(api: Client) -> None:
    owner, (agent, as_agent) = things.mission(api), things.own_agent(api)
    things.policy(api, "escalate", owner, to="in_progress")
    for verdict, status in (("approve", "in_progress"), ("reject", "pending")):
        key = things.task(api, owner, agent=agent)
        held = as_agent.post(f"/tasks/{key}/report", {"progress": {"status": "in_progress"}}, 202)
        same(held["status"], "pending")
        waiting = [row["id"] for row in api.every(f"/approvals?task={key}&state=pending")]
        same(waiting, [held["approval"]])
        as_agent.post(f"/approvals/{held['approval']}/{verdict}", {}, 403)
        api.post(f"/approvals/{held['approval']}/{verdict}", {"comment": "Looked at"})
        same(api.get(f"/tasks/{key}")["status"], status)
        api.post(f"/approvals/{held['approval']}/{verdict}", {}, 409)


@promise("POST /tasks/{t}/execute", "the same key answers the same execution; for another task 409")
def execution_keys(api: Client) -> None:
    agent, key = things.agent(api, adapter_module="openai"), unique("run")
    task, other = things.task(api, agent=agent), things.task(api, agent=agent)
    first = api.post(f"/tasks/{task}/execute", {"key": key, "max_attempts": 2}, 202)
    same((first["key"], first["max_attempts"]), (key, 2))
    same(api.post(f"/tasks/{task}/execute", {"key": key}, 200)["id"], first["id"])
    api.post(f"/tasks/{other}/execute", {"key": key}, 409)
    api.post(f"/tasks/{other}/execute", {"retry_on": ["nonsense"]}, 422)
    told = api.get(f"/executions/{first['id']}/output?after=0")
    expect(isinstance(told["results"], list) and isinstance(told["ended"], bool), told)
    api.get(f"/executions/{first['id']}/output?after=x", 400)


@promise("POST /tasks/{t}/execute", "no agent, no adapter: 422; with one: 202, listed, shown, cancelled")
def executions(api: Client) -> None:
    bare = things.task(api)
    api.post(f"/tasks/{bare}/execute", status=422)
    api.patch(f"/tasks/{bare}", {"agent": things.agent(api)})
    api.post(f"/tasks/{bare}/execute", status=422)
    key = things.task(api, agent=things.agent(api, adapter_module="openai"))
    run = api.post(f"/tasks/{key}/execute", status=202)
    same([row["id"] for row in api.every(f"/tasks/{key}/executions")], [run["id"]])
    same(api.get(f"/executions/{run['id']}")["task"], key)
    ended = api.call("POST", f"/executions/{run['id']}/cancel")
    expect(ended.status in {200, 422}, ended)
    api.get("/executions/999999999", 404)


@promise("GET /tasks/{t}/context", "what helps to decide, within max_tokens, and what was left out")
def context(api: Client) -> None:
    key = things.task(api, acceptance_criteria=["It is green."])
    told = api.get(f"/tasks/{key}/context?max_tokens=1000")
    expect(told["tokens"] <= 1000 and isinstance(told["left_out"], list) and told["sections"], told)
    api.get(f"/tasks/{key}/context?max_tokens=lots", 400)


@promise("GET /tasks/{t}/candidates", "agents ranked, each with its reasons: advice, nobody is assigned")
def candidates(api: Client) -> None:
    skill = unique("skill")
    able = things.agent(api, capabilities=[skill])
    key = things.task(api, required_capabilities=[skill])
    ranked = api.get(f"/tasks/{key}/candidates")["candidates"]
    same(ranked[0]["agent"], able)
    expect(ranked[0]["reasons"], ranked)
    same(api.get(f"/tasks/{key}")["agent"], None)


@promise("GET /advisories", "what is advised, filtered; unknown ones are 404")
def advisories(api: Client) -> None:
    expect(isinstance(api.get("/advisories?open=true&severity=warning")["results"], list), "no list")
    api.get("/advisories?kind=nonsense", 400)
    api.post("/advisories/999999999/acknowledge", status=404)
