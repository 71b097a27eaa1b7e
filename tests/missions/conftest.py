"""What the tests of missions share."""

import pytest
from rest_framework.test import APIClient

from tests.factories import client_of, person


@pytest.fixture
def operator(db: None) -> APIClient:
    """A client of a person who plans, works and reviews."""
    return client_of(person("operator"))
