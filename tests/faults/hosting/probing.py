"""A probe: new entries in some missions, and how long until those who look can see that they were folded."""

import time
from collections.abc import Collection, Iterable

from django.utils import timezone

from missions.models import Mission, MissionStanding
from missions.replay import stream_of
from missions.services import planning
from traceability.events import SYSTEM
from traceability.models import StreamHead

LOOK_EVERY_S = 0.01


def probe(missions: Collection[Mission], *, since: float, within_s: float) -> float:
    """Tells something new of each; answers the seconds from `since` (monotonic) until each standing shows it."""
    for each in missions:
        planning.create_task(mission=each, objective="Is somebody there?", actor=SYSTEM, now=timezone.now())
    return seen(heads(each.pk for each in missions), since=since, within_s=within_s)


def heads(mission_ids: Iterable[int]) -> dict[int, int]:
    """The seq of the newest entry of each mission's stream."""
    streams = {stream_of(pk): pk for pk in mission_ids}
    rows = StreamHead.objects.filter(stream__in=streams).values_list("stream", "seq")
    return {streams[stream]: seq for stream, seq in rows}


def seen(wanted: dict[int, int], *, since: float, within_s: float) -> float:
    """Seconds from `since` until each mission's standing has reached the entry; fails when one does not in time."""
    left = dict(wanted)
    while left:
        shown = MissionStanding.objects.filter(pk__in=left).values_list("pk", "seq")
        reached = [pk for pk, seq in shown if seq >= left[pk]]
        taken = time.monotonic() - since
        for pk in reached:
            del left[pk]
        if left:
            assert taken < within_s, f"after {taken:.1f} s {len(left)} of {len(wanted)} missions are behind: {left}"
            time.sleep(LOOK_EVERY_S)
    return taken
