"""A served database, the workers beside it, and the demo as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from coordinator.demo.api import Api
from tests import factories
from tests.faults.crew import Workers

Demo = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def workers(committed_db: str, tmp_path: Path) -> Iterator[Workers]:
    """A `manage.py workers`, so that documents are read and advice is given."""
    running = Workers(tmp_path, {"DATABASE_URL": committed_db, "COORDINATOR_DATA": str(tmp_path), "EXECUTIONS": "1"})
    try:
        yield running
    finally:
        running.end()


@pytest.fixture
def token(committed_db: str) -> str:
    """An admin's."""
    return factories.token_of(factories.person("admin"))


@pytest.fixture
def api(served: str, token: str) -> Iterator[Api]:
    caller = Api(served, token)
    yield caller
    caller.close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Runs `manage.py demo` with these words, knowing no database; its output is one text."""
    begun: list[subprocess.Popen[str]] = []

    def run(*words: str, **environment: str) -> subprocess.Popen[str]:
        nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "COORDINATOR_DATA": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "demo", *words],
            env={**os.environ, **nowhere, "DJANGO_SETTINGS_MODULE": "coordinator.settings", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.communicate()
