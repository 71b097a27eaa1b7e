"""Checking the chain: every entry's number and hash, its columns against its text, and each stream's head."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from traceability import canonical
from traceability.models import Entry, Installation, StreamHead
from traceability.moments import one_moment

BATCH = 2000
PROJECTED = {
    "kind": ("kind",),
    "schema": ("schema",),
    "actor_kind": ("actor", "kind"),
    "actor_id": ("actor", "id"),
    "actor_name": ("actor", "name"),
    "on_behalf_of": ("on_behalf_of",),
    "request_id": ("request_id",),
    "subject_type": ("refs", "subject", "type"),
    "subject_id": ("refs", "subject", "id"),
    "subject_key": ("refs", "subject", "key"),
    "mission_id": ("refs", "mission", "id"),
    "task_id": ("refs", "task", "id"),
    "agent_id": ("refs", "agent", "id"),
}
"""Where in the canonical text each column's value stands."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and exactly where."""

    stream: str
    seq: int
    kind: str
    detail: str

    def as_data(self) -> dict[str, Any]:
        return {"stream": self.stream, "seq": self.seq, "kind": self.kind, "detail": self.detail}


@dataclass(frozen=True)
class Proof:
    entries: int
    heads: dict[str, str]
    findings: tuple[Finding, ...]

    def as_data(self) -> dict[str, Any]:
        """The contract's answer: `{"valid", "entries", "head", "first_bad"}` and every finding."""
        return {
            "valid": not self.findings,
            "entries": self.entries,
            "head": self.head,
            "first_bad": self.findings[0].as_data() if self.findings else None,
            "findings": [each.as_data() for each in self.findings],
        }

    @property
    def head(self) -> str:
        """The one stream's hash; over several, the hash of all heads in the order of their names."""
        if len(self.heads) == 1:
            return next(iter(self.heads.values()))
        joined = "".join(f"{stream}={head}\n" for stream, head in sorted(self.heads.items()))
        return hashlib.sha256(joined.encode()).hexdigest()


def verify(stream: str | None = None) -> Proof:
    """Checks one stream, or all of them, as they stood at one moment. Reads everything, writes nothing."""
    with one_moment():
        return _verify(stream)


def _verify(stream: str | None) -> Proof:
    heads = {head.stream: head for head in StreamHead.objects.all() if stream in {None, head.stream}}
    streams = sorted(set(heads) | set(_streams_of_entries(stream)))
    findings: list[Finding] = []
    entries = 0
    for name in streams:
        counted, found = _verify_stream(name, heads.get(name))
        entries += counted
        findings += found
    return Proof(entries, {name: bytes(head.hash).hex() for name, head in heads.items()}, tuple(findings))


def first_link(stream: str) -> bytes:
    """What stands before the first entry of a stream, unlike any other stream's or installation's."""
    installation = Installation.objects.get()
    return hashlib.sha256(f"coordinator-trace-v1{installation.uuid}{stream}".encode()).digest()


def link(before: bytes, stream: str, seq: int, recorded_at: str, text: str) -> bytes:
    """The hash of an entry: SHA-256 over 0x00, the hash before, stream, seq, time and canonical text."""
    told = "\x1f".join([stream, str(seq), recorded_at, text]).encode()
    return hashlib.sha256(b"\x00" + before + told).digest()


def _streams_of_entries(stream: str | None) -> list[str]:
    rows = Entry.objects.all() if stream is None else Entry.objects.filter(stream=stream)
    return list(rows.values_list("stream", flat=True).distinct())


def _verify_stream(stream: str, head: StreamHead | None) -> tuple[int, list[Finding]]:
    before, expected, findings = first_link(stream), 1, []
    for entry in _entries(stream):
        if entry.seq != expected:
            findings.append(Finding(stream, expected, "missing", f"entry {expected} is gone; next is {entry.seq}"))
        findings += _check_entry(entry, before if entry.seq == expected else None)
        before, expected = bytes(entry.hash), entry.seq + 1
    if head is None:
        findings.append(Finding(stream, expected - 1, "head_mismatch", "the stream has entries but no head"))
    elif head.seq != expected - 1:
        findings.append(Finding(stream, expected, "tail_truncated", f"the head says {head.seq} entries"))
    elif bytes(head.hash) != before:
        findings.append(Finding(stream, head.seq, "head_mismatch", "the head's hash is not the last entry's"))
    return expected - 1, findings


def _entries(stream: str) -> Iterator[Entry]:
    yield from Entry.objects.in_stream(stream).iterator(chunk_size=BATCH)


def _check_entry(entry: Entry, before: bytes | None) -> list[Finding]:
    found = []
    text = entry.canonical
    if before is not None and link(before, entry.stream, entry.seq, canonical.moment(entry.recorded_at), text) != bytes(
        entry.hash
    ):
        found.append(Finding(entry.stream, entry.seq, "content_modified", "the hash does not fit the entry"))
    try:
        told = canonical.read(text)
    except ValueError:
        return [*found, Finding(entry.stream, entry.seq, "non_canonical", "the text is no JSON")]
    if canonical.write(told) != text:
        found.append(Finding(entry.stream, entry.seq, "non_canonical", "the text is not in canonical form"))
    for column, where in PROJECTED.items():
        if _at(told, where) != getattr(entry, column):
            found.append(Finding(entry.stream, entry.seq, "column_mismatch", f"{column} differs from the text"))
    if _at(told, ("occurred_at",)) != canonical.moment(entry.occurred_at):
        found.append(Finding(entry.stream, entry.seq, "column_mismatch", "occurred_at differs from the text"))
    return found


def _at(told: dict[str, Any], where: tuple[str, ...]) -> Any:
    value: Any = told
    for name in where:
        value = value.get(name) if isinstance(value, dict) else None
    return value
