"""Finds passages by meaning, by words, or by both; a reader, it changes nothing.

Two lists are made, each of the best passage of every document: one by rare words, one by nearness of meaning. Hybrid
adds up 1 / (5 + place) over both lists, meaning weighing 1.5 times as much. Ranks and not scores are added, so that
it stays right when another embedder comes.
"""

import json
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import connection, transaction

from coordinator.lib.refs import Ref
from knowledge import ranking
from knowledge.embedding import choosing
from knowledge.embedding.base import EmbedderUnavailable, Vector
from knowledge.models import Document, DocumentQuerySet, EmbeddingSpace

MOST_LEXEMES = 12
RARE = 0.03
ALL_WORDS_BELOW = 20_000
"""Passages below which common words are candidates too; above it only rare ones are, for speed."""
EXACT_UP_TO = 10_000
"""Vectors that are compared one by one. HNSW would lose answers under a filter, and gains little below this."""
DEPTH = 100


class Mode(StrEnum):
    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which documents are searched: all that fit every field that is given."""

    mission: Ref | None = None
    task: Ref | None = None
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    def documents(self) -> DocumentQuerySet | None:
        """The documents that fit, or None when every one does."""
        found = Document.objects.active()
        if self == Filter():
            return None
        if self.mission:
            found = found.filter(mission_id=self.mission.id)
        if self.task:
            found = found.filter(task_id=self.task.id)
        if self.kinds:
            found = found.filter(kind__in=self.kinds)
        return found.tagged(*self.tags).matching(self.metadata)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A document with its best passage. `highlights` are parts of the passage, matched words between `**`."""

    document: Document
    ordinal: int
    heading_path: str
    text: str
    score: float
    highlights: list[str]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The hits, best first. `degraded` means that the half by meaning is missing: its embedder does not answer."""

    hits: list[Hit]
    mode: Mode
    degraded: bool


@dataclass(frozen=True)
class Survey:
    """What has to be known before ranking: the query's stems with their frequency, and how much is searched."""

    frequencies: dict[str, int]
    passages: int
    vectors: int

    def idf(self, lexeme: str) -> float:
        """How much a stem tells: BM25's inverse document frequency."""
        found = min(self.frequencies[lexeme], self.passages)
        return math.log(1 + (self.passages - found + 0.5) / (found + 0.5))

    def terms(self) -> list[str]:
        """The query's rarest stems."""
        return sorted(self.frequencies, key=lambda lexeme: (self.frequencies[lexeme], lexeme))[:MOST_LEXEMES]

    def candidates(self) -> list[str]:
        """The stems of which a passage must have one to be looked at."""
        rare = [lexeme for lexeme in self.terms() if self.frequencies[lexeme] < RARE * self.passages]
        return rare if rare and self.passages >= ALL_WORDS_BELOW else self.terms()


def answer(query: str, *, limit: int = 10, narrowed: Filter | None = None, mode: Mode = Mode.HYBRID) -> Answer:
    """The best `limit` documents for the query, each with its best passage."""
    space = EmbeddingSpace.objects.active() if mode != Mode.TEXT else None
    vector, degraded = _meaning(query, space) if mode != Mode.TEXT else (None, False)
    documents = (narrowed or Filter()).documents()
    told = Mode.TEXT if degraded and mode == Mode.SEMANTIC else mode
    depth = max(DEPTH, 3 * limit)
    with transaction.atomic():
        survey = _survey(query, documents, space if vector else None, depth)
        question = ranking.Question(
            terms={} if told == Mode.SEMANTIC else {lexeme: survey.idf(lexeme) for lexeme in survey.terms()},
            candidates=survey.candidates(),
            vector=vector,
            space=space,
            is_exact=survey.vectors <= EXACT_UP_TO,
            documents=documents,
            depth=depth,
            limit=limit,
        )
        rows = ranking.rank(question)
    return Answer(hits=_hits(rows), mode=mode, degraded=degraded)


def _meaning(query: str, space: EmbeddingSpace | None) -> tuple[Vector | None, bool]:
    """The query's vector, and whether it is missing for want of an embedder. No space: nothing is embedded yet."""
    if space is None:
        return None, choosing.wanted().identity.dimensions == 0
    try:
        return choosing.serving(space.identity).embed_query(query), False
    except EmbedderUnavailable:
        return None, True


def _survey(query: str, documents: DocumentQuerySet | None, space: EmbeddingSpace | None, depth: int) -> Survey:
    statement, values = ranking.survey(query, documents, space, most=EXACT_UP_TO + 1, depth=depth)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        stems, passages, vectors, *_ = cursor.fetchone()
    return Survey(dict(json.loads(stems or "[]")), max(passages or 0, 1), vectors)


def _hits(rows: list[ranking.Row]) -> list[Hit]:
    documents = Document.objects.active().without_content().in_bulk([row.document_id for row in rows])
    return [
        Hit(
            document=documents[row.document_id],
            ordinal=row.ordinal,
            heading_path=row.heading_path,
            text=row.text,
            score=round(row.score, 6),
            highlights=row.highlights,
        )
        for row in rows
        if row.document_id in documents
    ]
