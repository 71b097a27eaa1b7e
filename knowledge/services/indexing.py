"""Vectors for passages, and the spaces that they live in. Called by jobs and commands; safe to run twice.

No text is embedded inside a transaction: a slow provider must not hold a lock.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django_q.tasks import async_task

from knowledge.embedding import choosing
from knowledge.embedding.base import Embedder, EmbedderUnavailable, Vector
from knowledge.events import SpaceActivated
from knowledge.models import Document, Embedding, EmbeddingSpace, IndexState, LexemeStat, Passage, SpaceState
from traceability import ledger
from traceability.events import SYSTEM, Actor

log = logging.getLogger(__name__)
EMBED = "knowledge.jobs.embed_document"
BATCH = 32
"""Passages embedded between two commits: a job that dies loses at most this many vectors."""
TURN = 64
"""Passages that one job embeds: some 4 s of a core. A longer document queues up again behind the other jobs."""
SPACES_LOCK = 0x6B6E6F77
COPY_KNOWN = """
INSERT INTO knowledge_embedding (space_id, passage_id, vector)
SELECT %(space)s, wanted.id, known.vector
FROM knowledge_passage wanted
CROSS JOIN LATERAL (
    SELECT embedding.vector FROM knowledge_passage twin
    JOIN knowledge_embedding embedding ON embedding.passage_id = twin.id AND embedding.space_id = %(space)s
    WHERE twin.text_sha256 = wanted.text_sha256 LIMIT 1
) known
WHERE wanted.document_id = %(document)s
FOR KEY SHARE OF wanted
ON CONFLICT DO NOTHING
"""
COUNT_LEXEMES = """
INSERT INTO knowledge_lexemestat (lexeme, passages)
SELECT word, ndoc FROM ts_stat('SELECT tsv FROM knowledge_passage')
UNION ALL SELECT '', count(*) FROM knowledge_passage
"""


def prepare_space(embedder: Embedder, *, now: datetime) -> EmbeddingSpace:
    """The embedder's space with its index. The first space of an installation, and one that replaces a space without
    a single vector, is active at once; any other waits for `activate_space`.
    """
    if known := EmbeddingSpace.objects.of(embedder.identity):
        return known
    with ledger.writing():
        _lock_spaces()
        space, created = EmbeddingSpace.objects.get_or_create(
            provider=embedder.identity.provider,
            model=embedder.identity.model,
            dimensions=embedder.identity.dimensions,
            defaults={"created_at": now},
        )
        if created:
            _create_index(space)
        active = EmbeddingSpace.objects.active()
        if active is None or not active.embeddings.exists():
            activate_space(space, actor=SYSTEM, now=now)
    return space


def activate_space(space: EmbeddingSpace, *, actor: Actor, now: datetime) -> None:
    """Searches use this space from now on; the vectors of the one before are dropped."""
    with ledger.writing():
        _lock_spaces()
        if space.state == SpaceState.ACTIVE:
            return
        for old in EmbeddingSpace.objects.filter(state=SpaceState.ACTIVE):
            _retire(old)
        space.state = SpaceState.ACTIVE
        space.save(update_fields=["state"])
        ledger.record(
            SpaceActivated(provider=space.provider, model=space.model, dimensions=space.dimensions),
            actor=actor,
            at=now,
        )


def embed_document(document_id: int, *, now: datetime) -> IndexState | None:
    """Gives the document's passages their vectors in every living space; the document's new index state.

    None when the document is gone; `pending` when passages are left, and then another job is queued for them. A
    provider that does not answer leaves the document `failed`.
    """
    document = _standing(document_id)
    if document is None:
        return None
    try:
        spaces = living_spaces(now=now)
        for space in spaces:
            embed_passages(document, space, most=TURN)
    except EmbedderUnavailable as away:
        log.warning("Document %s is not embedded: %s", document.key, away)
        return _failed(document)
    return _settled(document, spaces)


def fill(document_id: int, space: EmbeddingSpace) -> int:
    """Embeds what has no vector in the space yet; the number of passages. Raises EmbedderUnavailable."""
    document = _standing(document_id)
    return embed_passages(document, space) if document else 0


def replace(document_id: int, space: EmbeddingSpace) -> int:
    """Embeds every passage anew, each vector in place of its old one; their number. Raises EmbedderUnavailable."""
    passages = Passage.objects.filter(document__in=Document.objects.active().filter(pk=document_id))
    return sum(_keep(space, vectors) for vectors in _embedded(passages, space, most=None))


def queue_again(document: Document) -> None:
    """Drops the document's vectors and asks for new ones."""
    with transaction.atomic():
        Embedding.objects.filter(passage__document=document).delete()
        Document.objects.active().filter(pk=document.pk).update(index_state=IndexState.PENDING)
        async_task(EMBED, document.pk)


