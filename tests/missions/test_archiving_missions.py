"""What the command and the clock archive: missions that ended and are silent for long, and what they say of others."""

import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.health import ActivityEvent
from agents.services import presence
from agents.services.presence import Said
from missions import jobs
from missions.models import Mission
from tests.factories import client_of, person
from tests.missions import archives, world
from tests.missions.archives import archive, stream
from traceability import archiving, ledger
from traceability.events import SYSTEM
from traceability.models import Archive, Entry

pytestmark = pytest.mark.breaks_history


@pytest.fixture(autouse=True)
def directory(committed_db: str, settings: Any, tmp_path: Path) -> Path:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    return tmp_path / "archive"


@pytest.fixture
def ended(directory: Path) -> Mission:
    return archives.ended()


def test_missions_that_go_on_or_ended_lately_stay_in_the_table(ended: Mission) -> None:
    world.mission()
    assert archive() == "Nothing to archive.\n"
    assert archive(closed_for=0, dry_run=True).startswith(f"{stream(ended)} ({ended.key}): ")
    assert not Archive.objects.exists()
    with pytest.raises(CommandError, match="too lately"):
        archive(mission=[ended.key], closed_for=1)
    with pytest.raises(CommandError, match="it has not ended"):
        archive(mission=[world.mission().key], closed_for=0)
    with pytest.raises(CommandError, match="no-such"):
        archive(mission=["no-such"], closed_for=0)


def test_a_mission_is_archived_once(ended: Mission) -> None:
    assert f"{stream(ended)}: entries 1 to " in archive(closed_for=0)
    assert archive(closed_for=0) == "Nothing to archive.\n"
    with pytest.raises(CommandError, match="no entry that is not archived"):
        archive(mission=[ended.key], closed_for=0)


def test_the_files_are_told_as_json(ended: Mission, directory: Path) -> None:
    (line,) = archive(closed_for=0, json=True).splitlines()
    told = json.loads(line)
    assert told["stream"] == stream(ended)
    assert hashlib.sha256(Path(told["path"]).read_bytes()).hexdigest() == told["sha256"]


def test_agents_that_went_away_are_archived_only_when_asked_for() -> None:
    gone, here = world.agent(), world.agent()
    with ledger.writing():
        presence.hear(gone, [Said(event=ActivityEvent.STOP, at=timezone.now())], actor=SYSTEM, now=timezone.now())
    assert archive(closed_for=0) == "Nothing to archive.\n"
    assert f"agent:{gone.pk}: entries 1 to 2" in archive(closed_for=0, agents=True)
    assert Entry.objects.of_agent(here.pk).exists()
    told = world.task(agent=gone)
    client = client_of(person("operator"))
    assert client.get(f"/api/trace?agent={gone.key}&event=task.created").data["results"][0]["task"] == told.key
    assert [entry.kind for entry in archiving.entries(f"agent:{gone.pk}")] == ["agent.created", "agent.status_changed"]


def test_the_clock_archives_only_where_it_was_told_to(ended: Mission, settings: Any) -> None:
    settings.ARCHIVE_CLOSED_AFTER_DAYS = None
    assert jobs.archive() == 0
    settings.ARCHIVE_CLOSED_AFTER_DAYS = 30
    assert jobs.archive() == 0
    settings.ARCHIVE_CLOSED_AFTER_DAYS = 0
    assert jobs.archive() == 1
    assert not Entry.objects.in_stream(stream(ended)).exists()


def test_the_options_are_read_from_the_command_line(ended: Mission, directory: Path) -> None:
    for nonsense in ("nan", "inf", "-1", "soon", "1e9"):
        with pytest.raises(CommandError, match="no number of days"):
            call_command("trace_archive", "--closed-for", nonsense)
    call_command(
        "trace_archive",
        "--mission",
        ended.key,
        "--closed-for",
        "0",
        stdout=StringIO(),
    )
    assert [file.name for file in sorted(directory.glob("*.jsonl.gz")) if "texts" not in file.name] == [
        f"mission-{ended.pk}-1-{Archive.objects.get(stream=stream(ended)).last_seq}.jsonl.gz"
    ]


def test_a_dry_run_says_when_nothing_is_due(ended: Mission) -> None:
    assert archive(dry_run=True) == "Nothing to archive.\n"


def test_files_go_nowhere_but_to_the_directory_of_the_settings(ended: Mission, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="unrecognized arguments: --dir"):
        call_command("trace_archive", "--closed-for", "0", "--dir", str(tmp_path))
    assert not Archive.objects.exists()


def test_a_directory_that_cannot_be_written_is_named(ended: Mission, directory: Path) -> None:
    directory.write_text("a file in its place")
    with pytest.raises(CommandError, match=f"ARCHIVE_DIR={directory}, cannot be used") as refused:
        archive(closed_for=0)
    assert refused.value.returncode == 2
    assert not Archive.objects.exists()
