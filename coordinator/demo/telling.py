"""What the viewer of the demo reads, and how fast the day goes."""

import threading
import time
from collections.abc import Callable

POLL_S = 0.5
LONGEST_POLL_S = 2.0


class CutShort(Exception):
    """The day ends before its evening: somebody stopped it, or another part of it failed."""


class Narrator:
    """Prints who did what, one line each, from any thread."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write
        self.began = time.monotonic()
        self.lock = threading.Lock()

    def say(self, who: str, text: str) -> None:
        with self.lock:
            self.write(f"[{time.monotonic() - self.began:5.1f} s] {who:<9} {text}")

    def title(self, text: str) -> None:
        with self.lock:
            self.write(f"\n{text}")


class Pace:
    """Time as the players feel it: a beat lasts `beat_s` seconds, and none is waited for when the day is cut short."""

    def __init__(self, beat_s: float) -> None:
        self.beat_s = beat_s
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()

    def rest(self, beats: float = 1.0) -> None:
        """Raises CutShort."""
        self.wait(self.beat_s * beats)

    def poll(self, looked: int = 0) -> None:
        """A pause before looking again, longer after each of `looked` looks in vain. Raises CutShort."""
        self.wait(min(max(POLL_S, self.beat_s / 2) * 1.5**looked, LONGEST_POLL_S))

    def wait(self, seconds: float) -> None:
        """Raises CutShort."""
        if self.stopped.wait(seconds):
            raise CutShort
