"""The SQL of search: one statement that surveys, one that ranks. Measured choices, see docs/decisions."""

from dataclasses import dataclass
from typing import Any

from django.db import connection

from knowledge.embedding.base import Vector
from knowledge.models import DocumentQuerySet, EmbeddingSpace
from knowledge.models.passage import JOINT, TEXT_CONFIG

RANK_CONSTANT = 5
MEANING_WEIGHT = 1.5
EF_SEARCH = 200
START, STOP, GAP = "\ue000", "\ue001", "\ue002"
HEADLINE = f"StartSel={START}, StopSel={STOP}, FragmentDelimiter={GAP}, MaxFragments=3, MaxWords=30, MinWords=8"

SURVEY = """
SELECT
    (SELECT jsonb_agg(jsonb_build_array(stem.lexeme, coalesce(stat.passages, 1)))
     FROM unnest(tsvector_to_array(
        to_tsvector(%(config)s::regconfig, regexp_replace(%(query)s, %(joint)s, ' ', 'g'))
     )) AS stem (lexeme)
     LEFT JOIN knowledge_lexemestat stat ON stat.lexeme = stem.lexeme),
    (SELECT passages FROM knowledge_lexemestat WHERE lexeme = ''),
    {vectors},
    set_config('hnsw.iterative_scan', 'relaxed_order', true),
    set_config('hnsw.ef_search', %(ef_search)s, true)
"""

LEXICAL = """
term AS (
    SELECT * FROM unnest(%(terms)s::text[]::tsquery[], %(weights)s::float8[]) AS term (query, idf)
),
lexical_passage AS (
    SELECT passage.id, passage.document_id,
        (SELECT sum(term.idf * ts_rank(passage.tsv, term.query, 1)) FROM term) AS score
    FROM knowledge_passage passage
    WHERE passage.tsv @@ %(candidates)s::tsquery {fits}
    ORDER BY score DESC, passage.id LIMIT %(depth)s
),
lexical AS (
    SELECT document_id, id AS passage_id, score, row_number() OVER (ORDER BY score DESC, document_id) AS place
    FROM (SELECT DISTINCT ON (document_id) * FROM lexical_passage ORDER BY document_id, score DESC, id) best
)"""

EXACT = """
semantic_passage AS (
    SELECT passage.id, passage.document_id,
        (embedding.vector::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions})) + 0 AS distance
    FROM knowledge_embedding embedding JOIN knowledge_passage passage ON passage.id = embedding.passage_id
    WHERE embedding.space_id = {space} {fits}
    ORDER BY distance, passage.id LIMIT %(depth)s
)"""

APPROXIMATE = """
semantic_passage AS MATERIALIZED (
    SELECT passage.id, passage.document_id,
        embedding.vector::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions}) AS distance
    FROM knowledge_embedding embedding JOIN knowledge_passage passage ON passage.id = embedding.passage_id
    WHERE embedding.space_id = {space} {fits}
    ORDER BY embedding.vector::halfvec({dimensions}) <=> %(vector)s::halfvec({dimensions}) LIMIT %(depth)s
)"""

SEMANTIC = """
semantic AS (
    SELECT document_id, id AS passage_id, 1 - distance AS score,
        row_number() OVER (ORDER BY distance, document_id) AS place
    FROM (SELECT DISTINCT ON (document_id) * FROM semantic_passage ORDER BY document_id, distance, id) best
)"""

FUSED = """
found AS (
    SELECT document_id,
        CASE WHEN lexical.place < semantic.place THEN lexical.passage_id
             ELSE coalesce(semantic.passage_id, lexical.passage_id) END AS passage_id,
        coalesce(1.0::float8 / (%(constant)s + lexical.place), 0)
            + coalesce(%(weight)s::float8 / (%(constant)s + semantic.place), 0) AS score
    FROM lexical FULL JOIN semantic USING (document_id)
    ORDER BY score DESC, document_id LIMIT %(limit)s
)"""

