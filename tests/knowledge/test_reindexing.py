"""Another embedder, or all vectors anew, while searches go on."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from knowledge import search
from knowledge.models import Embedding, EmbeddingSpace
from knowledge.search import Mode
from tests.knowledge.documents import index_names, known, store
from tests.knowledge.embedding_server import DIMENSIONS, EmbeddingServer, running

GUIDE = "# Leases\n\nA lease ends.\n\n# Claims\n\nOne winner."


def test_a_change_of_the_embedder_is_made_by_the_command_and_searches_never_stop(
    committed_db: str, settings: Settings
) -> None:
    known(GUIDE)
    old = EmbeddingSpace.objects.get()
    with running() as server:
        settings.KNOWLEDGE_EMBEDDING_PROVIDER = "openai"
        settings.KNOWLEDGE_EMBEDDING_URL = server.url
        settings.KNOWLEDGE_EMBEDDING_MODEL = "tiny"
        settings.KNOWLEDGE_EMBEDDING_DIMENSIONS = DIMENSIONS
        known("A new one meanwhile.")
        assert EmbeddingSpace.objects.active() == old
        assert not search.answer("lease", mode=Mode.SEMANTIC).degraded
        told = StringIO()
        call_command("knowledge_reindex", stdout=told)
        assert "2 documents, 2 passages embedded by openai tiny (8)" in told.getvalue()
        space = EmbeddingSpace.objects.get()
        assert (space.state, space.provider, index_names()) == ("active", "openai", [space.index_name])
        answer = search.answer("one winner.", mode=Mode.SEMANTIC)
        assert (answer.degraded, answer.hits[0].text) == (False, "One winner.")


@pytest.mark.django_db
def test_reindexing_again_puts_a_new_vector_in_the_place_of_each(server: EmbeddingServer) -> None:
    known(GUIDE)
    true = list(Embedding.objects.order_by("passage").values_list("vector", flat=True))
    Embedding.objects.update(vector=[1.0] * DIMENSIONS)
    call_command("knowledge_reindex", stdout=StringIO())
    assert len(server.requests) == 1
    call_command("knowledge_reindex", again=True, stdout=StringIO())
    assert [len(request["input"]) for request in server.requests] == [2, 2]
    assert list(Embedding.objects.order_by("passage").values_list("vector", flat=True)) == true


@pytest.mark.django_db
@pytest.mark.parametrize("again", [False, True])
def test_reindexing_without_an_answer_says_so_and_searches_find_what_they_found(
    server: EmbeddingServer, again: bool
) -> None:
    known(GUIDE)
    store("Said since.")
    server.answer = (500, b"")
    with pytest.raises(CommandError, match="go on as before"):
        call_command("knowledge_reindex", again=again, stdout=StringIO())
    assert (EmbeddingSpace.objects.get().state, Embedding.objects.count()) == ("active", 2)
