"""The ledger and its guard: the database numbers, chains and keeps every entry; nobody goes around it by forgetting."""

import django.contrib.postgres.indexes
from django.db import migrations, models

import traceability.models.entry

SEAL = r"""
INSERT INTO traceability_installation (id, uuid) VALUES (true, gen_random_uuid());

-- An id is drawn under the lock on the stream's head, never before: so within a stream ids grow as seq does.
ALTER TABLE traceability_entry ALTER COLUMN id DROP IDENTITY;
CREATE SEQUENCE traceability_entry_order AS bigint OWNED BY traceability_entry.id;

CREATE FUNCTION traceability_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    at_text text;
BEGIN
    IF NEW.stream !~ '^(org|(mission|agent):[0-9]+)$' THEN
        RAISE EXCEPTION 'ledger: % is not a stream', NEW.stream USING ERRCODE = 'check_violation';
    END IF;
    NEW.xid := pg_current_xact_id();
    NEW.recorded_at := clock_timestamp();
    at_text := to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    INSERT INTO traceability_streamhead AS head (stream, seq, hash)
    VALUES (NEW.stream, 1, sha256(
        '\x00'::bytea
        || sha256(convert_to('coordinator-trace-v1' || (SELECT uuid::text FROM traceability_installation) || NEW.stream, 'UTF8'))
        || convert_to(NEW.stream || E'\x1f' || '1' || E'\x1f' || at_text || E'\x1f' || NEW.canonical, 'UTF8')))
    ON CONFLICT (stream) DO UPDATE SET
        seq = head.seq + 1,
        hash = sha256(
            '\x00'::bytea || head.hash
            || convert_to(NEW.stream || E'\x1f' || (head.seq + 1)::text || E'\x1f' || at_text || E'\x1f' || NEW.canonical, 'UTF8'))
    RETURNING seq, hash INTO NEW.seq, NEW.hash;
    NEW.id := nextval('traceability_entry_order');
    RETURN NEW;
END $$;

CREATE TRIGGER entry_seal BEFORE INSERT ON traceability_entry FOR EACH ROW EXECUTE FUNCTION traceability_seal();
ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_seal;

CREATE FUNCTION traceability_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger: % of % is refused, history is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE ON traceability_entry
    FOR EACH ROW EXECUTE FUNCTION traceability_refuse();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON traceability_entry
    FOR EACH STATEMENT EXECUTE FUNCTION traceability_refuse();
CREATE TRIGGER head_kept BEFORE DELETE ON traceability_streamhead
    FOR EACH ROW EXECUTE FUNCTION traceability_refuse();
CREATE TRIGGER head_no_truncate BEFORE TRUNCATE ON traceability_streamhead
    FOR EACH STATEMENT EXECUTE FUNCTION traceability_refuse();
ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_append_only;
ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_no_truncate;
ALTER TABLE traceability_streamhead ENABLE ALWAYS TRIGGER head_kept;
ALTER TABLE traceability_streamhead ENABLE ALWAYS TRIGGER head_no_truncate;
ALTER TABLE traceability_streamhead SET (fillfactor = 50);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="StreamHead",
            fields=[
                ("stream", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField()),
                ("hash", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("xid", traceability.models.entry.TransactionId(editable=False)),
                ("stream", models.CharField(max_length=64)),
                ("seq", models.BigIntegerField(editable=False)),
                ("kind", models.CharField(max_length=64)),
                ("schema", models.PositiveSmallIntegerField(default=1)),
                ("actor_kind", models.CharField(max_length=8)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(max_length=254)),
                ("on_behalf_of", models.CharField(max_length=100, null=True)),
                ("request_id", models.CharField(max_length=200, null=True)),
                ("subject_type", models.CharField(max_length=32, null=True)),
                ("subject_id", models.BigIntegerField(null=True)),
                ("subject_key", models.CharField(max_length=254, null=True)),
                ("mission_id", models.BigIntegerField(null=True)),
                ("task_id", models.BigIntegerField(null=True)),
                ("agent_id", models.BigIntegerField(null=True)),
                ("occurred_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(editable=False)),
                ("canonical", models.TextField()),
                ("hash", models.BinaryField()),
            ],
            options={
                "verbose_name_plural": "entries",
                "indexes": [
                    models.Index(fields=["xid"], name="entry_xid"),
                    models.Index(
                        condition=models.Q(("mission_id__isnull", False)),
                        fields=["mission_id", "id"],
                        name="entry_mission",
                    ),
                    models.Index(
                        condition=models.Q(("task_id__isnull", False)), fields=["task_id", "id"], name="entry_task"
                    ),
                    models.Index(
                        condition=models.Q(("agent_id__isnull", False)), fields=["agent_id", "id"], name="entry_agent"
                    ),
                    models.Index(fields=["kind", "id"], name="entry_kind"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["recorded_at"], name="entry_recorded_at"),
                ],
                "constraints": [models.UniqueConstraint(fields=("stream", "seq"), name="one_entry_per_stream_and_seq")],
            },
        ),
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.BooleanField(default=True, primary_key=True, serialize=False)),
                ("uuid", models.UUIDField(unique=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", True)), name="installation_is_one_row")
                ],
            },
        ),
        migrations.RunSQL(SEAL, reverse_sql=migrations.RunSQL.noop),
    ]
