"""The files of an evidence pack: the mission's entries with every column, the checkpoints that fix them, the rest."""

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from coordinator.lib.errors import Conflict
from missions.evidence import gathering
from missions.models import Mission
from traceability import archiving, canonical, checkpoints, merkle
from traceability.checkpoints import Heads
from traceability.events import TextsErased
from traceability.keys import SecretKey
from traceability.models import Installation
from traceability.moments import one_moment
from traceability.notes import DASH
from traceability.proving import archives, reading
from traceability.proving.entries import BODY, HASH, ID, KIND, PROJECTED, RECORDED_AT, SEQ, STREAM, TEXT, Row
from traceability.proving.record import Record
from traceability.proving.walk import Place

VERIFIER = Path(__file__).with_name("verify.py")
README = """\
Evidence of mission {key}, made {at} by the Coordinator installation {installation}.

  python3 verify.py KEY         checks everything in here; needs only Python, no network and no Coordinator
  python3 verify.py             the same without a KEY: proves the pack only against the key that lies in it
  python3 .../verify.py . KEY   the same with a verifier from elsewhere, when you do not trust who gave you the pack

KEY is a public key of the installation, one line as in checkpoints/keys.txt, that you had before you had this pack.

mission.json      what the pack is about: the stream of entries and how many there were
entries.jsonl     every entry of the stream, every stored column; `canonical` is what the chain's hash covers
bodies.jsonl      texts that may have to be erased by law, beside the entries that fix their digests
checkpoints/      signed notes with the proofs that the stream's entries were part of them, and the public keys
approvals.jsonl   what waited for a person, who decided what and when, and the reviews of tasks
decisions.jsonl   what the policies said, with the hashes of what they were told
policies.jsonl    each revision that was in force meanwhile, with its hash
costs.jsonl       the sum, each task's part, and the uses that it is made of
artifacts.jsonl   the SHA-256 of outputs, log lines and documents
MANIFEST          the SHA-256 of every file in here, signed with the checkpoints' key as a signed note

The entries are proven by the checkpoints that were taken as they came. The other files are what the installation told
when it made the pack: MANIFEST proves that they are still that.

The chain: hash = SHA-256(0x00, hash before, stream, 0x1F, seq, 0x1F, recorded_at, 0x1F, canonical); before the first
entry stands SHA-256("coordinator-trace-v1", installation, stream).
"""


class NotProvable(Conflict):
    """What is here cannot be proven."""


def files(mission: Mission, record: Record, directory: Path, *, signer: SecretKey, now: datetime) -> dict[str, bytes]:
    """Every file of the pack, by its path in it: the entries that checkpoints fixed, the rest as of one moment.

    `record` are the checkpoints of `directory`, read before, `signer` who signs them now. Raises NotProvable,
    ArchiveMissing, ArchiveChanged.
    """
    stream, made = f"mission:{mission.pk}", {}
    _require_proof(stream, record, signer)
    with one_moment():
        rows = _fixed(list(_entries(stream)), max(record.pins[stream]))
        installation = str(Installation.objects.get().uuid)
        about = {
            "mission": mission.key, "id": mission.pk, "goal": mission.goal, "status": mission.status,
            "installation": installation, "stream": stream, "entries": len(rows), "made_at": now,
        }  # fmt: skip
        made["mission.json"] = canonical.write(about).encode() + b"\n"
        made["approvals.jsonl"] = _lines(gathering.approvals(mission))
        made["decisions.jsonl"] = _lines(gathering.decisions(mission))
        made["policies.jsonl"] = _lines(gathering.policies(mission, now))
        made["costs.jsonl"] = _lines(gathering.costs(mission))
        made["artifacts.jsonl"] = _lines(gathering.artifacts(mission))
    made["entries.jsonl"] = b"".join(orjson.dumps(_columns(row)) + b"\n" for row in rows)
    bodies = ({"seq": row[SEQ], "body": row[BODY]} for row in rows if row[BODY] is not None)
    made["bodies.jsonl"] = b"".join(orjson.dumps(each) + b"\n" for each in bodies)
    made |= _checkpoints(stream, record, directory)
    made["verify.py"] = VERIFIER.read_bytes()
    told = README.format(key=mission.key, at=canonical.moment(now), installation=installation)
    made["README.txt"] = told.encode()
    return made | {"MANIFEST": _manifest(made, f"evidence of {stream} in {signer.name}", signer)}


