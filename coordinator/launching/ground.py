"""What an installation stands on: its data directory, its database and its port. Each fault is one sentence."""

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from coordinator import embedded
from coordinator.embedded import EmbeddedProblem

OLDEST_SERVER = 150000
OLDEST_NAME = "15"


class CannotStart(RuntimeError):
    """The installation cannot start; the text says what to do."""


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Holds the data directory for this process. Raises CannotStart when another `up` has it."""
    _make(data)
    with (data / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            raise CannotStart(
                f"Another `manage.py up` runs with {data}: stop it, or name another directory in COORDINATOR_DATA."
            ) from held
        yield


def _make(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / "static").mkdir(exist_ok=True)
        (data / "up.lock").touch(mode=0o600)
    except OSError as problem:
        raise CannotStart(
            f"{data} cannot be written ({problem.strerror}): name another directory in COORDINATOR_DATA."
        ) from problem


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, to be handed to the web processes. Raises CannotStart when the port is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((host, port))
    except (OSError, OverflowError) as problem:
        held.close()
        raise CannotStart(_about_port(host, port, problem)) from problem
    held.listen(512)
    return held


def _about_port(host: str, port: int, problem: Exception) -> str:
    if isinstance(problem, PermissionError):
        return f"Port {port} needs more rights than this user has: choose one above 1023, for instance PORT=8000."
    if isinstance(problem, OverflowError) or not isinstance(problem, OSError):
        return f"There is no port {port}: PORT takes 0 to 65535."
    if isinstance(problem, socket.gaierror):
        return f"There is no address {host!r} here: HOST takes an address of this machine, such as 127.0.0.1."
    return f"Port {port} of {host} is in use ({problem.strerror}): stop what uses it, or choose another with PORT=8001."


def start_bundled(data: Path) -> embedded.Server:
    """The bundled server, running. Raises CannotStart."""
    if not embedded.is_supported():
        raise CannotStart("The bundled PostgreSQL runs on Linux and macOS: name a server of yours in DATABASE_URL.")
    server = embedded.Server(data)
    try:
        server.start()
    except EmbeddedProblem as problem:
        raise CannotStart(str(problem)) from problem
    return server


def check_outside(url: str) -> str:
    """The version of an outside server. Raises CannotStart when it is away, too old or has no pgvector."""
    shown = urlsplit(url).hostname or "its socket"
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as held:
            number = held.info.server_version
            known = held.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    except psycopg.Error as problem:
        said = (str(problem).strip().splitlines() or ["no reason given"])[-1].strip()
        raise CannotStart(
            f"The database at {shown} does not let us in ({said}): start it, or correct DATABASE_URL."
        ) from problem
    version = f"{number // 10000}.{number % 10000}"
    if number < OLDEST_SERVER:
        raise CannotStart(f"The database at {shown} is PostgreSQL {version}: use {OLDEST_NAME} or later.")
    if known is None:
        raise CannotStart(
            f"The server at {shown} has no pgvector: install it there (Debian: postgresql-{number // 10000}-pgvector)."
        )
    return version
