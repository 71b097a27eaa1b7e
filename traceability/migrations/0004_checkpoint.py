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

CREATE TRIGGER checkpoint_kept BEFORE UPDATE ON traceability_checkpoint
    FOR EACH ROW EXECUTE FUNCTION traceability_checkpoint_kept();
CREATE TRIGGER checkpoint_append_only BEFORE DELETE ON traceability_checkpoint
    FOR EACH ROW EXECUTE FUNCTION traceability_refuse();
CREATE TRIGGER checkpoint_no_truncate BEFORE TRUNCATE ON traceability_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION traceability_refuse();
ALTER TABLE traceability_checkpoint ENABLE ALWAYS TRIGGER checkpoint_kept;
ALTER TABLE traceability_checkpoint ENABLE ALWAYS TRIGGER checkpoint_append_only;
ALTER TABLE traceability_checkpoint ENABLE ALWAYS TRIGGER checkpoint_no_truncate;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION traceability_checkpoint_kept() SET search_path = pg_catalog, %I, pg_temp', current_schema());
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
