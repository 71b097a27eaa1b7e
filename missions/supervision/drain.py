"""The drain flag of this node: while it stands, no slice goes on. A file, so that every process of the node sees it."""

from pathlib import Path

from django.conf import settings


def flag() -> Path:
    return Path(settings.COORDINATOR_DATA) / "drain"


def ask() -> None:
    """Asks the slices of this node to end within about a second."""
    flag().parent.mkdir(parents=True, exist_ok=True)
    flag().touch()


def clear() -> None:
    """Lets slices run again; called when the workers start."""
    flag().unlink(missing_ok=True)


def asked() -> bool:
    return flag().exists()
