"""Accounts are versioned like every resource, and found by e-mail through an index whatever its case."""

from django.db import migrations, models
from django.db.models.functions import Now, Upper


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles")]

    operations = [
        migrations.AlterModelOptions("user", options={"verbose_name": "account"}),
        migrations.AddField("user", "version", models.PositiveIntegerField(default=1, editable=False)),
        migrations.AddField(
            "user", "updated_at", models.DateTimeField(db_default=Now(), editable=False), preserve_default=False
        ),
        migrations.AlterField("user", "updated_at", models.DateTimeField(editable=False)),
        migrations.AlterField("user", "created_at", models.DateTimeField(editable=False)),
        migrations.AlterField("user", "email", models.EmailField("e-mail", max_length=254, unique=True)),
        migrations.AlterField("user", "is_active", models.BooleanField("active", default=True)),
        migrations.RemoveConstraint("user", "an_email_names_one_account_whatever_its_case"),
        migrations.AddConstraint(
            "user", models.UniqueConstraint(Upper("email"), name="an_email_names_one_account_whatever_its_case")
        ),
        migrations.RemoveIndex("session", "session_expiry"),
        migrations.AlterModelOptions("session", options={"verbose_name": "session", "verbose_name_plural": "sessions"}),
    ]
