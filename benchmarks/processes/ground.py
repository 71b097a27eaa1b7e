"""A bundled PostgreSQL of the benchmark's own; in it each part has a copy of the database that was filled."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from coordinator import embedded

FILLED = embedded.DATABASE


class Figure(NamedTuple):
    """What was measured, its value, its unit, and what was asked (empty: nothing)."""

    what: str
    value: float
    unit: str
    asked: str = ""

    def __str__(self) -> str:
        return f"{self.what:<76} {self.asked:>12} {self.value:>11,.2f} {self.unit}"


@contextmanager
def server() -> Iterator[Path]:
    """The data directory of a server that runs as `up` runs it, and is thrown away afterwards."""
    data = Path(tempfile.mkdtemp(prefix="coordinator-bench-"))
    os.environ.update(COORDINATOR_DATA=str(data), DJANGO_SETTINGS_MODULE="coordinator.settings", SECRET_KEY="benchmark")
    running = embedded.Server(data)
    running.start()
    try:
        yield data
    finally:
        running.stop()
        shutil.rmtree(data, ignore_errors=True)


@contextmanager
def copied(data: Path, name: str) -> Iterator[str]:
    """The address of a copy of the filled database."""
    with psycopg.connect(embedded.url(data, "postgres"), autocommit=True) as held:
        held.execute(f'CREATE DATABASE "{name}" TEMPLATE "{FILLED}"')
        try:
            yield embedded.url(data, name)
        finally:
            held.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
