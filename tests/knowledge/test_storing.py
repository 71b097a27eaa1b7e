import pytest
from django.utils import timezone
from django_q.models import OrmQ

from coordinator.lib.errors import Missing, Stale
from coordinator.lib.refs import Ref
from knowledge.models import Document, Embedding, IndexState, Passage
from knowledge.services import ingesting
from knowledge.services.ingesting import ContentAlreadyStored, KeyTaken
from tests.knowledge.documents import known, remove, revise, store
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.django_db
GUIDE = "# Leases\n\nA lease ends.\n\n# Claims\n\nOne winner."


def test_a_document_is_stored_with_its_passages_its_job_and_its_entry() -> None:
    document = store(GUIDE, mission=Ref(7, "m-7"), task=Ref(9, "t-9"), tags=["b", "a", "b"])
    assert (document.title, document.tags, document.index_state) == ("Leases", ["b", "a"], "pending")
    assert [passage.text for passage in document.passages.order_by("ordinal")] == ["A lease ends.", "One winner."]
    entry = Entry.objects.get()
    assert (entry.kind, entry.stream, entry.subject_key) == ("document.stored", "mission:7", document.document_id)
    assert entry.data["sha256"] == document.sha256
    assert OrmQ.objects.get().task["func"] == "knowledge.jobs.embed_document"


def test_the_same_content_again_is_the_first_document() -> None:
    first = store(GUIDE)
    second, is_new = ingesting.store_document(
        ingesting.Draft(content=GUIDE, title="Another name"), actor=SYSTEM, now=timezone.now()
    )
    assert (second, is_new) == (first, False)
    assert (Document.objects.count(), Entry.objects.count(), OrmQ.objects.count()) == (1, 1, 1)


def test_a_key_that_is_taken_is_refused() -> None:
    store("one", document_id="adr-1")
    with pytest.raises(KeyTaken):
        store("two", document_id="adr-1")
    assert Document.objects.count() == 1


def test_a_change_of_the_text_keeps_the_vectors_of_what_reads_the_same() -> None:
    document = known(GUIDE)
    claims = Passage.objects.get(text="One winner.")
    changed = revise(document, content="# Leases\n\nA lease is renewed.\n\n# More\n\nNew.\n\n# Claims\n\nOne winner.")
    kept = Passage.objects.get(text="One winner.")
    assert (kept.pk, kept.ordinal, kept.embeddings.count()) == (claims.pk, 2, 1)
    assert (changed.index_state, changed.version) == (IndexState.PENDING, 2)
    assert Embedding.objects.count() == 1
    entry = Entry.objects.get(kind="document.revised")
    assert entry.data["changed"] == ["content", "sha256"]


def test_a_change_that_search_does_not_read_leaves_the_passages_alone() -> None:
    document = known(GUIDE)
    changed = revise(document, tags=["x"], metadata={"a": 1}, mission=Ref(3, "m-3"))
    assert (changed.index_state, changed.mission) == (IndexState.READY, Ref(3, "m-3"))
    assert Embedding.objects.count() == 2


def test_a_change_that_changes_nothing_leaves_no_trace() -> None:
    document = store(GUIDE, title="T")
    assert revise(document, title="T", content=GUIDE).version == 1
    assert Entry.objects.count() == 1


def test_a_title_taken_away_is_read_from_the_content_again() -> None:
    assert revise(store(GUIDE, title="T"), title="").title == "Leases"


def test_a_change_made_from_an_old_version_is_refused() -> None:
    document = revise(store(GUIDE), tags=["x"])
    with pytest.raises(Stale):
        ingesting.revise_document(document, {"tags": []}, expected=1, actor=SYSTEM, now=timezone.now())
    assert Document.objects.get().tags == ["x"]


def test_two_documents_cannot_come_to_say_the_same() -> None:
    store("one")
    second = store("two")
    with pytest.raises(ContentAlreadyStored):
        revise(second, content="one")
    assert Document.objects.get(pk=second.pk).content == "two"


def test_a_removed_document_leaves_its_name_and_not_its_text() -> None:
    document = known(GUIDE)
    remove(document)
    document.refresh_from_db()
    assert (document.content, document.is_removed, document.title) == ("", True, "Leases")
    assert (Passage.objects.count(), Embedding.objects.count()) == (0, 0)
    assert Entry.objects.filter(kind="document.removed").count() == 1
    with pytest.raises(Missing):
        remove(document)


def test_removed_content_may_be_stored_again() -> None:
    first = store(GUIDE)
    remove(first)
    assert store(GUIDE).pk != first.pk
