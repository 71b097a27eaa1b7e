"""`verify_trace` says what it checked, and fails when history was changed."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.traceability.conftest import new_mission, note, stream_of

pytestmark = pytest.mark.django_db


def run(*options: str) -> str:
    said = StringIO()
    call_command("verify_trace", *options, stdout=said)
    return said.getvalue()


def test_an_untouched_history_passes() -> None:
    mission = new_mission()
    note(mission)
    assert "1 entries in 1 streams" in run("--stream", stream_of(mission))
    assert json.loads(run("--json"))["valid"] is True
    assert run("--stream", "mission:0").startswith("0 entries in 0 streams")


def test_a_changed_entry_fails_and_is_named() -> None:
    mission = new_mission()
    note(mission)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE traceability_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE traceability_entry SET actor_name = 'eve' WHERE stream = %s", [stream_of(mission)])
    said = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("verify_trace", "--stream", stream_of(mission), stdout=said)
    assert failed.value.returncode == 1
    assert f"{stream_of(mission)}#1 column_mismatch: actor_name differs from the text" in said.getvalue()
