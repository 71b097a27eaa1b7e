"""The one process of an installation that holds the embedding model, and the socket at which the others ask it."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from coordinator.embedded import LONGEST_SOCKET_PATH
from coordinator.launching.children import Child
from coordinator.launching.ground import CannotStart
from knowledge.embedding import server

NAME = "embedding.sock"


@contextmanager
def door(data: Path) -> Iterator[socket.socket | None]:
    """Listens for as long as this block, at a socket that processes forked meanwhile ask; only their user may.

    None when the settings name a process that runs already. Raises CannotStart. The address is told in the settings
    and not in the environment: an agent's own commands must not inherit it.
    """
    if settings.KNOWLEDGE_EMBEDDING_SOCKET:
        yield None
        return
    with ExitStack() as held:
        path = _short(data, held) / NAME
        try:
            listener = held.enter_context(server.listen(path))
        except OSError as problem:
            raise CannotStart(
                f"There can be no socket at {path} ({problem.strerror}): name another directory in COORDINATOR_DATA."
            ) from problem
        held.callback(path.unlink, missing_ok=True)
        settings.KNOWLEDGE_EMBEDDING_SOCKET = str(path)
        yield listener


def children(door: socket.socket | None) -> list[Child]:
    """The process behind that door; none when there is no door of ours."""
    named = settings.KNOWLEDGE_EMBEDDING_MODEL_PATH
    model = Path(named) if named else None
    return [Child("embedding", partial(server.serve, door, model))] if door else []


def _short(data: Path, held: ExitStack) -> Path:
    """The data directory, or one of our own in the system's temporary directory when that is too deep for a socket."""
    if len(os.fsencode(data / NAME)) <= LONGEST_SOCKET_PATH:
        return data
    return Path(held.enter_context(TemporaryDirectory(prefix="coordinator-")))
