"""Setting the stage over the API: accounts and tokens, agents, policies, and then what Maya plans for the day."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from coordinator.demo.api import Api, Refused
from coordinator.demo.cast import AGENTS, MAYA, PEOPLE, AgentPart
from coordinator.demo.script import Job, Script, Venture
from coordinator.demo.telling import Narrator

TAKEN = requests.codes.conflict
SPRINT = re.compile(r"day\.r(\d+)\Z")
SPRINT_DAYS = 11
TOKENS_LAST = timedelta(hours=2)
OURS = {"agent": [part.agent_id for part in AGENTS]}
"""The policies of the demo hold for the agents of the demo alone: nobody else's work is held up."""

POLICIES: tuple[dict[str, Any], ...] = (
    {
        "policy_id": "demo-no-force-push",
        "description": "History that others have read is never rewritten.",
        "conditions": {"action_type": "git_push", "force": True},
        "actions": [{"block": "A force push rewrites history that others have read; push a new commit instead."}],
    },
    {
        "policy_id": "demo-urgent-work-needs-a-person",
        "description": "Work of the highest priority begins when a person has agreed.",
        "conditions": {"action_type": "task_transition", "from": "pending", "to": "in_progress", "priority": 3},
        "actions": [{"escalate": "This change breaks what users rely on; a person agrees before it begins."}],
    },
    {
        "policy_id": "demo-releases-need-a-person",
        "description": "Nothing goes to production without a person's word.",
        "conditions": {"action_type": "deploy", "environment": "production"},
        "actions": [{"escalate": "A person decides when production changes."}],
    },
    {
        "policy_id": "demo-half-the-budget",
        "description": "Says when a mission has used half of its budget.",
        "conditions": {"action_type": "task_transition", "mission.budget_used_percent": {"gte": 50}},
        "actions": [{"warn": "The mission has used more than half of its budget."}],
    },
    {
        "policy_id": "demo-watch-downloads",
        "description": "Tried out before it binds: what runs straight from the network.",
        "conditions": {"action_type": "shell", "command": {"matches": r"curl .*\| *sh"}},
        "actions": [{"block": "Look at a script before you run it."}],
        "mode": "audit",
    },
)


class NotOurs(Exception):
    """Something has a name that the demo wants, and is not the demo's."""


class Stage:
    """What the admin does before the day begins, and takes away after it."""

    def __init__(self, admin: Api, narrator: Narrator) -> None:
        self.admin, self.narrator = admin, narrator
        self.tokens: list[int] = []

    def enter(self) -> dict[str, Api]:
        """The callers of the day, each with a token of its own, by agent_id or name."""
        callers = {part.who: self._caller(part.email, part.name, "person", "operator") for part in PEOPLE}
        callers |= {part.agent_id: self._caller(part.email, part.name, "service", "agent") for part in AGENTS}
        for part in AGENTS:
            self._register(part)
        for policy in POLICIES:
            _once(self.admin, "/policies", {**policy, "scope": OURS})
        self.narrator.say("admin", f"{len(PEOPLE)} people, {len(AGENTS)} agents and {len(POLICIES)} policies are there")
        return callers

    def leave(self) -> None:
        """Revokes the tokens of the day."""
        for token in self.tokens:
            self.admin.delete(f"/tokens/{token}")
        self.tokens.clear()

    def _caller(self, email: str, name: str, kind: str, role: str) -> Api:
        _once(self.admin, "/accounts", {"email": email, "name": name, "kind": kind, "role": role})
        expires = (datetime.now(UTC) + TOKENS_LAST).isoformat()
        issued = self.admin.post("/tokens", {"account": email, "name": "demo", "expires_at": expires})
        self.tokens.append(issued["id"])
        return Api(self.admin.url, issued["token"])

    def _register(self, part: AgentPart) -> None:
        body = {
            "agent_id": part.agent_id,
            "name": part.name,
            "capabilities": part.capabilities,
            "service_account": part.email,
            "cost_per_mtok": part.cost_per_mtok,
        }
        if not _once(self.admin, "/agents", body):
            known = self.admin.get(f"/agents/{part.agent_id}")
            if known["service_account"] != part.email:
                raise NotOurs(f"There is an agent {part.agent_id} that is not the demo's; the demo leaves it alone.")


def open_run(maya: Api) -> str:
    """The name of this run, `r1` for the first, taken by its sprint: two runs at once get two names."""
    today = datetime.now(UTC).date()
    for number in range(_latest(maya) + 1, 10_000):
        sprint = {
            "sprint_id": f"day.r{number}",
            "name": f"Demo sprint {number}",
            "goal": "bcrypt is out, the ORM is clean, and what we built is proved",
            "start_date": today.isoformat(),
            "end_date": (today + timedelta(days=SPRINT_DAYS - 1)).isoformat(),
        }
        if _once(maya, "/sprints", sprint):
            return f"r{number}"
    raise AssertionError("There were ten thousand demos.")


