"""What must be true once it is quiet again: nothing lost, nothing twice, every mission with one living owner."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db.models import Count, Q
from django.utils import timezone

from agents.models import Usage
from missions import replay
from missions.models import Execution, Mission, MissionCheckpoint, MissionProcess, MissionStanding, Task
from missions.replaying import reading
from missions.standing import figures, folding, packing
from missions.standing.state import Standing
from missions.supervision import loading
from traceability.models import Entry


def differences(mission_ids: Iterable[int]) -> list[str]:
    """A sentence for each thing that is not as it must be."""
    ids = sorted(mission_ids)
    partings = replay.partings(ids)
    return [
        *(f"mission {pk}: its trace and its rows part: {found}" for pk, found in partings.items()),
        *_unfolded(ids),
        *_unowned(ids),
        *_advice_told_twice(),
        *_runs_counted_twice(),
    ]


def _unfolded(ids: list[int]) -> Iterator[str]:
    loaded, shown = loading.load(ids), MissionStanding.objects.in_bulk(ids)
    for pk in ids:
        whole = folding.fold(reading.entries(replay.stream_of(pk)))
        if packing.plain(loaded[pk].standing) != packing.plain(whole):
            yield f"mission {pk}: its checkpoint with the rest is not its whole stream"
        if pk not in shown or shown[pk].seq != loaded[pk].seq:
            yield f"mission {pk}: its standing is not at the head of its stream"
        elif not shown[pk].counts == figures.counts(whole) == _counted(pk):
            yield f"mission {pk}: {shown[pk].counts} shown, {figures.counts(whole)} folded, {_counted(pk)} counted"
    for kept in MissionCheckpoint.objects.filter(pk__in=ids).iterator():
        if packing.plain(packing.unpacked(bytes(kept.state))) != packing.plain(_folded_upto(kept.pk, kept.seq)):
            yield f"mission {kept.pk}: its checkpoint at {kept.seq} is not its stream up to there"


def _folded_upto(mission_id: int, seq: int) -> Standing:
    return folding.fold(reading.entries(replay.stream_of(mission_id), upto=seq))


def _counted(mission_id: int) -> dict[str, int]:
    rows = Task.objects.filter(mission=mission_id).values_list("status").annotate(n=Count("pk")).order_by("status")
    return dict(rows)


def _unowned(ids: list[int]) -> Iterator[str]:
    now = timezone.now()
    for process in MissionProcess.objects.filter(pk__in=ids).select_related("owner"):
        owner = process.owner
        if process.state != "running" or owner is None or owner.state != "alive" or owner.lease_until < now:
            yield f"mission {process.pk}: its process is {process.state} and held by {owner and owner.state}"


def _advice_told_twice() -> Iterator[str]:
    standing: set[tuple[str, str]] = set()
    rows = Entry.objects.filter(kind__in=["advisory.opened", "advisory.resolved"]).order_by("id")
    for row in rows.iterator():
        named = (row.stream, row.data["cause"])
        if (named in standing) == (row.kind == "advisory.opened"):
            yield f"{row.stream}: entry {row.seq} tells {row.kind} of {named[1]} again"
        standing ^= {named}


def _runs_counted_twice() -> Iterator[str]:
    ends = Counter(row.data["execution"] for row in Entry.objects.filter(kind="execution.ended").iterator())
    for execution in Execution.objects.order_by("pk"):
        if execution.has_ended != bool(ends[execution.pk]) or ends[execution.pk] > 1:
            yield f"execution {execution.pk} is {execution.state} and was told to have ended {ends[execution.pk]} times"
    runs = Execution.objects.values("task_id").annotate(done=Count("pk", filter=Q(state="succeeded")))
    uses = dict(Usage.objects.values_list("task_id").annotate(n=Count("pk")).order_by("task_id"))
    for task_id, done in runs.values_list("task_id", "done").order_by("task_id"):
        if uses.get(task_id, 0) != done:
            yield f"task {task_id}: {uses.get(task_id, 0)} uses for {done} runs that succeeded"


def missions() -> list[int]:
    """Every active mission."""
    return list(Mission.objects.filter(status="active").order_by("pk").values_list("pk", flat=True))
