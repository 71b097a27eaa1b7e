"""How fast the record is checked, in full and by the database, and how long a checkpoint over 10,000 streams takes.

60,000 entries of some 500 bytes in 50 streams, with all columns filled and a text beside every tenth; one process.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from django.utils import timezone

from benchmarks.spine.ground import Figure
from traceability import bodies, verifying
from traceability.canonical import write
from traceability.keys import Keyring
from traceability.services import checkpointing

ENTRIES, STREAMS, WIDE, RUNS = 60_000, 50, 10_000, 3
TEXT = (
    '{"actor":{"id":7,"kind":"agent","name":"coder"},"data":{"after":"in_progress","attempts":1,"before":"pending",'
    '"comment":%s,"decisions":[],"percent":10,"reason":""},"kind":"task.moved",'
    '"occurred_at":"2026-11-24T12:00:00.000000Z","on_behalf_of":null,"refs":{"mission":{"id":1,"key":"checkout"},'
    '"subject":{"id":5,"key":"split-form","type":"task"},"task":{"id":5,"key":"split-form"}},'
    '"request_id":"0b4cf1f0-6f2e-4b9a-9f0e-5f1d2b3c4d5e","schema":1}'
)
SAID = '"nothing"'
INSERT = """
INSERT INTO traceability_entry (stream, kind, schema, actor_kind, actor_id, actor_name, request_id, subject_type,
    subject_id, subject_key, mission_id, task_id, occurred_at, canonical, body)
SELECT 'mission:' || (n %% %(streams)s), 'task.moved', 1, 'agent', 7, 'coder', '0b4cf1f0-6f2e-4b9a-9f0e-5f1d2b3c4d5e',
    'task', 5, 'split-form', 1, 5, '2026-11-24T12:00:00Z',
    CASE WHEN n %% 10 = 0 THEN %(sealed)s ELSE %(open)s END, CASE WHEN n %% 10 = 0 THEN %(body)s END
FROM generate_series(1, %(entries)s) AS n
"""


def run(database: str) -> list[Figure]:
    _write(database, ENTRIES, STREAMS)
    assert verifying.verify().findings == ()
    full, quick = _seconds(verifying.verify), _seconds(lambda: verifying.verify(fast=True))
    busy = _seconds(verifying.verify, clock=time.process_time)
    return [
        ("entries checked in full", ENTRIES / full, "entries/s"),
        ("entries checked in full, for each second of its core", ENTRIES / busy, "entries/s"),
        ("entries checked quickly, by the database", ENTRIES / quick, "entries/s"),
        *_checkpoints(database),
    ]


def _checkpoints(database: str) -> list[Figure]:
    _write(database, WIDE, WIDE)
    took = []
    with tempfile.TemporaryDirectory() as directory:
        notes, keyring = Path(directory), Keyring(Path(directory) / "key")
        for entries in range(1, RUNS + 1):
            _write(database, entries, WIDE)
            began = time.perf_counter()
            assert checkpointing.take(notes, keyring, now=timezone.now())
            took.append((time.perf_counter() - began) * 1000)
    return [
        (f"a checkpoint over {WIDE} streams, the first one", took[0], "ms"),
        (f"a checkpoint over {WIDE} streams, a later one", median(took[1:]), "ms"),
    ]


def _write(database: str, entries: int, streams: int) -> None:
    """Appends entries to the streams by turns."""
    comment, salt = "Please look at the second half of the form again", "00112233445566778899aabbccddeeff"
    sealed = TEXT % write({"": bodies.Sealed(bodies.digest(salt, comment))})[4:-1]
    values = {"sealed": sealed, "open": TEXT % SAID, "body": write({"comment": {"salt": salt, "value": comment}})}
    with psycopg.connect(database, autocommit=True) as held:
        held.execute("SET coordinator.longest_hold = '0'")
        held.execute(INSERT, {"streams": streams, "entries": entries, **values})
        held.execute("ANALYZE traceability_entry")


def _seconds(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    took = []
    for _ in range(RUNS):
        began = clock()
        work()
        took.append(clock() - began)
    return median(took)
