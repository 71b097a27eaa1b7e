"""Where one role owns the ledger and another runs the product, the second cannot get around the guards."""

import io
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql

from tests.traceability import runtime
from tests.traceability.conftest import new_mission, note, stream_of
from traceability import ledger, rights, verifying
from traceability.models import Entry

pytestmark = pytest.mark.breaks_history
PLAIN = "stream, kind, schema, actor_kind, actor_name, occurred_at, canonical"
OURS = ("accounts", "agents", "knowledge", "missions", "policies", "sprints", "traceability")


@pytest.fixture
def role(committed_db: str) -> Iterator[str]:
    """The address of the test's database for a role that runs the product and owns nothing."""
    address = runtime.make(committed_db)
    yield address
    runtime.drop(committed_db, runtime.role_of(address))


@pytest.fixture
def held(role: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(role, autocommit=True) as connected:
        yield connected


REFUSED = {
    "update": "UPDATE traceability_entry SET canonical = '{}'",
    "update of a body": "UPDATE traceability_entry SET body = NULL",
    "delete": "DELETE FROM traceability_entry",
    "truncate": "TRUNCATE traceability_entry",
    "insert with figures of one's own": "INSERT INTO traceability_entry (seq, hash) VALUES (1, 'x')",
    "upsert": "INSERT INTO traceability_entry (kind) VALUES ('x') ON CONFLICT (id) DO UPDATE SET kind = 'forged'",
    "merge": "MERGE INTO traceability_entry USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET kind = 'x'",
    "merge that deletes": "MERGE INTO traceability_entry USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "locking": "LOCK TABLE traceability_entry IN ACCESS EXCLUSIVE MODE",
    "disabling one trigger": "ALTER TABLE traceability_entry DISABLE TRIGGER entry_kept",
    "disabling every trigger": "ALTER TABLE traceability_entry DISABLE TRIGGER ALL",
    "dropping a trigger": "DROP TRIGGER entry_append_only ON traceability_entry",
    "a trigger of one's own": "CREATE TRIGGER mine BEFORE INSERT ON traceability_entry"
    " FOR EACH ROW EXECUTE FUNCTION traceability_seal()",
    "a rule": "CREATE RULE mine AS ON INSERT TO traceability_entry DO INSTEAD NOTHING",
    "replica role": "SET session_replication_role = replica",
    "replica role for this role": "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
    "replacing a guard": "CREATE OR REPLACE FUNCTION traceability_keep() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RETURN NEW; END $$",
    "altering a guard": "ALTER FUNCTION traceability_seal() SET search_path = pg_temp",
    "dropping a function": "DROP FUNCTION traceability_seal() CASCADE",
    "archiving": "SELECT traceability_archive_entries('mission:1', 1, 'x')",
    "becoming the owner": "SET ROLE {owner}",
    "becoming the owner for the session": "SET SESSION AUTHORIZATION {owner}",
    "membership": "GRANT {owner} TO CURRENT_USER",
    "a role": "CREATE ROLE mine SUPERUSER",
    "owning the table": "ALTER TABLE traceability_entry OWNER TO CURRENT_USER",
    "a column": "ALTER TABLE traceability_entry ADD COLUMN mine text",
    "inheriting": "ALTER TABLE missions_task INHERIT traceability_entry",
    "dropping the table": "DROP TABLE traceability_entry",
    "renaming the table": "ALTER TABLE traceability_entry RENAME TO gone",
    "the head": "UPDATE traceability_streamhead SET seq = 0",
    "a head": "INSERT INTO traceability_streamhead (stream, seq, hash, at) VALUES ('org', 1, 'x', now())",
    "a head's delete": "DELETE FROM traceability_streamhead",
    "the installation": "UPDATE traceability_installation SET uuid = gen_random_uuid()",
    "an archive": "INSERT INTO traceability_archive (stream) VALUES ('org')",
    "the sequence": "SELECT setval('traceability_entry_order', 1)",
    "drawing from the sequence": "SELECT nextval('traceability_entry_order')",
    "a table in our schema": "CREATE TABLE mine (id int)",
    "a temporary table": "CREATE TEMP TABLE traceability_streamhead (stream text)",
    "a schema": "CREATE SCHEMA mine",
    "an event trigger": "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION traceability_seal()",
    "the server's files": "COPY traceability_entry TO '/dev/null'",
    "a migration": "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'y', now())",
    "a decision": "UPDATE policies_decision SET outcome = 'allow'",
    "a policy's revision": "DELETE FROM policies_policyrevision",
}


@pytest.mark.parametrize("attempt", REFUSED)
def test_the_running_role_is_refused(held: psycopg.Connection, attempt: str) -> None:
    note(new_mission())
    owner = sql.Identifier(connection.settings_dict["USER"])
    with pytest.raises(psycopg.DatabaseError) as refused, held.transaction():
        held.execute(sql.SQL(REFUSED[attempt].replace("{}'", "{{}}'")).format(owner=owner))
    assert isinstance(refused.value, psycopg.errors.InsufficientPrivilege), refused.value


FORGED = (
    "COPY traceability_entry FROM STDIN",
    "COPY traceability_entry (id, xid, stream, seq, hash, recorded_at, canonical) FROM STDIN",
    "COPY traceability_streamhead FROM STDIN",
)


@pytest.mark.parametrize("statement", FORGED)
def test_no_figures_of_ones_own_are_copied_in(held: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), held.cursor().copy(statement) as copy:
        copy.write("forged\n")


def test_what_the_running_role_copies_in_gets_the_figures_of_the_database(held: psycopg.Connection) -> None:
    mission = new_mission()
    note(mission)
    with held.cursor().copy(f"COPY traceability_entry ({PLAIN}) FROM STDIN") as copy:
        copy.write_row([stream_of(mission), "note.taken", 1, "system", "x", "2026-06-01", "{}"])
    assert list(Entry.objects.in_stream(stream_of(mission)).values_list("seq", flat=True)) == [1, 2]
    kinds = {each.kind for each in verifying.verify(stream_of(mission)).findings}
    assert kinds <= {"column_mismatch", "non_canonical"}, "the chain itself holds"


SHADOWS = (
    "CREATE TEMP TABLE traceability_streamhead (LIKE {}.traceability_streamhead INCLUDING ALL)",
    "CREATE TEMP TABLE traceability_installation (LIKE {}.traceability_installation INCLUDING ALL)",
    "CREATE TEMP SEQUENCE traceability_entry_order",
)


def test_objects_of_the_callers_own_stand_in_for_none_of_ours(committed_db: str, role: str) -> None:
    """Also where the operator lets the role make temporary tables."""
    mission, who = new_mission(), sql.Identifier(runtime.role_of(role))
    note(mission)
    database = sql.Identifier(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(database, who))
    with psycopg.connect(role, autocommit=True) as held:
        for shadow in SHADOWS:
            held.execute(sql.SQL(shadow).format(sql.Identifier("public")))
            held.execute("GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC")
        held.execute("CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'")
        held.execute("SET search_path = pg_temp, public")
        held.execute(
            f"INSERT INTO public.traceability_entry ({PLAIN}) VALUES (%s, 'x', 1, 'system', 'x', now(), '{{}}')",
            [stream_of(mission)],
        )
        shadowed = held.execute("SELECT count(*) FROM pg_temp.traceability_streamhead").fetchone()
    assert shadowed == (0,)
    assert list(Entry.objects.in_stream(stream_of(mission)).values_list("seq", flat=True)) == [1, 2]


@pytest.mark.django_db
def test_every_function_of_ours_finds_its_objects_in_our_schema_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
            " AND split_part(proname, '_', 1) = ANY(%s) AND proname <> 'traceability_moment'",
            [list(OURS)],
        )
        found = dict(cursor.fetchall())
    assert len(found) > 10
    loose = [
        name
        for name, config in found.items()
        if not any(each.startswith("search_path=pg_catalog, ") and each.endswith(", pg_temp") for each in config or ())
    ]
    assert loose == []


