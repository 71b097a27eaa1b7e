"""`manage.py doctor`: each fault is found, and says how to mend it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from coordinator.launching import examination, record
from coordinator.launching.findings import Finding
from tests.factories import person


def wrong(findings: list[Finding]) -> dict[str, Finding]:
    return {each.about: each for each in findings if each.level == "wrong"}


def test_a_stopped_installation_is_told_how_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with override_settings(COORDINATOR_DATA=tmp_path / "nothing", DATABASE_URL=""), pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    assert ended.value.code == 1
    told = {each["about"]: each for each in json.loads(capsys.readouterr().out)}
    assert told["database"]["mend"] == "Run `python manage.py up`."
    assert told["python"]["level"] == told["packages"]["level"] == "ok"


def test_secrets_that_others_may_read_are_found(tmp_path: Path) -> None:
    (tmp_path / "admin.token").write_text("coord_x")
    (tmp_path / "admin.token").chmod(0o644)
    with override_settings(COORDINATOR_DATA=tmp_path):
        assert "admin.token" in wrong(list(examination.files()))["data"].text


def test_an_installation_without_an_admin_is_found(db: None) -> None:
    assert "create_admin" in wrong(list(examination.people(timezone.now())))["admin"].mend
    person("admin")
    assert User.objects.exists()
    assert wrong(list(examination.people(timezone.now()))) == {}


def test_a_guard_of_the_ledger_that_is_off_is_found(committed_db: str) -> None:
    assert wrong(list(record.guards(timezone.now()))) == {}
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE traceability_entry DISABLE TRIGGER entry_append_only")
    assert "entry_append_only" in wrong(list(record.guards(timezone.now())))["ledger"].text


def test_missing_migrations_are_found(committed_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'missions'")
    assert "migrate" in wrong(list(examination.migrations(timezone.now())))["migrations"].mend


def test_nobody_working_is_found(db: None) -> None:
    assert "workers" in wrong(list(examination.workers(timezone.now())))


def test_a_redis_that_is_away_is_found() -> None:
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        assert "Start it" in wrong(list(examination.redis_server()))["redis"].mend


@pytest.mark.django_db
def test_a_record_that_no_checkpoint_fixes_is_found() -> None:
    now = timezone.now()
    with override_settings(CHECKPOINTS=True):
        assert list(record.checkpoints(now)) == []
        person("admin")
        assert wrong(list(record.checkpoints(now))) == {}
        assert "trace_checkpoint" in wrong(list(record.checkpoints(now + timedelta(hours=1))))["checkpoints"].mend
    with override_settings(CHECKPOINTS=False):
        assert [each.level for each in record.checkpoints(now)] == ["note"]
