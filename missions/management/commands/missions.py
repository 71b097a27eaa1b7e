"""`manage.py missions`: what runs where."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.utils import timezone

from coordinator.lib.commands import RecordCommand
from missions.models import MissionHost
from missions.supervision import watching
from missions.supervision.watching import Place

HEADS = ("MISSION", "STATUS", "PROCESS", "HOST", "SINCE", "RESTARTS", "LAG", "LAST ERROR")
LONGEST = {"MISSION": 40, "HOST": 30, "LAST ERROR": 90}


class Command(RecordCommand):
    help = "Shows every mission's process: its state, its host, and how many entries of its stream it has not folded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--state", choices=watching.STATES, help="only these; without it, all that are not stopped")
        parser.add_argument("--host", default="", metavar="MACHINE", help="only those that this machine hosts")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        states = [options["state"]] if options["state"] else [each for each in watching.STATES if each != "stopped"]
        found, now = watching.places(states=states, host=options["host"]), timezone.now()
        hosts, counts = watching.hosts(), watching.counts()
        if options["json"]:
            told = {"missions": list(map(_shape, found)), "hosts": list(map(_host_shape, hosts)), "states": counts}
            self.stdout.write(json.dumps(told, indent=2))
            return
        if found:
            self.stdout.write("\n".join(_table([HEADS, *(_row(each, now) for each in found)])) + "\n")
        self.stdout.write(_sum(found, counts))
        for host in hosts:
            self.stdout.write(_told(host, now))
        if not hosts:
            self.stdout.write("No host lives: run `python manage.py workers`.")


def _row(place: Place, now: datetime) -> tuple[str, ...]:
    return (
        place.key,
        place.status,
        place.state,
        place.host or "-",
        _span((now - place.since).total_seconds()),
        str(place.restarts),
        str(place.lag),
        place.error or "-",
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """The rows in columns, each as wide as its widest cell."""
    cut = [[text[: LONGEST.get(head, 20)] for head, text in zip(HEADS, row, strict=True)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    for row in cut:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _sum(found: list[Place], counts: dict[str, int]) -> str:
    behind = [place for place in found if place.lag]
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
    late = f"; {len(behind)} of these behind, the worst by {max(each.lag for each in behind)}" if behind else ""
    return f"{len(found)} shown. Processes: {states}{late}."


def _told(host: MissionHost, now: datetime) -> str:
    left = (host.lease_until - now).total_seconds()
    lease = f"lease {left:.1f} s" if left > 0 else f"lease over for {-left:.1f} s"
    return (
        f"Host {host.pk}: {host.machine}, process {host.pid}, {host.state}, {lease}, {host.missions} missions, "
        f"{host.applied} entries folded, {host.lag_ms:.0f} ms behind"
    )


def _shape(place: Place) -> dict[str, Any]:
    shown = asdict(place) | {"mission_id": place.key}
    times = {name: value and value.isoformat() for name, value in shown.items() if name in TIMES}
    return {name: value for name, value in shown.items() if name != "key"} | times


def _host_shape(host: MissionHost) -> dict[str, Any]:
    plain = ("machine", "pid", "version", "state", "missions", "applied", "lag_ms")
    shown = {name: getattr(host, name) for name in plain}
    return {"id": host.pk, **shown, "lease_until": host.lease_until.isoformat(), "beat_at": host.beat_at.isoformat()}


TIMES = ("since", "restart_at", "last_error_at")


def _span(seconds: float) -> str:
    """A length of time in its largest fitting unit."""
    for unit, size in (("d", 172800), ("h", 7200), ("min", 120)):
        if seconds >= size:
            return f"{seconds / (size / 2):.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
