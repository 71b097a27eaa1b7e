"""Executions with a key, limits, attempts and chunks of output; the database keeps their moves."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import missions.models.execution

KEYS = "UPDATE missions_execution SET key = 'execution-' || id"

MOVES = """
CREATE FUNCTION missions_execution_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('queued', 'running'), ('queued', 'cancelled'), ('running', 'queued'),
        ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled')
    ) THEN
        RAISE EXCEPTION 'an execution that is % cannot become %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'an_execution_moves_along_the_table';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER execution_moves BEFORE UPDATE OF state ON missions_execution
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION missions_execution_moves();
ALTER TABLE missions_execution ENABLE ALWAYS TRIGGER execution_moves;

DROP TRIGGER execution_end_told ON missions_execution;
CREATE CONSTRAINT TRIGGER execution_end_told AFTER UPDATE OF state ON missions_execution
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state NOT IN ('queued', 'running'))
    EXECUTE FUNCTION missions_told('{execution.ended}', 'data.execution', 'id', 'data.state', 'state');
CREATE CONSTRAINT TRIGGER execution_retry_told AFTER UPDATE OF state ON missions_execution
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state <> NEW.state AND NEW.state = 'queued')
    EXECUTE FUNCTION missions_told('{execution.retried}', 'data.execution', 'id', 'data.attempt', 'attempt');
ALTER TABLE missions_execution ENABLE ALWAYS TRIGGER execution_end_told;
ALTER TABLE missions_execution ENABLE ALWAYS TRIGGER execution_retry_told;
"""

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
    dependencies = [("missions", "0006_hosts")]
    operations = [
        migrations.AddField(
            model_name="mission",
            name="execution_limit",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="Runs by adapters that go on at a time; empty: the installation's setting.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
        migrations.AddConstraint(
            model_name="mission",
            constraint=models.CheckConstraint(
                condition=models.Q(("execution_limit__isnull", True), ("execution_limit__gte", 1), _connector="OR"),
                name="mission_lets_at_least_one_run",
            ),
        ),
        migrations.AddField(model_name="execution", name="key", field=models.CharField(max_length=300, null=True)),
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="execution",
            name="key",
            field=models.CharField(default=missions.models.execution.fresh_key, max_length=300, unique=True),
        ),
        migrations.AddField(
            model_name="execution", name="max_attempts", field=models.PositiveSmallIntegerField(default=1)
        ),
        migrations.AddField(model_name="execution", name="retry_on", field=models.JSONField(default=list)),
        migrations.AddField(model_name="execution", name="heartbeat_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="execution", name="run_after", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="execution", name="woken_at", field=models.DateTimeField(null=True)),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])), fields=["state", "id"], name="execution_open"
            ),
        ),
        migrations.CreateModel(
            name="ExecutionOutput",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.PositiveIntegerField()),
                (
                    "stream",
                    models.CharField(choices=[("out", "Out"), ("err", "Err"), ("note", "Note")], max_length=4),
                ),
                ("start", models.PositiveBigIntegerField()),
                ("length", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "execution",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="chunks",
                        to="missions.execution",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("execution", "seq"), name="a_chunk_has_its_place"),
                ],
            },
        ),
        migrations.RunSQL(MOVES, migrations.RunSQL.noop),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
