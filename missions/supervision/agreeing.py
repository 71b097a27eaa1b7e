"""Whether what is kept of missions equals what their streams tell: checkpoints, standings, and the rows themselves."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from django.db.models import Count

from missions.models import Mission, MissionStanding, Task
from missions.replaying import reading
from missions.standing import figures, folding, packing
from missions.supervision import loading
from missions.supervision.server import MissionServer
from traceability import moments

Counts = dict[str, int]


def partings(mission_ids: Collection[int]) -> dict[int, list[str]]:
    """Where each mission's parts disagree, as sentences, by row id; what agrees is left out. One moment for all."""
    with moments.one_moment():
        kept, unreadable = loading.load_some(mission_ids)
        folded, broken = loading.load_some(mission_ids, anew=mission_ids)
        found: dict[int, list[str]] = defaultdict(list)
        for pk, problem in {**unreadable, **broken}.items():
            found[pk].append(f"the stream cannot be folded: {problem}")
        for pk in kept.keys() & folded.keys():
            found[pk] += _of_kept(kept[pk], folded[pk])
        rows, tasks = Mission.objects.in_bulk(folded), _counted(folded)
        for pk, server in folded.items():
            found[pk] += _of_rows(server, rows[pk], tasks.get(pk, {}))
        for shown in MissionStanding.objects.filter(pk__in=folded):
            found[shown.mission_id] += _of_shown(shown, folded[shown.mission_id])
    return {pk: sentences for pk, sentences in found.items() if sentences}


def _of_kept(kept: MissionServer, folded: MissionServer) -> Iterator[str]:
    if kept.seq != folded.seq:
        yield f"checkpoint and rest end at entry {kept.seq}, the stream at {folded.seq}"
        return
    one, other = packing.plain(kept.standing), packing.plain(folded.standing)
    if apart := sorted(name for name in one if one[name] != other[name]):
        yield f"checkpoint and rest differ from the whole stream in {', '.join(apart)}"


def _of_rows(server: MissionServer, row: Mission, tasks: Counts) -> Iterator[str]:
    standing = server.standing
    if (told := figures.counts(standing)) != tasks:
        yield f"the stream tells of {_listed(told)}, the rows hold {_listed(tasks)}"
    if standing.status != row.status:
        yield f"the stream tells that it is {standing.status or 'nothing yet'}, its row says {row.status}"
    if standing.cost != int(row.cost_usd * 1_000_000):
        yield f"the stream tells of ${standing.cost / 1e6:.6f}, its row of ${row.cost_usd:.6f}"


def _of_shown(shown: MissionStanding, server: MissionServer) -> Iterator[str]:
    """A standing that is behind is held against the stream up to there."""
    if shown.seq > server.seq:
        yield f"its standing is of entry {shown.seq}, the stream ends at {server.seq}"
        return
    standing = server.standing
    if shown.seq < server.seq:
        standing = folding.fold(reading.entries(server.stream, upto=shown.seq))
    if (told := figures.counts(standing)) != shown.counts:
        yield f"its standing says {_listed(shown.counts)}, the stream up to there {_listed(told)}"
    if shown.figures.get("cost_usd") != standing.cost / 1e6:
        yield f"its standing says ${shown.figures.get('cost_usd')}, the stream up to there ${standing.cost / 1e6}"


def _counted(mission_ids: Collection[int]) -> dict[int, Counts]:
    rows = Task.objects.filter(mission__in=mission_ids).values_list("mission_id", "status").order_by()
    found: dict[int, Counts] = defaultdict(dict)
    for mission_id, status, count in rows.annotate(Count("pk")):
        found[mission_id][status] = count
    return found


def _listed(counts: Counts) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no task"
