"""A server of its own for the steps of one worker: they share it, as clients do."""

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.conftest import copied
from tests.contract.client import Client
from tests.factories import person, token_of
from tests.serving import serve


@pytest.fixture(scope="module")
def api(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Client]:
    """A client with an admin's token, of a web process that serves a database of its own."""
    with django_db_blocker.unblock(), copied() as address:
        token = token_of(person("admin"))
        connection.close()
        with serve(address) as base:
            yield Client(base, token)
