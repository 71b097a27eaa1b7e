"""No notification comes, goes, is paused or resumed without its entry, whoever writes."""

from django.db import migrations

GUARD = """
CREATE CONSTRAINT TRIGGER {name} AFTER {event} ON accounts_endpoint
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW {when} EXECUTE FUNCTION accounts_told('{kind}', 'refs.subject.id', 'id');
ALTER TABLE accounts_endpoint ENABLE ALWAYS TRIGGER {name};
"""

GUARDS = (
    ("notification_creation_told", "INSERT", "", "{notification.created}"),
    ("notification_end_told", "DELETE", "", "{notification.removed}"),
    (
        "notification_pause_told",
        "UPDATE OF state",
        "WHEN (OLD.state <> NEW.state AND NEW.state = 'paused')",
        "{notification.paused}",
    ),
    (
        "notification_resume_told",
        "UPDATE OF state",
        "WHEN (OLD.state <> NEW.state AND NEW.state = 'active')",
        "{notification.resumed}",
    ),
)
"""Name, event, condition, and the kind of the entry that must tell of it."""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_told")]
    operations = [
        migrations.RunSQL(GUARD.format(name=name, event=event, when=when, kind=kind), migrations.RunSQL.noop)
        for name, event, when, kind in GUARDS
    ]
