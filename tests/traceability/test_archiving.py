"""Entries of closed streams move to files that stay what the table held, and nothing is lost on the way."""

import gzip
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from django.db.utils import Error
from django.utils import timezone

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT, at_once, new_mission, note, stream_of
from traceability import archive_files, archiving, ledger, verifying
from traceability.archiving import ArchiveChanged, ArchiveMissing
from traceability.events import SYSTEM, Event
from traceability.models import Archive, Entry, StreamHead
from traceability.services import archiving as moving
from traceability.services.archiving import BusyElsewhere, FileInTheWay, Moved, NotIntact

pytestmark = pytest.mark.breaks_history
"""The files of a test are gone before the trace is compared with the rows."""


@dataclass(frozen=True, kw_only=True)
class Confided(Event):
    """Something that may have to be erased."""

    kind: ClassVar[str] = "note.confided"
    erasable: ClassVar[tuple[str, ...]] = ("comment",)
    comment: str = ""


COLUMNS = [each.name for each in Entry._meta.fields if each.name != "xid"]


@pytest.fixture
def directory(settings: Any, tmp_path: Path) -> Path:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return tmp_path / "archive"


def told(count: int, mission: Ref | None = None) -> Ref:
    """A mission with so many entries."""
    mission = mission or new_mission()
    for number in range(count):
        note(mission, {"number": number, "share": number / 8, "word": "naïve ☃"})
    return mission


def archive(mission: Ref, directory: Path) -> list[Moved]:
    return list(moving.archive(stream_of(mission), directory, actor=SYSTEM, now=timezone.now()))


def values(entries: Any) -> list[dict[str, Any]]:
    return [{name: _plain(getattr(entry, name)) for name in COLUMNS} for entry in entries]


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def in_table(mission: Ref) -> list[dict[str, Any]]:
    return values(Entry.objects.in_stream(stream_of(mission)))


def in_files(mission: Ref) -> list[dict[str, Any]]:
    return values(archiving.entries(stream_of(mission)))


@pytest.fixture(autouse=True)
def committing(committed_db: str) -> None:
    """Everything here is really committed."""


def test_every_column_of_every_entry_is_read_back_from_the_file(directory: Path) -> None:
    mission = told(5)
    before = in_table(mission)
    (moved,) = archive(mission, directory)
    assert in_table(mission) == []
    assert in_files(mission) == before
    assert (moved.first_seq, moved.last_seq, moved.size) == (1, 5, moved.path.stat().st_size)
    assert moved.path.name == f"mission-{mission.id}-1-5.jsonl.gz"


def test_the_file_says_whose_it_is_and_what_stood_before(directory: Path) -> None:
    mission = told(2)
    (moved,) = archive(mission, directory)
    header = json.loads(gzip.decompress(moved.path.read_bytes()).splitlines()[0])
    first = verifying.first_link(stream_of(mission)).hex()
    assert (header["format"], header["stream"], header["before"]) == (
        "coordinator-archive-1",
        stream_of(mission),
        first,
    )
    assert (header["first_seq"], header["last_seq"]) == (1, 2)


def test_the_head_stays_and_a_late_entry_goes_on_at_the_next_number_with_the_right_hash(directory: Path) -> None:
    mission = told(3)
    head = StreamHead.objects.get(stream=stream_of(mission))
    archive(mission, directory)
    assert StreamHead.objects.get(stream=stream_of(mission)).hash == head.hash
    note(mission, "late")
    late = Entry.objects.get(stream=stream_of(mission))
    assert late.seq == 4
    assert bytes(late.hash) == verifying.link(bytes(head.hash), late.stream, 4, archive_moment(late), late.canonical)
    assert verifying.verify(stream_of(mission)).findings == ()


def archive_moment(entry: Entry) -> str:
    return entry.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_second_archive_starts_where_the_first_one_ends(directory: Path) -> None:
    mission = told(3)
    archive(mission, directory)
    told(2, mission)
    before = in_files(mission) + in_table(mission)
    (moved,) = archive(mission, directory)
    assert (moved.first_seq, moved.last_seq) == (4, 5)
    assert in_files(mission) == before
    assert verifying.verify(stream_of(mission)).findings == ()


def test_a_long_stream_goes_to_several_files(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "MOST_ENTRIES", 4)
    mission = told(10)
    before = in_table(mission)
    assert [(moved.first_seq, moved.last_seq) for moved in archive(mission, directory)] == [(1, 4), (5, 8), (9, 10)]
    assert in_files(mission) == before
    assert [line["seq"] for line in archiving.lines(stream_of(mission), after=3, upto=9)] == [4, 5, 6, 7, 8, 9]


