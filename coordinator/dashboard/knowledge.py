"""Knowledge: found by meaning and words, or the newest when nothing is asked."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from knowledge import search
from knowledge.models import Document, Kind
from knowledge.search import Filter

SHOWN = 20
BOLD = re.compile(r"\*\*(.+?)\*\*", re.S)


def found(query: str, kind: str) -> Mapping[str, Any]:
    """The best passages for the query; 5 statements."""
    kinds = (kind,) if kind in Kind.values else ()
    answer = search.answer(query[:1000], limit=SHOWN, narrowed=Filter(kinds=kinds))
    return {"hits": [_hit(hit) for hit in answer.hits], "degraded": answer.degraded}


def _hit(hit: search.Hit) -> dict[str, Any]:
    parts = hit.highlights or [hit.text[:400]]
    return {"document": hit.document, "heading": hit.heading_path, "parts": [marked(part) for part in parts[:3]]}


def marked(text: str) -> SafeString:
    """The text with its `**matched**` words marked; everything else is escaped."""
    return mark_safe(BOLD.sub(r"<mark>\1</mark>", escape(text)))


def newest(kind: str) -> Mapping[str, Any]:
    """The documents that were changed last; 2 statements."""
    rows = Document.objects.active().without_content()
    listed = rows.filter(kind=kind) if kind in Kind.values else rows
    return {"documents": list(listed.order_by("-updated_at", "-pk")[:SHOWN]), "total": listed.count()}


def document(key: str) -> Mapping[str, Any]:
    """One document, whole; 1 statement."""
    return {"document": Document.objects.active().identified(key)}