ONE_LIST = """
found AS (SELECT document_id, passage_id, score FROM {name} ORDER BY place LIMIT %(limit)s)"""

SHOWN = """
SELECT found.document_id, passage.ordinal, passage.heading_path, passage.text, found.score,
    ts_headline(%(config)s::regconfig, passage.text, %(headline)s::tsquery, %(options)s)
FROM found JOIN knowledge_passage passage ON passage.id = found.passage_id
ORDER BY found.score DESC, found.document_id"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is ranked. `terms` maps each stem to its weight; a missing vector leaves the half by meaning out."""

    terms: dict[str, float]
    candidates: list[str]
    vector: Vector | None
    space: EmbeddingSpace | None
    is_exact: bool
    documents: DocumentQuerySet | None
    depth: int
    limit: int


@dataclass(frozen=True)
class Row:
    document_id: int
    ordinal: int
    heading_path: str
    text: str
    score: float
    headline: str

    @property
    def highlights(self) -> list[str]:
        """The fragments in which a word was matched, those words between `**`."""
        found = [fragment for fragment in self.headline.split(GAP) if START in fragment]
        return [" ".join(fragment.split()).replace(START, "**").replace(STOP, "**") for fragment in found]


def survey(
    query: str, documents: DocumentQuerySet | None, space: EmbeddingSpace | None, *, most: int, depth: int
) -> tuple[str, dict[str, Any]]:
    """The statement that answers stems with their frequency, passages in all, and vectors to search (up to `most`)."""
    fits, values = _fits(documents)
    joined = "JOIN knowledge_passage passage ON passage.id = embedding.passage_id" if fits else ""
    counted = (
        f"(SELECT count(*) FROM (SELECT FROM knowledge_embedding embedding {joined} "
        f"WHERE embedding.space_id = {int(space.pk)} {fits} LIMIT {int(most)}) AS few)"
        if space
        else "0"
    )
    values |= {"config": TEXT_CONFIG, "query": query, "joint": JOINT, "ef_search": str(max(EF_SEARCH, depth))}
    return SURVEY.format(vectors=counted), values


def rank(question: Question) -> list[Row]:
    """The best passages of the best documents, best first."""
    fits, values = _fits(question.documents)
    parts, names = [], []
    if question.terms:
        parts.append(LEXICAL.format(fits=fits))
        names.append("lexical")
    if question.vector and question.space:
        nearest = EXACT if question.is_exact else APPROXIMATE
        space, dimensions = int(question.space.pk), int(question.space.dimensions)
        parts += [nearest.format(fits=fits, space=space, dimensions=dimensions), SEMANTIC]
        names.append("semantic")
    if not names:
        return []
    parts.append(FUSED if len(names) == 2 else ONE_LIST.format(name=names[0]))
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {','.join(parts)}{SHOWN}", values | _values(question))
        return [Row(*row) for row in cursor.fetchall()]


def _values(question: Question) -> dict[str, Any]:
    return {
        "terms": [_tsquery([lexeme]) for lexeme in question.terms],
        "weights": list(question.terms.values()),
        "candidates": _tsquery(question.candidates),
        "headline": _tsquery(list(question.terms) or question.candidates),
        "vector": str(question.vector),
        "depth": question.depth,
        "limit": question.limit,
        "constant": RANK_CONSTANT,
        "weight": MEANING_WEIGHT,
        "config": TEXT_CONFIG,
        "options": HEADLINE,
    }


def _fits(documents: DocumentQuerySet | None) -> tuple[str, dict[str, Any]]:
    """The filter as SQL on `passage`, with its values by name."""
    if documents is None:
        return "", {}
    statement, values = documents.order_by().values("pk").query.sql_with_params()
    named = {f"fit{at}": value for at, value in enumerate(values)}
    narrowed = statement % tuple(f"%({name})s" for name in named)
    return f"AND passage.document_id IN ({narrowed})", named


def _tsquery(lexemes: list[str]) -> str:
    """Any of these stems, in tsquery's own notation."""
    return " | ".join("'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'" for lexeme in lexemes)
