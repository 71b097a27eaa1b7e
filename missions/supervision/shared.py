"""What the processes of one `workers` command share: memory without locks, and a lock that dies with its holder.

The locks of `multiprocessing` stay taken when their holder is killed, and whoever wants them next waits for ever.
"""

import fcntl
import mmap
import os
import struct
import sys
import tempfile
import time
from types import TracebackType

PAUSE_S = 0.05


class Flag:
    """A bit that every process forked after it was made can see and set; stands in for `multiprocessing.Event`."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def set(self) -> None:
        self._memory[0] = 1

    def clear(self) -> None:
        self._memory[0] = 0

    def is_set(self) -> bool:
        return bool(self._memory[0])

    def wait(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds; answers whether it is set."""
        end = time.monotonic() + timeout
        while not self.is_set() and (left := end - time.monotonic()) > 0:
            time.sleep(min(PAUSE_S, left))
        return self.is_set()


class Pulse:
    """When a process last showed life, on the clock that all processes of a machine share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.beat()

    def beat(self) -> None:
        self._memory[:8] = struct.pack("d", time.monotonic())

    @property
    def age_s(self) -> float:
        last: float = struct.unpack("d", self._memory[:8])[0]
        return time.monotonic() - last


class MortalLock:
    """A lock between processes that the system releases when its holder dies (Linux, see `USABLE`).

    Each process locks the same nameless file through an opening of its own, so that nobody else keeps it open.
    """

    USABLE = sys.platform == "linux"

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it stays open for as long as the lock exists
        self._own = (0, -1)

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        wait = block and timeout is None
        try:
            fcntl.flock(self._opened(), fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        fcntl.flock(self._opened(), fcntl.LOCK_UN)

    def _opened(self) -> int:
        """This process's own opening of the file."""
        if self._own[0] != os.getpid():
            opened = os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDWR | os.O_CLOEXEC)
            self._own = (os.getpid(), opened)
        return self._own[1]

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
