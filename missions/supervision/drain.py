"""The drain flag of one `workers` command: once it stands, no slice and no run goes on.

The command makes it before it forks, so that every process under it sees it; elsewhere it is never set.
"""

from missions.supervision.shared import Flag

_flag = Flag()


def ask() -> None:
    """Asks slices and runs to end within about a second."""
    _flag.set()


def clear() -> None:
    _flag.clear()


def asked() -> bool:
    return _flag.is_set()


def wait(seconds: float) -> bool:
    """Rests so long, or until the flag stands; answers whether it does."""
    return _flag.wait(seconds)
