from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.knowledge.embedding_server import DIMENSIONS, EmbeddingServer, running


@pytest.fixture
def server(settings: Settings) -> Iterator[EmbeddingServer]:
    with running() as started:
        settings.KNOWLEDGE_EMBEDDING_PROVIDER = "openai"
        settings.KNOWLEDGE_EMBEDDING_URL = started.url
        settings.KNOWLEDGE_EMBEDDING_MODEL = "tiny"
        settings.KNOWLEDGE_EMBEDDING_DIMENSIONS = DIMENSIONS
        yield started
