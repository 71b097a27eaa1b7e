"""A bundled PostgreSQL of the benchmark's own, as `up` runs it, with a migrated database, thrown away afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command

from coordinator import embedded

Figure = tuple[str, float, str]
"""What was measured, its value, its unit."""


@contextmanager
def migrated() -> Iterator[str]:
    """The address of the database; Django is set up on it in this process."""
    data = Path(tempfile.mkdtemp(prefix="coordinator-bench-"))
    os.environ.update(COORDINATOR_DATA=str(data), DJANGO_SETTINGS_MODULE="coordinator.settings", SECRET_KEY="benchmark")
    os.environ.pop("DATABASE_URL", None)
    server = embedded.Server(data)
    server.start()
    try:
        django.setup()
        call_command("migrate", verbosity=0)
        yield embedded.url(data)
    finally:
        server.stop()
        shutil.rmtree(data, ignore_errors=True)
