"""A directory of checkpoints of one test alone."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT, new_mission
from tests.traceability.force import say
from traceability import checkpoints
from traceability.keys import Keyring
from traceability.models import Checkpoint
from traceability.proving import record
from traceability.proving.record import Record
from traceability.services import checkpointing


@dataclass
class Shelf:
    """A directory of checkpoints and the key that signs them, of one test alone."""

    home: Path
    taken: int = 0
    keyring: Keyring = field(init=False)

    def __post_init__(self) -> None:
        self.keyring = Keyring(self.home / "checkpoint.key")

    @property
    def directory(self) -> Path:
        return self.home / "checkpoints"

    def take(self) -> Checkpoint | None:
        self.taken += 1
        return checkpointing.take(self.directory, self.keyring, now=AT + timedelta(minutes=5 * self.taken))

    def rotate(self) -> Checkpoint:
        self.taken += 1
        return checkpointing.rotate(self.directory, self.keyring, old=None, now=AT + timedelta(minutes=5 * self.taken))

    def record(self, **options: Any) -> Record:
        """The checkpoints here, checked: the files against these `rows`, those of the database when none are named."""
        if "rows" not in options:
            options["rows"] = dict(Checkpoint.objects.values_list("n", "note"))
            options["spare"] = {row.n: bytes(row.heads) for row in Checkpoint.objects.order_by("n")}
        return record.read(self.directory, **options)

    def note(self, number: int) -> Path:
        return checkpoints.note_file(self.directory, number)

    def heads(self, number: int) -> Path:
        return checkpoints.heads_file(self.directory, number)

    def wrong(self, **options: Any) -> list[tuple[int, str]]:
        """What is wrong with the notes themselves."""
        return [(each.seq, each.kind) for each in self.record(**options).findings]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def fixed(shelf: Shelf) -> Ref:
    """A mission of six entries, fixed by checkpoints at entry 2, 4 and 6."""
    found = new_mission()
    for number in range(1, 7):
        say(found, f"text {number}")
        if number % 2 == 0:
            assert shelf.take()
    return found
