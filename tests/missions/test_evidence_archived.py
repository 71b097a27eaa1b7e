"""A mission whose entries were moved to files gives the same evidence."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from missions.lifecycle import MissionStatus
from tests.missions import world
from traceability import archiving
from traceability.events import SYSTEM
from traceability.services import archiving as moving

pytestmark = pytest.mark.breaks_history
"""The files of a test are gone before the trace is compared with the rows."""


def test_an_archived_mission_is_packed_from_its_files(committed_db: str, tmp_path: Path, settings: Any) -> None:
    settings.CHECKPOINT_DIR, settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoints", tmp_path / "checkpoint.key"
    settings.ARCHIVE_DIR = tmp_path / "archive"
    mission = world.mission(MissionStatus.COMPLETED, description="done")
    before, after = tmp_path / "before", tmp_path / "after"
    call_command("trace_export", "--mission", mission.key, "--out", str(before), stdout=StringIO())
    stream = f"mission:{mission.pk}"
    assert list(moving.archive(stream, archiving.directory(), actor=SYSTEM, now=timezone.now()))
    call_command("trace_export", "--mission", mission.key, "--out", str(after), stdout=StringIO())
    for name in ("entries.jsonl", "bodies.jsonl"):
        assert (after / name).read_text() == (before / name).read_text() != ""
    done = subprocess.run(
        [sys.executable, "-I", "-S", after / "verify.py"], capture_output=True, text=True, check=False
    )
    count = json.loads((after / "mission.json").read_text())["entries"]
    assert done.stdout.startswith(f"intact: {count} entries of {stream}, ")
