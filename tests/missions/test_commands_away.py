"""Commands on the record that cannot do their work say so in one line, with exit code 2."""

from pathlib import Path

import pytest

from tests.launching.installation import Installation

ASKED = [
    ["trace_archive"],
    ["mission_replay", "--all"],
    ["trace_erase", "--find", "something long"],
    ["trace_checkpoint"],
    ["trace_verify"],
    ["trace_export", "--mission", "checkout"],
    ["trace_roles", "--runtime", "somebody"],
]


@pytest.mark.parametrize("words", ASKED, ids=[words[0] for words in ASKED])
def test_a_database_that_is_away_is_told_in_one_line(words: list[str], tmp_path: Path) -> None:
    away = Installation(tmp_path, {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"})
    ended = away.manage(*words)
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("CommandError: The database is away: ")
    assert "`python manage.py doctor`" in line
