from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from knowledge import jobs, search
from knowledge.checks import check_embedder
from knowledge.models import Document, Embedding, EmbeddingSpace, IndexState, LexemeStat, Passage
from knowledge.search import Mode
from knowledge.services import indexing
from tests.knowledge.documents import known, revise, store
from tests.knowledge.embedding_server import DIMENSIONS, EmbeddingServer, running

pytestmark = pytest.mark.django_db
GUIDE = "# Leases\n\nA lease ends.\n\n# Claims\n\nOne winner."


@pytest.fixture
def server(settings: Settings) -> Iterator[EmbeddingServer]:
    with running() as started:
        settings.KNOWLEDGE_EMBEDDING_PROVIDER = "openai"
        settings.KNOWLEDGE_EMBEDDING_URL = started.url
        settings.KNOWLEDGE_EMBEDDING_MODEL = "tiny"
        settings.KNOWLEDGE_EMBEDDING_DIMENSIONS = DIMENSIONS
        yield started


def index_names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%%USING hnsw%%' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


def test_the_job_gives_each_passage_one_vector_however_often_it_runs() -> None:
    document = store(GUIDE)
    assert [jobs.embed_document(document.pk) for _ in range(3)] == ["ready"] * 3
    assert (Embedding.objects.count(), Document.objects.get().index_state) == (2, IndexState.READY)


def test_the_first_space_is_active_and_has_an_index_of_its_own() -> None:
    known(GUIDE)
    space = EmbeddingSpace.objects.get()
    assert (space.state, space.dimensions) == ("active", 384)
    assert index_names() == [space.index_name]


def test_a_document_that_is_gone_needs_no_vectors() -> None:
    assert jobs.embed_document(10**9) is None


def test_a_passage_said_elsewhere_is_not_embedded_twice(server: EmbeddingServer) -> None:
    known("# Shared\n\nThe same words.\n\n# A\n\nOnly here.", title="T")
    known("# Shared\n\nThe same words.\n\n# B\n\nOnly there.", title="T")
    assert [len(request["input"]) for request in server.requests] == [2, 1]
    assert Embedding.objects.count() == 4


def test_a_provider_that_is_away_leaves_the_document_to_the_sweep(server: EmbeddingServer) -> None:
    server.answer = (503, b"")
    document = known(GUIDE)
    assert document.index_state == IndexState.FAILED
    server.answer = None
    assert jobs.embed_waiting() == 0
    Document.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    assert jobs.embed_waiting() == 1
    assert Document.objects.get().index_state == IndexState.READY


def test_without_a_provider_a_document_is_ready_by_its_words(settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_PROVIDER = "none"
    assert known(GUIDE).index_state == IndexState.READY
    assert Embedding.objects.count() == 0


def test_a_document_revised_while_it_is_embedded_is_not_called_ready() -> None:
    document = store(GUIDE)
    for space in indexing.living_spaces(now=timezone.now()):
        indexing.embed_passages(document, space)
    revise(document, content=GUIDE + "\n\n# More\n\nMore.")
    assert indexing._settled(document, list(EmbeddingSpace.objects.all())) is None
    assert Document.objects.get().index_state == IndexState.PENDING
    assert jobs.embed_document(document.pk) == "ready"


@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_embedder_is_made_by_the_command_and_searches_never_stop(settings: Settings) -> None:
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


def test_reindexing_again_embeds_everything_anew(server: EmbeddingServer) -> None:
    known(GUIDE)
    call_command("knowledge_reindex", stdout=StringIO())
    call_command("knowledge_reindex", again=True, stdout=StringIO())
    assert [len(request["input"]) for request in server.requests] == [2, 2]


def test_reindexing_without_an_answer_says_so_and_changes_nothing(server: EmbeddingServer) -> None:
    known(GUIDE)
    server.answer = (500, b"")
    with pytest.raises(CommandError, match="was changed"):
        call_command("knowledge_reindex", again=True, stdout=StringIO())
    assert EmbeddingSpace.objects.get().state == "active"


def test_words_are_counted_when_the_passages_have_grown() -> None:
    known("# A\n\nleases\n\n# B\n\nlease and claim", title="T")
    counted = dict(LexemeStat.objects.values_list("lexeme", "passages"))
    assert (counted["leas"], counted["claim"], counted[""]) == (2, 1, 2)
    assert not indexing.lexemes_are_old()
    Passage.objects.filter(text="leases").delete()
    assert indexing.lexemes_are_old()


@pytest.mark.parametrize(
    ("provider", "said"),
    [("minilm", ""), ("none", ""), ("openai", "KNOWLEDGE_EMBEDDING_URL is empty"), ("magic", "must be one of")],
)
def test_the_system_check_says_why_search_by_meaning_is_off(settings: Settings, provider: str, said: str) -> None:
    settings.KNOWLEDGE_EMBEDDING_PROVIDER = provider
    warnings = check_embedder(None)
    assert len(warnings) == bool(said)
    assert all(said in warning.msg for warning in warnings)


def test_the_system_check_misses_an_absent_model(settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_MODEL_PATH = "/nowhere/model.onnx"
    assert "no embedding model" in check_embedder(None)[0].msg
    assert known(GUIDE).index_state == IndexState.FAILED
