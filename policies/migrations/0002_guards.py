"""The database keeps history: revisions and decisions are append-only, and what was decided stays decided."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION policies_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'policies: % of % is refused, it is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER revision_append_only BEFORE UPDATE OR DELETE ON policies_policyrevision
    FOR EACH ROW EXECUTE FUNCTION policies_refuse();
CREATE TRIGGER revision_no_truncate BEFORE TRUNCATE ON policies_policyrevision
    FOR EACH STATEMENT EXECUTE FUNCTION policies_refuse();
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON policies_decision
    FOR EACH ROW EXECUTE FUNCTION policies_refuse();
CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON policies_decision
    FOR EACH STATEMENT EXECUTE FUNCTION policies_refuse();
CREATE TRIGGER approval_kept BEFORE DELETE ON policies_approval
    FOR EACH ROW EXECUTE FUNCTION policies_refuse();
CREATE TRIGGER approval_no_truncate BEFORE TRUNCATE ON policies_approval
    FOR EACH STATEMENT EXECUTE FUNCTION policies_refuse();
ALTER TABLE policies_policyrevision ENABLE ALWAYS TRIGGER revision_append_only;
ALTER TABLE policies_policyrevision ENABLE ALWAYS TRIGGER revision_no_truncate;
ALTER TABLE policies_decision ENABLE ALWAYS TRIGGER decision_append_only;
ALTER TABLE policies_decision ENABLE ALWAYS TRIGGER decision_no_truncate;
ALTER TABLE policies_approval ENABLE ALWAYS TRIGGER approval_kept;
ALTER TABLE policies_approval ENABLE ALWAYS TRIGGER approval_no_truncate;
"""

DECIDED_ONCE = """
CREATE FUNCTION policies_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'pending' AND (OLD.state, OLD.decided_by_id, OLD.decided_at, OLD.comment)
            IS DISTINCT FROM (NEW.state, NEW.decided_by_id, NEW.decided_at, NEW.comment)
        OR OLD.consumed_at IS NOT NULL AND OLD.consumed_at IS DISTINCT FROM NEW.consumed_at
        OR (OLD.digest, OLD.action, OLD.expires_at, OLD.requester_id, OLD.remark)
            IS DISTINCT FROM (NEW.digest, NEW.action, NEW.expires_at, NEW.requester_id, NEW.remark) THEN
        RAISE EXCEPTION 'approval % was decided: it stays so', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'an_approval_is_decided_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_decided_once BEFORE UPDATE ON policies_approval
    FOR EACH ROW EXECUTE FUNCTION policies_decided_once();
"""

REVISED = """
CREATE FUNCTION policies_revised() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM policies_policyrevision
        WHERE policy_id = NEW.id AND n = NEW.version AND content_hash = NEW.content_hash
    ) THEN
        RAISE EXCEPTION 'policy % has no revision %', NEW.policy_id, NEW.version
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_policy_changes_with_its_revision';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER policy_revised AFTER INSERT OR UPDATE ON policies_policy
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION policies_revised();

INSERT INTO policies_activebundle (id, hash) VALUES (true, '');
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial")]
    operations = [
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(DECIDED_ONCE, migrations.RunSQL.noop),
        migrations.RunSQL(REVISED, migrations.RunSQL.noop),
    ]
