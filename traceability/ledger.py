"""The only pen of history: services record events here, inside the transaction of the change that they tell of.

The buffered events of a transaction are appended together as its last statement, streams in sorted order, so that
a stream's head row is locked for no longer than the commit and two transactions cannot deadlock on heads. The
database's trigger gives `seq`, `recorded_at` and `hash`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from coordinator.lib.refs import Ref
from traceability import bodies, canonical, hints
from traceability.events import Actor, Event

COLUMNS = (
    "stream", "kind", "schema", "actor_kind", "actor_id", "actor_name", "on_behalf_of", "request_id",
    "subject_type", "subject_id", "subject_key", "mission_id", "task_id", "agent_id", "occurred_at", "canonical",
    "body",
)  # fmt: skip
ROW = f"({', '.join(['%s'] * len(COLUMNS))})"
INSERT = f"INSERT INTO traceability_entry ({', '.join(COLUMNS)}) VALUES "


class WrittenOutside(RuntimeError):
    """`record` was called outside `with ledger.writing()`."""


@dataclass
class Pen:
    """What one database connection has told in its open transaction and not yet appended."""

    depth: int = 0
    lines: list[tuple[Any, ...]] = field(default_factory=list)


def _pen() -> Pen:
    held: Pen | None = getattr(connection, "ledger_pen", None)
    if held is None:
        held = Pen()
        connection.ledger_pen = held  # type: ignore[attr-defined]
    return held


@contextmanager
def writing() -> Iterator[None]:
    """An atomic block whose events are appended when the outermost such block ends; an exception discards them."""
    pen = _pen()
    mark = len(pen.lines)
    pen.depth += 1
    try:
        with transaction.atomic():
            yield
            if pen.depth == 1:
                _append(pen)
    except BaseException:
        del pen.lines[mark:]
        raise
    finally:
        pen.depth -= 1


def record(event: Event, *, actor: Actor, at: datetime) -> None:
    """Tells one event. It is appended with the transaction, or not at all."""
    pen = _pen()
    if not pen.depth:
        raise WrittenOutside(WrittenOutside.__doc__)
    pen.lines.append(_line(event, actor, at))


def _append(pen: Pen) -> None:
    if not pen.lines:
        return
    lines = sorted(pen.lines, key=lambda line: str(line[0]))
    pen.lines.clear()
    with connection.cursor() as cursor:
        cursor.execute(INSERT + ", ".join([ROW] * len(lines)), [value for line in lines for value in line])
    transaction.on_commit(hints.send)


def _line(event: Event, actor: Actor, at: datetime) -> tuple[Any, ...]:
    subject = event.subject
    data, body = bodies.parted(event.data, event.erasable)
    text = canonical.write(
        {
            "kind": event.kind,
            "schema": event.schema,
            "actor": {"kind": actor.kind, "id": actor.id, "name": actor.name},
            "on_behalf_of": actor.on_behalf_of,
            "request_id": actor.request_id,
            "occurred_at": at,
            "refs": {noun: _named(ref) for noun, ref in _refs(event).items() if ref},
            "data": data,
        }
    )
    return (
        event.stream, event.kind, event.schema, actor.kind, actor.id, actor.name, actor.on_behalf_of, actor.request_id,
        subject and subject.type, subject and subject.id, subject and subject.key,
        _id(event.mission), _id(event.task), _id(event.agent), at, text, body,
    )  # fmt: skip


def _refs(event: Event) -> dict[str, Any]:
    return {"mission": event.mission, "task": event.task, "agent": event.agent, "subject": event.subject}


def _named(ref: Any) -> dict[str, Any]:
    named = {"id": ref.id, "key": ref.key}
    return {**named, "type": ref.type} if hasattr(ref, "type") else named


def _id(ref: Ref | None) -> int | None:
    return None if ref is None else ref.id
