"""Rows that are really committed, for what runs in other threads; history cannot be truncated, so it stays."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.models import ApiToken, FailedSignIn, RememberedAnswer, User
from tests.factories import person


@pytest.fixture
def committed(django_db_setup: Any, django_db_blocker: Any) -> Iterator[User]:
    """A committed operator with a name of its own, removed afterwards with all it has."""
    with django_db_blocker.unblock():
        user = person(email=f"{uuid.uuid4().hex}@example.org")
        yield user
        RememberedAnswer.objects.filter(owner=user).delete()
        ApiToken.objects.filter(user=user).delete()
        FailedSignIn.objects.filter(email=user.email).delete()
        User.objects.filter(pk=user.pk).delete()
        connection.close()
