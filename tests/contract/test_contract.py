"""The contract, promise by promise, over HTTP against a real web process."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.all import PROMISES
from tests.contract.client import Client, Promise

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.about} {promise.keep.__name__}")
def test_the_promise_is_kept(api: Client, promise: Promise) -> None:
    promise.keep(api)


def test_the_command_prints_a_line_for_each_promise_and_says_when_one_is_broken(api: Client) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract", api.base, "coord_00000000_nothing"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert len(lines) == len(PROMISES) + 1
    assert "GET /missions" in lines[0]
    assert lines[0].endswith(": ok")
    assert any("401" in line for line in lines)
