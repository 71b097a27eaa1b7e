"""No embedder: search by words alone."""

from collections.abc import Sequence

from knowledge.embedding.base import EmbedderUnavailable, Identity, Vector


class NoEmbedder:
    """Stands in when no provider is set; every call is refused."""

    identity = Identity(provider="none", model="", dimensions=0)

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        raise EmbedderUnavailable("KNOWLEDGE_EMBEDDING_PROVIDER is none.")

    def embed_query(self, text: str) -> Vector:
        raise EmbedderUnavailable("KNOWLEDGE_EMBEDDING_PROVIDER is none.")
