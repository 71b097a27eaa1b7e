"""Checkpoints among writers, and after a dump was restored into a new database."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from coordinator import embedded
from coordinator.lib.refs import Ref
from tests.conftest import address_of
from tests.traceability.conftest import at_once
from tests.traceability.force import all_findings, say
from tests.traceability.shelf import Shelf, fixed, shelf

__all__ = ["fixed", "shelf"]
pytestmark = pytest.mark.breaks_history


def test_whoever_writes_is_not_held_up_and_whoever_else_takes_one_waits(
    committing: None, shelf: Shelf, fixed: Ref
) -> None:
    jobs: list[Callable[[], Any]] = [shelf.take for _ in range(4)]
    jobs += [lambda: _say_five(fixed)] * 4
    at_once(jobs)
    assert shelf.wrong() == []
    assert all_findings(shelf.record()) == ()


def _say_five(mission: Ref) -> None:
    for number in range(5):
        say(mission, f"{number}, while one is taken")


@pytest.fixture
def restored(committing: None, fixed: Ref, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Dumps this test's database with the bundled programs; the answer restores the dump into a new one and uses it."""
    programs = embedded.binaries(Path(settings.COORDINATOR_DATA))
    name = connection.settings_dict["NAME"]
    dump = tmp_path / "dump"
    with dump.open("wb") as file:
        subprocess.run([programs / "pg_dump", "-Fc", address_of(name)], stdout=file, check=True)

    def restore() -> None:
        connection.close()
        maintain(f'CREATE DATABASE "{name}_restored"')
        with dump.open("rb") as file:
            command = [str(programs / "pg_restore"), "--exit-on-error", "-d", address_of(f"{name}_restored")]
            subprocess.run(command, stdin=file, check=True)
        connection.settings_dict["NAME"] = f"{name}_restored"

    yield restore
    connection.close()
    connection.settings_dict["NAME"] = name
    maintain(f'DROP DATABASE IF EXISTS "{name}_restored" WITH (FORCE)')


def maintain(statement: str) -> None:
    program = embedded.binaries(Path(settings.COORDINATOR_DATA)) / "psql"
    subprocess.run([program, "-qc", statement, address_of("postgres")], check=True, env={**os.environ, "LC_ALL": "C"})


def test_a_restored_dump_is_whole_and_goes_on(shelf: Shelf, restored: Callable[[], None], fixed: Ref) -> None:
    restored()
    with connection.cursor() as cursor:
        cursor.execute("SELECT traceability_rebase()")
    assert all_findings(shelf.record()) == ()
    say(fixed, "after the restore")
    assert shelf.take()
    assert all_findings(shelf.record()) == ()


def test_an_older_dump_in_the_place_of_the_ledger_is_found(
    shelf: Shelf, restored: Callable[[], None], fixed: Ref
) -> None:
    say(fixed, "after the dump")
    shelf.take()
    restored()
    found = all_findings(shelf.record(rows={}))
    assert [(each.seq, each.kind) for each in found] == [(7, "tail_truncated")]
