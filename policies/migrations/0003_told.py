"""No policy changes and no approval is asked for, decided or used without its entry, whoever writes."""

from django.db import migrations

TOLD = """
-- The first argument names kinds of entries; after it come pairs: a path into the entry's text, and the column of the
-- row whose value must stand there. What the first pair says of an id is looked up by the column that repeats it.
CREATE FUNCTION policies_told() RETURNS trigger LANGUAGE plpgsql AS $$
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
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION policies_told({told});
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};
"""

GUARDS = (
    (
        "policy_creation_told",
        "INSERT",
        "policies_policy",
        "",
        "'{policy.created}', 'refs.subject.id', 'id', 'data.revision', 'version'",
    ),
    (
        "policy_revision_told",
        "UPDATE",
        "policies_policy",
        "WHEN (OLD.version IS DISTINCT FROM NEW.version OR OLD.status IS DISTINCT FROM NEW.status OR OLD.mode IS DISTINCT FROM NEW.mode OR OLD.content_hash IS DISTINCT FROM NEW.content_hash)",
        "'{policy.revised}', 'refs.subject.id', 'id', 'data.revision', 'version'",
    ),
    (
        "decision_told",
        "INSERT",
        "policies_decision",
        "",
        "'{decision.made}', 'data.decision', 'id', 'data.outcome', 'outcome'",
    ),
    (
        "approval_request_told",
        "INSERT",
        "policies_approval",
        "",
        "'{approval.requested}', 'data.approval', 'id', 'data.digest', 'digest'",
    ),
    (
        "approval_grant_told",
        "UPDATE OF state",
        "policies_approval",
        "WHEN (OLD.state <> NEW.state AND NEW.state = 'approved')",
        "'{approval.granted}', 'data.approval', 'id'",
    ),
    (
        "approval_refusal_told",
        "UPDATE OF state",
        "policies_approval",
        "WHEN (OLD.state <> NEW.state AND NEW.state = 'rejected')",
        "'{approval.rejected,approval.expired}', 'data.approval', 'id'",
    ),
    (
        "approval_overtaking_told",
        "UPDATE OF state",
        "policies_approval",
        "WHEN (OLD.state <> NEW.state AND NEW.state NOT IN ('approved', 'rejected'))",
        "'{approval.overtaken}', 'data.approval', 'id'",
    ),
    (
        "approval_use_told",
        "UPDATE OF consumed_at",
        "policies_approval",
        "WHEN (OLD.consumed_at IS DISTINCT FROM NEW.consumed_at)",
        "'{approval.used,approval.granted}', 'data.approval', 'id'",
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
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'policies\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', each, current_schema());
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0002_guards"), ("traceability", "0001_initial")]
    operations = [
        migrations.RunSQL(TOLD, migrations.RunSQL.noop),
        *(
            migrations.RunSQL(
                GUARD.format(name=name, event=event, table=table, when=when, told=told), migrations.RunSQL.noop
            )
            for name, event, table, when, told in GUARDS
        ),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
