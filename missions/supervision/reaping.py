"""Ending what a run left behind on this machine, found by the mark in its environment (Linux).

Run as a program beside a run it is its warden: it waits until its stdin ends, as it does when the worker dies however
that happens, and then ends every process of the run.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROCESSES = Path("/proc")
ROUNDS = 20
PAUSE_S = 0.05
PATIENCE_S = 3.0


class Warden:
    """A process in a session of its own, so that nothing that ends the workers ends it before it has done its work."""

    def __init__(self, marker: str) -> None:
        command = [sys.executable, "-IS", __file__, marker]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, cwd="/", env={}, start_new_session=True
        )

    def close(self) -> None:
        """Has it end what is left of the run; returns when that is done."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_all(marker: str) -> int:
    """Ends every process that carries the mark, also those that they start meanwhile; answers how many."""
    ended: set[int] = set()
    for _ in range(ROUNDS):
        found = set(_marked(f"COORDINATOR_EXECUTION={marker}".encode()))
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        ended |= found
        if not found:
            break
        time.sleep(PAUSE_S)
    return len(ended)


def _marked(mark: bytes) -> Iterator[int]:
    """Zombies have no environment any more, so they are not among them."""
    for directory in PROCESSES.glob("[0-9]*"):
        with suppress(OSError):
            if mark in (directory / "environ").read_bytes().split(b"\0"):
                yield int(directory.name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end_all(sys.argv[1])
