"""What these tests stand on: one server for all of them, which they may kill, and a site on a fresh database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests.faults.hosting.ground import Ground, grounds
from tests.faults.hosting.site import Site, sited


@pytest.fixture(scope="session")
def ground(django_test_environment: None) -> Iterator[Ground]:
    """Kills end processes, not the machine: what was written is there, flushed or not."""
    with grounds(fsync="off") as made:
        yield made


@pytest.fixture
def site(ground: Ground, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    with django_db_blocker.unblock(), sited(ground, tmp_path) as made:
        yield made
