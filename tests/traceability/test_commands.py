"""`trace_verify` says what it checked and how it ended by its exit code; `trace_checkpoint` takes one at once."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.traceability.conftest import stream_of
from tests.traceability.force import change, move_head, remove, say, told
from traceability import checkpoints, jobs
from traceability.keys import SecretKey
from traceability.models import Checkpoint

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    """Checkpoints of this test alone."""
    settings.CHECKPOINT_DIR, settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoints", tmp_path / "checkpoint.key"
    return tmp_path


def run(command: str, *options: str) -> str:
    said = StringIO()
    call_command(command, *options, stdout=said)
    return said.getvalue()


def failure(command: str, *options: str) -> tuple[int, str]:
    """The exit code of a command that fails, and what it said before."""
    said = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command(command, *options, stdout=said)
    return failed.value.returncode, said.getvalue()


def test_without_checkpoints_the_record_is_not_said_to_be_whole() -> None:
    told(1)
    code, said = failure("trace_verify")
    assert code == 2
    assert "notes_missing" in said
    assert "1 entries in 1 streams" in run("trace_verify", "--no-notes")


def test_an_untouched_history_passes() -> None:
    mission = told(2)
    assert "Checkpoint 1 in" in run("trace_checkpoint")
    assert "2 entries in 1 streams" in run("trace_verify", "--stream", stream_of(mission))
    assert "1 checkpoints, the newest is 1" in run("trace_verify")
    assert json.loads(run("trace_verify", "--json"))["valid"] is True
    assert json.loads(run("trace_verify", "--json", "--fast"))["checkpoints"]["checked"] == 1
    for nowhere in ("mission:0", "nope"):
        assert failure("trace_verify", "--stream", nowhere)[0] == 2


def test_a_changed_entry_fails_and_is_named() -> None:
    mission = told(3)
    run("trace_checkpoint")
    change(mission, 2, "actor_name = 'eve'")
    code, said = failure("trace_verify", "--stream", stream_of(mission))
    assert code == 1
    assert f"{stream_of(mission)}#2 column_mismatch: actor_name differs from the text" in said


def test_a_cut_end_is_named_with_the_last_checkpoint_that_was_right() -> None:
    mission = told(2)
    run("trace_checkpoint")
    say(mission, "more")
    run("trace_checkpoint")
    remove(mission, "seq = 3")
    move_head(mission)
    code, said = failure("trace_verify")
    assert code == 1
    assert f"{stream_of(mission)}#3 tail_truncated" in said
    assert "(last good checkpoint: 1)" in said


def test_a_check_goes_on_from_the_checkpoint_that_was_checked_last() -> None:
    mission = told(3)
    run("trace_checkpoint")
    run("trace_verify")
    assert checkpoints.remembered(checkpoints.here())["checkpoint"] == 1
    say(mission, "more")
    run("trace_checkpoint")
    assert run("trace_verify", "--from", "last").startswith("1 entries in 1 streams")
    assert run("trace_verify", "--from", "0").startswith("4 entries")
    assert failure("trace_verify", "--from", "9")[0] == 2
    assert failure("trace_verify", "--from", "x")[0] == 2
    assert failure("trace_verify", "--from", "last", "--fast")[0] == 2


def test_a_check_that_left_out_what_nobody_checked_is_not_remembered() -> None:
    mission = told(3)
    run("trace_checkpoint")
    say(mission, "more")
    run("trace_checkpoint")
    change(mission, 2, "actor_name = 'eve'")
    run("trace_verify", "--from", "2")
    assert checkpoints.remembered(checkpoints.here()) == {}
    assert failure("trace_verify", "--from", "last")[0] == 1


def test_a_copy_that_somebody_kept_serves_as_well(home: Path) -> None:
    mission = told(2)
    run("trace_checkpoint")
    checkpoints.here().rename(home / "kept")
    remove(mission)
    move_head(mission)
    code, said = failure("trace_verify", "--notes", str(home / "kept"))
    assert code == 1
    assert f"{stream_of(mission)}#1 stream_deleted" in said


def test_only_a_key_that_is_named_may_sign_when_one_is_named() -> None:
    told(1)
    run("trace_checkpoint")
    (ours,) = checkpoints.keys_in(checkpoints.here())
    assert run("trace_verify", "--key", str(ours))
    code, said = failure("trace_verify", "--key", str(SecretKey.made(ours.name).public))
    assert code == 1
    assert "bad_signature" in said
    assert failure("trace_verify", "--key", "nonsense")[0] == 2


def test_nothing_new_is_said_and_a_new_key_takes_over(home: Path, settings: Any) -> None:
    told(1)
    run("trace_checkpoint")
    assert "Nothing has moved" in run("trace_checkpoint")
    before = (home / "checkpoint.key").read_text()
    assert "Checkpoint 2 in" in run("trace_checkpoint", "--rotate-key")
    assert (home / "checkpoint.key").read_text() != before
    assert "2 checkpoints" in run("trace_verify")
    settings.CHECKPOINT_KEY = SecretKey.made(SecretKey.read(before).name).written()
    assert failure("trace_checkpoint", "--rotate-key")[0] == 1
    run("trace_checkpoint", "--rotate-key", "--old-key", str(home / "checkpoint.key"))
    assert "3 checkpoints" in run("trace_verify")


def test_the_clock_takes_one_when_something_moved_and_none_when_told_not_to(settings: Any) -> None:
    told(1)
    assert jobs.checkpoint() is None
    settings.CHECKPOINTS = True
    assert jobs.checkpoint() == 1
    assert jobs.checkpoint() is None
    assert Checkpoint.objects.count() == 1
