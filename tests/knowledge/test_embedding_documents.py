from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import Settings

from knowledge import jobs
from knowledge.checks import check_embedder
from knowledge.models import Document, Embedding, EmbeddingSpace, IndexState, LexemeStat, Passage
from knowledge.services import indexing
from tests.knowledge.documents import index_names, known, revise, store
from tests.knowledge.embedding_server import EmbeddingServer

pytestmark = pytest.mark.django_db
GUIDE = "# Leases\n\nA lease ends.\n\n# Claims\n\nOne winner."


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
    assert indexing._settled(document, list(EmbeddingSpace.objects.all())) == IndexState.PENDING
    assert Document.objects.get().index_state == IndexState.PENDING
    assert jobs.embed_document(document.pk) == "ready"


def test_a_long_document_takes_turns_with_the_other_jobs(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "TURN", 2)
    document = store("\n\n".join(f"# Part {number}\n\nText {number}." for number in range(5)))
    states = [jobs.embed_document(document.pk) for _ in range(3)]
    assert (states, OrmQ.objects.count()) == (["pending", "pending", "ready"], 3)
    assert [len(request["input"]) for request in server.requests] == [2, 2, 1]


def test_the_sweep_ends_at_the_first_failure_and_takes_what_never_failed_first(server: EmbeddingServer) -> None:
    server.answer = (503, b"")
    known("It failed before.")
    waiting = store("Its worker died.")
    Document.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    server.requests.clear()
    assert jobs.embed_waiting() == 1
    assert [request["input"] for request in server.requests] == [[f"{waiting.title}\n{waiting.content}"]]
    server.answer = None
    assert jobs.embed_waiting() == 2
    assert not Document.objects.unindexed().exists()


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
