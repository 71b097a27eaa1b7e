"""No account, role or token comes, changes or goes without its entry, whoever writes."""

from django.db import migrations

TOLD = """
-- The first argument names kinds of entries; after it come pairs: a path into the entry's text, and the column of the
-- row whose value must stand there. What the first pair says of an id is looked up by the column that repeats it.
CREATE FUNCTION accounts_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
    places text[];
    stored text;
    values text[];
    indexed text := '';
    found int;
BEGIN
    changed := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    FOR place IN 1 .. TG_NARGS - 2 BY 2 LOOP
        EXECUTE format('SELECT ($1).%I::text', TG_ARGV[place + 1]) INTO stored USING changed;
        places := places || TG_ARGV[place];
        values := values || stored;
    END LOOP;
    IF places[1] ~ '^refs[.](subject|mission|task|agent)[.]id$' THEN
        indexed := format('AND entry.%I = %L::bigint', split_part(places[1], '.', 2) || '_id', values[1]);
    END IF;
    EXECUTE format('SELECT FROM traceability_entry AS entry
        WHERE entry.xid = pg_current_xact_id() AND entry.kind || '''' = ANY ($1) %s AND (
            SELECT bool_and(entry.canonical::json #>> string_to_array(pair.place, ''.'') IS NOT DISTINCT FROM pair.value)
            FROM unnest($2, $3) AS pair(place, value)) LIMIT 1', indexed) USING TG_ARGV[0]::text[], places, values;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found = 0 THEN
        RAISE EXCEPTION '% of % % came without an entry in the ledger (%)', lower(TG_OP), TG_TABLE_NAME, values[1], TG_ARGV[0]
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;
"""

GUARD = """
CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION accounts_told({told});
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};
"""

GUARDS = (
    ("account_creation_told", "INSERT", "accounts_user", "", "'{account.created}', 'refs.subject.id', 'id'"),
    (
        "account_change_told",
        "UPDATE OF is_active",
        "accounts_user",
        "WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active)",
        "'{account.revised}', 'refs.subject.id', 'id'",
    ),
    (
        "role_told",
        "INSERT OR UPDATE",
        "accounts_user_groups",
        "",
        "'{account.created,account.revised}', 'refs.subject.id', 'user_id'",
    ),
    ("role_end_told", "DELETE", "accounts_user_groups", "", "'{account.revised}', 'refs.subject.id', 'user_id'"),
    ("token_issue_told", "INSERT", "accounts_apitoken", "", "'{token.issued}', 'data.prefix', 'prefix'"),
)
"""Name, event, table, condition, and what the entry must say."""

FIXED = r"""
-- No object of the caller's own may stand in for one of ours.
DO $$
DECLARE
    each regprocedure;
BEGIN
    FOR each IN SELECT oid FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'accounts\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', each, current_schema());
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_notifications"), ("traceability", "0001_initial")]
    operations = [
        migrations.RunSQL(TOLD, migrations.RunSQL.noop),
        *(
            migrations.RunSQL(
                GUARD.format(name=name, event=event, table=table, when=when, told=told), migrations.RunSQL.noop
            )
            for name, event, table, when, told in GUARDS
        ),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
