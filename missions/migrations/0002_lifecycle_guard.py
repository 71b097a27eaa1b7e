"""The database keeps the lifecycle: no impossible move, no move without its ledger entry, no cycle of dependencies;
and what was reported and reviewed stays as it was said.

The tables of moves are written out here as they stood when this migration was made; a test compares them with
`missions.lifecycle`. Another table needs another migration.
"""

from django.db import migrations

MISSION_MOVES = """
    ('planning', 'active'), ('planning', 'cancelled'), ('active', 'paused'), ('active', 'completed'),
    ('active', 'cancelled'), ('paused', 'active'), ('paused', 'completed'), ('paused', 'cancelled')
"""
TASK_MOVES = """
    ('pending', 'in_progress'), ('pending', 'blocked'), ('pending', 'failed'),
    ('in_progress', 'blocked'), ('in_progress', 'pending_review'), ('in_progress', 'completed'),
    ('in_progress', 'failed'), ('in_progress', 'pending'),
    ('blocked', 'pending'), ('blocked', 'in_progress'), ('blocked', 'failed'),
    ('pending_review', 'completed'), ('pending_review', 'rejected'),
    ('rejected', 'in_progress'), ('rejected', 'pending'), ('rejected', 'failed'),
    ('failed', 'pending')
"""

MOVES = """
CREATE FUNCTION missions_{noun}_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> '{first}' THEN
            RAISE EXCEPTION 'a new {noun} is {first}, not %', NEW.status
                USING ERRCODE = 'check_violation', CONSTRAINT = 'a_{noun}_begins_{first}';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.status, NEW.status) NOT IN ({moves}) THEN
        RAISE EXCEPTION 'a {noun} that is % cannot become %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_{noun}_moves_along_the_table';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER {noun}_begins BEFORE INSERT ON missions_{noun}
    FOR EACH ROW EXECUTE FUNCTION missions_{noun}_moves();
CREATE TRIGGER {noun}_moves BEFORE UPDATE OF status ON missions_{noun}
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION missions_{noun}_moves();

CREATE FUNCTION missions_{noun}_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM 1 FROM traceability_entry
        WHERE xid = pg_current_xact_id() AND {noun}_id = NEW.id AND kind = '{noun}.created';
    ELSE
        PERFORM 1 FROM traceability_entry
        WHERE xid = pg_current_xact_id() AND {noun}_id = NEW.id AND kind = '{noun}.moved'
            AND canonical::jsonb #>> '{{data,before}}' = OLD.status
            AND canonical::jsonb #>> '{{data,after}}' = NEW.status;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION '{noun} % became % without an entry in the ledger', NEW.id, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_{noun}_moves_with_its_entry';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER {noun}_creation_told AFTER INSERT ON missions_{noun}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION missions_{noun}_told();
CREATE CONSTRAINT TRIGGER {noun}_move_told AFTER UPDATE OF status ON missions_{noun}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION missions_{noun}_told();
"""

CYCLES = """
CREATE FUNCTION missions_dependency_acyclic() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('missions.dependencies'));
    IF EXISTS (
        WITH RECURSIVE below(id) AS (
            SELECT NEW.needs_id
            UNION
            SELECT needs_id FROM missions_dependency JOIN below ON task_id = below.id
        )
        SELECT 1 FROM below WHERE id = NEW.task_id
    ) THEN
        RAISE EXCEPTION 'task % would wait for itself', NEW.task_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dependencies_have_no_cycle';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER dependency_acyclic BEFORE INSERT OR UPDATE ON missions_dependency
    FOR EACH ROW EXECUTE FUNCTION missions_dependency_acyclic();
"""

APPEND_ONLY = """
CREATE FUNCTION missions_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'missions: % of % is refused, it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER report_append_only BEFORE UPDATE OR DELETE ON missions_report
    FOR EACH ROW EXECUTE FUNCTION missions_refuse();
CREATE TRIGGER report_no_truncate BEFORE TRUNCATE ON missions_report
    FOR EACH STATEMENT EXECUTE FUNCTION missions_refuse();
CREATE TRIGGER review_append_only BEFORE UPDATE OR DELETE ON missions_review
    FOR EACH ROW EXECUTE FUNCTION missions_refuse();
CREATE TRIGGER review_no_truncate BEFORE TRUNCATE ON missions_review
    FOR EACH STATEMENT EXECUTE FUNCTION missions_refuse();
ALTER TABLE missions_report ENABLE ALWAYS TRIGGER report_append_only;
ALTER TABLE missions_report ENABLE ALWAYS TRIGGER report_no_truncate;
ALTER TABLE missions_review ENABLE ALWAYS TRIGGER review_append_only;
ALTER TABLE missions_review ENABLE ALWAYS TRIGGER review_no_truncate;
"""


class Migration(migrations.Migration):
    dependencies = [("missions", "0001_initial"), ("traceability", "0001_initial")]
    operations = [
        migrations.RunSQL(MOVES.format(noun="mission", first="planning", moves=MISSION_MOVES), migrations.RunSQL.noop),
        migrations.RunSQL(MOVES.format(noun="task", first="pending", moves=TASK_MOVES), migrations.RunSQL.noop),
        migrations.RunSQL(CYCLES, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
    ]
