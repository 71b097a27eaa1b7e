"""Counting what an agent has asked about in a window of time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0005_tests_and_waivers")]

    operations = [
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["agent_id", "at"], name="decision_of_agent_at"),
        ),
    ]
