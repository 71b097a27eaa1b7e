"""Looks the entry of an advisory up by its subject, so that many advisories in one transaction cost no more each."""

from django.db import migrations

BY_SUBJECT = """
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT tgname, replace(
            pg_get_triggerdef(oid), '''data.advisory'', ''id''', '''refs.subject.id'', ''id'', ''data.advisory'', ''id'''
        ) AS made
        FROM pg_trigger WHERE tgrelid = 'missions_advisory'::regclass AND tgname LIKE 'advisory%told'
    LOOP
        EXECUTE format('DROP TRIGGER %I ON missions_advisory', each.tgname);
        EXECUTE each.made;
        EXECUTE format('ALTER TABLE missions_advisory ENABLE ALWAYS TRIGGER %I', each.tgname);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("missions", "0008_advice")]
    operations = [migrations.RunSQL(BY_SUBJECT, migrations.RunSQL.noop)]
