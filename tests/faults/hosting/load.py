"""A process that works on every active mission through the services, until it is ended; also over outages.

`python -m tests.faults.hosting.load SEED PAUSE_S`
"""

import random
import sys
import time
from contextlib import suppress
from datetime import datetime

import django

if __name__ == "__main__":
    django.setup()

from django.db import DatabaseError, connection
from django.utils import timezone

from agents.services import registering
from coordinator.lib.errors import Refusal
from missions.lifecycle import TASK_MOVES, TaskStatus
from missions.models import Mission, Task
from missions.services import claiming, metering, planning, reporting
from missions.services.reporting import Caller, Filing
from tests.factories import person
from traceability.events import SYSTEM

AGENTS = 3
MOST_TASKS = 12


class Writer:
    """One writer: somebody who reports, and agents that claim."""

    def __init__(self, seed: int) -> None:
        self.name, self.chance, self.made = f"writer-{seed}", random.Random(seed), 0
        self.caller = Caller(user=person(email=f"{self.name}@example.org"), agent=None, is_agent=False)
        self.agents = [
            registering.create_agent(agent_id=f"{self.name}-{number}", actor=SYSTEM, now=timezone.now())
            for number in range(AGENTS)
        ]
        self.missions = list(Mission.objects.filter(status="active").order_by("pk"))

    def write(self, now: datetime) -> None:
        """One change of one mission. Raises Refusal, DatabaseError."""
        mission = self.chance.choice(self.missions)
        tasks = list(Task.objects.filter(mission=mission).exclude(agent__adapter_module="claude_code").order_by("pk"))
        if len(tasks) < MOST_TASKS and self.chance.random() < 0.2:
            self.made += 1
            key = f"{self.name}-{now.timestamp():.6f}-{self.made}"
            planning.create_task(mission=mission, task_id=key, objective="Write the tests", actor=SYSTEM, now=now)
        elif self.chance.random() < 0.15:
            agent = self.chance.choice(self.agents)
            claiming.claim(self.chance.choice(tasks), agent, ttl_s=2, actor=SYSTEM, now=now)
        else:
            self.report(self.chance.choice(tasks), now)

    def report(self, task: Task, now: datetime) -> None:
        moves = [*TASK_MOVES[TaskStatus(task.status)], None]
        usage = metering.read({"model": "m", "input_tokens": 100, "cost_usd": "0.01"})
        filing = Filing(
            status=self.chance.choice(moves),
            percent=self.chance.randrange(101),
            outputs={"step": self.chance.randrange(10)},
            usage=usage if self.chance.random() < 0.3 else None,
        )
        reporting.file_report(task, filing, caller=self.caller, expected=None, actor=SYSTEM, now=now)


def main(seed: int, pause_s: float) -> None:
    writer = Writer(seed)
    while True:
        try:
            with suppress(Refusal):
                writer.write(timezone.now())
        except DatabaseError:
            connection.close()
        time.sleep(writer.chance.random() * pause_s * 2)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
