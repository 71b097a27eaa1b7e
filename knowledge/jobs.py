"""What the queue calls: ids in, one call, safe to run twice."""

from datetime import timedelta

from django.utils import timezone

from knowledge.models import Document
from knowledge.services import indexing

GRACE = timedelta(minutes=2)
"""How long a document may wait for its own job before the sweep takes it."""


def embed_document(document_id: int) -> str | None:
    """Gives the document's passages their vectors; then the words are counted again if that is due."""
    state = indexing.embed_document(document_id, now=timezone.now())
    refresh_lexemes()
    return state


def embed_waiting() -> int:
    """The sweep: embeds what a dead worker or a silent provider left behind; the number of documents taken."""
    before = timezone.now() - GRACE
    waiting = list(
        Document.objects.unindexed().filter(updated_at__lt=before).order_by("pk").values_list("pk", flat=True)
    )
    for document_id in waiting:
        embed_document(document_id)
    return len(waiting)


def refresh_lexemes() -> int:
    """Counts the words again when the passages have changed by a tenth."""
    return indexing.refresh_lexemes() if indexing.lexemes_are_old() else 0
