"""What the chain costs: 8 writers append to the ledger, to a plain copy of its table, to a chain of their own keeping.

Each transaction changes a task's row and appends one entry, as the services do. The runs of a round come in random
order; a figure is the median over the rounds of the ratio to the plain append of the same round.
"""

import multiprocessing
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from statistics import median

import psycopg

from benchmarks.spine.ground import Figure

WRITERS, SECONDS, ROUNDS = 8, 2.0, 5
TEXT = (
    '{"actor":{"id":7,"kind":"agent","name":"coder"},"data":{"after":"in_progress","attempts":1,"before":"pending",'
    '"decisions":[],"percent":10,"reason":""},"kind":"task.moved","occurred_at":"2026-11-24T12:00:00.000000Z",'
    '"on_behalf_of":null,"refs":{"mission":{"id":1,"key":"checkout"},"task":{"id":5,"key":"split-form"}},'
    '"request_id":"0b4cf1f0-6f2e-4b9a-9f0e-5f1d2b3c4d5e","schema":1}'
)
VALUES = "(%s, 'task.moved', 1, 'agent', 7, 'coder', 'r', 'task', 5, 'split-form', 1, 5, 9, now(), %s"
NAMES = (
    "(stream, kind, schema, actor_kind, actor_id, actor_name, request_id, subject_type, subject_id, subject_key,"
    " mission_id, task_id, agent_id, occurred_at, canonical"
)
CHAINED = f"INSERT INTO traceability_entry {NAMES}) VALUES {VALUES})"
PLAIN = (
    f"INSERT INTO bench_plain {NAMES}, xid, seq, recorded_at, hash) VALUES {VALUES},"
    " pg_current_xact_id(), nextval('bench_seq'), clock_timestamp(), sha256(''))"
)
APPLICATION = (
    f"INSERT INTO bench_plain {NAMES}, xid, seq, recorded_at, hash) VALUES {VALUES}, pg_current_xact_id(), %s, %s, %s)"
)
TABLES = """
CREATE TABLE bench_plain (LIKE traceability_entry INCLUDING ALL);
CREATE SEQUENCE bench_seq;
ALTER TABLE bench_plain ALTER COLUMN id SET DEFAULT nextval('bench_seq');
CREATE TABLE bench_task (id bigint PRIMARY KEY, n bigint NOT NULL);
INSERT INTO bench_task SELECT generate_series(1, 1000), 0;
"""

Write = Callable[[psycopg.Cursor, str], None]


def chained(cursor: psycopg.Cursor, stream: str) -> None:
    cursor.execute(CHAINED, [stream, TEXT], prepare=True)


def plain(cursor: psycopg.Cursor, stream: str) -> None:
    cursor.execute(PLAIN, [stream, TEXT], prepare=True)


def by_the_application(cursor: psycopg.Cursor, stream: str) -> None:
    """One chain over everything, read and extended by the writer under a lock."""
    cursor.execute("SELECT pg_advisory_xact_lock(1)")
    cursor.execute("SELECT seq, hash FROM bench_plain WHERE stream = 'global' ORDER BY seq DESC LIMIT 1")
    seq, before = cursor.fetchone() or (0, b"")
    at = datetime.now(UTC)
    link = sha256(bytes(before) + f"{seq + 1}{at}{TEXT}".encode()).digest()
    cursor.execute(APPLICATION, ["global", TEXT, seq + 1, at, link], prepare=True)


WAYS: dict[str, tuple[Write, int, bool]] = {
    "plain append": (plain, 50, True),
    "chained, 50 missions": (chained, 50, True),
    "chained, 8 missions": (chained, 8, True),
    "chained, one hot mission": (chained, 1, True),
    "one chain kept by the application": (by_the_application, 50, True),
    "plain append, unflushed": (plain, 50, False),
    "chained, 50 missions, unflushed": (chained, 50, False),
}
"""Each way: how it writes, over how many streams, and whether a commit waits for the disk."""


def run(address: str) -> list[Figure]:
    with psycopg.connect(address, autocommit=True) as held:
        held.execute(TABLES)
    seen: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in random.sample(list(WAYS), len(WAYS)):
            seen[way].append(_rate(address, way))
    figures: list[Figure] = [(f"{way}: commits/s", median(rates), "/s") for way, rates in seen.items()]
    for way in WAYS:
        base = "plain append, unflushed" if way.endswith("unflushed") else "plain append"
        if way != base:
            ratios = [rate / against for rate, against in zip(seen[way], seen[base], strict=True)]
            figures.append((f"{way} / {base}", median(ratios), "x"))
    ratios = [
        a / b for a, b in zip(seen["chained, 50 missions"], seen["one chain kept by the application"], strict=True)
    ]
    return [*figures, ("chained, 50 missions / one chain kept by the application", median(ratios), "x")]


def _rate(address: str, way: str) -> float:
    """Commits a second of all writers together."""
    with psycopg.connect(address, autocommit=True) as held:
        held.execute("CHECKPOINT")
    context = multiprocessing.get_context("spawn")
    start, counts = context.Barrier(WRITERS + 1), context.Queue()
    writers = [context.Process(target=_write, args=(address, way, number, start, counts)) for number in range(WRITERS)]
    for each in writers:
        each.start()
    start.wait()
    total = sum(counts.get() for _ in writers)
    for each in writers:
        each.join()
    return total / SECONDS


def _write(
    address: str,
    way: str,
    number: int,
    start: "multiprocessing.synchronize.Barrier",
    counts: "multiprocessing.Queue[int]",
) -> None:
    write, streams, flushed = WAYS[way]
    chance, done = random.Random(number), 0
    with psycopg.connect(address) as held, held.cursor() as cursor:
        held.execute(f"SET synchronous_commit = {'on' if flushed else 'off'}")
        held.commit()
        start.wait()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            cursor.execute("UPDATE bench_task SET n = n + 1 WHERE id = %s", [chance.randrange(1000) + 1], prepare=True)
            write(cursor, f"mission:{chance.randrange(streams) + 1}")
            held.commit()
            done += 1
    counts.put(done)
