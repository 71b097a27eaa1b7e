import json
import math
from collections.abc import Iterator

import pytest

from knowledge.embedding import openai
from knowledge.embedding.base import EmbedderUnavailable
from knowledge.embedding.openai import OpenAIEmbedder
from tests.knowledge.embedding_server import DIMENSIONS, EmbeddingServer, running, vector_of


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with running() as started:
        yield started


@pytest.fixture
def embedder(server: EmbeddingServer) -> OpenAIEmbedder:
    return OpenAIEmbedder(url=server.url, model="tiny", dimensions=DIMENSIONS, api_key="sk-test")


def test_vectors_come_back_in_order_and_of_length_one(embedder: OpenAIEmbedder) -> None:
    first, second = embedder.embed_documents(["one two", "three"])
    assert math.isclose(sum(number**2 for number in first), 1)
    expected = vector_of("three")
    assert second.index(max(second)) == expected.index(max(expected))


def test_the_key_and_the_model_are_sent(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    embedder.embed_query("hello")
    assert server.keys == ["Bearer sk-test"]
    assert server.requests == [{"model": "tiny", "input": ["hello"], "encoding_format": "float"}]


def test_many_texts_are_sent_in_batches(server: EmbeddingServer, embedder: OpenAIEmbedder) -> None:
    assert len(embedder.embed_documents([f"text {number}" for number in range(70)])) == 70
    assert [len(request["input"]) for request in server.requests] == [32, 32, 6]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"broken"),
        (200, b"not json"),
        (200, b"[]"),
        (200, json.dumps({"data": []}).encode()),
        (200, json.dumps({"data": [{"index": 0, "embedding": [1, 2]}]}).encode()),
        (200, json.dumps({"data": [{"index": 0, "embedding": [0] * DIMENSIONS}]}).encode()),
        (200, json.dumps({"data": [{"index": 0, "embedding": ["NaN"] * DIMENSIONS}]}).encode()),
        (200, json.dumps({"data": [{"embedding": [1] * DIMENSIONS}]}).encode()),
    ],
)
def test_an_answer_without_good_vectors_is_refused(
    server: EmbeddingServer, embedder: OpenAIEmbedder, status: int, body: bytes
) -> None:
    server.answer = (status, body)
    with pytest.raises(EmbedderUnavailable):
        embedder.embed_documents(["text"])


def test_after_a_failure_queries_do_without_the_server_for_a_while(
    server: EmbeddingServer, embedder: OpenAIEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = (503, b"")
    for _ in range(3):
        with pytest.raises(EmbedderUnavailable):
            embedder.embed_query("text")
    assert len(server.requests) == 1
    monkeypatch.setattr(openai, "REST_AFTER_FAILURE_S", 0.0)
    late = OpenAIEmbedder(url=server.url, model="tiny", dimensions=DIMENSIONS)
    with pytest.raises(EmbedderUnavailable):
        late.embed_query("text")
    server.answer = None
    assert len(late.embed_query("text")) == DIMENSIONS
