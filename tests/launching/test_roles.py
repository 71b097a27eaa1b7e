"""An installation whose product runs as a role that owns nothing: it works, `up` knows who migrates, doctor tells."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from missions.models import MissionProcess
from tests.factories import client_of, person, token_of, unique
from tests.faults.crew import Workers
from tests.launching.installation import Installation
from tests.missions import world
from tests.running.agents_at_hand import until
from tests.serving import serve
from tests.traceability import runtime
from traceability import verifying


@pytest.fixture
def role(committed_db: str) -> Iterator[str]:
    """The address of the test's database for a role that runs the product and owns nothing."""
    address = runtime.make(committed_db)
    yield address
    runtime.drop(committed_db, runtime.role_of(address))


@pytest.fixture
def empty(committed_db: str) -> Iterator[tuple[str, str]]:
    """The addresses of a database without a table, for its owner and for a role that runs the product."""
    name = unique("empty").replace("-", "_") + connection.settings_dict["NAME"]
    named = runtime.plain(committed_db)
    with psycopg.connect(committed_db, autocommit=True) as held:
        held.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield _at(committed_db, name), _at(named, name)
        held.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        held.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(runtime.role_of(named))))


def test_every_promise_is_kept_when_the_product_runs_as_a_role_that_owns_nothing(role: str) -> None:
    token = token_of(person("admin"))
    with serve(role) as base:
        done = subprocess.run(
            [sys.executable, "-m", "tests.contract", base, token],
            cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
        )  # fmt: skip
    broken = [line for line in done.stdout.splitlines() if not line.endswith(": ok")]
    assert (done.returncode, len(broken)) == (0, 1), broken
    assert verifying.verify().findings == ()


def test_workers_work_as_that_role(role: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    workers = Workers(data, {"DATABASE_URL": role, "COORDINATOR_DATA": str(data), "EXECUTIONS": "1"})
    try:
        workers.wait_until_seen()
        mission = world.mission()
        until(lambda: MissionProcess.objects.get(mission=mission).state == "running", within_s=30)
        document = client_of(person("operator")).post("/api/knowledge/documents", {"content": "Keys."}, format="json")
        assert document.status_code == 201
        until(lambda: not _waiting(), within_s=60)
    finally:
        workers.end()
    said = workers.log.read_text()
    assert "permission denied" not in said, said
    assert verifying.verify().findings == ()


def _waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_document WHERE index_state = 'pending'")
        return bool(cursor.fetchone()[0])


def test_up_says_who_has_to_migrate(installation: Installation, empty: tuple[str, str]) -> None:
    owner, running = empty
    installation.environment = {"DATABASE_URL": running}
    refused = installation.manage("up", "--port", "0")
    assert refused.returncode != 0
    assert "has to apply them" in refused.stderr
    assert "MIGRATE_DATABASE_URL" in refused.stderr
    assert f"trace_roles --runtime {runtime.role_of(running)} --apply" in refused.stderr
    assert "Traceback" not in refused.stderr

    installation.environment = {"DATABASE_URL": running, "MIGRATE_DATABASE_URL": owner}
    started = installation.up()
    assert started.ask("/readyz").status_code == 200
    assert started.ask("/api/missions", started.told("Token")).status_code == 200
    doctor = installation.manage("doctor")
    assert f"{runtime.role_of(running)} runs the product" in doctor.stdout, doctor.stdout
    assert "does not need" not in doctor.stdout
    assert started.stop() == 0


def test_doctor_warns_of_each_right_that_is_too_much(installation: Installation, role: str) -> None:
    installation.environment = {"DATABASE_URL": role}
    with connection.cursor() as cursor:
        cursor.execute(f'GRANT UPDATE ON traceability_entry TO "{runtime.role_of(role)}"')
    told = installation.manage("doctor").stdout
    assert "holds UPDATE on traceability_entry, which the product does not need" in told


def _at(address: str, database: str) -> str:
    return urlsplit(address)._replace(path=f"/{database}").geturl()
