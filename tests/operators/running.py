"""A command of `manage.py` that goes on until it is ended, on this test's own database."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from django.conf import settings

from tests.running.agents_at_hand import until

FOREIGN = ("Q_CLUSTER_NAME", "QUEUE", "REDIS_URL")
QUICK = {"WORKERS": "1", "EXECUTIONS": "1"}


class Command:
    """The process, and whatever it has started."""

    def __init__(self, data: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
        self.log = data / f"{words[0]}-{len(list(data.iterdir()))}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
                env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def family(self) -> list[psutil.Process]:
        """Everything under it, the eldest first."""
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.process.pid).children(recursive=True))
        return []

    def wait_for(self, holds: Callable[[], object], within_s: float) -> None:
        """Returns when it holds; the command has to live meanwhile."""

        def so() -> object:
            assert self.process.poll() is None, self.log.read_text()
            return holds()

        until(so, within_s=within_s)

    def stop(self) -> int:
        """As a service manager does; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def end(self) -> None:
        left = self.family()
        self.process.kill()
        self.process.wait()
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()


@contextmanager
def running(data: Path, database: str, *words: str, **environment: str) -> Iterator[Command]:
    """Runs `manage.py` with these words; nothing of it is left afterwards."""
    ours = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    given = {"DATABASE_URL": database, "COORDINATOR_DATA": str(data), "DJANGO_SETTINGS_MODULE": "coordinator.settings"}
    command = Command(data, words, {**ours, **QUICK, **given, **environment})
    try:
        yield command
    finally:
        command.end()
