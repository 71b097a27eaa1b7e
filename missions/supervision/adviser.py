"""All advice at once, in any process and without a host: what a host lets follow bit by bit."""

from datetime import datetime

from missions.models import Mission
from missions.services import advising
from missions.supervision import loading


def review(*, now: datetime) -> tuple[int, int]:
    """Looks at every active mission and at what concerns several; answers how many advisories were opened and resolved.

    Missions whose trace does not fold are left out: their processes crash, and that is advised.
    """
    ids = list(Mission.objects.active().order_by("pk").values_list("pk", flat=True))
    servers, _ = loading.load_some(ids)
    weighed = advising.weigh({pk: server.standing for pk, server in servers.items()}, now=now)
    done = [(weighed.opened, weighed.resolved), advising.sweep(now=now), advising.compare_files(now=now)]
    return sum(opened for opened, _ in done), sum(resolved for _, resolved in done)
