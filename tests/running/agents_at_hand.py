"""A `claude` on the PATH, and what it saw."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAKE = Path(__file__).with_name("fake_claude.py")


class FakeClaude:
    """The program, installed under `home`; `runs` is what it saw of each run."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.program = home / "bin" / "claude"
        self.program.parent.mkdir(parents=True)
        self.program.write_text(f"#!{sys.executable} -IS\n" + FAKE.read_text())
        self.program.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.program.parent}:{os.environ['PATH']}", "CLAUDE_CONFIG_DIR": str(self.home)}

    @property
    def runs(self) -> list[dict[str, Any]]:
        kept = self.home / "runs.jsonl"
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeClaude:
    """A `claude` that is logged in and stands first on the PATH."""
    fake = FakeClaude(tmp_path / "claude")
    for name, value in {**fake.environment, "ANTHROPIC_API_KEY": "key-of-the-test"}.items():
        monkeypatch.setenv(name, value)
    return fake


def until(true: Callable[[], Any], *, within_s: float = 10.0) -> Any:
    """What `true` answers once that is something; fails when it never is."""
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.02)
    return found


def lives(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
