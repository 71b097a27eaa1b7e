"""The processes of an installation: started with `up`, restarted when they die, ended with it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FrameType

SHORTEST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SETTLED_AFTER_S = 30.0
PATIENCE_S = 12.0
LOOK_EVERY_S = 0.2
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process: its command, what it has in its environment besides ours, and files that it inherits."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    pause_s: float = 0.0
    again_at: float = 0.0

    def start(self) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            pass_fds=self.files,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    def restart_if_dead(self, now: float) -> str:
        """Starts it again after a pause that doubles; answers a sentence when it was found dead."""
        if self.process is None:
            if now >= self.again_at:
                self.start()
            return ""
        code = self.process.poll()
        if code is None:
            return ""
        self.process = None
        settled = now - self.began > SETTLED_AFTER_S
        self.pause_s = SHORTEST_PAUSE_S if settled else min(max(self.pause_s * 2, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        self.again_at = now + self.pause_s
        return f"{self.name} ended with {code}; starting it again in {self.pause_s:g} s."


class Stop:
    """Set by SIGINT and SIGTERM; a second one does not interrupt the orderly end."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True


def watch(children: Iterable[Child], stop: Stop, say: Callable[[str], None]) -> None:
    """Keeps the children alive until `stop` is asked."""
    children = list(children)
    while not stop.asked:
        for child in children:
            if sentence := child.restart_if_dead(time.monotonic()):
                say(sentence)
        time.sleep(LOOK_EVERY_S)


def end(children: Iterable[Child]) -> None:
    """Asks each to end, and ends what has not after a while."""
    running = [child.process for child in children if child.process is not None and child.process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _die_with_parent() -> None:
    """On Linux the kernel tells a child when `up` itself was killed; elsewhere it outlives that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
