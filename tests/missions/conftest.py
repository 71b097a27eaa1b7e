"""After every test: each mission that it touched, rebuilt from its trace, equals its rows."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from missions import replay
from missions.models import Mission
from tests.factories import client_of, person


@pytest.fixture(autouse=True)
def replay_equals_rows(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """Whatever a test does to a mission, its trace tells all of it; `tampered` says that a test goes around it."""
    for database in ("committed_db", "db"):
        if database in request.fixturenames:
            request.getfixturevalue(database)
            break
    else:
        yield
        return
    yield
    if "tampered" not in request.fixturenames:
        with django_db_blocker.unblock():
            for mission in Mission.objects.order_by("pk"):
                assert replay.replay(mission)["differences"] == [], mission


@pytest.fixture
def tampered() -> None:
    """For tests that store rows behind the services' back."""


@pytest.fixture
def operator(db: None) -> APIClient:
    """A client of a person who plans, works and reviews."""
    return client_of(person("operator"))
