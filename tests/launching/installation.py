"""An installation of this test's own, driven as its operator drives it: by `manage.py` in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
FOREIGN = ("DATABASE_URL", "COORDINATOR_TEST_DATA", "DJANGO_SETTINGS_MODULE", "SECRET_KEY")


@dataclass
class Installation:
    """`manage.py` commands of one data directory."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self._environment(), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def up(self) -> "Up":
        """Starts `up` on a free port and waits until it says that it is ready."""
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", "0"],
            cwd=ROOT, env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.running.append(process)
        said: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                return Up(process, said)
        raise AssertionError("up did not become ready:\n" + "\n".join(said))

    def end(self) -> None:
        """Ends what the test left running."""
        for process in self.running:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE_S)
            if process.stdout is not None:
                process.stdout.close()

    def _environment(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        return {**ours, "COORDINATOR_DATA": str(self.data), "WEB_PROCESSES": "1", **self.environment}


@dataclass
class Up:
    """A running `up`: its process and what it has said."""

    process: subprocess.Popen[str]
    said: list[str]

    def told(self, label: str) -> str:
        """The value that it printed behind a label, such as `Address`."""
        return next(line.split()[1] for line in self.said if line.strip().startswith(label))

    def says(self, label: str) -> bool:
        return any(line.strip().startswith(label) for line in self.said)

    def ask(self, path: str, token: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(self.told("Address").rstrip("/") + path, headers=headers, timeout=PATIENCE_S)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal and waits; answers the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def processes_of(data: Path) -> list[psutil.Process]:
    """Every process that runs for this data directory, by its environment or its command line."""
    return [each for each in psutil.process_iter() if _belongs(each, data)]


def _belongs(process: psutil.Process, data: Path) -> bool:
    try:
        return process.environ().get("COORDINATOR_DATA") == str(data) or str(data) in " ".join(process.cmdline())
    except psutil.Error:
        return False


def eventually(holds: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
    """Whether something becomes so within a while."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()
