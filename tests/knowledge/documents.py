"""Plain functions that store documents as the product does."""

from typing import Any

from django.db import connection
from django.utils import timezone

from knowledge import jobs
from knowledge.models import Document
from knowledge.services import ingesting
from traceability.events import SYSTEM


def store(content: str, **fields: Any) -> Document:
    """A stored document whose vectors are still to come."""
    draft = ingesting.Draft(content=content, **fields)
    return ingesting.store_document(draft, actor=SYSTEM, now=timezone.now())[0]


def known(content: str, **fields: Any) -> Document:
    """A stored document that its job has embedded."""
    document = store(content, **fields)
    jobs.embed_document(document.pk)
    document.refresh_from_db()
    return document


def revise(document: Document, **changes: Any) -> Document:
    return ingesting.revise_document(document, changes, expected=None, actor=SYSTEM, now=timezone.now())


def remove(document: Document) -> None:
    ingesting.remove_document(document, expected=None, actor=SYSTEM, now=timezone.now())


def index_names() -> list[str]:
    """The indexes over vectors."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%%USING hnsw%%' ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]
