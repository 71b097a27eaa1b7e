"""A bundled PostgreSQL of its own that may be killed at any time, and databases in it that this process works on."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections

from coordinator import embedded, environment
from coordinator.embedded import Server
from traceability import hints

PLACE = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
"""What of a database's settings says where it is."""


class Ground:
    """The server, with one migrated database that is copied for each use. `options` are added to its settings."""

    def __init__(self, home: Path, **options: str) -> None:
        self.server = Server(home, settings=options)
        self.numbers = itertools.count(1)
        self.server.start()
        address = {"DATABASE_URL": embedded.url(home), "COORDINATOR_DATA": str(home)}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "coordinator.settings", **address},
            check=True,
        )

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh database, which this process uses meanwhile; gives its address."""
        name = f"{embedded.DATABASE}_{next(self.numbers)}"
        with psycopg.connect(embedded.url(self.server.data, "postgres"), autocommit=True) as held:
            held.execute(f'CREATE DATABASE "{name}" TEMPLATE "{embedded.DATABASE}"')
        address = embedded.url(self.server.data, name)
        before = {each: connection.settings_dict[each] for each in PLACE}
        fresh = environment.database(address)
        _use({each: fresh[each] for each in PLACE})
        try:
            yield address
        finally:
            _use(before)
            with psycopg.connect(embedded.url(self.server.data, "postgres"), autocommit=True) as held:
                held.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def restart_hard(self) -> None:
        """Ends every process of the server at once, as a power cut does, and starts it again."""
        postmaster = psutil.Process(int((self.server.files / "postmaster.pid").read_text().split()[0]))
        processes = [postmaster, *postmaster.children(recursive=True)]
        for each in processes:
            each.kill()
        psutil.wait_procs(processes, timeout=10)
        self.server.start()
        connection.close()


@contextmanager
def grounds(**options: str) -> Iterator[Ground]:
    """A ground in a directory that goes with it."""
    home = Path(tempfile.mkdtemp(prefix="coordinator-faults-"))
    try:
        yield Ground(home, **options)
    finally:
        Server(home).stop()
        shutil.rmtree(home, ignore_errors=True)


def _use(place: dict[str, str]) -> None:
    """Turns this process to another database; what it held of the one before is given up."""
    connections.close_all()
    hints.forget()
    cache.clear()
    connection.settings_dict.update(place)
