"""What may lawfully change in history, and nothing else: a text that must be erased, entries that move to a file, and
the transaction ids of a restored database. And a writer may not keep its entries uncommitted for long.

Each lawful change is told by an entry of the same transaction; the triggers stay on for replicas.
"""

from django.db import migrations, models
from django.db.models.functions import Now

import traceability.models.entry

SEAL = r"""
ALTER TABLE traceability_streamhead ADD COLUMN at timestamptz NOT NULL DEFAULT '-infinity';

-- Number, time, hash and id are all taken under the lock on the stream's head: within a stream each grows with the
-- others. The name of a stream is looked at when its head is made.
CREATE OR REPLACE FUNCTION traceability_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    head record;
BEGIN
    SELECT seq + 1 AS seq, hash, at INTO head FROM traceability_streamhead WHERE stream = NEW.stream FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        IF NEW.stream !~ '^(org|(mission|agent):[0-9]+)$' THEN
            RAISE EXCEPTION 'ledger: % is not a stream', NEW.stream USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO traceability_streamhead (stream, seq, hash, at) VALUES (NEW.stream, 0, sha256(convert_to(
            'coordinator-trace-v1' || (SELECT uuid::text FROM traceability_installation) || NEW.stream, 'UTF8')), '-infinity')
        ON CONFLICT (stream) DO NOTHING;
        SELECT seq + 1 AS seq, hash, at INTO head FROM traceability_streamhead WHERE stream = NEW.stream FOR NO KEY UPDATE;
    END IF;
    NEW.seq := head.seq;
    NEW.recorded_at := greatest(clock_timestamp(), head.at);
    NEW.hash := sha256('\x00'::bytea || head.hash || convert_to(
        NEW.stream || E'\x1f' || NEW.seq::text || E'\x1f'
        || to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || E'\x1f' || NEW.canonical, 'UTF8'));
    UPDATE traceability_streamhead SET seq = NEW.seq, hash = NEW.hash, at = NEW.recorded_at WHERE stream = NEW.stream;
    NEW.xid := pg_current_xact_id();
    NEW.id := nextval('traceability_entry_order');
    RETURN NEW;
END $$;

-- Readers wait for a transaction that has appended, so the rest of it may last 60 s (PostgreSQL 17 and later) and its
-- client be idle for a tenth of that; then the database ends it. `coordinator.longest_hold` says otherwise, 0 never.
CREATE FUNCTION traceability_hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    longest text := coalesce(nullif(current_setting('coordinator.longest_hold', true), ''), '60s');
BEGIN
    IF longest = '0' THEN
        RETURN NULL;
    END IF;
    IF current_setting('idle_in_transaction_session_timeout') = '0' THEN
        PERFORM set_config('idle_in_transaction_session_timeout',
            (extract(epoch FROM longest::interval) * 100)::bigint::text, true);
    END IF;
    IF current_setting('transaction_timeout', true) = '0' THEN
        PERFORM set_config('transaction_timeout', longest, true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_hold AFTER INSERT ON traceability_entry FOR EACH STATEMENT EXECUTE FUNCTION traceability_hold();
ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_hold;
"""

