"""Archived entries are verified as those of the table are, and stand in the evidence pack."""

import gzip
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from missions.models import Mission
from tests.factories import person
from tests.missions import archives
from tests.missions.archives import archive, stream
from traceability import archiving, verifying
from traceability.models import Archive

pytestmark = pytest.mark.breaks_history


@pytest.fixture(autouse=True)
def directory(committed_db: str, settings: Any, tmp_path: Path) -> Path:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return tmp_path / "archive"


@pytest.fixture
def ended(directory: Path) -> Mission:
    return archives.ended()


def test_the_evidence_pack_of_an_archived_mission_holds_the_same_entries(ended: Mission, tmp_path: Path) -> None:
    packed = [tmp_path / "before", tmp_path / "after"]
    call_command("trace_export", mission=ended.key, out=packed[0], stdout=StringIO())
    archive(mission=[ended.key], closed_for=0)
    call_command("trace_export", mission=ended.key, out=packed[1], stdout=StringIO())
    for name in ("entries.jsonl", "bodies.jsonl"):
        assert (packed[0] / name).read_bytes() == (packed[1] / name).read_bytes()


def test_a_changed_file_is_named_by_stream_and_entry(ended: Mission) -> None:
    archive(mission=[ended.key], closed_for=0)
    path = archiving.path_of(Archive.objects.get(stream=stream(ended)))
    lines = gzip.decompress(path.read_bytes()).splitlines()
    lines[4] = lines[4].replace(b"task", b"tusk", 1)
    path.write_bytes(gzip.compress(b"\n".join(lines), mtime=0))
    found = [(each.stream, each.seq, each.kind) for each in verifying.verify().findings]
    assert found == [(stream(ended), 1, "archive_modified"), (stream(ended), 4, "column_mismatch")]


def test_a_missing_file_leaves_the_check_unfinished(ended: Mission, directory: Path) -> None:
    archive(mission=[ended.key], closed_for=0)
    for file in directory.iterdir():
        file.unlink()
    proof = verifying.verify()
    assert proof.findings == ()
    assert [(each.stream, each.kind) for each in proof.unchecked] == [(stream(ended), "archive_missing")]


def test_the_page_does_not_call_a_record_whole_whose_entries_are_out_of_sight(
    ended: Mission, directory: Path, client: Client
) -> None:
    archive(mission=[ended.key], closed_for=0)
    for file in directory.iterdir():
        file.unlink()
    client.force_login(person("viewer"))
    said = " ".join(client.get("/trace?verify=1").content.decode().split())
    assert "Not all of the record could be checked." in said
    assert f"Stream {stream(ended)}, from entry 1: The file of archived entries is not here." in said
    assert "The record is whole." not in said
