"""A mission as it was: the moment that the slider chose, its board, what happened then, what came since another."""

from collections.abc import Container, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Q
from django.urls import reverse

from coordinator.dashboard import past_boards, rows, stories, timelines
from coordinator.dashboard import past_changes as changes
from coordinator.dashboard.charts import lanes
from coordinator.dashboard.charts.lanes import Lane
from missions import archiving as mission_archiving
from missions import replay
from missions.models import Mission
from missions.replaying import reading, snapshots
from missions.replaying.folding import CannotFold
from missions.replaying.state import State
from traceability import archiving, topics
from traceability.models import Entry

AROUND = 3
"""So many entries are shown before and after the chosen one."""

DIGITS = 18


class Past:
    """What one request looks at: a moment of a mission's stream, perhaps beside another. Each part is read once."""

    def __init__(self, mission: Mission, asked: Mapping[str, str], scopes: Container[str]) -> None:
        self.mission, self.hidden = mission, topics.hidden_from(scopes)
        self.stream = replay.stream_of(mission.pk)
        self.last = max(1, reading.position(self.stream))
        self.asked = asked
        self.seq = self._place(asked["seq"], asked["at"]) or self.last
        self.other = self._place(asked["with_seq"], asked["with"])
        self.entries = cache(self._entries)
        self.bounds = cache(self._bounds)
        self.titles = cache(self._titles)

    def slider(self) -> Mapping[str, Any]:
        """Where the moments stand among all entries; at most 6 statements."""
        (start, end), entries = self.bounds(), self.entries()
        x = lanes.scale(start, end)
        return {
            "last": self.last,
            "chosen": self._told(self.seq),
            "other": self._told(self.other) if self.other else None,
            "previous": entries.get(self.seq - 1),
            "next": entries.get(self.seq + 1),
            "missed": [told for told in (self._missed(), self._missed_other()) if told],
            "lines": [x(max(start, entries[seq].occurred_at).timestamp()) for seq in self._moments()],
        }

    def chart(self) -> Mapping[str, Any]:
        """One lane for each agent over all of the mission, with a line at each moment; at most 9 statements."""
        start, end = self.bounds()
        drawn = timelines.lanes_of(self.mission, start, end)
        spent = timelines.cost_curve(self.mission.pk, start, end)
        marks = [max(start, self.entries()[seq].occurred_at) for seq in self._moments()]
        return {"chart": lanes.timeline(drawn or [Lane("No agent", ())], start, end, spent, marks)}

    def board(self) -> Mapping[str, Any]:
        """The tasks as they stood, what happened around, and what differs; at most 10 statements."""
        try:
            state = snapshots.state_at(self.stream, self.seq)
            other = snapshots.state_at(self.stream, self.other) if self.other else None
        except CannotFold as broken:
            return {"broken": str(broken)}
        near = range(self.seq - AROUND, self.seq + AROUND + 1)
        return {
            "facts": past_boards.facts(state),
            "columns": past_boards.columns(state, self.entries()[self.seq].occurred_at),
            "around": [self._told(seq) for seq in near if seq in self.entries()],
            "parted": self._parted(state, other) if other else None,
        }

    def _parted(self, state: State, other: State) -> Mapping[str, Any]:
        """What came between the two moments, the earlier one first."""
        first, second = (state, other) if self.seq <= (self.other or 0) else (other, state)
        earlier, later = sorted((self.seq, self.other or 0))
        return {
            "earlier": self._told(earlier),
            "later": self._told(later),
            "between": later - earlier,
            "mission": changes.of_mission(first, second),
            **changes.of_tasks(first, second),
        }

    def _missed(self) -> str:
        """What to say when the moment in the address is none of this mission; else nothing."""
        if self._hits(self.seq, self.asked["seq"], self.asked["at"]):
            return ""
        return f"That moment was not found; this is {self._where(self.seq)}."

    def _missed_other(self) -> str:
        if self.other is None:
            named = self.asked["with"] or self.asked["with_seq"]
            return "The moment to compare with was not found." if named else ""
        if self._hits(self.other, self.asked["with_seq"], self.asked["with"]):
            return ""
        return f"The moment to compare with was not found; compared is {self._where(self.other)}."

    def _hits(self, place: int, seq: str, entry: str) -> bool:
        """Whether the address names that place, or none at all."""
        if _is_number(seq):
            return int(seq) == place
        return not (seq or entry) or (_is_number(entry) and self.entries()[place].pk == int(entry))

    def _where(self, place: int) -> str:
        if place == self.last:
            return "the end"
        return "the beginning" if place == 1 else "the last one before it"

    def _moments(self) -> list[int]:
        return [seq for seq in (self.seq, self.other) if seq]

    def _bounds(self) -> tuple[datetime, datetime]:
        """When work on the first task began (else the mission itself), and when the last entry happened."""
        moves = mission_archiving.entries_of(self.mission).filter(kind="task.moved").order_by("id")[:1]
        times = [each.occurred_at for each in self.entries().values()]
        return min([each.occurred_at for each in moves] or times), max(times)

    def _told(self, seq: int) -> dict[str, Any]:
        """An entry with its sentence, unless the reader's role hides its kind."""
        entry = self.entries()[seq]
        seen = entry.kind.partition(".")[0] not in self.hidden
        here = reverse("pages:mission", args=[self.mission.pk])
        return {
            "seq": seq,
            "id": entry.pk,
            "at": entry.occurred_at,
            "here": seq == self.seq,
            "line": stories.line(entry, self.titles(), here) if seen else None,
        }

    def _titles(self) -> stories.Titles:
        return rows.titled(self.entries().values())[1]

    def _entries(self) -> dict[int, Entry]:
        """The entries that are shown, by place: around the moment, the other one, the first and the last."""
        near = range(max(1, self.seq - AROUND), min(self.last, self.seq + AROUND) + 1)
        wanted = {1, self.last, *near, *self._moments()}
        rows_of = Entry.objects.in_stream(self.stream).filter(Q(seq__in=wanted))
        found = {each.seq: each for each in rows_of}
        for seq in sorted(wanted - found.keys()):
            found |= {each.seq: each for each in archiving.entries(self.stream, after=seq - 1, upto=seq)}
        return found

    def _place(self, seq: str, entry: str) -> int | None:
        """The place that the address names, by number or by an entry's id; what is no number names none."""
        if _is_number(seq):
            return max(1, min(int(seq), self.last))
        return max(1, reading.position(self.stream, int(entry))) if _is_number(entry) else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= DIGITS
