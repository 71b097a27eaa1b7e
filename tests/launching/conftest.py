import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coordinator import embedded
from tests.launching.installation import Installation


@pytest.fixture
def installation() -> Iterator[Installation]:
    """A fresh data directory; everything that ran for it is ended afterwards."""
    data = Path(tempfile.mkdtemp(prefix="coordinator-up-")) / "data"
    made = Installation(data)
    try:
        yield made
    finally:
        made.end()
        embedded.Server(data).stop()
        shutil.rmtree(data.parent, ignore_errors=True)
