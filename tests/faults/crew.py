"""A real `manage.py workers`, and its processes by what they do."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from missions.models import MissionHost, WorkerHost
from missions.supervision import presence
from tests.running.agents_at_hand import lives, until


class Workers:
    """The command and everything under it, as the machine of this name runs it; without one, as this machine does."""

    def __init__(self, data: Path, environment: Mapping[str, str], machine: str = "") -> None:
        self.log = data / "workers.log"
        self.machine = machine or presence.machine()
        named = {"MACHINE_NAME": machine, "DJANGO_SETTINGS_MODULE": "coordinator.settings"}
        self.environment = {**os.environ, **environment, **named}
        self.start()

    def start(self) -> None:
        """Starts the command; also again, after it has ended."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "workers"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def wait_until_seen(self) -> None:
        """Returns when every queue is served."""
        until(self._seen, within_s=30)

    def host(self) -> int | None:
        """The row id of this machine's newest host of mission processes, when that lives as far as anybody knows."""
        return self._hosts().values_list("pk", flat=True).first()

    def guard(self, queue: str) -> int:
        """The process that guards the workers of a queue; the default queue's is named by the settings."""
        if queue == presence.HOSTS:
            return parent_of(self.worker(queue))
        return WorkerHost.objects.values_list("pid", flat=True).get(name=f"{self.machine}/{queue}")

    def worker(self, queue: str) -> int:
        """The first worker process of a queue."""
        if queue == presence.HOSTS:
            return int(until(self._hosting, within_s=10))
        return children_of(self.guard(queue))[0]

    def _hosting(self) -> int | None:
        """The process that hosts, once one of this command does."""
        pid = self._hosts().values_list("pid", flat=True).first()
        return pid if pid in self.all() else None

    def _hosts(self) -> QuerySet[MissionHost]:
        return MissionHost.objects.living().filter(machine=self.machine).order_by("-pk")

    def all(self) -> list[int]:
        """Every process of the command, itself first."""
        found = [self.pid]
        for pid in found:
            found.extend(children_of(pid))
        return found

    def end(self) -> None:
        """Ends whatever is left, whoever its parent is by now."""
        left = self.all()
        self.process.kill()
        self.process.wait()
        for pid in left[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _seen(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return presence.workers_seen(timezone.now())


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(pid: int) -> list[int]:
    """The process's children, the eldest first."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if parent_of(int(directory.name)) == pid:
                found.append(int(directory.name))
    return sorted(found)


def none_live(pids: list[int]) -> bool:
    return not any(lives(pid) for pid in pids)
