"""Every change of a document: stored, revised, removed.

A document is found by its words when the transaction ends; its vectors follow by a job.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django_q.tasks import async_task

from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Missing
from coordinator.lib.refs import Ref, Subject
from knowledge import chunking
from knowledge.events import DocumentRemoved, DocumentRevised, DocumentStored
from knowledge.models import Document, IndexState, Kind, Passage
from knowledge.services.indexing import EMBED
from traceability import ledger
from traceability.events import Actor

READ_BY_SEARCH = {"title", "content"}


class ContentAlreadyStored(Conflict):
    """Another document already says exactly this."""


class KeyTaken(Conflict):
    """Another document has this document_id."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A document as it is handed in. A title left out is read from the content."""

    content: str
    title: str = ""
    document_id: str = ""
    kind: str = Kind.NOTE
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    mission: Ref | None = None
    task: Ref | None = None


def store_document(draft: Draft, *, actor: Actor, now: datetime) -> tuple[Document, bool]:
    """The stored document and True, or the one that already says exactly this and False. Raises KeyTaken."""
    sha256 = sha256_of(draft.content)
    if known := Document.objects.saying(sha256).first():
        return known, False
    document = _new_document(draft, sha256, actor, now)
    chunks = chunking.chunk(document.title, document.content)
    with ledger.writing():
        if first := _saved_elsewhere(document):
            return first, False
        Passage.objects.bulk_create(_passages(document, chunks))
        ledger.record(
            DocumentStored(
                **_about(document),
                title=document.title,
                document_kind=document.kind,
                tags=document.tags,
                sha256=sha256,
                passages=len(chunks),
            ),
            actor=actor,
            at=now,
        )
        async_task(EMBED, document.pk)
    return document, True


def revise_document(
    document: Document, changes: dict[str, Any], *, expected: int | None, actor: Actor, now: datetime
) -> Document:
    """Changes `title content kind metadata tags mission task`. Raises Stale, Missing, ContentAlreadyStored."""
    with ledger.writing():
        held = _locked(document)
        versions.require(held, expected)
        changed = _bumped(held, _columns(changes, held), now)
        if not changed:
            return held
        if READ_BY_SEARCH & changed.keys():
            _repack(held)
        ledger.record(
            DocumentRevised(
                **_about(held),
                title=held.title,
                changed=sorted(changed.keys() - {"index_state"}),
                sha256=held.sha256,
                version=held.version,
            ),
            actor=actor,
            at=now,
        )
    return held


def remove_document(document: Document, *, expected: int | None, actor: Actor, now: datetime) -> None:
    """Takes the text away for good; the name and the SHA-256 stay, so that history can still be read."""
    with ledger.writing():
        held = _locked(document)
        versions.require(held, expected)
        versions.bump(held, now=now, content="", metadata={}, removed_at=now, index_state=IndexState.READY)
        _drop(Passage.objects.filter(document=held))
        ledger.record(DocumentRemoved(**_about(held), title=held.title, sha256=held.sha256), actor=actor, at=now)


def sha256_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _new_document(draft: Draft, sha256: str, actor: Actor, now: datetime) -> Document:
    return Document(
        document_id=draft.document_id,
        title=draft.title.strip() or chunking.first_heading(draft.content),
        kind=draft.kind,
        content=draft.content,
        sha256=sha256,
        metadata=draft.metadata,
        tags=distinct(draft.tags),
        **_reference("mission", draft.mission),
        **_reference("task", draft.task),
        author=actor.name[:200],
        created_at=now,
        updated_at=now,
    )


def _saved_elsewhere(document: Document) -> Document | None:
    """Saves the document, unless another transaction stored the same content first: then that one."""
    try:
        with transaction.atomic():
            document.save(force_insert=True)
    except IntegrityError as refused:
        if first := Document.objects.saying(document.sha256).first():
            return first
        raise KeyTaken(f"{document.document_id!r} names another document, perhaps one that was removed.") from refused
    return None


def _locked(document: Document) -> Document:
    held = Document.objects.active().select_for_update().filter(pk=document.pk).first()
    if held is None:
        raise Missing(f"There is no document {document.key!r}.")
    return held


def _drop(passages: QuerySet[Passage]) -> None:
    """Locks them first: a job that embeds them now would else leave a vector of a passage that is gone."""
    list(passages.select_for_update().order_by("pk").values_list("pk", flat=True))
    passages.delete()


def _columns(changes: dict[str, Any], held: Document) -> dict[str, Any]:
    """The columns behind the changed fields."""
    found = {name: value for name, value in changes.items() if name not in {"mission", "task"}}
    for noun in changes.keys() & {"mission", "task"}:
        found |= _reference(noun, changes[noun])
    if "tags" in found:
        found["tags"] = distinct(found["tags"])
    if "content" in found:
        found["sha256"] = sha256_of(found["content"])
    if "title" in found:
        found["title"] = found["title"].strip() or chunking.first_heading(found.get("content", held.content))
    return found


def _bumped(held: Document, columns: dict[str, Any], now: datetime) -> dict[str, Any]:
    is_read = any(getattr(held, name) != columns[name] for name in READ_BY_SEARCH & columns.keys())
    if is_read:
        columns["index_state"] = IndexState.PENDING
    try:
        with transaction.atomic():
            return versions.bump(held, now=now, **columns)
    except IntegrityError as refused:
        first = Document.objects.saying(columns.get("sha256", "")).first()
        named = f": {first.key!r}" if first else ""
        raise ContentAlreadyStored(f"Another document already says exactly this{named}.") from refused


def _repack(document: Document) -> None:
    """New passages for a changed text. A passage that reads the same keeps its row, and with it its vectors."""
    kept: dict[str, list[Passage]] = {}
    for passage in document.passages.order_by("ordinal"):
        kept.setdefault(passage.text_sha256, []).append(passage)
    added: list[Passage] = []
    moved: list[Passage] = []
    for passage in _passages(document, chunking.chunk(document.title, document.content)):
        same = kept.get(passage.text_sha256)
        if not same:
            added.append(passage)
        elif (old := same.pop(0)).ordinal != passage.ordinal:
            old.ordinal = passage.ordinal
            moved.append(old)
    _drop(Passage.objects.filter(pk__in=[old.pk for same in kept.values() for old in same]))
    Passage.objects.bulk_update(moved, ["ordinal"], batch_size=1000)
    Passage.objects.bulk_create(added)
    async_task(EMBED, document.pk)


def _passages(document: Document, chunks: list[chunking.Chunk]) -> list[Passage]:
    return [
        Passage(
            document=document,
            ordinal=each.ordinal,
            heading_path=each.heading_path,
            text=each.text,
            text_sha256=each.sha256,
        )
        for each in chunks
    ]


def _reference(noun: str, ref: Ref | None) -> dict[str, Any]:
    return {f"{noun}_id": ref.id if ref else None, f"{noun}_key": ref.key if ref else ""}


def _about(document: Document) -> dict[str, Any]:
    subject = Subject(type="document", id=document.pk, key=document.key)
    return {"mission": document.mission, "task": document.task, "subject": subject}


def distinct(tags: list[str]) -> list[str]:
    """The tags in the order given, each once."""
    return list(dict.fromkeys(tags))
