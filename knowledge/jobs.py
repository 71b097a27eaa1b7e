"""What the queue calls: ids in, one call, safe to run twice."""

from datetime import timedelta

from django.utils import timezone

from knowledge.models import Document, IndexState
from knowledge.services import indexing

GRACE = timedelta(minutes=2)
"""How long a document may wait for its own job before the sweep takes it."""
SWEPT = 20
"""Documents of one sweep, so that other jobs have their turn."""


def embed_document(document_id: int) -> str | None:
    """Gives the document's passages their vectors; then the words are counted again if that is due."""
    state = indexing.embed_document(document_id, now=timezone.now())
    refresh_lexemes()
    return state


def embed_waiting() -> int:
    """The sweep: embeds what a dead worker or a silent provider left behind; the number of documents taken.

    It ends at the first failure, so that a silent provider holds up nothing else. Those that failed before come last
    and in any order, so that a document which fails each time does not stand in the others' way.
    """
    waiting = Document.objects.unindexed().filter(updated_at__lt=timezone.now() - GRACE)
    taken = list(waiting.order_by("-index_state", "?").values_list("pk", flat=True)[:SWEPT])
    for count, document_id in enumerate(taken, 1):
        if embed_document(document_id) == IndexState.FAILED:
            return count
    return len(taken)


def refresh_lexemes() -> int:
    """Counts the words again when the passages have changed by a tenth."""
    return indexing.refresh_lexemes() if indexing.lexemes_are_old() else 0