def test_the_statements_are_printed_for_who_applies_them_by_hand(role: str) -> None:
    out = io.StringIO()
    call_command("trace_roles", "--runtime", runtime.role_of(role), stdout=out)
    told = out.getvalue().splitlines()
    assert (told[0], told[-1]) == ("BEGIN;", "COMMIT;")
    entry = [line for line in told if "traceability_entry" in line and line.startswith("GRANT")]
    assert [line.split()[1] for line in entry] == ["SELECT", "INSERT", "SELECT"]
    assert ledger.COLUMNS[0] in entry[1]


def test_who_owns_the_ledger_is_no_running_role(committed_db: str) -> None:
    with pytest.raises(CommandError, match="owns the ledger"):
        call_command("trace_roles", "--runtime", connection.settings_dict["USER"])
    with pytest.raises(CommandError, match="There is no role 'nobody_here'"):
        call_command("trace_roles", "--runtime", "nobody_here")


def test_the_running_role_cannot_grant_itself_anything(role: str) -> None:
    found = subprocess.run(
        [sys.executable, "manage.py", "trace_roles", "--runtime", runtime.role_of(role), "--apply"],
        cwd=settings.BASE_DIR,
        env={**runtime.environment(), "DATABASE_URL": role},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 1
    assert f"run this as {connection.settings_dict['USER']}, who owns the tables" in found.stderr


EXTRA = {
    "may make temporary tables": "GRANT TEMPORARY ON DATABASE {database} TO {role}",
    "may make tables and functions in our schema": "GRANT CREATE ON SCHEMA public TO {role}",
    "may set session_replication_role": "GRANT SET ON PARAMETER session_replication_role TO {role}",
    "may make roles (CREATEROLE)": "ALTER ROLE {role} CREATEROLE",
    "holds UPDATE on traceability_entry": "GRANT UPDATE (canonical) ON traceability_entry TO {role}",
    "holds DELETE on traceability_streamhead": "GRANT DELETE ON traceability_streamhead TO {role}",
    "holds TRUNCATE on missions_task": "GRANT TRUNCATE ON missions_task TO {role}",
    "is a member of pg_write_all_data": "GRANT pg_write_all_data TO {role}",
}


@pytest.mark.parametrize("phrase", EXTRA)
def test_each_right_beyond_what_is_needed_is_found_and_taken_back(role: str, phrase: str) -> None:
    name = runtime.role_of(role)
    assert list(rights.excess(name)) == []
    names = {"database": sql.Identifier(connection.settings_dict["NAME"]), "role": sql.Identifier(name)}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(EXTRA[phrase]).format(**names))
        assert phrase in list(rights.excess(name))
        cursor.execute(sql.SQL("REVOKE SET ON PARAMETER session_replication_role FROM {}").format(names["role"]))
