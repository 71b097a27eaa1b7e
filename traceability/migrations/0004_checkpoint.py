"""Checkpoints: rows that nobody changes, except that the outside world accepted one."""

from django.db import migrations, models

GUARD = r"""
CREATE FUNCTION traceability_checkpoint_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was traceability_checkpoint := OLD;
BEGIN
    was.published_at := NEW.published_at;
    IF OLD.published_at IS NOT NULL OR was IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION 'ledger: UPDATE of traceability_checkpoint is refused, checkpoints stay as they were signed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- A row says what its note says, and follows the newest one. Who signed the note is for the verifier.
CREATE FUNCTION traceability_checkpoint_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told text[] := string_to_array(NEW.note, E'
');
    next bigint := (SELECT coalesce(max(n), 0) + 1 FROM traceability_checkpoint);
BEGIN
    IF NEW.n <> next OR NEW.published_at IS NOT NULL OR told[1] NOT LIKE 'coordinator/%' OR told[2:7] IS DISTINCT FROM ARRAY[
        NEW.size::text, encode(NEW.root, 'base64'), 'number ' || NEW.n, 'prev ' || encode(NEW.prev_hash, 'base64'),
        'at ' || to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'streams ' || NEW.streams]
    THEN
        RAISE EXCEPTION 'ledger: this is not checkpoint %', next
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'a_checkpoint_follows';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER checkpoint_follows BEFORE INSERT ON traceability_checkpoint
    FOR EACH ROW EXECUTE FUNCTION traceability_checkpoint_follows();
CREATE TRIGGER checkpoint_kept BEFORE UPDATE ON traceability_checkpoint
    FOR EACH ROW EXECUTE FUNCTION traceability_checkpoint_kept();
CREATE TRIGGER checkpoint_append_only BEFORE DELETE ON traceability_checkpoint
    FOR EACH ROW EXECUTE FUNCTION traceability_refuse();
CREATE TRIGGER checkpoint_no_truncate BEFORE TRUNCATE ON traceability_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION traceability_refuse();
ALTER TABLE traceability_checkpoint ENABLE ALWAYS TRIGGER checkpoint_follows;
ALTER TABLE traceability_checkpoint ENABLE ALWAYS TRIGGER checkpoint_kept;
ALTER TABLE traceability_checkpoint ENABLE ALWAYS TRIGGER checkpoint_append_only;
ALTER TABLE traceability_checkpoint ENABLE ALWAYS TRIGGER checkpoint_no_truncate;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION traceability_checkpoint_kept() SET search_path = pg_catalog, %I, pg_temp', current_schema());
    EXECUTE format('ALTER FUNCTION traceability_checkpoint_follows() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("traceability", "0003_keeping")]

    operations = [
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("n", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("size", models.BigIntegerField()),
                ("streams", models.BigIntegerField()),
                ("root", models.BinaryField()),
                ("prev_hash", models.BinaryField()),
                ("note", models.TextField()),
                ("heads", models.BinaryField()),
                ("published_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("published_at__isnull", True)), fields=["n"], name="checkpoint_unsent"
                    )
                ],
            },
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