LAWFUL = r"""
DROP TRIGGER entry_append_only ON traceability_entry;

-- An UPDATE is refused unless it takes paths out of the body, or gives a transaction id of another instance's a value
-- that every snapshot holds for long past.
CREATE FUNCTION traceability_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was traceability_entry := OLD;
BEGIN
    IF NEW.xid = '3'::xid8 AND OLD.xid >= pg_snapshot_xmax(pg_current_snapshot()) THEN
        was.xid := NEW.xid;
    END IF;
    IF OLD.body IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM json_each(coalesce(NEW.body, '{}')::json) AS kept
        WHERE kept.value::text IS DISTINCT FROM (OLD.body::json -> kept.key)::text
    ) THEN
        was.body := NEW.body;
    END IF;
    IF was IS DISTINCT FROM NEW OR NEW IS NOT DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'ledger: UPDATE of traceability_entry is refused, history is append-only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- Every path that went is named, with the entry and its place, by an entry of the same transaction.
CREATE FUNCTION traceability_erasure_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM json_object_keys(OLD.body::json) AS gone(path)
    WHERE coalesce(NEW.body, '{}')::json -> gone.path IS NULL AND NOT EXISTS (
        SELECT 1 FROM traceability_entry AS told, json_array_elements_text(told.canonical::json #> '{data,paths}') AS named
        WHERE told.xid = pg_current_xact_id() AND told.kind = 'trace.erased' AND named = gone.path
            AND told.canonical::json #>> '{data,entry}' = NEW.id::text
            AND told.canonical::json #>> '{data,of_stream}' = NEW.stream
            AND told.canonical::json #>> '{data,seq}' = NEW.seq::text);
    IF FOUND THEN
        RAISE EXCEPTION 'ledger: entry % lost texts without an entry that tells of it', NEW.id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'an_erasure_is_told';
    END IF;
    RETURN NULL;
END $$;

-- A DELETE is refused unless this transaction has moved the entry to a file.
CREATE FUNCTION traceability_let_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM traceability_archive
    WHERE stream = OLD.stream AND OLD.seq BETWEEN first_seq AND last_seq AND xid = pg_current_xact_id();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: DELETE of traceability_entry is refused, history is append-only'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION traceability_archive_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM traceability_entry
    WHERE xid = pg_current_xact_id() AND kind = 'trace.archived'
        AND canonical::json #>> '{data,of_stream}' = NEW.stream
        AND canonical::json #>> '{data,last_seq}' = NEW.last_seq::text
        AND canonical::json #>> '{data,sha256}' = NEW.sha256;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'ledger: entries of % were archived without an entry that tells of it', NEW.stream
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'archiving_is_told';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_kept BEFORE UPDATE ON traceability_entry FOR EACH ROW EXECUTE FUNCTION traceability_keep();
CREATE TRIGGER entry_append_only BEFORE DELETE ON traceability_entry
    FOR EACH ROW EXECUTE FUNCTION traceability_let_go();
CREATE CONSTRAINT TRIGGER entry_erasure_told AFTER UPDATE OF body ON traceability_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.body IS DISTINCT FROM NEW.body)
    EXECUTE FUNCTION traceability_erasure_told();
CREATE CONSTRAINT TRIGGER archive_told AFTER INSERT ON traceability_archive
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION traceability_archive_told();
CREATE TRIGGER archive_append_only BEFORE UPDATE OR DELETE ON traceability_archive
    FOR EACH ROW EXECUTE FUNCTION traceability_refuse();
CREATE TRIGGER archive_no_truncate BEFORE TRUNCATE ON traceability_archive
    FOR EACH STATEMENT EXECUTE FUNCTION traceability_refuse();
ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_kept;
ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_append_only;
ALTER TABLE traceability_entry ENABLE ALWAYS TRIGGER entry_erasure_told;
ALTER TABLE traceability_archive ENABLE ALWAYS TRIGGER archive_told;
ALTER TABLE traceability_archive ENABLE ALWAYS TRIGGER archive_append_only;
ALTER TABLE traceability_archive ENABLE ALWAYS TRIGGER archive_no_truncate;

CREATE FUNCTION traceability_erase(entry bigint, paths text[]) RETURNS void LANGUAGE sql STRICT SECURITY DEFINER AS $$
    UPDATE traceability_entry SET body = (
        SELECT json_object_agg(each.key, each.value)::text FROM json_each(body::json) AS each
        WHERE each.key <> ALL (paths))
    WHERE id = entry AND body IS NOT NULL
$$;

-- Entries of a restored database carry transaction ids of the instance that they come from. Answers how many were mended.
CREATE FUNCTION traceability_rebase() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    mended bigint;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RETURN 0;  -- a transaction that has written may not put entries of its own out of the readers' sight
    END IF;
    UPDATE traceability_entry SET xid = '3'::xid8 WHERE xid >= pg_snapshot_xmax(pg_current_snapshot());
    GET DIAGNOSTICS mended = ROW_COUNT;
    RETURN mended;
END $$;

-- Takes the entries of a stream up to `upto` out of the table, once `sha256` is the digest of the file that holds them.
CREATE FUNCTION traceability_archive_entries(of_stream text, upto bigint, digest text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    head bigint;
    since bigint;
    moved bigint;
    newest bigint;
    link bytea;
BEGIN
    SELECT seq INTO head FROM traceability_streamhead WHERE stream = of_stream FOR UPDATE;
    SELECT coalesce(max(last_seq), 0) + 1 INTO since FROM traceability_archive WHERE stream = of_stream;
    SELECT count(*), max(id) INTO moved, newest FROM traceability_entry
    WHERE stream = of_stream AND seq BETWEEN since AND upto;
    IF head IS NULL OR of_stream = 'org' OR upto > head OR moved = 0 OR moved <> upto - since + 1 THEN
        RAISE EXCEPTION 'ledger: entries % to % of % cannot be archived', since, upto, of_stream
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT hash INTO link FROM traceability_entry WHERE stream = of_stream AND seq = upto;
    INSERT INTO traceability_archive (stream, first_seq, last_seq, last_id, hash, sha256, archived_at, xid)
    VALUES (of_stream, since, upto, newest, link, digest, clock_timestamp(), pg_current_xact_id());
    DELETE FROM traceability_entry WHERE stream = of_stream AND seq BETWEEN since AND upto;
    RETURN moved;
END $$;

-- No object of the caller's own may stand in for one of ours.
DO $$
DECLARE
    each regprocedure;
BEGIN
    FOR each IN SELECT oid FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'traceability\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', each, current_schema());
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("traceability", "0002_planning")]

    operations = [
        migrations.AddField("entry", "body", models.TextField(null=True)),
        migrations.CreateModel(
            name="Archive",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("stream", models.CharField(max_length=64)),
                ("first_seq", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                ("last_id", models.BigIntegerField()),
                ("hash", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("archived_at", models.DateTimeField(db_default=Now())),
                ("xid", traceability.models.entry.TransactionId(editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("stream", "first_seq"), name="one_archive_per_stream_and_start")
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddField("streamhead", "at", models.DateTimeField())]
        ),
        migrations.RunSQL(SEAL, migrations.RunSQL.noop),
        migrations.RunSQL(LAWFUL, migrations.RunSQL.noop),
    ]
