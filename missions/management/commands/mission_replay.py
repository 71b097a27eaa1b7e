"""`manage.py mission_replay`: missions rebuilt from traces. Exit code 1: rows part from them; 2: it cannot be told."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coordinator.lib.commands import UNDONE, RecordCommand
from missions import replay
from missions.models import Mission
from missions.replay import Moment, NotReplayable
from missions.replaying import reading
from traceability.archiving import ArchiveChanged, ArchiveMissing

BATCH = 100


class Command(RecordCommand):
    help = "Rebuild a mission from its trace, as it is or as it was, and compare it with its rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("mission", nargs="?", metavar="MISSION", help="its id or public key")
        parser.add_argument("--at", metavar="MOMENT", help="an entry's id, seq:N, or a time (2026-11-24T12:00:00Z)")
        parser.add_argument("--diff", action="store_true", help="list where the rows part from it; then exit with 1")
        parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")
        parser.add_argument("--all", action="store_true", help="compare every mission with its rows")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["mission"]) == options["all"]:
            raise CommandError("Name one mission, or --all of them.", returncode=UNDONE)
        if options["all"]:
            self.compare_all(as_json=options["json"])
        else:
            self.show(
                Mission.objects.identified(options["mission"]),
                options["at"],
                diff=options["diff"],
                as_json=options["json"],
            )

    def show(self, mission: Mission, at: str | None, *, diff: bool, as_json: bool) -> None:
        try:
            told = replay.replay(mission, until=None if at is None else _moment(mission, at))
        except (NotReplayable, ArchiveMissing, ArchiveChanged) as broken:
            raise CommandError(broken.detail, returncode=1) from broken
        self.stdout.write(_as_json(told) if as_json else "\n".join(_lines(mission.key, told)))
        if diff and not as_json:
            self.tell(mission.key, told["differences"])
        if diff and told["differences"]:
            raise CommandError(
                f"{mission.key} parts from its trace in {len(told['differences'])} places.", returncode=1
            )

    def compare_all(self, *, as_json: bool) -> None:
        keys = dict(Mission.objects.order_by("pk").values_list("pk", "mission_id"))
        ids, found = list(keys), dict[int, list[dict[str, Any]]]()
        for start in range(0, len(ids), BATCH):
            found |= replay.partings(ids[start : start + BATCH])
        if as_json:
            self.stdout.write(_as_json({keys[pk]: partings for pk, partings in found.items()}))
        else:
            self.stdout.write(f"{len(keys)} missions, {len(keys) - len(found)} equal their traces")
            for pk, partings in found.items():
                self.tell(keys[pk], partings)
        if found:
            raise CommandError(f"{len(found)} missions part from their traces.", returncode=1)

    def tell(self, key: str, partings: list[dict[str, Any]]) -> None:
        for each in partings:
            self.stdout.write(f"{key} {each['path']}: trace {each['replayed']!r}, rows {each['current']!r}")


def _moment(mission: Mission, text: str) -> Moment:
    """An entry's id, or the time; a position is the id of the entry there."""
    name, _, number = text.rpartition(":")
    if name == "seq" and number.isdigit():
        seq = int(number)
        told = next(reading.entries(replay.stream_of(mission.pk), after=seq - 1, upto=seq), None)
        if told is None:
            raise CommandError(f"The trace of {mission.key} has no entry {number}.", returncode=UNDONE)
        return told.id
    if text.isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise CommandError(
            f"{text!r} is no moment: name an entry's id, seq:N, or a time.", returncode=UNDONE
        ) from problem
    if found.tzinfo is None:
        raise CommandError(f"{text!r} has no zone: write {text}Z for UTC.", returncode=UNDONE)
    return found


def _lines(key: str, told: dict[str, Any]) -> list[str]:
    state = told["state"]
    counts = Counter(task["status"] for task in state["tasks"].values())
    return [
        f"{key} after {told['entries']} entries: {state['status'] or 'not yet made'}, ${state['cost_usd']} spent",
        "tasks: " + (", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none"),
        "taking part: " + (", ".join(f"{who} ({role})" for who, role in state["participants"].items()) or "nobody"),
        ", ".join(f"{len(state[part])} {part}" for part in ("decisions", "approvals", "executions", "advisories")),
    ]


def _as_json(told: Any) -> str:
    return json.dumps(told, indent=2, ensure_ascii=False)