def plan(maya: Api, script: Script, narrator: Narrator) -> None:
    """What Maya plans: the earlier sprint is closed, goals down to tasks are written, and the missions start."""
    _close_earlier(maya, narrator)
    today = datetime.now(UTC).date().isoformat()
    morning = {"sprint_id": f"morning.{script.run}", "name": f"Demo morning {script.run[1:]}", "start_date": today}
    maya.post("/sprints", {**morning, "end_date": today, "goal": "The first release of the day"})
    for venture in script.ventures:
        _plan_venture(maya, venture, script.run)
        narrator.say("maya", f"plans {venture.key}: {venture.goal} ({len(venture.jobs)} tasks)")
    for sprint in ("morning", "day"):
        maya.post(f"/sprints/{sprint}.{script.run}/start")
    for venture in script.ventures:
        maya.post(f"/missions/{venture.key}/start")
    narrator.say("maya", f"starts the sprint day.{script.run} and {len(script.ventures)} missions")


def _plan_venture(maya: Api, venture: Venture, run: str) -> None:
    goal = maya.post("/objectives", {"objective_id": f"{venture.key}.goal", "title": venture.objective})
    result = {"kr_id": f"{venture.key}.result", "title": venture.result, "target": len(venture.jobs), "unit": "changes"}
    maya.post(f"/objectives/{goal['objective_id']}/key_results", result)
    for need in venture.needs:
        maya.post(
            "/requirements",
            {
                "requirement_id": need.key,
                "title": need.title,
                "key_result": result["kr_id"],
                "priority": need.priority,
                "horizon": need.horizon,
                "status": "approved",
            },
        )
    maya.post("/missions", _mission(venture))
    for job in venture.jobs:
        maya.post(f"/missions/{venture.key}/tasks", _task(job, _sprint(job, venture.jobs, run)))
    _gather(maya, venture)


def _mission(venture: Venture) -> dict[str, Any]:
    deadline = datetime.now(UTC) + timedelta(days=SPRINT_DAYS)
    return {
        "mission_id": venture.key,
        "goal": venture.goal,
        "description": f"{venture.objective}. Played by the demo, from {venture.jobs[0].change.source} on.",
        "owner": MAYA.email,
        "budget_usd": venture.budget_usd,
        "deadline": deadline.isoformat(),
        **venture.settings,
    }


def _task(job: Job, sprint: str) -> dict[str, Any]:
    return {
        "task_id": job.key,
        "objective": job.change.title,
        "description": f"From {job.change.source}.",
        "acceptance_criteria": [f"Checked by: {job.evidence}"],
        "required_capabilities": [job.capability],
        "requirements": [job.requirement],
        "depends_on": job.needs,
        "priority": job.priority,
        "sprint": sprint,
    }


def _sprint(job: Job, jobs: Sequence[Job], run: str) -> str:
    """The first release of the first mission is the morning's; everything else is the day's."""
    first = job.key.startswith("bcrypt") and job.change.group == jobs[0].change.group
    return f"{'morning' if first else 'day'}.{run}"


def _gather(maya: Api, venture: Venture) -> None:
    for part in PEOPLE:
        role = "lead" if part.leads else "reviewer"
        maya.post(f"/missions/{venture.key}/members", {"member": part.email, "role": role})
    for agent in AGENTS:
        if agent.home == venture.slug:
            maya.post(f"/missions/{venture.key}/agents", {"agent": agent.agent_id})


def _close_earlier(maya: Api, narrator: Narrator) -> None:
    for sprint in _numbered(maya.every("/sprints", status="active", q="day.r")):
        with suppress(Refused):  # somebody else may close it at the same moment
            maya.post(f"/sprints/{sprint}/complete")
            narrator.say("maya", f"closes {sprint}, the sprint of an earlier demo")


def _latest(maya: Api) -> int:
    known = [SPRINT.match(sprint) for sprint in _numbered(maya.every("/sprints", q="day.r"))]
    return max((int(each.group(1)) for each in known if each), default=0)


def _numbered(rows: Iterable[Any]) -> list[str]:
    return [row["sprint_id"] for row in rows if SPRINT.match(row["sprint_id"])]


def _once(api: Api, path: str, body: dict[str, Any]) -> bool:
    """Makes it; answers whether it is new: an earlier day may have made it."""
    try:
        api.post(path, body)
    except Refused as refusal:
        if refusal.status != TAKEN:
            raise
        return False
    return True