def test_a_file_holds_no_more_than_its_text_and_one_entry(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mission = told(6)
    monkeypatch.setattr(moving, "MOST_CHARACTERS", 1)
    assert [moved.last_seq for moved in archive(mission, directory)] == [1, 2, 3, 4, 5, 6]


def test_the_organisation_is_told_and_the_table_remembers(directory: Path) -> None:
    mission = told(3)
    (moved,) = archive(mission, directory)
    entry = Entry.objects.filter(stream="org", kind="trace.archived").latest("pk")
    kept = Archive.objects.get(stream=stream_of(mission))
    assert entry.data["of_stream"] == stream_of(mission)
    assert entry.data["sha256"] == kept.sha256 == moved.sha256
    assert entry.data["last_hash"] == bytes(kept.hash).hex()


def test_the_same_entries_give_the_same_bytes(directory: Path, tmp_path: Path) -> None:
    lines = [{name: f"{name}-{number}" for name in archive_files.COLUMNS} for number in range(3)]
    assert archive_files.packed({"stream": "org"}, lines) == archive_files.packed({"stream": "org"}, lines)


def test_what_may_be_erased_stands_in_a_file_of_its_own(directory: Path) -> None:
    mission = new_mission()
    with ledger.writing():
        ledger.record(Confided(mission=mission, comment="my home address"), actor=SYSTEM, at=AT)
    note(mission, "plain")
    (moved,) = archive(mission, directory)
    assert b"home address" not in gzip.decompress(moved.path.read_bytes())
    assert b"home address" in gzip.decompress(archive_files.texts_beside(moved.path).read_bytes())
    assert [entry.data for entry in archiving.entries(stream_of(mission))] == [
        {"comment": "my home address"},
        {"text": "plain"},
    ]


def test_a_file_left_by_a_killed_run_is_recognised(directory: Path) -> None:
    mission = told(3)
    stream = stream_of(mission)
    with pytest.raises(ZeroDivisionError):
        archive_and_fail(mission, directory)
    (left,) = directory.iterdir()
    stamp = left.stat()
    assert Entry.objects.in_stream(stream).count() == 3
    archive(mission, directory)
    assert (left.stat().st_ino, left.stat().st_mtime_ns) == (stamp.st_ino, stamp.st_mtime_ns)
    assert not Entry.objects.in_stream(stream).exists()


def archive_and_fail(mission: Ref, directory: Path) -> None:
    with transaction.atomic():
        archive(mission, directory)
        raise ZeroDivisionError


def test_a_file_of_that_name_with_other_entries_is_not_overwritten(directory: Path) -> None:
    mission = told(2)
    directory.mkdir()
    other = directory / archive_files.name_of(stream_of(mission), 1, 2)
    other.write_bytes(b"somebody else's")
    with pytest.raises(FileInTheWay, match="something else"):
        archive(mission, directory)
    assert other.read_bytes() == b"somebody else's"
    assert Entry.objects.in_stream(stream_of(mission)).count() == 2


def test_a_stream_that_does_not_verify_is_not_archived(directory: Path) -> None:
    mission = told(3)
    force(f"UPDATE traceability_entry SET actor_name = 'mallory' WHERE stream = '{stream_of(mission)}' AND seq = 2")
    with pytest.raises(NotIntact, match="#2"):
        archive(mission, directory)
    assert Entry.objects.in_stream(stream_of(mission)).count() == 3


def force(statement: str) -> None:
    """Changes history as a superuser can."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE traceability_entry DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE traceability_entry ENABLE TRIGGER USER")


def test_two_at_once_move_a_stream_once(directory: Path) -> None:
    mission = told(40)
    before = in_table(mission)

    def job() -> int:
        try:
            return len(archive(mission, directory))
        except BusyElsewhere:
            return 0

    assert sum(at_once([job] * 4)) == 1
    assert in_files(mission) == before
    assert Archive.objects.filter(stream=stream_of(mission)).count() == 1


def test_nothing_is_lost_when_others_write_meanwhile(directory: Path) -> None:
    mission = told(200)

    def write() -> list[Moved]:
        for number in range(60):
            note(mission, number)
        return []

    at_once([partial(archive, mission, directory), write, write])
    archive(mission, directory)
    assert [line["seq"] for line in archiving.lines(stream_of(mission))] == list(range(1, 321))
    assert verifying.verify(stream_of(mission)).findings == ()


def test_entries_do_not_leave_the_table_without_their_file_and_without_being_told(directory: Path) -> None:
    mission = told(2)
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT traceability_archive_entries(%s, 2, 'no digest')", [stream_of(mission)])
    assert Entry.objects.in_stream(stream_of(mission)).count() == 2


def test_a_missing_file_is_named_and_is_no_proof_of_a_change(directory: Path) -> None:
    mission = told(2)
    (moved,) = archive(mission, directory)
    moved.path.unlink()
    with pytest.raises(ArchiveMissing, match=moved.path.name):
        list(archiving.entries(stream_of(mission)))
    fault = archiving.fault(Archive.objects.get(stream=stream_of(mission)))
    assert fault is not None
    assert (fault.kind, fault.seq) == ("archive_missing", 1)


def test_missing_texts_are_not_taken_for_erased_ones(directory: Path) -> None:
    mission = new_mission()
    with ledger.writing():
        ledger.record(Confided(mission=mission, comment="secret"), actor=SYSTEM, at=AT)
    (moved,) = archive(mission, directory)
    archive_files.texts_beside(moved.path).unlink()
    with pytest.raises(ArchiveMissing, match=r"texts\.jsonl\.gz"):
        list(archiving.entries(stream_of(mission)))


@pytest.mark.parametrize("at", [0, 9, 40, -9, -1], ids=["magic", "flags", "inside", "checksum", "length"])
def test_a_file_with_one_byte_changed_is_refused(directory: Path, at: int) -> None:
    mission = told(3)
    (moved,) = archive(mission, directory)
    data = bytearray(moved.path.read_bytes())
    data[at] ^= 1
    moved.path.write_bytes(data)
    with pytest.raises(ArchiveChanged, match=stream_of(mission)):
        list(archiving.entries(stream_of(mission)))
    fault = archiving.fault(Archive.objects.get(stream=stream_of(mission)))
    assert fault is not None
    assert fault.kind == "archive_modified"


def test_the_last_entry_up_to_a_moment_is_found_in_the_files(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "MOST_ENTRIES", 3)
    mission = told(7)
    entries = list(Entry.objects.in_stream(stream_of(mission)))
    archive(mission, directory)
    for entry in entries:
        assert archiving.position(stream_of(mission), entry.pk) == entry.seq
        assert archiving.position(stream_of(mission), entry.recorded_at) == entry.seq
    assert archiving.position(stream_of(mission), entries[0].pk - 1) == 0
    assert archiving.position(stream_of(mission), timezone.now()) == 7
