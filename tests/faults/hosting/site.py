"""A site: machines that host missions, writers that keep them busy, and a database that can be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
from django.conf import settings
from django.utils import timezone

from agents.models import Agent
from missions.models import Mission, MissionHost, MissionProcess
from tests.faults.crew import Workers
from tests.faults.hosting.ground import Ground
from tests.faults.hosting.load import AGENTS
from tests.missions import world
from tests.running.agents_at_hand import until

HOSTS_ONLY = {"MISSION_HOSTS": "1", "WORKERS": "0", "EXECUTIONS": "0", "HEALTH_WORKERS": "0"}


class Site:
    """Its machines are `manage.py workers` with a name and a data directory each."""

    def __init__(self, ground: Ground, address: str, home: Path, environment: Mapping[str, str]) -> None:
        self.ground, self.home = ground, home
        self.environment = {**environment, "DATABASE_URL": address, "CHECKPOINTS": "0"}
        self.machines: list[Workers] = []
        self.writers: list[subprocess.Popen[bytes]] = []

    def plan(self, missions: int, *, tasks: int = 2) -> list[Mission]:
        """So many active missions, with so many tasks each."""
        made = [world.mission() for _ in range(missions)]
        for each in made * tasks:
            world.task(each)
        return made

    def open(self, machines: int, *, within_s: float = 30) -> None:
        """Starts machines; returns when each of them hosts and every wanted process runs on one of them."""
        for _ in range(machines):
            self.add()
        until(lambda: all(each.host() for each in self.machines), within_s=within_s)
        until(self.is_hosted, within_s=within_s)

    def add(self) -> Workers:
        """Starts another machine."""
        name = f"machine-{len(self.machines) + 1}"
        data = self.home / name
        data.mkdir()
        self.machines.append(Workers(data, {**self.environment, "COORDINATOR_DATA": str(data)}, machine=name))
        return self.machines[-1]

    def is_hosted(self) -> bool:
        """Whether no wanted process waits for a host."""
        wanted = MissionProcess.objects.filter(wanted=True).exclude(state="parked")
        return not wanted.exclude(state="running", owner__isnull=False).exists()

    def is_whole(self) -> bool:
        """Whether every machine hosts missions."""
        hosts = MissionHost.objects.living_at(timezone.now()).filter(processes__isnull=False)
        return set(hosts.values_list("machine", flat=True)) == {each.machine for each in self.machines}

    def write(self, writers: int, pause_s: float, seed: int = 1) -> None:
        """Lets writers work until `rest`: each makes a change about each `pause_s`. Returns when all are at work."""
        numbers = [100 * seed + number for number in range(writers)]
        for number in numbers:
            words = ["tests.faults.hosting.load", str(number), str(pause_s)]
            own = {**os.environ, **self.environment, "DJANGO_SETTINGS_MODULE": "coordinator.settings"}
            with (self.home / "writers.log").open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", *words], cwd=settings.BASE_DIR, env=own, stdout=log, stderr=log
                )
            self.writers.append(process)
        until(partial(self._are_writing, [f"writer-{number}-{AGENTS - 1}" for number in numbers]), within_s=60)

    def rest(self) -> None:
        """Ends the writers; each must have lived until now."""
        self._refuse_ended()
        self._end_writers()

    def drain(self) -> None:
        """Ends every machine in good order: each keeps what it knows."""
        for each in self.machines:
            each.process.terminate()
        assert [each.process.wait(15) for each in self.machines] == [0] * len(self.machines)

    def close(self) -> None:
        """Ends everything; whatever of it is still there afterwards is ended too, and is an error."""
        self._end_writers()
        for machine in self.machines:
            machine.end()
        until(lambda: not self._strays(), within_s=5)

    def _are_writing(self, agents: list[str]) -> bool:
        """Whether each writer has made its last agent, after which it writes."""
        self._refuse_ended()
        return Agent.objects.filter(agent_id__in=agents).count() == len(agents)

    def _refuse_ended(self) -> None:
        ended = [each.poll() for each in self.writers]
        assert ended == [None] * len(ended), (self.home / "writers.log").read_text()

    def _end_writers(self) -> None:
        for each in self.writers:
            each.kill()
            each.wait()
        self.writers.clear()

    def _strays(self) -> list[psutil.Process]:
        """Processes of this site, known by the directory in their environment."""
        found = []
        for each in psutil.process_iter():
            with suppress(psutil.Error):
                if each.environ().get("COORDINATOR_DATA", "").startswith(str(self.home)):
                    found.append(each)
        for each in found:
            with suppress(psutil.Error):
                each.kill()
        return found


@contextmanager
def sited(ground: Ground, home: Path, **environment: str) -> Iterator[Site]:
    """A site on a fresh database; nothing of it outlives this."""
    with ground.database() as address:
        site = Site(ground, address, home, {**HOSTS_ONLY, **environment})
        try:
            yield site
        finally:
            site.close()
