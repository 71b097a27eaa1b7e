"""A run that is killed at any moment loses nothing, and the next one goes on."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from coordinator.lib.refs import Ref
from tests.traceability.conftest import new_mission, note, stream_of
from traceability import archiving, verifying
from traceability.models import Archive, Entry

pytestmark = pytest.mark.breaks_history

STREAMS, EACH, KILLS = 12, 30, 15
LONGEST_S = 0.3
PATIENCE_S = 60
RUNS = """
import os, signal, sys, time, django
from pathlib import Path
django.setup()
from django.utils import timezone
from traceability.events import SYSTEM
from traceability.services import archiving
archiving.MOST_ENTRIES = 3

def run(directory, *streams):
    for stream in streams:
        for moved in archiving.archive(stream, Path(directory), actor=SYSTEM, now=timezone.now()):
            pass

for line in sys.stdin:
    killed_after, *wanted = line.split()
    child = os.fork()
    if not child:
        run(*wanted)
        os._exit(0)
    if killed_after != "never":
        time.sleep(float(killed_after))
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Each line makes a run in a process of its own, killed after so many seconds; the answer is how it ended."""


def test_a_run_killed_at_any_moment_loses_nothing(committed_db: str, settings: Any, tmp_path: Path) -> None:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    missions = [new_mission() for _ in range(STREAMS)]
    for mission in missions:
        for number in range(EACH):
            note(mission, number)
    before = {mission: texts_in_table(mission) for mission in missions}
    chance, progress = random.Random(7), set()
    with nursery(committed_db) as process:
        for _ in range(KILLS):
            run(process, settings.ARCHIVE_DIR, missions, killed_after=chance.uniform(0, LONGEST_S))
            wait_for_the_database()
            assert {mission: texts_everywhere(mission) for mission in missions} == before
            progress.add(Archive.objects.count())
        assert run(process, settings.ARCHIVE_DIR, missions) == 0
    assert {mission: texts_everywhere(mission) for mission in missions} == before
    assert not Entry.objects.filter(stream__in=map(stream_of, missions)).exists()
    assert not verifying.verify().findings
    assert not [left for left in settings.ARCHIVE_DIR.iterdir() if left.name.startswith(".")]
    assert len(progress) > 2, f"the kills came too early or too late to try anything: {progress}"


@contextmanager
def nursery(database: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has loaded the product and begins a run for each line that it is given."""
    with subprocess.Popen(
        [sys.executable, "-c", RUNS],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "coordinator.settings", "DATABASE_URL": database},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(PATIENCE_S)


def run(process: subprocess.Popen[str], directory: Path, missions: list[Ref], killed_after: object = "never") -> int:
    """Archives all of it in a process that is killed so many seconds after it has begun; answers its exit code."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(killed_after, directory, *map(stream_of, missions), file=process.stdin, flush=True)
    return int(process.stdout.readline())


def wait_for_the_database() -> None:
    """Until it has noticed that the killed one is gone, and holds no lock of its any more."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(HELD)
            if cursor.fetchone()[0] == 0:
                return
    raise AssertionError("the killed process still holds a lock")


HELD = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def texts_in_table(mission: Ref) -> list[tuple[Any, ...]]:
    rows = Entry.objects.in_stream(stream_of(mission))
    return [(entry.seq, entry.pk, entry.canonical, bytes(entry.hash)) for entry in rows]


def texts_everywhere(mission: Ref) -> list[tuple[Any, ...]]:
    """The archived entries, then those of the table."""
    archived = archiving.entries(stream_of(mission))
    return [(entry.seq, entry.pk, entry.canonical, bytes(entry.hash)) for entry in archived] + texts_in_table(mission)
