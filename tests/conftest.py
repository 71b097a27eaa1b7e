"""One PostgreSQL for the whole run, bundled, its own, thrown away afterwards; each worker has a database in it.

`TEST_DATABASE_URL` names another server instead (its user may create databases and the extension `vector`).
"""

import itertools
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
import pytest_django
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django.test.utils import setup_databases
from hypothesis import HealthCheck

from coordinator import embedded
from tests import replayed, serving
from traceability import hints

SPEED = {"fsync": "off", "full_page_writes": "off", "max_connections": "300", "max_wal_size": "4GB"}
"""Nothing here outlives the run, so nothing has to reach the disk."""


hypothesis.settings.register_profile(
    "ours",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ours")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "breaks_history: stores rows of missions, or entries, past the services")
    if not hasattr(config, "workerinput") and "TEST_DATABASE_URL" not in os.environ:
        server = embedded.Server(Path(os.environ["COORDINATOR_TEST_DATA"]), settings=SPEED)
        server.start()
        config.stash[SERVER] = server


def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(SERVER, None):
        server.stop()
        shutil.rmtree(server.data, ignore_errors=True)


SERVER = pytest.StashKey[embedded.Server]()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    django_db_modify_db_settings: None,
) -> None:
    """The migrated database, also when no test of the run uses it but by its copies; it goes with its server."""
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False, keepdb=True, aliases={"default": None})


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[str]:
    """A database of this test alone, where commits are real: for threads, other processes and deferred triggers.

    It is a copy of the migrated one and is dropped afterwards: history cannot be truncated. Gives its address as a
    `DATABASE_URL` for processes of the product.
    """
    with django_db_blocker.unblock(), copied() as address:
        yield address


@pytest.fixture(autouse=True)
def replay_equals_rows(
    request: pytest.FixtureRequest, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """Whatever a test does to a mission, its trace tells all of it; the mark `breaks_history` says: not this one."""
    database = replayed.database_of(request)
    if database:
        request.getfixturevalue(database)
    yield
    if database and request.node.get_closest_marker("breaks_history") is None:
        with django_db_blocker.unblock():
            replayed.check()


@pytest.fixture(autouse=True)
def own_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases of one run are copies of one installation: none is compared with the checkpoints of another."""
    directory = Path(settings.COORDINATOR_DATA) / "checkpoints" / uuid.uuid4().hex
    monkeypatch.setattr(settings, "CHECKPOINT_DIR", directory)
    monkeypatch.setenv("CHECKPOINT_DIR", str(directory))


@pytest.fixture
def served(committed_db: str) -> Iterator[str]:
    """The address of a web process that serves this test's own database."""
    with serving.serve(committed_db) as address:
        yield address


@contextmanager
def copied() -> Iterator[str]:
    """A copy of the migrated database, which this process uses meanwhile; gives its address."""
    template = connection.settings_dict["NAME"]
    name = f"{template}_{next(COPIES)}"
    _rest()
    with _maintenance() as held:
        held.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [template])
        held.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    connection.settings_dict["NAME"] = name
    try:
        yield address_of(name)
    finally:
        _rest()
        connection.settings_dict["NAME"] = template
        with _maintenance() as held:
            held.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


COPIES = itertools.count(1)


def address_of(name: str) -> str:
    """The `DATABASE_URL` of a database of this run's server."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        return urlsplit(given)._replace(path=f"/{name}").geturl()
    return embedded.url(Path(settings.COORDINATOR_DATA), name)


def _maintenance() -> psycopg.Connection:
    return psycopg.connect(address_of("postgres"), autocommit=True)


def _rest() -> None:
    """Ends this process's connections to the present database."""
    connections.close_all()
    hints.forget()
    cache.clear()
