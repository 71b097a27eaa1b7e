from collections.abc import Iterator

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.factories import client_of, person
from tests.github import server
from tests.github.server import REPOSITORY, TOKEN, Hub

SECRET = "It's a Secret to Everybody"


@pytest.fixture
def hub(settings: Settings) -> Iterator[Hub]:
    """A GitHub on this machine that the settings point at."""
    with server.serve() as found:
        settings.GITHUB_API_URL = found.url
        settings.GITHUB_TOKEN, settings.GITHUB_REPOSITORY = TOKEN, REPOSITORY
        settings.GITHUB_WEBHOOK_SECRET = SECRET
        yield found


@pytest.fixture
def operator(db: None) -> APIClient:
    return client_of(person("operator"))
