"""No execution, advisory, process, claim, participation, report or review changes without its entry, whoever writes."""

from django.db import migrations

TOLD = """
-- The first argument names kinds of entries; after it come pairs: a path into the entry's text, and the column of the
-- row whose value must stand there. What the first pair says of an id is looked up by the column that repeats it.
CREATE FUNCTION missions_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
    places text[];
    stored text;
    values text[];
    indexed text := '';
    found int;
BEGIN
    changed := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    FOR place IN 1 .. TG_NARGS - 2 BY 2 LOOP
        EXECUTE format('SELECT ($1).%I::text', TG_ARGV[place + 1]) INTO stored USING changed;
        places := places || TG_ARGV[place];
        values := values || stored;
    END LOOP;
    IF places[1] ~ '^refs[.](subject|mission|task|agent)[.]id$' THEN
        indexed := format('AND entry.%I = %L::bigint', split_part(places[1], '.', 2) || '_id', values[1]);
    END IF;
    EXECUTE format('SELECT FROM traceability_entry AS entry
        WHERE entry.xid = pg_current_xact_id() AND entry.kind || '''' = ANY ($1) %s AND (
            SELECT bool_and(entry.canonical::json #>> string_to_array(pair.place, ''.'') IS NOT DISTINCT FROM pair.value)
            FROM unnest($2, $3) AS pair(place, value)) LIMIT 1', indexed) USING TG_ARGV[0]::text[], places, values;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found = 0 THEN
        RAISE EXCEPTION '% of % % came without an entry in the ledger (%)', lower(TG_OP), TG_TABLE_NAME, values[1], TG_ARGV[0]
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;
"""

GUARD = """
CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION missions_told({told});
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};
"""

GUARDS = (
    ("execution_queueing_told", "INSERT", "missions_execution", "", "'{execution.queued}', 'data.execution', 'id'"),
    (
        "execution_start_told",
        "UPDATE OF state",
        "missions_execution",
        "WHEN (OLD.state <> NEW.state AND NEW.state = 'running')",
        "'{execution.started}', 'data.execution', 'id'",
    ),
    (
        "execution_end_told",
        "UPDATE OF state",
        "missions_execution",
        "WHEN (OLD.state <> NEW.state AND NEW.state <> 'running')",
        "'{execution.ended}', 'data.execution', 'id', 'data.state', 'state'",
    ),
    ("advisory_opening_told", "INSERT", "missions_advisory", "", "'{advisory.opened}', 'data.advisory', 'id'"),
    (
        "advisory_end_told",
        "UPDATE OF resolved_at",
        "missions_advisory",
        "WHEN (OLD.resolved_at IS DISTINCT FROM NEW.resolved_at)",
        "'{advisory.resolved}', 'data.advisory', 'id'",
    ),
    (
        "advisory_seen_told",
        "UPDATE OF acknowledged_at",
        "missions_advisory",
        "WHEN (OLD.acknowledged_at IS DISTINCT FROM NEW.acknowledged_at)",
        "'{advisory.acknowledged}', 'data.advisory', 'id'",
    ),
    (
        "process_change_told",
        "UPDATE OF state",
        "missions_missionprocess",
        "WHEN (OLD.state IS DISTINCT FROM NEW.state)",
        "'{mission.process_changed}', 'refs.mission.id', 'mission_id', 'data.state', 'state'",
    ),
    (
        "claim_told",
        "INSERT OR UPDATE OF agent_id, fence",
        "missions_claim",
        "",
        "'{task.claimed}', 'refs.task.id', 'task_id', 'refs.agent.id', 'agent_id', 'data.fence', 'fence'",
    ),
    (
        "claim_end_told",
        "DELETE",
        "missions_claim",
        "",
        "'{task.released}', 'refs.task.id', 'task_id', 'data.fence', 'fence'",
    ),
    (
        "participation_told",
        "INSERT OR UPDATE",
        "missions_participation",
        "",
        "'{mission.participant_joined}', 'refs.mission.id', 'mission_id', 'refs.agent.id', 'agent_id', 'data.role', 'role'",
    ),
    (
        "participation_end_told",
        "DELETE",
        "missions_participation",
        "",
        "'{mission.participant_left}', 'refs.mission.id', 'mission_id', 'refs.agent.id', 'agent_id'",
    ),
    (
        "report_told",
        "INSERT",
        "missions_report",
        "",
        "'{task.reported}', 'data.report', 'id', 'refs.task.id', 'task_id'",
    ),
    (
        "review_told",
        "INSERT",
        "missions_review",
        "",
        "'{task.reviewed}', 'refs.task.id', 'task_id', 'data.approved', 'approved'",
    ),
)
"""Name, event, table, condition, and what the entry must say."""

FIXED = r"""
-- No object of the caller's own may stand in for one of ours.
DO $$
DECLARE
    each regprocedure;
BEGIN
    FOR each IN SELECT oid FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'missions\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', each, current_schema());
    END LOOP;
END $$;
"""

ALWAYS = """
ALTER TABLE missions_mission ENABLE ALWAYS TRIGGER mission_begins;
ALTER TABLE missions_mission ENABLE ALWAYS TRIGGER mission_moves;
ALTER TABLE missions_mission ENABLE ALWAYS TRIGGER mission_creation_told;
ALTER TABLE missions_mission ENABLE ALWAYS TRIGGER mission_move_told;
ALTER TABLE missions_task ENABLE ALWAYS TRIGGER task_begins;
ALTER TABLE missions_task ENABLE ALWAYS TRIGGER task_moves;
ALTER TABLE missions_task ENABLE ALWAYS TRIGGER task_creation_told;
ALTER TABLE missions_task ENABLE ALWAYS TRIGGER task_move_told;
"""


class Migration(migrations.Migration):
    dependencies = [("missions", "0003_github_feeds"), ("traceability", "0001_initial")]
    operations = [
        migrations.RunSQL(TOLD, migrations.RunSQL.noop),
        *(
            migrations.RunSQL(
                GUARD.format(name=name, event=event, table=table, when=when, told=told), migrations.RunSQL.noop
            )
            for name, event, table, when, told in GUARDS
        ),
        migrations.RunSQL(ALWAYS, migrations.RunSQL.noop),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
