"""Rows that are really committed, for what runs in other threads."""

import pytest

from accounts.models import User
from tests.factories import person


@pytest.fixture
def committed(committed_db: str) -> User:
    """An operator whom every connection sees."""
    return person()
