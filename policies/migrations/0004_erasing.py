"""What was decided stays decided, but for a text that is erased on record."""

from django.db import migrations

KEEP = r"""
-- An UPDATE may only put `[erased]` in the place of words in the columns that the trigger names, and only beside an entry
-- that tells of it: what is left has to stand in the old text in the same order.
CREATE FUNCTION policies_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    now jsonb := to_jsonb(NEW);
BEGIN
    IF was - TG_ARGV <> now - TG_ARGV OR EXISTS (
        SELECT 1 FROM unnest(TG_ARGV) AS each(name)
        WHERE was -> each.name <> now -> each.name AND (was -> each.name)::text NOT LIKE
            replace(replace(replace(replace((now -> each.name)::text, '\', '\\'), '%', '\%'), '_', '\_'), '[erased]', '%')
    ) THEN
        RAISE EXCEPTION 'policies: % of % is refused, it is append-only', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION policies_erasure_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM traceability_entry WHERE xid = pg_current_xact_id() AND kind = 'trace.erased';
    IF NOT FOUND THEN
        RAISE EXCEPTION '% % lost a text without an entry that tells of it', TG_TABLE_NAME, NEW.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;
"""

GUARD = """
DROP TRIGGER {name}_append_only ON {table};
CREATE TRIGGER {name}_append_only BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION policies_refuse();
CREATE TRIGGER {name}_kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION policies_keep({columns});
CREATE CONSTRAINT TRIGGER {name}_erasure_told AFTER UPDATE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION policies_erasure_told();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}_append_only;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}_kept;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}_erasure_told;
"""

KEPT = (
    ("revision", "policies_policyrevision", "'change_note'"),
    ("decision", "policies_decision", "'input', 'matched'"),
)
"""Trigger's name, table, and the columns of which a text may be erased."""

FIXED = r"""
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

DECIDED_ONCE = r"""
-- As it was, but for texts that are erased on record.
CREATE OR REPLACE FUNCTION policies_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erasable text[] := ARRAY['action', 'summary', 'reason', 'remark', 'comment'];
    was jsonb := to_jsonb(OLD);
    now jsonb := to_jsonb(NEW);
    name text;
BEGIN
    FOREACH name IN ARRAY erasable LOOP
        IF was -> name <> now -> name AND (was -> name)::text LIKE
            replace(replace(replace(replace((now -> name)::text, '\', '\\'), '%', '\%'), '_', '\_'), '[erased]', '%') THEN
            was := was || jsonb_build_object(name, now -> name);
        END IF;
    END LOOP;
    IF OLD.state <> 'pending' AND (OLD.state, OLD.decided_by_id, OLD.decided_at, was ->> 'comment')
            IS DISTINCT FROM (NEW.state, NEW.decided_by_id, NEW.decided_at, NEW.comment)
        OR OLD.consumed_at IS NOT NULL AND OLD.consumed_at IS DISTINCT FROM NEW.consumed_at
        OR (OLD.digest, was -> 'action', OLD.expires_at, OLD.requester_id, was ->> 'remark')
            IS DISTINCT FROM (NEW.digest, NEW.action, NEW.expires_at, NEW.requester_id, NEW.remark) THEN
        RAISE EXCEPTION 'approval % was decided: it stays so', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'an_approval_is_decided_once';
    END IF;
    RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER approval_erasure_told AFTER UPDATE ON policies_approval
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.action <> NEW.action OR OLD.remark <> NEW.remark OR OLD.summary <> NEW.summary OR OLD.reason <> NEW.reason
        OR (OLD.state <> 'pending' AND OLD.comment <> NEW.comment))
    EXECUTE FUNCTION policies_erasure_told();
ALTER TABLE policies_approval ENABLE ALWAYS TRIGGER approval_erasure_told;
ALTER TABLE policies_approval ENABLE ALWAYS TRIGGER approval_decided_once;
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0003_told")]
    operations = [
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        *(
            migrations.RunSQL(GUARD.format(name=name, table=table, columns=columns), migrations.RunSQL.noop)
            for name, table, columns in KEPT
        ),
        migrations.RunSQL(DECIDED_ONCE, migrations.RunSQL.noop),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
