"""One person's day: decide what is held, review what is handed in, measure what was promised."""

from typing import Any

import requests

from coordinator.demo.api import Api, Refused
from coordinator.demo.cast import PersonPart
from coordinator.demo.day import Day
from coordinator.demo.script import Fate, Job
from coordinator.demo.telling import CutShort

FIRST_BY_ANOTHER = {requests.codes.conflict, requests.codes.forbidden, requests.codes.unprocessable}


TRIED = "reviewed by who did it"


class Person:
    """Looks at what waits, again and again, until everything is where the script leaves it."""

    def __init__(self, part: PersonPart, api: Api, day: Day) -> None:
        self.part, self.api, self.day = part, api, day

    def live(self) -> None:
        while not self.day.evening.is_set():
            busy = self.part.leads and self.decide()
            for task in self.day.tasks(self.api, status="pending_review"):
                busy |= self.review(task)
            if self.part.leads:
                busy |= self.work_oneself()
            if not busy:
                self.rest()

    def rest(self) -> None:
        """Nothing waits: either the day is over, or one waits for the next."""
        if self.part.leads and self.day.is_settled(self.day.tasks(self.api)):
            self.day.evening.set()
        else:
            self.day.pace.poll()

    def decide(self) -> bool:
        """Says yes to the day's held moves."""
        waiting = [
            each
            for each in self.api.every("/approvals", state="pending", point="task_transition")
            if each["mission"] in self.day.script.missions
        ]
        for each in waiting:
            self.day.pace.rest()
            text = f"approves what was held: {each['summary']} (approval {each['id']})"
            self.try_to(f"/approvals/{each['id']}/approve", "Announced in the last release; go on.", text)
        return bool(waiting)

    def review(self, task: Any) -> bool:
        """Approves work that says how it was checked, and sends other work back."""
        job = self.day.script.jobs[task["task_id"]]
        if not self.is_mine(job):
            return False
        self.day.pace.rest()
        if not task["outputs"].get("evidence"):
            comment = f"Say how you checked it, for instance: {job.evidence}"
            path, text = "reject", f"rejects {job.key}: {comment}"
        else:
            comment = f"Checked: {task['outputs']['evidence']}"
            path, text = "approve", f"approves {job.key}"
        reviewed = self.try_to(f"/tasks/{job.key}/{path}", comment, text)
        if reviewed and path == "approve":
            self.measure(self.day.mission_of(job.key))
        return True

    def is_mine(self, job: Job) -> bool:
        """Work of one's own is tried once, to see who says no."""
        if job.fate == Fate.WAITS:
            return False
        if job.fate == Fate.BY_HAND:
            tried = self.day.has_been(job.key, TRIED)
            return self.day.first_time(job.key, TRIED) if self.part.leads else tried
        return self.day.script.missions[self.day.mission_of(job.key)].slug in self.part.reviews

    def measure(self, mission: str) -> None:
        """The key result counts what is done."""
        done = self.api.get(f"/missions/{mission}")["counts"]["completed"]
        result = self.api.get(f"/key_results/{mission}.result")
        self.api.patch(f"/key_results/{mission}.result", {"current": done}, version=result["version"])

    def work_oneself(self) -> bool:
        """Does the task that wants a person's judgement, and hands it in like everybody else."""
        mine = [job for job in self.day.script.jobs.values() if job.fate == Fate.BY_HAND]
        fresh = [job for job in mine if self.day.first_time(job.key, "done by hand")]
        for job in fresh:
            candidates = self.api.get(f"/tasks/{job.key}/candidates")["candidates"]
            self.say(
                f"asks who fits {job.key}: {len(candidates)} agents are ranked, none can judge it; does it herself"
            )
            self.report(job, status="in_progress", percent=10)
            self.think(job)
            self.report(
                job, status="pending_review", percent=95, outputs={**job.change.facts, "evidence": job.evidence}
            )
            self.say(f"hands in {job.key}")
        return bool(fresh)

    def think(self, job: Job) -> None:
        """Works on it for a while; when the day is cut short meanwhile, it is as if it had not begun."""
        try:
            self.day.pace.rest(2)
        except CutShort:
            self.report(job, status="pending", percent=0)
            raise

    def report(self, job: Job, **progress: Any) -> None:
        self.api.post(f"/tasks/{job.key}/report", {"progress": progress})

    def try_to(self, path: str, comment: str, text: str) -> bool:
        """Gives a verdict and says so, or says who was first or why not."""
        try:
            self.api.post(path, {"comment": comment})
        except Refused as refusal:
            if refusal.status not in FIRST_BY_ANOTHER:
                raise
            self.say(f"cannot do that ({refusal.status}): {refusal.detail}")
            return False
        self.say(text)
        return True

    def say(self, text: str) -> None:
        self.day.narrator.say(self.part.who, text)