def name_of(mission: Mission) -> str:
    """What the pack is called, and the folder in it when it is one file."""
    return f"evidence-{mission.key.replace(':', '-')}"


def write(made: Mapping[str, bytes], place: Path, folder: str) -> None:
    """Writes the files into a directory, or into `folder` in one file when the name ends in `.zip`."""
    if place.suffix == ".zip":
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as pack:
            for name, content in sorted(made.items()):
                pack.writestr(f"{folder}/{name}", content)
        return
    for name, content in made.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _require_proof(stream: str, record: Record, signer: SecretKey) -> None:
    newest = record.notes[-1] if record.notes else None
    if newest is None or stream not in record.pins:
        raise NotProvable("No sound checkpoint fixes this mission; trace_verify says what is wrong with them.")
    if not newest.is_signed_by(signer.public) or newest.key not in ("", str(signer.public)):
        raise NotProvable(f"The key here is not the one that signed checkpoint {newest.number}.")


def _fixed(rows: list[Row], last: int) -> list[Row]:
    """Without the entries that came after the newest checkpoint. What they say of those before it is not left out."""
    if any(row[KIND] == TextsErased.kind for row in rows if row[SEQ] > last):
        raise NotProvable("A text of this mission was erased just now. Try again.")
    return [row for row in rows if row[SEQ] <= last]


def _entries(stream: str) -> Iterator[Row]:
    """All entries of the stream, those in files first."""
    for line in archiving.lines(stream):
        yield archives.row(line)
    with reading.entries([stream], {}) as streams:
        for _, rows in streams:
            yield from rows


def _columns(row: Row) -> dict[str, Any]:
    first = {"id": row[ID], "stream": row[STREAM], "seq": row[SEQ]}
    rest = {"recorded_at": row[RECORDED_AT], "canonical": row[TEXT], "hash": row[HASH].hex()}
    return {**first, **dict(zip(PROJECTED, row[3 : 3 + len(PROJECTED)], strict=True)), **rest}


def _checkpoints(stream: str, record: Record, directory: Path) -> dict[str, bytes]:
    """The notes that fixed the stream's heads, those that brought a key and the newest one, each with its proof."""
    pinned = {number for _, number in record.pins.get(stream, {}).values()}
    wanted = pinned | {note.number for note in record.notes if note.key} | {note.number for note in record.notes[-1:]}
    made, proofs = {}, []
    for number, heads in checkpoints.heads_through(directory, [note.number for note in record.notes]):
        if number in wanted:
            name = checkpoints.note_file(directory, number).name
            made[f"checkpoints/{name}"] = checkpoints.note_file(directory, number).read_bytes()
            proofs.append({"n": number, **_proof(stream, heads)})
    keys = "".join(f"{key}\n" for key in checkpoints.keys_in(directory))
    made["checkpoints/keys.txt"] = keys.encode()
    made["checkpoints/proofs.jsonl"] = _lines(proofs)
    return made


def _proof(stream: str, heads: Heads) -> dict[str, Any]:
    """Nothing where the checkpoint is older than the stream."""
    if stream not in heads:
        return {}
    head: Place = heads[stream]
    index = sorted(heads).index(stream)
    path = merkle.inclusion(checkpoints.leaves_of(heads), index)
    return {"seq": head.seq, "hash": head.hash.hex(), "index": index, "path": [each.hex() for each in path]}


def _lines(told: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(f"{canonical.write(each)}\n" for each in told).encode()


def _manifest(made: Mapping[str, bytes], about: str, signer: SecretKey) -> bytes:
    """A signed note with a line for each file."""
    lines = "".join(f"{hashlib.sha256(made[name]).hexdigest()}  {name}\n" for name in sorted(made))
    body = f"{about}\n{lines}"
    signature = base64.b64encode(signer.public.number + signer.sign(body)).decode()
    return f"{body}\n{DASH}{signer.name} {signature}\n".encode()
