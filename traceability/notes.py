"""The text of a checkpoint: a C2SP tlog-checkpoint as a signed note.

    coordinator/<installation>
    <entries>
    <base64 root over all heads>
    number <n>
    prev <base64 SHA-256 of the note before>
    at <time>
    streams <how many heads>
    heads <SHA-256 of the heads' lines>

    — coordinator/<installation> <base64 of key id and signature>

The first note, and one that brings a new key, have one more line, `key <public key>`; the latter is signed by the old
key and by the new one.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from traceability.keys import PublicKey, SecretKey

NOTHING_BEFORE = bytes(32)
DASH = "\u2014 "


class NoteProblem(ValueError):
    """This is no note of a checkpoint."""


@dataclass(frozen=True)
class Note:
    """What a checkpoint says. `prev` is the SHA-256 of the whole note before, `heads` that of its heads' lines."""

    origin: str
    size: int
    root: bytes
    number: int
    prev: bytes
    at: str
    streams: int
    heads: str
    key: str = ""
    signatures: tuple[tuple[str, bytes], ...] = ()

    @cached_property
    def body(self) -> str:
        """What is signed."""
        lines = [
            self.origin,
            str(self.size),
            base64.b64encode(self.root).decode(),
            f"number {self.number}",
            f"prev {base64.b64encode(self.prev).decode()}",
            f"at {self.at}",
            f"streams {self.streams}",
            f"heads {self.heads}",
        ]
        return "\n".join([*lines, f"key {self.key}"] if self.key else lines) + "\n"

    @cached_property
    def text(self) -> str:
        lines = (f"{DASH}{name} {base64.b64encode(coded).decode()}\n" for name, coded in self.signatures)
        return f"{self.body}\n{''.join(lines)}"

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest()

    def signed(self, *keys: SecretKey) -> "Note":
        made = tuple((key.name, key.public.number + key.sign(self.body)) for key in keys)
        return replace(self, signatures=made)

    def is_signed_by(self, key: PublicKey) -> bool:
        return any(
            name == key.name and coded[:4] == key.number and key.signed(self.body, coded[4:])
            for name, coded in self.signatures
        )


def read(text: str) -> Note:
    """The note of a text. Raises NoteProblem for what is none, and for what is not written exactly so."""
    try:
        body, _, signatures = text.partition("\n\n")
        origin, size, root, *more = body.split("\n")
        told = dict(line.split(" ", 1) for line in more)
        found = Note(
            origin=origin,
            size=int(size),
            root=base64.b64decode(root, validate=True),
            number=int(told["number"]),
            prev=base64.b64decode(told["prev"], validate=True),
            at=told["at"],
            streams=int(told["streams"]),
            heads=told["heads"],
            key=told.get("key", ""),
            signatures=tuple(_signatures(signatures.splitlines())),
        )
    except (ValueError, KeyError) as problem:
        raise NoteProblem("it is not in the form of a checkpoint") from problem
    if found.text != text:
        raise NoteProblem("it has something more than a checkpoint, or not in its order")
    return found


def _signatures(lines: Iterable[str]) -> Iterable[tuple[str, bytes]]:
    for line in lines:
        name, coded = line.removeprefix(DASH).split(" ")
        yield name, base64.b64decode(coded, validate=True)
