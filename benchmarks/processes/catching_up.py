"""How fast missions are loaded: from their first entries, from checkpoints, and one long stream.

The yardstick of the same run is the time in which `json` parses the same texts, which are in memory already.
"""

import json
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from django.db import connection

from benchmarks.processes import filling
from benchmarks.processes.ground import Figure
from missions.models import Mission, MissionCheckpoint
from missions.services import hosting, hosts, keeping
from missions.services.hosting import Owner
from missions.services.keeping import Saved
from missions.standing import packing
from missions.supervision import loading
from missions.supervision.server import MissionServer
from traceability import hints

LONG, RUNS, DIRTY = 20_000, 3, 1000
AT_ONCE, CLAIM_AT_ONCE = 200, 2000
"""What a host writes and takes at once."""

TEXTS = "SELECT canonical FROM traceability_entry WHERE stream LIKE 'mission:%'"


def run() -> Iterator[Figure]:
    missions = list(Mission.objects.order_by("pk").values_list("pk", flat=True))
    entries, parsed = _yardstick()
    anew = _seconds(lambda: _loaded(missions))
    count = f"{len(missions):,} missions ({entries:,} entries)"
    yield Figure(f"{count} loaded from their first entries", anew, "s")
    yield Figure("the same", entries / anew, "entries/s", ">= 40,000")
    yield Figure("the same, of a plain parse of the same texts by json", parsed / anew, "x")
    servers = _loaded(missions)
    with hints.connect() as held:
        owner = Owner(hosts.register(held, machine="bench", pid=1, version="1"), "bench")
        began = time.perf_counter()
        while hosting.claim(owner, most=CLAIM_AT_ONCE):
            pass
        yield Figure(f"{len(missions):,} missions claimed", (time.perf_counter() - began) * 1000, "ms")
        yield from _checkpoints(owner, servers)
    kept = _seconds(lambda: _loaded(missions))
    yield Figure(f"{len(missions):,} missions loaded from checkpoints", kept, "s")
    long = Mission.objects.order_by("pk")[0]
    filling.tell(long, LONG)
    seconds = _seconds(lambda: loading.load([long.pk], anew=[long.pk]))
    yield Figure(f"one mission of {LONG:,} entries", LONG / seconds, "entries/s", ">= 40,000")


def _checkpoints(owner: Owner, servers: dict[int, MissionServer]) -> Iterator[Figure]:
    """1,000 as a host writes them, in lots of 200; then the others too."""
    dirty = list(servers.values())
    parts = [dirty[at : at + AT_ONCE] for at in range(0, len(dirty), AT_ONCE)]
    lots = [_once(lambda part=part: _save(owner, part)) for part in parts]
    first = lots[: DIRTY // AT_ONCE]
    yield Figure(f"checkpoints of {DIRTY:,} missions that have none", sum(first) * 1000, "ms")
    again = [_once(lambda part=part: _save(owner, part)) for part in parts[: len(first)]]
    yield Figure(f"checkpoints of {DIRTY:,} missions that have one", sum(again) * 1000, "ms")
    yield Figure(f"one lot of {AT_ONCE}, the longest", max([*lots, *again]) * 1000, "ms")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT avg(length(state)) FROM {MissionCheckpoint._meta.db_table}")
        yield Figure("one checkpoint", float(cursor.fetchone()[0]), "bytes")


def _save(owner: Owner, servers: list[MissionServer]) -> None:
    rows = [Saved(each.mission_id, each.seq, packing.packed(each.standing)) for each in servers]
    assert len(keeping.save(owner.id, rows, schema=packing.SCHEMA)) == len(rows)


def _loaded(missions: list[int]) -> dict[int, MissionServer]:
    """As a host does: so many with each claim."""
    servers: dict[int, MissionServer] = {}
    for at in range(0, len(missions), CLAIM_AT_ONCE):
        servers |= loading.load(missions[at : at + CLAIM_AT_ONCE])
    return servers


def _yardstick() -> tuple[int, float]:
    """How many entries there are, and how long `json` takes for their texts."""
    with connection.cursor() as cursor:
        cursor.execute(TEXTS)
        texts = [text for (text,) in cursor.fetchall()]
    return len(texts), _seconds(lambda: [json.loads(text) for text in texts])


def _seconds(work: Callable[[], Any]) -> float:
    return median(_once(work) for _ in range(RUNS))


def _once(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
