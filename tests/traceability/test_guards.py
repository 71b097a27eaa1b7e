"""What is history changes with its entry or not at all: past the services, past the pen, past the triggers' ways."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from agents.models import Agent
from missions.models import Advisory, Claim, Execution, MissionProcess, Participation
from policies.models import Approval, Policy
from sprints.models import Sprint
from tests.permissions import world
from tests.traceability.conftest import new_mission, note, stream_of
from traceability import verifying
from traceability.models import Entry, StreamHead

pytestmark = pytest.mark.breaks_history

NOW = timezone.now()
WITHOUT = r"without an entry|has no revision"
UNTOLD: dict[str, str] = {
    "a sprint starts": "UPDATE sprints_sprint SET status = 'active', started_at = now() WHERE status = 'planned'",
    "a sprint ends": "UPDATE sprints_sprint SET status = 'completed', completed_at = now() WHERE status = 'active'",
    "a sprint is made": "INSERT INTO sprints_sprint (version, created_at, updated_at, sprint_id, name, goal,"
    " start_date, end_date, status) VALUES (1, now(), now(), 's-9', 'x', '', now(), now(), 'planned')",
    "an agent is busy": "UPDATE agents_agent SET status = 'working'",
    "an agent is well": "UPDATE agents_agent SET health_state = 'healthy'",
    "a policy is revised": "UPDATE policies_policy SET version = version + 1",
    "a policy is off": "UPDATE policies_policy SET status = 'disabled'",
    "a policy is only watched": "UPDATE policies_policy SET mode = 'audit'",
    "an approval is granted": "UPDATE policies_approval SET state = 'approved', decided_at = now()",
    "an approval is refused": "UPDATE policies_approval SET state = 'rejected', decided_at = now()",
    "an approval is overtaken": "UPDATE policies_approval SET state = 'overtaken', decided_at = now()",
    "a run starts": "UPDATE missions_execution SET state = 'running'",
    "a run ends": "UPDATE missions_execution SET state = 'cancelled', ended_at = now()",
    "an advisory is resolved": "UPDATE missions_advisory SET resolved_at = now()",
    "an advisory is put off": "UPDATE missions_advisory SET snoozed_until = now(), snoozes = 1",
    "an advisory was seen": "UPDATE missions_advisory SET acknowledged_at = now()",
    "a process runs": "UPDATE missions_missionprocess SET state = 'crashed'",
    "a claim is another's": "UPDATE missions_claim SET fence = fence + 1",
    "a claim ends": "DELETE FROM missions_claim",
    "a role is another": "UPDATE missions_participation SET role = 'observer'",
    "somebody leaves": "DELETE FROM missions_participation",
    "a mission ends": "UPDATE missions_mission SET status = 'cancelled'",
    "a task fails": "UPDATE missions_task SET status = 'failed' WHERE status = 'pending'",
    "a key result is reached": "UPDATE traceability_keyresult SET current = target",
    "an objective is reached": "UPDATE traceability_objective SET status = 'achieved'",
    "a requirement is obsolete": "UPDATE traceability_requirement SET status = 'obsolete'",
    "an account is closed": "UPDATE accounts_user SET is_active = false",
    "a role is taken away": "DELETE FROM accounts_user_groups",
    "a role is given": "INSERT INTO accounts_user_groups (user_id, group_id) SELECT accounts_user.id, auth_group.id"
    " FROM accounts_user, auth_group ON CONFLICT DO NOTHING",
    "a token is made": "INSERT INTO accounts_apitoken (user_id, name, prefix, digest, scopes, created_at)"
    " SELECT id, 'x', 'coord_x' || id, id, '{}', now() FROM accounts_user",
}


@pytest.mark.parametrize("change", UNTOLD)
@pytest.mark.parametrize("replica", [False, True], ids=["", "as a replica"])
def test_a_bare_statement_changes_nothing_that_is_history(committed_db: str, change: str, replica: bool) -> None:
    world.build(NOW)
    with pytest.raises(IntegrityError, match=WITHOUT):
        execute(UNTOLD[change], replica=replica)


def execute(statement: str, *, replica: bool) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if replica:
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        assert cursor.rowcount > 0


def by_save(row: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


ROWS: tuple[Callable[[], Any], ...] = (
    lambda: by_save(Sprint.objects.earliest("pk"), status="active", started_at=NOW),
    lambda: by_save(Agent.objects.earliest("pk"), status="working"),
    lambda: by_save(Policy.objects.earliest("pk"), version=7),
    lambda: by_save(Approval.objects.earliest("pk"), state="approved", decided_at=NOW),
    lambda: by_save(Execution.objects.earliest("pk"), state="running"),
    lambda: by_save(Advisory.objects.earliest("pk"), resolved_at=NOW),
    lambda: by_save(MissionProcess.objects.earliest("pk"), state="crashed"),
    lambda: Claim.objects.all().delete(),
    lambda: Participation.objects.all().delete(),
    lambda: Execution.objects.bulk_update(
        [Execution(pk=each, state="cancelled") for each in Execution.objects.values_list("pk", flat=True)], ["state"]
    ),
)


@pytest.mark.parametrize("change", ROWS)
def test_the_orm_has_no_way_around(committed_db: str, change: Callable[[], Any]) -> None:
    world.build(NOW)
    with pytest.raises(IntegrityError, match=WITHOUT), transaction.atomic():
        change()


WAYS = {
    "update": "UPDATE traceability_entry SET actor_name = 'x'",
    "update of nothing": "UPDATE traceability_entry SET hash = hash",
    "delete": "DELETE FROM traceability_entry",
    "truncate": "TRUNCATE traceability_entry",
    "truncate with all that depends": "TRUNCATE traceability_entry RESTART IDENTITY CASCADE",
    "truncate of several": "TRUNCATE traceability_streamhead, traceability_entry",
    "merge": "MERGE INTO traceability_entry USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET kind = 'x'",
    "merge that deletes": "MERGE INTO traceability_entry USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
    "head": "DELETE FROM traceability_streamhead",
}


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("replica", [False, True], ids=["", "as a replica"])
def test_no_statement_of_the_owner_changes_entries(way: str, replica: bool) -> None:
    mission = new_mission()
    note(mission, "kept")
    with pytest.raises(DatabaseError, match="append-only"):
        execute(WAYS[way], replica=replica)
    assert verifying.verify(stream_of(mission)).findings == ()
    assert Entry.objects.get(stream=stream_of(mission)).data == {"text": "kept"}


PARTITIONS = (
    "CREATE TABLE hole PARTITION OF traceability_entry DEFAULT",
    "ALTER TABLE traceability_entry ATTACH PARTITION missions_task DEFAULT",
    "CREATE TABLE parent (LIKE traceability_entry INCLUDING ALL) PARTITION BY LIST (stream);"
    "ALTER TABLE parent ATTACH PARTITION traceability_entry DEFAULT; DELETE FROM parent",
    "CREATE TABLE parent (LIKE traceability_entry); ALTER TABLE traceability_entry INHERIT parent; DELETE FROM parent",
    "CREATE TABLE parent (LIKE traceability_entry); ALTER TABLE traceability_entry INHERIT parent; TRUNCATE parent",
    "CREATE TABLE parent (LIKE traceability_entry); ALTER TABLE traceability_entry INHERIT parent;"
    "UPDATE parent SET canonical = '{}'",
)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", PARTITIONS)
def test_no_partition_or_parent_is_a_hole(statement: str) -> None:
    """The guards stand on the table itself, so they are asked whichever table a statement names."""
    mission = new_mission()
    note(mission)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert verifying.verify(stream_of(mission)).findings == ()


@pytest.mark.django_db
def test_entries_slipped_in_by_a_child_of_the_table_are_found() -> None:
    mission = new_mission()
    note(mission)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE child () INHERITS (traceability_entry)")
        cursor.execute("INSERT INTO child SELECT * FROM ONLY traceability_entry")
    assert [each.kind for each in verifying.verify(stream_of(mission)).findings] == ["duplicate"]


@pytest.mark.django_db
def test_what_is_copied_in_gets_the_figures_of_the_database() -> None:
    mission = new_mission()
    note(mission)
    columns = "id, xid, stream, seq, kind, schema, actor_kind, actor_name, occurred_at, recorded_at, canonical, hash"
    connection.ensure_connection()
    with connection.connection.cursor().copy(f"COPY traceability_entry ({columns}) FROM STDIN") as copy:
        copy.write_row([1, "1", stream_of(mission), 1, "x", 1, "system", "x", NOW, "2000-01-01", "{}", b"forged"])
    first, second = Entry.objects.in_stream(stream_of(mission))
    assert (second.seq, second.recorded_at >= first.recorded_at, second.pk > first.pk) == (2, True, True)
    assert bytes(second.hash) == bytes(StreamHead.objects.get(stream=stream_of(mission)).hash) != b"forged"
