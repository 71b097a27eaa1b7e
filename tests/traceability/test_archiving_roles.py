"""Where two roles share the database, entries are moved by the one that owns the ledger, and read by both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests.traceability import runtime
from tests.traceability.conftest import new_mission, note, stream_of
from traceability import archiving
from traceability.events import SYSTEM
from traceability.models import Entry
from traceability.services import archiving as moving
from traceability.services.archiving import NotTheOwner

pytestmark = pytest.mark.breaks_history


@pytest.fixture
def role(committed_db: str) -> Iterator[str]:
    """The name of a role that runs the product and owns nothing."""
    address = runtime.make(committed_db)
    yield runtime.role_of(address)
    become("NONE")
    runtime.drop(committed_db, runtime.role_of(address))


def become(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")


def test_the_role_that_runs_the_product_moves_nothing_and_reads_what_was_moved(
    role: str, settings: Any, tmp_path: Path
) -> None:
    settings.ARCHIVE_DIR = tmp_path
    mission = new_mission()
    note(mission, "one")
    become(role)
    with pytest.raises(NotTheOwner):
        list(moving.archive(stream_of(mission), tmp_path, actor=SYSTEM, now=timezone.now()))
    assert Entry.objects.in_stream(stream_of(mission)).count() == 1
    become("NONE")
    assert list(moving.archive(stream_of(mission), tmp_path, actor=SYSTEM, now=timezone.now()))
    become(role)
    assert [entry.data["text"] for entry in archiving.entries(stream_of(mission))] == ["one"]
