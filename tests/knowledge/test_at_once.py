"""Many at the same moment, with real transactions: nothing twice, nothing lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from coordinator.lib.errors import Stale
from knowledge import jobs
from knowledge.models import Document, Embedding, EmbeddingSpace, Passage
from knowledge.services import ingesting
from tests.knowledge.documents import store
from tests.knowledge.embedding_server import EmbeddingServer
from traceability.events import SYSTEM
from traceability.models import Entry

GUIDE = "# Leases\n\nA lease ends.\n\n# Claims\n\nOne winner."
MANY = 8


def at_once(call: Callable[[], Any]) -> list[Any]:
    """Calls it from many threads at the same moment; answers what each gave."""
    barrier = Barrier(MANY)

    def run(_: int) -> Any:
        try:
            barrier.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(run, range(MANY)))


@pytest.fixture(autouse=True)
def real_commits(committed_db: str) -> None:
    """Each test has a database of its own."""


def test_the_same_content_at_the_same_time_is_stored_once() -> None:
    def hand_in() -> tuple[int, bool]:
        draft = ingesting.Draft(content=GUIDE)
        document, is_new = ingesting.store_document(draft, actor=SYSTEM, now=timezone.now())
        return document.pk, is_new

    answers = at_once(hand_in)
    assert len({pk for pk, _ in answers}) == 1
    assert [is_new for _, is_new in answers].count(True) == 1
    assert (Document.objects.count(), Passage.objects.count(), Entry.objects.count()) == (1, 2, 1)


def test_one_version_takes_one_change() -> None:
    document = store(GUIDE)

    def revise() -> bool:
        try:
            changes = {"content": f"{GUIDE} {timezone.now()}"}
            ingesting.revise_document(document, changes, expected=1, actor=SYSTEM, now=timezone.now())
        except Stale:
            return False
        return True

    assert at_once(revise).count(True) == 1
    assert Document.objects.get().version == 2


def test_workers_that_embed_the_first_document_together_make_one_space(server: EmbeddingServer) -> None:
    document = store(GUIDE)
    assert at_once(lambda: jobs.embed_document(document.pk)) == ["ready"] * MANY
    assert (EmbeddingSpace.objects.get().state, Embedding.objects.count()) == ("active", 2)
    assert Entry.objects.filter(kind="document.space_activated").count() == 1


def test_a_document_is_removed_while_its_vectors_are_stored(committed_db: str) -> None:
    document, _ = ingesting.store_document(ingesting.Draft(content=GUIDE), actor=SYSTEM, now=timezone.now())
    space = EmbeddingSpace.objects.create(provider="p", model="m", dimensions=384, created_at=timezone.now())
    passages = list(Passage.objects.filter(document=document))

    def remove() -> None:
        ingesting.remove_document(document, expected=None, actor=SYSTEM, now=timezone.now())
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():  # as a job does
            list(Passage.objects.select_for_update(no_key=True).filter(document=document))
            removed = pool.submit(remove)
            until_somebody_waits(committed_db)
            Embedding.objects.bulk_create(Embedding(space=space, passage=each, vector=[0.0] * 384) for each in passages)
        removed.result(timeout=30)
    assert not Passage.objects.filter(document=document).exists()
    assert not Embedding.objects.exists()


def until_somebody_waits(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as held:
        for _ in range(2000):
            row = held.execute("SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()").fetchone()
            if row is not None:
                return
            held.execute("SELECT pg_sleep(0.01)")
    pytest.fail("Nobody waits.")
