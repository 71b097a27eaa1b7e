"""Advisories that are put off, and missions with thresholds of their own."""

from django.db import migrations, models

GUARD = """
CREATE CONSTRAINT TRIGGER advisory_snooze_told AFTER UPDATE OF snoozed_until, snoozes ON missions_advisory
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.snoozed_until IS DISTINCT FROM NEW.snoozed_until OR OLD.snoozes <> NEW.snoozes)
    EXECUTE FUNCTION missions_told('{advisory.snoozed}', 'data.advisory', 'id');
ALTER TABLE missions_advisory ENABLE ALWAYS TRIGGER advisory_snooze_told;
"""


class Migration(migrations.Migration):
    dependencies = [("missions", "0007_executions")]
    operations = [
        migrations.AddField(
            model_name="advisory",
            name="snoozed_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="advisory",
            name="snoozes",
            field=models.PositiveIntegerField(default=0, help_text="How often it was put off or taken up again."),
        ),
        migrations.AddField(
            model_name="mission",
            name="thresholds",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="From when on its work deserves advice, where that is not as usual.",
            ),
        ),
        migrations.AddIndex(
            model_name="advisory",
            index=models.Index(fields=["cause", "-id"], name="advisory_of_cause"),
        ),
        migrations.RunSQL(GUARD, "DROP TRIGGER advisory_snooze_told ON missions_advisory"),
    ]
