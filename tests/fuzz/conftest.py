"""A world to be hostile to, and an eye on every table."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from rest_framework.test import APIClient

from tests.factories import client_with
from tests.permissions.conftest import world
from tests.permissions.world import World

__all__ = ["world"]

Counts = dict[str, int]


@pytest.fixture(scope="module")
def admin(world: World) -> APIClient:
    """A client that may do everything."""
    token = world.tokens["admin"]
    assert token is not None
    return client_with(token)


def counts() -> Counts:
    """How many rows each table has."""
    tables = sorted(model._meta.db_table for model in apps.get_models())
    counted = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(counted)
        return dict(cursor.fetchall())


def tried(call: Callable[[], Any]) -> tuple[Any, bool]:
    """The answer to a call, and whether it stored a row; whatever it changed is taken back."""
    before = counts()
    with transaction.atomic():
        answer = call()
        stored = counts() != before
        transaction.set_rollback(True)
    return answer, stored
