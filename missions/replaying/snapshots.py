"""States of missions at earlier moments, kept in this process so that a slider need not fold from the first entry.

A pure cache: a snapshot is kept under the chain's hash of its entry (or its archive's digest), which stands for
everything that was folded, and under the last erasure in the stream, so that none with an erased text is used again.
"""

import pickle
from collections import OrderedDict
from threading import Lock

from django.db import connection

from missions.replaying import folding, reading
from missions.replaying.state import State
from traceability.models import Archive

EVERY = 500
"""So many entries apart; a state in between is folded from the snapshot before it."""

MOST_BYTES = 64 * 2**20
LOOKED_AT = """
    SELECT coalesce(array_agg(seq), '{}'), coalesce(array_agg(hash), '{}'),
        (SELECT coalesce(max(seq), 0) FROM traceability_entry WHERE stream = %s AND kind = 'trace.erased')
    FROM traceability_entry WHERE stream = %s AND seq = ANY(%s)
"""

Key = tuple[bytes, int]


class Shelf:
    """Pickled states, at most `most_bytes` of them; the ones not used for longest go first. Safe among threads."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self.bytes = most_bytes, 0
        self.held: OrderedDict[Key, bytes] = OrderedDict()
        self.lock = Lock()

    def clear(self) -> None:
        with self.lock:
            self.held.clear()
            self.bytes = 0

    def get(self, key: Key) -> State | None:
        with self.lock:
            text = self.held.get(key)
            if text is not None:
                self.held.move_to_end(key)
        found: State | None = None if text is None else pickle.loads(text)
        return found

    def put(self, key: Key, state: State) -> None:
        text = pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL)
        with self.lock:
            self.bytes += len(text) - len(self.held.pop(key, b""))
            self.held[key] = text
            while self.bytes > self.most_bytes and self.held:
                _, gone = self.held.popitem(last=False)
                self.bytes -= len(gone)


SHELF = Shelf(MOST_BYTES)


def state_at(stream: str, seq: int) -> State:
    """The state after the entry `seq` of the stream; nobody else holds it. Raises CannotFold."""
    if seq <= 0:
        return State()
    hashes, erasure = _hashes(stream, seq)
    kept = ((at, SHELF.get((hashes[at], erasure))) for at in sorted(hashes, reverse=True))
    at, state = next(((at, found) for at, found in kept if found), (0, State()))
    while at < seq:
        upto = min(seq, at - at % EVERY + EVERY)
        folding.fold(reading.entries(stream, after=at, upto=upto), state)
        at = upto
        if at in hashes:
            SHELF.put((hashes[at], erasure), state)
    return state


def _hashes(stream: str, seq: int) -> tuple[dict[int, bytes], int]:
    """What stands for each entry that may have a snapshot, and the seq of the last erasure."""
    wanted = [*range(EVERY, seq, EVERY), seq - 1, seq]
    with connection.cursor() as cursor:
        cursor.execute(LOOKED_AT, [stream, stream, wanted])
        places, made, erasure = cursor.fetchone()
    hashes = {int(at): bytes(each) for at, each in zip(places, made, strict=True)}
    if missing := set(wanted) - hashes.keys() - {0}:
        hashes |= _archived(stream, missing)
    return hashes, int(erasure)


def _archived(stream: str, wanted: set[int]) -> dict[int, bytes]:
    """For entries in files: the file's digest and the entry's place in it."""
    files = list(Archive.objects.filter(stream=stream).values_list("first_seq", "last_seq", "sha256"))
    return {at: f"{sha256}:{at}".encode() for at in wanted for first, last, sha256 in files if first <= at <= last}
