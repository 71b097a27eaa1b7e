"""The directory of checkpoints: signed notes, the heads that each fixed, and the public keys.

`000000001.note` is a note's text, `000000001.heads.gz` the lines `stream seq hash` of the heads that changed since the
checkpoint before (every 288th has all of them), `keys.txt` a line for each public key, the first one first.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from traceability import durable, merkle, notes
from traceability.keys import KeyProblem, Keyring, PublicKey
from traceability.models import Checkpoint
from traceability.notes import Note, NoteProblem
from traceability.proving.walk import Place

EVERY_FULL = 288
STREAM = "checkpoint"
"""Under this name findings tell of the notes themselves; their seq is the checkpoint's number."""

Heads = dict[str, Place]


def here() -> Path:
    """Where this installation keeps its checkpoints."""
    return Path(settings.CHECKPOINT_DIR)


def keyring() -> Keyring:
    """Whoever signs here."""
    return Keyring(Path(settings.CHECKPOINT_KEY_FILE), settings.CHECKPOINT_KEY)


def trusted() -> list[PublicKey]:
    """The keys that the operator names beside the first one of the directory. Raises KeyProblem."""
    return [PublicKey.read(each) for each in settings.CHECKPOINT_TRUSTED_KEYS]


def origin(installation: Any) -> str:
    return f"coordinator/{installation}"


def is_full(number: int) -> bool:
    return number % EVERY_FULL == 1


def last_full_but_one(number: int) -> int:
    """The checkpoint with all heads before the newest such one: a day or two before `number`."""
    return max(1, (number - 1) // EVERY_FULL * EVERY_FULL + 1 - EVERY_FULL)


def note_file(directory: Path, number: int) -> Path:
    return directory / f"{number:09}.note"


def heads_file(directory: Path, number: int) -> Path:
    return directory / f"{number:09}.heads.gz"


def numbers(directory: Path) -> list[int]:
    """The numbers of the notes that are there."""
    names = (each.name for each in directory.glob("*.note")) if directory.is_dir() else ()
    return sorted(int(name[:9]) for name in names if re.fullmatch(r"[0-9]{9}\.note", name))


def lines_of(heads: Mapping[str, Place]) -> str:
    """The lines of heads, in the order of their names."""
    return "".join(f"{line(stream, head)}\n" for stream, head in sorted(heads.items()))


def line(stream: str, head: Place) -> str:
    return f"{stream} {head.seq} {head.hash.hex()}"


def root_of(heads: Mapping[str, Place]) -> bytes:
    """The RFC 6962 root over all heads, in the order of their names."""
    return merkle.root(leaves_of(heads))


def leaves_of(heads: Mapping[str, Place]) -> list[bytes]:
    return [merkle.leaf(line(stream, head).encode()) for stream, head in sorted(heads.items())]


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def unpacked(content: bytes) -> str:
    """The lines of a heads file. Raises NoteProblem."""
    try:
        return gzip.decompress(content).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as problem:
        raise NoteProblem("its heads cannot be read") from problem


def heads_in(text: str) -> Heads:
    """The heads of a file's lines. Raises NoteProblem."""
    try:
        split = (each.split(" ") for each in text.splitlines())
        return {stream: Place(int(seq), bytes.fromhex(digest)) for stream, seq, digest in split}
    except ValueError as problem:
        raise NoteProblem("its heads are not lines of stream, seq and hash") from problem


def heads_at(directory: Path, number: int) -> Heads:
    """Every head that checkpoint `number` fixed, whether it changed then or before. Raises NoteProblem.

    Where a number has no note the next one has all heads; where it only got lost, some heads are older ones.
    """
    found: Heads = {}
    first = number - (number - 1) % EVERY_FULL
    for each in range(first, number + 1) if number else ():
        if each != number and not note_file(directory, each).exists():
            continue
        try:
            found |= heads_in(unpacked(heads_file(directory, each).read_bytes()))
        except OSError as problem:
            raise NoteProblem(f"the heads of checkpoint {each} are not there") from problem
    return found


def heads_through(directory: Path, numbers: Iterable[int]) -> Iterator[tuple[int, Heads]]:
    """Every head as it stood at each of these checkpoints, which follow one another. Raises NoteProblem."""
    found: Heads = {}
    for number in numbers:
        fresh = heads_in(unpacked(heads_file(directory, number).read_bytes()))
        found = fresh if is_full(number) else {**found, **fresh}
        yield number, found


def keys_in(directory: Path) -> list[PublicKey]:
    """The public keys that lie with the notes, the first one first. Raises KeyProblem."""
    file = directory / "keys.txt"
    return [PublicKey.read(each) for each in file.read_text().splitlines() if each.strip()] if file.exists() else []


def genuine(text: str, number: int, keys: Sequence[PublicKey], *, first: bool = False) -> Note | None:
    """The note of a row when one of these keys has signed it, or, for the `first` of all, the one that it brings."""
    try:
        note = notes.read(text)
        may_sign = [*keys, PublicKey.read(note.key)] if first and note.key else keys
    except (NoteProblem, KeyProblem):
        return None
    return note if note.number == number and any(note.is_signed_by(key) for key in may_sign) else None


def signed(rows: QuerySet[Checkpoint]) -> Iterator[Checkpoint]:
    """Those rows that a key known here has signed, whoever put the others in; all of them where no key is known."""
    keys = [*keys_in(here()), *trusted()]
    for number, text in Checkpoint.objects.bringing_a_key().order_by("n").values_list("n", "note"):
        if note := genuine(text, number, keys):
            keys.append(PublicKey.read(note.key))
    return (row for row in rows.iterator() if not keys or genuine(row.note, row.n, keys))


def newest_signed() -> Checkpoint | None:
    """The newest checkpoint that one of our keys has signed, whoever put later rows in."""
    return next(signed(Checkpoint.objects.order_by("-n")), None)


def remember(directory: Path, note: Note, at: str) -> None:
    """Keeps, beside the notes, up to which of them the record was found whole."""
    told = {"checkpoint": note.number, "sha256": note.digest.hex(), "verified_at": at}
    durable.write(directory / "verified.json", f"{json.dumps(told)}\n".encode())


def remembered(directory: Path) -> dict[str, Any]:
    """What `remember` kept last; empty when there is nothing."""
    try:
        told = json.loads((directory / "verified.json").read_text())
        return {"checkpoint": int(told["checkpoint"]), "sha256": str(told["sha256"]), "at": str(told["verified_at"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
