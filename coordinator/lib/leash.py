"""No process outlives its parent: the kernel ends it (Linux; elsewhere the supervisor's last sweep does)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Asks the kernel to kill this process when its parent ends; one whose parent is gone already ends now.

    Called in a fresh child, and takes no lock.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1 and os.getpid() != 1:
        os._exit(1)


def take_name(name: str) -> None:
    """The name (15 bytes) that `ps -o comm` and `top` show for this process."""
    if _libc is not None:
        _libc.prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def hold_all_children() -> None:
    """Puts every child that this process forks, and their children, on the leash."""
    os.register_at_fork(after_in_child=die_with_parent)
