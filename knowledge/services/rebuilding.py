"""All vectors anew: after the embedder was changed, or when the index is in doubt."""

from collections.abc import Callable
from datetime import datetime

from knowledge.embedding import choosing
from knowledge.embedding.base import EmbedderUnavailable
from knowledge.models import Document
from knowledge.services import indexing
from traceability.events import Actor

STEP = 100


def rebuild(*, again: bool, actor: Actor, now: datetime, tell: Callable[[str], object]) -> str:
    """Fills the space of the settings' embedder, then makes it the one that searches use; says what was done.

    Raises EmbedderUnavailable: what is embedded by then is kept, and the space that serves goes on serving.
    """
    embedder = choosing.wanted()
    if not embedder.identity.dimensions:
        raise EmbedderUnavailable("No embedder is set: KNOWLEDGE_EMBEDDING_PROVIDER.")
    space = indexing.prepare_space(embedder, now=now)
    embed = indexing.replace if again else indexing.fill
    documents = list(Document.objects.active().order_by("pk").values_list("pk", flat=True))
    passages = 0
    for count, document_id in enumerate(documents, 1):
        passages += embed(document_id, space)
        if count % STEP == 0:
            tell(f"{count} of {len(documents)} documents")
    indexing.activate_space(space, actor=actor, now=now)
    for document_id in documents:
        indexing.embed_document(document_id, now=now)
    lexemes = indexing.refresh_lexemes()
    return f"{len(documents)} documents, {passages} passages embedded by {space}, {lexemes} word stems counted."
