"""The index of a space is made by who owns the table, also when the product runs as a role that owns nothing."""

from django.db import migrations

SPACES = r"""
CREATE FUNCTION knowledge_index_space(space bigint, dimensions integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM knowledge_embeddingspace WHERE id = space) THEN
        RAISE EXCEPTION 'there is no embedding space %', space USING ERRCODE = 'foreign_key_violation';
    END IF;
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS knowledge_embedding_space_%s ON knowledge_embedding'
        ' USING hnsw ((vector::halfvec(%s)) halfvec_cosine_ops) WITH (m = 16, ef_construction = 128)'
        ' WHERE space_id = %s', space, dimensions, space);
END $$;

CREATE FUNCTION knowledge_drop_space(space bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS knowledge_embedding_space_%s', space);
END $$;

DO $$
DECLARE
    each regprocedure;
    vectors text := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'vector');
BEGIN
    FOR each IN SELECT oid FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'knowledge\_%\_space'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, %s, pg_temp', each, current_schema(), vectors);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]
    operations = [migrations.RunSQL(SPACES, migrations.RunSQL.noop)]
