"""Checks this evidence pack: `python3 verify.py [PUBLIC KEY ...]`. Needs nothing but Python 3.8 or later.

Every file against MANIFEST, every entry against the chain, its columns and its texts, the chain against the signed
checkpoints. Ends with 0 when the pack is intact and 1 when it was changed, and says where. A public key that you kept
yourself (as the first line of checkpoints/keys.txt) makes the checkpoints' signatures independent of this pack.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

HERE = pathlib.Path(sys.argv[0]).resolve().parent
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


def check_files() -> None:
    *lines, last = (HERE / "MANIFEST").read_text().splitlines()
    if last != "manifest " + sha("".join(f"{line}\n" for line in lines)).hex():
        say("MANIFEST is not as it was written")
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    there = {path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.is_file()} - {"MANIFEST"}
    for name in sorted(there | set(listed)):
        if name not in there or name not in listed or sha((HERE / name).read_bytes()).hex() != listed[name]:
            say(f"{name} is not as MANIFEST says")


def check_entries(mission: Any) -> dict[int, str]:
    """The hash of every entry, by number, when the chain leads to it."""
    hashes: dict[int, str] = {}
    erased: dict[int, set[str]] = {}
    entries = [json.loads(line) for line in (HERE / "entries.jsonl").read_text().splitlines()]
    bodies = {each["seq"]: each["body"] for each in map(json.loads, (HERE / "bodies.jsonl").read_text().splitlines())}
    for told in (json.loads(each["canonical"])["data"] for each in entries if each["kind"] == "trace.erased"):
        erased.setdefault(told["seq"], set()).update(told["paths"])
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
            check_entry(entry, json.loads(text), bodies.get(seq), erased.get(seq, set()))
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
    held, fixed = json.loads(body or "{}"), dict(sealed(told.get("data"), ""))
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


def check_checkpoints(mission: Any, hashes: dict[int, str]) -> None:
    folder, keys = HERE / "checkpoints", sys.argv[1:]
    keys = keys or (folder / "keys.txt").read_text().splitlines()[:1]
    for proof in map(json.loads, (folder / "proofs.jsonl").read_text().splitlines()):
        text, _, signatures = (folder / f"{proof['n']:09}.note").read_text().partition("\n\n")
        origin, _, root, *more = text.split("\n")
        told = dict(line.split(" ", 1) for line in more)
        if not any(signed(f"{text}\n", line, keys) for line in signatures.splitlines()):
            say(f"checkpoint {proof['n']}: no key that may sign has signed it")
        if origin != f"coordinator/{mission['installation']}" or told["number"] != str(proof["n"]):
            say(f"checkpoint {proof['n']}: it is another one")
        if proof["seq"] and hashes.get(proof["seq"]) != proof["hash"]:
            say(f"entry {proof['seq']}: checkpoint {proof['n']} fixed another one")
        if proof["seq"] and root_by(mission["stream"], proof, int(told["streams"])) != base64.b64decode(root):
            say(f"checkpoint {proof['n']}: its proof does not lead to its root")
        keys = [told["key"]] if "key" in told and proof["n"] > 1 else keys


def root_by(stream: str, proof: Any, size: int) -> bytes:
    """The Merkle root (RFC 6962) to which the proof leads from the stream's head."""
    found, index, path = sha(f"\0{stream} {proof['seq']} {proof['hash']}"), proof["index"], list(proof["path"])
    while size > 1:
        if index ^ 1 < size and path:
            beside = bytes.fromhex(path.pop(0))
            found = sha(b"\x01" + (beside + found if index & 1 else found + beside))
        index, size = index // 2, (size + 1) // 2
    return found


def signed(text: str, line: str, keys: list[str]) -> bool:
    name, coded = line[2:].rsplit(" ", 1)
    number, signature = base64.b64decode(coded)[:4], base64.b64decode(coded)[4:]
    for key in keys:
        of, _, public = key.strip().split("+", 2)
        raw = base64.b64decode(public)
        if (of, sha(f"{of}\n".encode() + raw)[:4]) == (name, number) and ed25519(raw[1:], text.encode(), signature):
            return True
    return False


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
    mission, hashes = {}, {}
    try:
        check_files()
        mission = json.loads((HERE / "mission.json").read_text())
        hashes = check_entries(mission)
        check_checkpoints(mission, hashes)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        say(f"a file cannot be read as what it was: {type(problem).__name__}: {problem}")
    sys.stdout.write(f"{len(FOUND)} findings\n" if FOUND else f"intact: {len(hashes)} entries of {mission['stream']}\n")
    return 1 if FOUND else 0


if __name__ == "__main__":
    sys.exit(main())
