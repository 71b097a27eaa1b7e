"""The habits of CONTRIBUTING.md, run as tests: what a tool can say, no reviewer has to."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
HABITS: dict[str, list[str | Path]] = {
    "ruff": [BIN / "ruff", "check", "."],
    "format": [BIN / "ruff", "format", "--check", "."],
    "imports": [BIN / "lint-imports"],
    "templates": [BIN / "djlint", "templates", "--lint", "--quiet"],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    "schema": [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null"],
    "types": [sys.executable, "-m", "mypy", "."],
}


@pytest.mark.parametrize("habit", HABITS)
def test_the_tree_keeps_the_habit(habit: str) -> None:
    command = [str(part) for part in HABITS[habit]]
    assert shutil.which(command[0]), f"{command[0]} is not installed: pip install -e '.[test]'"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
