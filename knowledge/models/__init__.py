from knowledge.models.document import Document, DocumentQuerySet, IndexState, Kind
from knowledge.models.passage import Embedding, EmbeddingSpace, LexemeStat, Passage, SpaceState

__all__ = [
    "Document",
    "DocumentQuerySet",
    "Embedding",
    "EmbeddingSpace",
    "IndexState",
    "Kind",
    "LexemeStat",
    "Passage",
    "SpaceState",
]
