"""Missions' processes made from what is kept and the stream after it, in any process, whether a host lives or not."""

import logging
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator

from django.db import connection

from missions.models import MissionCheckpoint, MissionStanding
from missions.replay import stream_of
from missions.replaying import reading
from missions.replaying.folding import CannotFold
from missions.standing import packing
from missions.supervision.server import MissionServer
from traceability.archiving import ArchiveChanged, ArchiveMissing

AT_ONCE = 200
MOST_ENTRIES = 10_000
"""Entries that are read with one statement for many missions; longer streams are read one by one, in pages."""

BREATHE_EVERY = 2000
HEADS = "SELECT substr(stream, 9)::bigint, seq FROM traceability_streamhead WHERE stream = ANY(%s)"
REST = """
SELECT entry.stream, entry.id, entry.seq, entry.canonical, entry.body
FROM unnest(%s::text[], %s::bigint[]) AS have(stream, seq)
JOIN traceability_entry AS entry ON entry.stream = have.stream AND entry.seq > have.seq
ORDER BY entry.stream, entry.seq
"""
log = logging.getLogger(__name__)

Broken = dict[int, Exception]
Breath = Callable[[], object]


def _hold() -> None:
    """Nobody waits meanwhile."""


def load(mission_ids: Iterable[int], *, anew: Collection[int] = ()) -> dict[int, MissionServer]:
    """Each mission's process as it stands now, by row id; those of `anew` from their first entry. Raises CannotFold."""
    servers, broken = load_some(list(mission_ids), anew=anew)
    for problem in broken.values():
        raise problem
    return servers


def load_some(
    mission_ids: Collection[int], *, anew: Collection[int] = (), breathe: Breath = _hold
) -> tuple[dict[int, MissionServer], Broken]:
    """The same, and apart from it those that do not fold, with the reason.

    `breathe` is called every few thousand entries, so that a host can renew its lease.
    """
    servers = _kept([each for each in mission_ids if each not in anew])
    servers |= {each: MissionServer(each) for each in mission_ids if each not in servers}
    broken = catch_up(servers.values(), breathe=breathe)
    return {pk: server for pk, server in servers.items() if pk not in broken}, broken


def catch_up(servers: Iterable[MissionServer], *, breathe: Breath = _hold) -> Broken:
    """Folds what these have not folded yet; answers those that cannot, which must be thrown away."""
    broken: Broken = {}
    behind = _behind(list(servers))
    ends = [(server, server.seq + missing) for server, missing in behind]
    few: list[tuple[MissionServer, int]] = []
    for server, missing in behind:
        if missing > AT_ONCE:
            _follow(server, broken, breathe)
        else:
            few.append((server, missing))
    for part in _parts(few):
        _follow_all(part, broken)
        breathe()
    for server, end in ends:
        if server.seq < end and server.mission_id not in broken:
            broken[server.mission_id] = CannotFold(server.stream, server.seq + 1, "is missing")
    return broken


def _kept(mission_ids: list[int]) -> dict[int, MissionServer]:
    rows = MissionCheckpoint.objects.filter(pk__in=mission_ids, schema=packing.SCHEMA)
    shown = dict(MissionStanding.objects.filter(pk__in=mission_ids).values_list("pk", "seq"))
    found = {}
    for pk, seq, state in rows.values_list("pk", "seq", "state").iterator(chunk_size=1000):
        try:
            standing = packing.unpacked(bytes(state))
        except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as problem:
            log.error("The checkpoint of mission %s cannot be read, its stream is folded anew: %r", pk, problem)
            continue
        found[pk] = MissionServer(pk, seq, standing, kept=seq, shown=shown.get(pk, 0))
    return found


def _behind(servers: list[MissionServer]) -> list[tuple[MissionServer, int]]:
    """Those whose stream has entries that they have not folded, and how many."""
    by_id = {server.mission_id: server for server in servers}
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [[server.stream for server in servers]])
        heads = cursor.fetchall()
    for pk, seq in heads:
        if seq < by_id[pk].seq:  # another history than the one that was folded: it was restored
            by_id[pk].begin_anew()
    return [(by_id[pk], seq - by_id[pk].seq) for pk, seq in heads if seq > by_id[pk].seq]


def _follow(server: MissionServer, broken: Broken, breathe: Breath = _hold) -> None:
    try:
        for told in reading.entries(server.stream, after=server.seq):
            server.apply(told)
            if not told.seq % BREATHE_EVERY:
                breathe()
    except (CannotFold, ArchiveMissing, ArchiveChanged) as problem:
        broken[server.mission_id] = problem


def _parts(few: list[tuple[MissionServer, int]]) -> Iterator[list[MissionServer]]:
    part: list[MissionServer] = []
    entries = 0
    for server, missing in few:
        if part and entries + missing > MOST_ENTRIES:
            yield part
            part, entries = [], 0
        part.append(server)
        entries += missing
    if part:
        yield part


def _follow_all(servers: list[MissionServer], broken: Broken) -> None:
    by_stream = {stream_of(server.mission_id): server for server in servers}
    with connection.cursor() as cursor:
        cursor.execute(REST, [list(by_stream), [server.seq for server in servers]])
        rows = cursor.fetchall()
    away = set(by_stream) - {row[0] for row in rows}
    for stream, entry_id, seq, text, body in rows:
        server = by_stream[stream]
        if stream not in away and server.mission_id not in broken:
            try:
                if not server.apply(reading.told(stream, entry_id, seq, text, body)):
                    away.add(stream)
            except CannotFold as problem:
                broken[server.mission_id] = problem
    for stream in away:  # entries that were moved to files, or are gone
        _follow(by_stream[stream], broken)
