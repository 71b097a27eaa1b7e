"""What was reported and reviewed stays as it was said, but for a text that is erased on record."""

from django.db import migrations

KEEP = r"""
-- An UPDATE may only put `[erased]` in the place of words in the columns that the trigger names, and only beside an entry
-- that tells of it: what is left has to stand in the old text in the same order.
CREATE FUNCTION missions_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    now jsonb := to_jsonb(NEW);
BEGIN
    IF was - TG_ARGV <> now - TG_ARGV OR EXISTS (
        SELECT 1 FROM unnest(TG_ARGV) AS each(name)
        WHERE was -> each.name <> now -> each.name AND (was -> each.name)::text NOT LIKE
            replace(replace(replace(replace((now -> each.name)::text, '\', '\\'), '%', '\%'), '_', '\_'), '[erased]', '%')
    ) THEN
        RAISE EXCEPTION 'missions: % of % is refused, it is append-only', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION missions_erasure_told() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER {name}_append_only BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION missions_refuse();
CREATE TRIGGER {name}_kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION missions_keep({columns});
CREATE CONSTRAINT TRIGGER {name}_erasure_told AFTER UPDATE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION missions_erasure_told();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}_append_only;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}_kept;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}_erasure_told;
"""

KEPT = (
    ("report", "missions_report", "'outputs', 'logs'"),
    ("review", "missions_review", "'comment'"),
)
"""Trigger's name, table, and the columns of which a text may be erased."""

FIXED = r"""
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


class Migration(migrations.Migration):
    dependencies = [("missions", "0004_told")]
    operations = [
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
        *(
            migrations.RunSQL(GUARD.format(name=name, table=table, columns=columns), migrations.RunSQL.noop)
            for name, table, columns in KEPT
        ),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
