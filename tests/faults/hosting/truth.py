"""What must be true once it is quiet again: nothing lost, nothing twice, every mission with one living owner."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from agents.models import Usage
from missions import replay
from missions.models import Execution, Mission, MissionCheckpoint, MissionProcess, MissionStanding, Task
from missions.replaying import reading
from missions.standing import figures, folding, packing
from missions.supervision import loading
from traceability.models import Entry
from traceability.moments import one_moment


def differences(mission_ids: Iterable[int]) -> list[str]:
    """A sentence for each thing that is not as it must be, all of it seen at one moment."""
    ids, now = sorted(mission_ids), timezone.now()
    with one_moment():
        partings = replay.partings(ids)
        return [
            *(f"mission {pk}: its trace and its rows part: {found}" for pk, found in partings.items()),
            *_unfolded(ids),
            *_unowned(ids, now),
            *_advice_told_twice(),
            *_runs_counted_twice(),
        ]


def _unfolded(ids: list[int]) -> Iterator[str]:
    loaded, shown = loading.load(ids), MissionStanding.objects.in_bulk(ids)
    for pk in ids:
        whole = folding.fold(reading.entries(replay.stream_of(pk)))
        if odd := _odd(packing.plain(loaded[pk].standing), packing.plain(whole)):
            yield f"mission {pk}: its checkpoint with the rest is not its whole stream: {odd}"
        if pk not in shown or shown[pk].seq != loaded[pk].seq:
            yield f"mission {pk}: its standing is not at the head of its stream"
        elif not shown[pk].counts == figures.counts(whole) == _counted(pk):
            yield f"mission {pk}: {shown[pk].counts} shown, {figures.counts(whole)} folded, {_counted(pk)} counted"


def unkept(mission_ids: Iterable[int]) -> Iterator[str]:
    """A sentence for each mission whose process did not keep, as it ended in good order, what its stream says."""
    kept = MissionCheckpoint.objects.in_bulk(list(mission_ids))
    for pk in mission_ids:
        whole = folding.fold(reading.entries(replay.stream_of(pk)))
        if pk not in kept or kept[pk].seq != reading.position(replay.stream_of(pk)):
            yield f"mission {pk}: its checkpoint is not at the head of its stream"
        elif odd := _odd(packing.plain(packing.unpacked(bytes(kept[pk].state))), packing.plain(whole)):
            yield f"mission {pk}: its last checkpoint is not its whole stream: {odd}"


def _odd(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What of one state is not as in the other; empty when they are the same."""
    return "; ".join(f"{name} {found[name]} for {wanted[name]}" for name in wanted if found[name] != wanted[name])


def _counted(mission_id: int) -> dict[str, int]:
    rows = Task.objects.filter(mission=mission_id).values_list("status").annotate(n=Count("pk")).order_by("status")
    return dict(rows)


def _unowned(ids: list[int], now: datetime) -> Iterator[str]:
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