def living_spaces(*, now: datetime) -> list[EmbeddingSpace]:
    """The spaces to fill: the active one and that of the settings; none when the installation wants words alone."""
    wanted = choosing.wanted()
    if wanted.identity.dimensions:
        prepare_space(wanted, now=now)
    return [
        space
        for space in EmbeddingSpace.objects.order_by("pk")
        if space.state == SpaceState.ACTIVE or space.identity == wanted.identity
    ]


def embed_passages(document: Document, space: EmbeddingSpace, *, most: int | None = None) -> int:
    """Embeds up to `most` passages that have no vector; their number. Raises EmbedderUnavailable.

    A text that was embedded before, here or elsewhere, is not embedded again.
    """
    with connection.cursor() as cursor:
        cursor.execute(COPY_KNOWN, {"space": space.pk, "document": document.pk})
    waiting = _without_vector(document, space)
    return sum(_keep(space, vectors) for vectors in _embedded(waiting, space, most=most))


def refresh_lexemes() -> int:
    """Counts in how many passages each word stem stands; the number of stems."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE knowledge_lexemestat IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM knowledge_lexemestat")
        cursor.execute(COUNT_LEXEMES)
        return max(int(cursor.rowcount) - 1, 0)


def lexemes_are_old() -> bool:
    """True when the passages have grown or shrunk by a tenth since the stems were counted."""
    counted = LexemeStat.objects.filter(pk=LexemeStat.ALL).values_list("passages", flat=True).first()
    return counted is None or abs(Passage.objects.count() - counted) * 10 >= max(counted, 1)


def _standing(document_id: int) -> Document | None:
    return Document.objects.active().without_content().filter(pk=document_id).first()


def _embedded(wanted: QuerySet[Passage], space: EmbeddingSpace, *, most: int | None) -> Iterator[dict[int, Vector]]:
    """The vectors of those passages, by the passage's id, some at a time."""
    embedder = choosing.serving(space.identity)
    waiting = iter(list(wanted.order_by("ordinal").values_list("pk", flat=True)[:most]))
    while batch := list(islice(waiting, BATCH)):
        passages = list(Passage.objects.filter(pk__in=batch).order_by("ordinal"))
        vectors = embedder.embed_documents([passage.reading for passage in passages])
        yield dict(zip((passage.pk for passage in passages), vectors, strict=True))


def _keep(space: EmbeddingSpace, vectors: dict[int, Vector]) -> int:
    """Stores the vectors of those passages that still stand."""
    with transaction.atomic():
        standing = Passage.objects.select_for_update(no_key=True).filter(pk__in=vectors).order_by("pk")
        rows = [Embedding(space=space, passage=passage, vector=vectors[passage.pk]) for passage in standing]
        Embedding.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["space", "passage"], update_fields=["vector"]
        )
    return len(rows)


def _settled(document: Document, spaces: list[EmbeddingSpace]) -> IndexState | None:
    """Marks the document ready; when passages are left, or came meanwhile, another job is queued for them."""
    with transaction.atomic():
        held = Document.objects.active().without_content().select_for_update().filter(pk=document.pk).first()
        if held is None:
            return None
        if any(_without_vector(held, space).exists() for space in spaces):
            async_task(EMBED, held.pk)
            return _marked(held, IndexState.PENDING)
        return _marked(held, IndexState.READY)


def _failed(document: Document) -> IndexState:
    return _marked(document, IndexState.FAILED)


def _marked(document: Document, state: IndexState) -> IndexState:
    """The index is no fact about the document: no new version, no entry."""
    Document.objects.active().filter(pk=document.pk).update(index_state=state)
    return state


def _without_vector(document: Document, space: EmbeddingSpace) -> QuerySet[Passage]:
    embedded = Embedding.objects.filter(space=space, passage=OuterRef("pk"))
    return Passage.objects.filter(~Exists(embedded), document=document)


def _lock_spaces() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SPACES_LOCK])


def _create_index(space: EmbeddingSpace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT knowledge_index_space(%s, %s)", [space.pk, space.dimensions])


def _retire(space: EmbeddingSpace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT knowledge_drop_space(%s)", [space.pk])
    space.embeddings.all()._raw_delete(using=connection.alias)
    space.delete()
