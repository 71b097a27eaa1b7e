"""Checks this evidence pack: `python3 verify.py [PACK] [PUBLIC KEY ...]`. Needs nothing but Python 3.8 or later.

Every entry against the chain, its columns and its texts, the chain's end against the signed checkpoints, every file
against MANIFEST and its signature. Ends with 0 when all of it fits, with 1 when something does not, and says where.

Without a public key this proves the pack only against the key that lies in it: whoever makes up a pack can make up a
key. Give the public key that you kept yourself: then only it counts, and what it handed the signing over to. A pack
that you do not trust is checked by a verify.py from elsewhere, given the folder as PACK.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

GIVEN = [each for each in sys.argv[1:] if each.count("+") > 1]
FOLDERS = [pathlib.Path(each) for each in sys.argv[1:] if each not in GIVEN]
HERE = (FOLDERS or [pathlib.Path(sys.argv[0]).resolve().parent])[0]
FOUND: list[str] = []
COLUMNS = {
    "kind": ("kind",), "schema": ("schema",), "actor_kind": ("actor", "kind"), "actor_id": ("actor", "id"),
    "actor_name": ("actor", "name"), "on_behalf_of": ("on_behalf_of",), "request_id": ("request_id",),
    "subject_type": ("refs", "subject", "type"), "subject_id": ("refs", "subject", "id"),
    "subject_key": ("refs", "subject", "key"), "mission_id": ("refs", "mission", "id"),
    "task_id": ("refs", "task", "id"), "agent_id": ("refs", "agent", "id"), "occurred_at": ("occurred_at",),
}  # fmt: skip


def say(what: str) -> None:
    FOUND.append(what)
    sys.stdout.write(f"CHANGED  {what}\n")


def sha(data: bytes | str) -> bytes:
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).digest()


def at(told: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read(name: str) -> str:
    return (HERE / name).read_bytes().decode()


def lines(name: str) -> list[str]:
    return read(name).split("\n")[:-1]


def check_files() -> None:
    listed = read("MANIFEST").partition("\n\n")[0].split("\n")[1:]
    digests = {name: digest for digest, _, name in (each.partition("  ") for each in listed)}
    there = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.is_file()} - {"MANIFEST"}
    for name in sorted(there | set(digests)):
        if name not in there or name not in digests or sha((HERE / name).read_bytes()).hex() != digests[name]:
            say(f"{name} is not as MANIFEST says")


def check_manifest(mission: Any, keys: list[str]) -> None:
    text, about = read("MANIFEST"), f"evidence of {mission['stream']} in coordinator/{mission['installation']}"
    if not text.startswith(f"{about}\n") or not signed(text, keys):
        say("MANIFEST: no key that may sign has signed it for this mission")


def check_entries(mission: Any) -> dict[int, str]:
    """The hash of every entry, by number, when the chain leads to it."""
    hashes: dict[int, str] = {}
    erased: dict[str, set[str]] = {}
    entries = [json.loads(line) for line in lines("entries.jsonl")]
    bodies = {each["seq"]: each["body"] for each in map(json.loads, lines("bodies.jsonl"))}
    for gone in (at(json.loads(each["canonical"]), ("data",)) for each in entries if each["kind"] == "trace.erased"):
        if at(gone, ("of_stream",)) == mission["stream"] and isinstance(gone.get("paths"), list):
            erased.setdefault(str(gone.get("seq")), set()).update(map(str, gone["paths"]))
    before, expected = [sha(f"coordinator-trace-v1{mission['installation']}{mission['stream']}")], 1
    for entry in entries:
        seq, text, stored = entry["seq"], entry["canonical"], bytes.fromhex(entry["hash"])
        if seq != expected:
            say(f"entry {expected}: it is missing or stands elsewhere; next is {seq}")
        told = f"{entry['stream']}\x1f{seq}\x1f{entry['recorded_at']}\x1f{text}".encode()
        links = [sha(b"\x00" + each + told) for each in before]
        if stored not in links and seq == expected:
            say(f"entry {seq}: its text, time or hash was changed")
        else:
            check_entry(entry, json.loads(text), bodies.get(seq), erased.get(str(seq), set()))
        before, expected, hashes[seq] = [stored, *links[:3]], seq + 1, entry["hash"]
    if expected - 1 != mission["entries"]:
        say(f"entry {expected}: the end is missing, there were {mission['entries']}")
    return hashes


def check_entry(entry: Any, told: Any, body: str | None, erased: set[str]) -> None:
    if canonical(told) != entry["canonical"]:
        say(f"entry {entry['seq']}: its text is not in the form that the ledger writes")
    for column, place in COLUMNS.items():
        if at(told, place) != entry[column]:
            say(f"entry {entry['seq']}: {column} was changed")
    held, fixed = json.loads(body or "{}"), dict(sealed(at(told, ("data",)), ""))
    for path in sorted(set(held) | set(fixed)):
        part = held.get(path)
        found = part and sha(f"{part['salt']}\x1f{canonical(part['value'])}").hex()
        if found != fixed.get(path) and not (part is None and path in erased):
            say(f"entry {entry['seq']}: the text {path} was changed or removed")


def sealed(data: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, dict) and set(data) == {"$erasable"}:
        yield path, data["$erasable"]
    elif isinstance(data, dict):
        for name, inner in data.items():
            plain = name[1:] if name.startswith("$") else name
            yield from sealed(inner, f"{path}.{plain}" if path else plain)


def check_checkpoints(mission: Any, hashes: dict[int, str]) -> list[str]:
    """The keys that may sign after the last checkpoint. One of them must fix the last entry, and so all before it."""
    last: dict[str, str] = {}
    keys, pinned = GIVEN or lines("checkpoints/keys.txt")[:1], 0
    for proof in map(json.loads, lines("checkpoints/proofs.jsonl")):
        note = note_of(proof["n"])
        if signed(note["text"], keys):
            check_note(mission, note, proof["n"], last)
            pinned = max(pinned, fixed_by(mission, note, proof, hashes))
            keys, last = keys_after(note, keys), note
        elif last or not GIVEN:
            say(f"checkpoint {proof['n']}: no key that may sign has signed it")
    if not last:
        say("no checkpoint in here is signed by a key that may sign")
    elif not pinned or pinned < max(hashes, default=0):
        say(f"no checkpoint fixes the entries behind number {pinned}")
    return keys


def note_of(number: int) -> dict[str, str]:
    text = read(f"checkpoints/{number:09}.note")
    origin, _, root, *more = text.partition("\n\n")[0].split("\n")
    return {**dict(line.split(" ", 1) for line in more), "origin": origin, "root": root, "text": text}


def check_note(mission: Any, note: dict[str, str], number: int, last: dict[str, str]) -> None:
    if note["origin"] != f"coordinator/{mission['installation']}" or note["number"] != str(number):
        say(f"checkpoint {number}: it is another one")
    before, linked = int(last.get("number", 0)), sha(last["text"]) if last else bytes(32)
    if number <= before or (number == before + 1 and base64.b64decode(note["prev"]) != linked):
        say(f"checkpoint {number}: it does not follow the one before it")


def fixed_by(mission: Any, note: dict[str, str], proof: Any, hashes: dict[int, str]) -> int:
    """Up to which entry the checkpoint fixes the chain; 0 when it says nothing of it and only hands over to a key."""
    seq = proof.get("seq", 0)
    if seq and root_by(mission["stream"], proof, int(note["streams"])) != base64.b64decode(note["root"]):
        say(f"checkpoint {proof['n']}: its proof does not lead to its root")
        return 0
    if seq and hashes.get(seq) != proof["hash"]:
        say(f"entry {seq}: checkpoint {proof['n']} fixed another one")
        return 0
    return int(seq)


def keys_after(note: dict[str, str], keys: list[str]) -> list[str]:
    """A key that a checkpoint brings signs from then on, alone, when it has signed this one too."""
    if "key" not in note or note["number"] == "1":
        return keys
    if not signed(note["text"], [note["key"]]):
        say(f"checkpoint {note['number']}: the new key that it brings has not signed it")
        return keys
    return [note["key"]]


def root_by(stream: str, proof: Any, size: int) -> bytes | None:
    """The Merkle root (RFC 6962) to which the proof leads from the stream's head."""
    found, index, path = sha(f"\0{stream} {proof['seq']} {proof['hash']}"), proof["index"], list(proof["path"])
    while size > 1:
        if index ^ 1 < size and path:
            beside = bytes.fromhex(path.pop(0))
            found = sha(b"\x01" + (beside + found if index & 1 else found + beside))
        index, size = index // 2, (size + 1) // 2
    return None if path or index else found


