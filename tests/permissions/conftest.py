"""The world of the permission tests: built once for a module, and each request of a test is taken back."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tests.permissions import world as building
from tests.permissions.world import World


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield building.build(timezone.now())
        transaction.set_rollback(True)
