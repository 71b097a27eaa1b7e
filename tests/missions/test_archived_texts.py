"""Texts of archived entries can be erased lawfully: the chain stays whole and the text is nowhere any more."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from missions import replay
from missions.lifecycle import MissionStatus
from missions.models import Mission
from missions.services import erasing as whole
from missions.services import planning, steering
from tests.factories import client_of, person
from tests.missions import world
from traceability import archive_files, archiving, bodies, verifying
from traceability.events import SYSTEM
from traceability.models import Archive, Entry
from traceability.services import archiving as moving
from traceability.services import erasing_archived
from traceability.services.erasing import Order

pytestmark = pytest.mark.breaks_history

SECRET = "the code of the door is 4711-0815"


@pytest.fixture(autouse=True)
def directory(committed_db: str, settings: Any, tmp_path: Path) -> Path:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return tmp_path / "archive"


@pytest.fixture
def told(directory: Path) -> Mission:
    """An archived mission, one of whose entries holds the secret."""
    made = world.mission()
    planning.revise_mission(made, description=SECRET, expected=None, actor=SYSTEM, now=timezone.now())
    steering.move_mission(made, MissionStatus.CANCELLED, expected=None, actor=SYSTEM, now=timezone.now())
    list(moving.archive(stream(made), directory, actor=SYSTEM, now=timezone.now()))
    return Mission.objects.get(pk=made.pk)


def stream(mission: Mission) -> str:
    return f"mission:{mission.pk}"


def order() -> Order:
    return Order(reason="it was never to be written down", actor=SYSTEM, now=timezone.now())


def telling(mission: Mission) -> Entry:
    """The archived entry that held the secret."""
    return next(entry for entry in archiving.entries(stream(mission)) if entry.kind == "mission.updated")


def in_files(directory: Path) -> bool:
    return any(SECRET.encode() in gzip.decompress(file.read_bytes()) for file in directory.iterdir())


def test_an_archived_text_is_erased_from_its_file_and_from_the_rows(told: Mission, directory: Path) -> None:
    assert in_files(directory)
    sha256 = Archive.objects.get(stream=stream(told)).sha256
    entry = telling(told)
    whole.erase(entry, bodies.held(entry.body), order())
    assert not in_files(directory)
    assert telling(told).data["fields"]["description"] == bodies.ERASED
    assert Archive.objects.get(stream=stream(told)).sha256 == sha256
    assert Mission.objects.get(pk=told.pk).description == bodies.ERASED
    assert replay.replay(Mission.objects.get(pk=told.pk))["matches_current"]


def test_a_check_calls_it_lawful(told: Mission) -> None:
    entry = telling(told)
    whole.erase(entry, bodies.held(entry.body), order())
    proof = verifying.verify()
    assert (proof.findings, proof.unchecked) == ((), ())
    assert [(remark.kind, remark.stream, remark.seq) for remark in proof.remarks] == [
        ("erased", stream(told), entry.seq)
    ]


def test_a_text_is_found_and_erased_in_files_too(told: Mission, directory: Path) -> None:
    erased = whole.erase_text(SECRET, order())
    assert list(erased.entries) == [telling(told).pk]
    assert not in_files(directory)
    assert whole.left(SECRET) == []


def test_an_archived_entry_is_named_by_its_id_over_the_api_and_by_the_command(told: Mission, directory: Path) -> None:
    entry, client = telling(told), client_of(person("admin"))
    given = {"paths": ["fields.description"], "reason": "personal data"}
    assert client.post(f"/api/trace/{entry.pk}/erase", given, format="json").status_code == 200
    assert not in_files(directory)
    assert client.post(f"/api/trace/{entry.pk + 10_000}/erase", given, format="json").status_code == 404
    with pytest.raises(CommandError, match="No text stands at"):
        call_command("trace_erase", entry.pk, path=["fields.description"], reason="again")
    with pytest.raises(CommandError, match="no entry"):
        call_command("trace_erase", entry.pk + 10_000, path=["fields.description"], reason="again")


def test_an_erasure_that_is_not_committed_takes_nothing_out(told: Mission, directory: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        erase_and_fail(told)
    assert in_files(directory)
    assert telling(told).data["fields"]["description"] == SECRET


def erase_and_fail(mission: Mission) -> None:
    entry = telling(mission)
    with transaction.atomic():
        whole.erase(entry, bodies.held(entry.body), order())
        raise ZeroDivisionError


def test_what_a_crash_left_in_the_file_is_taken_out_by_the_next_run(told: Mission, directory: Path) -> None:
    path = archive_files.texts_beside(archiving.path_of(Archive.objects.get(stream=stream(told))))
    before, entry = path.read_bytes(), telling(told)
    whole.erase(entry, bodies.held(entry.body), order())
    path.write_bytes(before)
    assert erasing_archived.mend() == 1
    assert not in_files(directory)
    assert erasing_archived.mend() == 0


def test_an_erasure_told_in_a_later_file_is_lawful_in_the_earlier_one(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST_ENTRIES", 2)
    made = world.mission()
    planning.revise_mission(made, description=SECRET, expected=None, actor=SYSTEM, now=timezone.now())
    steering.move_mission(made, MissionStatus.CANCELLED, expected=None, actor=SYSTEM, now=timezone.now())
    entry = next(entry for entry in Entry.objects.in_stream(stream(made)) if SECRET in (entry.body or ""))
    whole.erase(entry, bodies.held(entry.body), order())
    list(moving.archive(stream(made), directory, actor=SYSTEM, now=timezone.now()))
    proof = verifying.verify()
    assert (proof.findings, proof.unchecked) == ((), ())
    assert [(remark.kind, remark.seq) for remark in proof.remarks] == [("erased", entry.seq)]
