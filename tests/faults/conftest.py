"""Workers as they run in an installation, with a database of the test alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.crew import Workers
from tests.running.agents_at_hand import FakeClaude, claude

__all__ = ["claude", "workers"]


@pytest.fixture
def workers(committed_db: str, claude: FakeClaude, tmp_path: Path) -> Iterator[Workers]:
    """A `manage.py workers` that serves every queue."""
    data = tmp_path / "data"
    data.mkdir()
    environment = {"DATABASE_URL": committed_db, "COORDINATOR_DATA": str(data), "EXECUTIONS": "1"}
    running = Workers(data, environment)
    try:
        running.wait_until_seen()
        yield running
    finally:
        running.end()
