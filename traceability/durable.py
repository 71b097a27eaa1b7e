"""Files that are there whole or not at all, also after a power cut."""

import os
from contextlib import suppress
from pathlib import Path


def write(path: Path, content: bytes, *, private: bool = False, new: bool = False) -> None:
    """Writes the file beside its place, has it reach the disk, then moves it there.

    `private` lets only its owner read it. `new` keeps a file that somebody else made meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if new:
        with suppress(FileExistsError):
            os.link(beside, path)
        beside.unlink()
    else:
        beside.replace(path)
    settle(path.parent)


def settle(directory: Path) -> None:
    """Has the directory's names reach the disk."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
