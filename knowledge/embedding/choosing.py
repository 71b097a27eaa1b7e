"""Which embedder serves: the one that the settings name, one object in a process."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from knowledge.embedding.base import Embedder, Identity
from knowledge.embedding.minilm import MiniLM
from knowledge.embedding.none import NoEmbedder
from knowledge.embedding.openai import OpenAIEmbedder
from knowledge.embedding.remote import RemoteMiniLM

PROVIDERS = ("minilm", "openai", "none")


def wanted() -> Embedder:
    """The embedder of the settings."""
    if settings.KNOWLEDGE_EMBEDDING_PROVIDER == "minilm":
        return bundled()
    return _built(
        settings.KNOWLEDGE_EMBEDDING_PROVIDER,
        settings.KNOWLEDGE_EMBEDDING_URL,
        settings.KNOWLEDGE_EMBEDDING_MODEL,
        settings.KNOWLEDGE_EMBEDDING_DIMENSIONS,
    )


def serving(identity: Identity) -> Embedder:
    """An embedder for vectors that are stored: that of the settings, or the bundled one while a change is under way."""
    embedder = wanted()
    if embedder.identity == identity:
        return embedder
    return bundled() if identity == MiniLM.identity else NoEmbedder()


def bundled() -> Embedder:
    """The bundled model: in the process that `up` runs for it, or in this one when there is none."""
    return _bundled(settings.KNOWLEDGE_EMBEDDING_SOCKET, settings.KNOWLEDGE_EMBEDDING_MODEL_PATH)


@lru_cache(maxsize=8)
def _bundled(socket: str, model: str) -> Embedder:
    if socket:
        return RemoteMiniLM(Path(socket))
    return MiniLM(Path(model) if model else None)


@lru_cache(maxsize=8)
def _built(provider: str, url: str, model: str, dimensions: int) -> Embedder:
    if provider == "openai" and url:
        key = settings.KNOWLEDGE_EMBEDDING_API_KEY
        return OpenAIEmbedder(url=url, model=model, dimensions=dimensions, api_key=key)
    return NoEmbedder()
