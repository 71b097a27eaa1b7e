"""The state of one day that all players share, and what of it they ask the server for."""

from dataclasses import dataclass, field
from threading import Barrier, Event, Lock
from typing import Any
from zlib import crc32

from coordinator.demo.api import Api
from coordinator.demo.cast import AGENTS, AgentPart
from coordinator.demo.script import Fate, Script
from coordinator.demo.telling import Narrator, Pace


@dataclass(frozen=True)
class Meeting:
    """A task that two agents reach for at the same moment."""

    key: str
    barrier: Barrier


@dataclass
class Day:
    """`evening` is set when the agents are done."""

    script: Script
    narrator: Narrator
    pace: Pace
    evening: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    seen: set[tuple[str, str]] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    contested: dict[str, Meeting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for venture in self.script.ventures:
            there = sum(part.home == venture.slug for part in AGENTS)
            for job in venture.jobs:
                if job.fate == Fate.CONTESTED:
                    self.contested[venture.slug] = Meeting(job.key, Barrier(there))

    def first_time(self, key: str, what: str) -> bool:
        """Whether nobody did this with the task before; asked once, it is no longer the first time."""
        with self.lock:
            first = (key, what) not in self.seen
            self.seen.add((key, what))
        return first

    def give_up(self, key: str) -> None:
        """Nobody tries this task again today."""
        with self.lock:
            self.given_up.add(key)

    def cut_short(self, *, unless: bool = False) -> None:
        """Everybody puts down what they hold."""
        if not unless:
            self.pace.stop()
        self.evening.set()

    def has_been(self, key: str, what: str) -> bool:
        with self.lock:
            return (key, what) in self.seen

    def mission_of(self, task: str) -> str:
        return next(venture.key for venture in self.script.ventures if task.startswith(f"{venture.key}."))

    def tasks(self, api: Api, **query: Any) -> list[Any]:
        """The day's tasks as the server knows them."""
        return list(api.every("/tasks", q=f".{self.script.run}.", **query))

    def sent_back(self, api: Api, part: AgentPart) -> list[Any]:
        """The agent's work that was rejected."""
        return self._but_given_up(self.tasks(api, agent=part.agent_id, status="rejected"))

    def ready_for(self, api: Api, part: AgentPart) -> list[Any]:
        """What is ready and within the agent's power, at home first."""
        found = [
            task
            for task in self.tasks(api, ready="true")
            if set(task["required_capabilities"]) <= set(part.capabilities) and task["agent"] in {None, part.agent_id}
        ]
        return self._but_given_up(sorted(found, key=lambda task: _preference(part, task["task_id"])))

    def _but_given_up(self, tasks: list[Any]) -> list[Any]:
        return [task for task in tasks if task["task_id"] not in self.given_up]

    def is_open(self) -> bool:
        """Whether there may still be work for an agent; the people tell when there is none."""
        return not self.evening.is_set()

    def is_settled(self, tasks: list[Any]) -> bool:
        """Whether every task is where the script leaves it."""
        never = {task["task_id"] for task in tasks if task["status"] == "failed"} | self.given_up
        return bool(tasks) and all(self._is_settled(task, never) for task in tasks)

    def _is_settled(self, task: Any, never: set[str]) -> bool:
        if task["status"] == "completed" or task["task_id"] in never:
            return True
        if task["status"] == "pending_review":
            return self.script.jobs[task["task_id"]].fate == Fate.WAITS
        return bool(never & set(task["depends_on"]))


def _preference(part: AgentPart, key: str) -> tuple[bool, int]:
    """Home first; then each agent has an order of its own, so that they seldom reach for the same task."""
    return not key.startswith(part.home), crc32(f"{part.agent_id} {key}".encode())
