"""What an attempt left running at a provider is known to the next one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("missions", "0009_advice_by_subject")]
    operations = [
        migrations.AddField(
            model_name="execution", name="remote_id", field=models.CharField(blank=True, max_length=200)
        ),
    ]
