"""One agent's day: it looks for work that it can do, claims it, does it, and says what it does."""

import random
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from threading import BrokenBarrierError
from typing import Any

import requests

from coordinator.demo.api import Api, Refused, Unreachable
from coordinator.demo.cast import AgentPart
from coordinator.demo.day import Day
from coordinator.demo.script import Fate, Job

LOST = {requests.codes.conflict, requests.codes.forbidden, requests.codes.unprocessable}
"""How a server says that somebody else was first."""

SHORT_LEASE_S = 1
LEASE_S = 300
MEETS_WITHIN_S = 20


class Agent:
    """Works through what is ready; its notes of refusals are part of the show."""

    def __init__(self, part: AgentPart, api: Api, day: Day) -> None:
        self.part, self.api, self.day = part, api, day
        self.session = str(uuid.uuid4())
        self.held: str | None = None
        self.handed_in: set[str] = set()

    def live(self) -> None:
        """From the first session event to the last; what it holds is given back when the day is cut short."""
        self.tell("session_start", model=self.part.model)
        briefing = self.api.get(f"/agents/{self.part.agent_id}/briefing")
        self.say(f"begins; the briefing names {len(briefing['policies'])} policies")
        try:
            self.meet()
            looked = 0
            while self.day.is_open():
                looked = 0 if self.take_one() else looked + 1
                if looked:
                    self.day.pace.poll(looked - 1)
            self.day.pace.wait(0)
            self.say("finds nothing more to do and stops")
        finally:
            self.end()

    def meet(self) -> None:
        """The agents of one mission reach for the same task at the same moment."""
        wanted = self.day.contested.get(self.part.home)
        if wanted is None:
            return
        with suppress(BrokenBarrierError):
            wanted.barrier.wait(MEETS_WITHIN_S)
        if self.claim(wanted.key):
            self.work(self.day.script.jobs[wanted.key])

    def take_one(self) -> bool:
        """Works on one task, if there is one for it."""
        for task in self.open_to_me():
            if self.claim(task["task_id"]):
                self.work(self.day.script.jobs[task["task_id"]])
                return True
        return False

    def open_to_me(self) -> list[Any]:
        """What it could claim now: its own work that was sent back, else what is ready."""
        sent_back = self.day.sent_back(self.api, self.part) if self.handed_in else []
        return sent_back or self.day.ready_for(self.api, self.part)

    def claim(self, key: str) -> bool:
        lapses = self.day.script.jobs[key].fate == Fate.LAPSED and not self.day.has_been(key, "claimed")
        try:
            task = self.api.post(f"/tasks/{key}/claim", {"ttl_s": SHORT_LEASE_S if lapses else LEASE_S})
        except Refused as refusal:
            if refusal.status not in LOST:
                raise
            self.say(f"reaches for {key} and is refused ({refusal.status}): {refusal.detail}")
            return False
        self.held = key
        self.handed_in.discard(key)
        self.day.first_time(key, "claimed")
        self.say(f"claims {key}, fence {task['fence']}: {task['objective'][:70]}")
        return True

    def work(self, job: Job) -> None:
        """The plain way: read, begin, report half of it, push, hand in. The job's fate may bend it."""
        again = not self.day.first_time(job.key, "worked")
        try:
            self.api.get(f"/tasks/{job.key}/context", max_tokens=1500)
            if self.begin(job) and (again or not self.bent(job)):
                self.do(job, again=again)
        except Refused as refusal:
            if refusal.status not in LOST:
                raise
            self.say(f"loses {job.key} ({refusal.status}): {refusal.detail}")
            self.put_back(job)
        self.held = None

    def do(self, job: Job, *, again: bool) -> None:
        self.report(job, percent=50, usage=self.usage(job, "half"), logs=[f"Reading {job.change.source}"])
        self.day.pace.rest(2)
        self.push(job, force=again)
        self.hand_in(job, thin=job.fate == Fate.THIN and not again)

    def put_back(self, job: Job) -> None:
        """What it may not finish is left to people, if it is still its own."""
        with suppress(Refused):
            self.api.post(f"/tasks/{job.key}/release", {})
            self.day.give_up(job.key)

    def begin(self, job: Job) -> bool:
        """Reports the start; when a policy holds it, waits for the person who decides."""
        task = self.report(job, status="in_progress", percent=5)
        self.tell("task_start", task=job.key)
        if not task.get("approval"):
            self.day.pace.rest()
            return True
        self.say(f"may not begin {job.key} yet: approval {task['approval']}, {task['decisions'][0]['message']}")
        self.tell("waiting_for_input", task=job.key, reason=f"approval {task['approval']}")
        while (approval := self.api.get(f"/approvals/{task['approval']}"))["state"] == "pending":
            self.day.pace.poll()
        if approval["state"] != "approved":
            self.say(f"leaves {job.key}: approval {approval['id']} is {approval['state']}")
            self.put_back(job)
            return False
        self.tell("task_start", task=job.key)
        return True

    def bent(self, job: Job) -> bool:
        """What the job's fate does at the first attempt; true when that ends the attempt."""
        if job.fate == Fate.STUCK:
            self.get_stuck(job)
        if job.fate == Fate.LAPSED:
            return not self.lapse(job)
        if job.fate == Fate.GIVEN_BACK:
            self.api.post(f"/tasks/{job.key}/release", {})
            self.tell("completed", reason="given back")
            self.say(f"gives {job.key} back: somebody else knows this part better")
        if job.fate == Fate.FAILS:
            self.report(job, status="failed", logs=["The replacement has another meaning for empty input"])
            self.tell("error", task=job.key, reason="cannot be done as asked")
            self.say(f"reports {job.key} as failed; what waits for it stays pending")
        return job.fate in {Fate.GIVEN_BACK, Fate.FAILS}

    def get_stuck(self, job: Job) -> None:
        self.report(job, status="blocked", percent=20, logs=["The tests do not start: a fixture is missing"])
        self.tell("blocked", task=job.key, reason="a fixture is missing")
        self.say(f"is blocked on {job.key}: a fixture is missing")
        self.day.pace.rest(3)
        self.report(job, status="in_progress", percent=30, logs=["The fixture is there, going on"])
        self.tell("task_start", task=job.key)
        self.say(f"goes on with {job.key}")

    def lapse(self, job: Job) -> bool:
        """Goes silent for longer than its lease; true when the task is its own again afterwards."""
        self.say(f"goes silent on {job.key}, with a lease of {SHORT_LEASE_S} s")
        self.day.pace.wait(SHORT_LEASE_S + 0.3)
        try:
            self.api.post(f"/tasks/{job.key}/renew", {})
        except Refused as refusal:
            self.say(f"comes back too late ({refusal.status}): {refusal.detail}")
        return self.claim(job.key) and self.begin(job)

    def push(self, job: Job, *, force: bool) -> None:
        """Asks the policies before it pushes, and obeys."""
        action = {"action_type": "git_push", "branch": f"work/{job.key}", "force": force, "commits": 1}
        verdict = self.ask(action, job.key)
        if verdict["outcome"] == "block":
            self.say(f"wants to force push {action['branch']}, blocked: {verdict['decisions'][0]['message']}")
            self.ask({**action, "force": False, "commits": 2}, job.key)
            self.say("pushes a new commit instead, which is allowed")

    def ask(self, action: dict[str, Any], task: str) -> Any:
        """What the policies say of an action before it is done."""
        return self.api.post("/policies/evaluate", {"action": action, "task": task})

    def hand_in(self, job: Job, *, thin: bool) -> None:
        outputs = {**job.change.facts, "source": job.change.source, "branch": f"work/{job.key}"}
        if not thin:
            outputs["evidence"] = job.evidence
        usage = self.usage(job, f"handed-in-{uuid.uuid4().hex[:8]}")
        self.report(job, status="pending_review", percent=95, outputs=outputs, usage=usage, logs=["Ready for review"])
        self.handed_in.add(job.key)
        self.tell("task_complete", task=job.key)
        self.say(f"hands in {job.key}{', without saying how it was checked' if thin else ''}")
        if job.fate == Fate.CONTESTED:
            self.approve_oneself(job)
        if not thin:
            self.keep_note(job)
        self.day.pace.rest()

    def approve_oneself(self, job: Job) -> None:
        try:
            self.api.post(f"/tasks/{job.key}/approve", {"comment": "Looks good to me."})
        except Refused as refusal:
            self.say(f"tries to approve its own {job.key}, refused ({refusal.status}): {refusal.detail}")

    def keep_note(self, job: Job) -> None:
        """Stores what the next one should know."""
        text = f"# {job.change.title}\n\nDone as {job.key}, from {job.change.source}. Check: {job.evidence}.\n"
        note = {"content": text, "kind": "lesson", "task": job.key, "mission": self.day.mission_of(job.key)}
        self.api.post("/knowledge/documents", {**note, "tags": ["demo", "handover"]})

    def report(self, job: Job, *, logs: list[str] | None = None, **progress: Any) -> Any:
        lines = [{"message": text, "timestamp": _now(), "level": "info"} for text in logs or []]
        return self.api.post(f"/tasks/{job.key}/report", {"progress": {**progress, "logs": lines}})

    def usage(self, job: Job, part: str) -> dict[str, Any]:
        """Tokens of one piece of work: about what a session of its size takes, the same for the same task and part."""
        dice = random.Random(f"{job.change.title} {part[:4]}")
        return {
            "usage_id": f"{job.key}:{part}",
            "model": self.part.model,
            "input_tokens": dice.randrange(8_000, 60_000),
            "cache_read_tokens": dice.randrange(50_000, 400_000),
            "output_tokens": dice.randrange(2_000, 9_000),
        }

    def tell(self, event: str, **context: Any) -> None:
        self.api.post(
            f"/agents/{self.part.agent_id}/activity",
            {"event": event, "context": {"session_id": self.session, **context}, "timestamp": _now()},
        )

    def end(self) -> None:
        """Leaves nothing half done: a held task goes back, and the session ends."""
        with suppress(Refused, Unreachable):
            if self.held:
                self.api.post(f"/tasks/{self.held}/release", {})
        with suppress(Refused, Unreachable):
            self.tell("stop", reason="the day was cut short" if self.day.pace.stopped.is_set() else "end of the day")

    def say(self, text: str) -> None:
        self.day.narrator.say(self.part.agent_id, text)


def _now() -> str:
    return datetime.now(UTC).isoformat()