def signed(text: str, keys: list[str]) -> bool:
    """Whether one of the keys has signed this note: a text, an empty line, and lines of signatures."""
    body, _, signatures = text.partition("\n\n")
    return any(signed_by(key, f"{body}\n", line) for key in keys for line in signatures.splitlines())


def signed_by(key: str, body: str, line: str) -> bool:
    try:
        name, _, public = key.strip().split("+", 2)
        raw, told = base64.b64decode(public), base64.b64decode(line.rpartition(" ")[2])
    except ValueError:
        return False
    of = sha(f"{name}\n".encode() + raw)[:4]
    as_written = line == f"\u2014 {name} {base64.b64encode(told).decode()}" and raw[:1] == b"\x01"
    return as_written and told[:4] == of and ed25519(raw[1:], body.encode(), told[4:])


# Ed25519 (RFC 8032), the checking of signatures only, by the formulas of its section 5.1.
P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return x * y % P, z * t % P, y * z % P, x * t % P


def times(number: int, point: tuple[int, ...]) -> tuple[int, ...]:
    made: tuple[int, ...] = (0, 1, 1, 0)
    while number:
        made = add(made, point) if number & 1 else made
        point, number = add(point, point), number >> 1
    return made


def opened(data: bytes) -> tuple[int, ...]:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        a, r, s = opened(public), opened(signature[:32]), int.from_bytes(signature[32:], "little")
    except ValueError:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    one, other = times(s, opened((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))), add(r, times(k, a))
    same = all((one[i] * other[2] - other[i] * one[2]) % P == 0 for i in (0, 1))
    return len(signature) == 64 and s < Q and same


def main() -> int:
    if len(FOLDERS) > 1 or not HERE.is_dir():
        sys.stdout.write(f"{__doc__}")
        return 2
    mission, hashes, keys = {}, {}, []
    try:
        check_files()
        mission = json.loads(read("mission.json"))
        hashes = check_entries(mission)
        keys = check_checkpoints(mission, hashes)
        check_manifest(mission, keys)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        say(f"a file cannot be read as what it was: {type(problem).__name__}: {problem}")
    if FOUND:
        sys.stdout.write(f"{len(FOUND)} findings\n")
        return 1
    what = f"{len(hashes)} entries of {mission['stream']}, made {mission['made_at']}"
    sys.stdout.write(f"intact: {what}, signed by {keys[0]}\n")
    if not GIVEN:
        sys.stdout.write("This key came with the pack, which proves itself only against it. Is it the one you know?\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
