"""Where people and machines are told, what is to be sent to them, and how far the ledger was read for it."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.lib.keys


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_accounts_have_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerCursor",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("last", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("endpoint_id", coordinator.lib.keys.PublicKeyField(prefix="endpoint")),
                (
                    "kind",
                    models.CharField(
                        choices=[("webhook", "Webhook"), ("email", "e-mail"), ("slack", "Slack")], max_length=8
                    ),
                ),
                ("address", models.CharField(max_length=2000)),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=110), size=None),
                ),
                (
                    "routes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=110), editable=False, size=None
                    ),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50), editable=False, null=True, size=None
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "Active"), ("paused", "Paused")], default="active", max_length=8
                    ),
                ),
                ("paused_because", models.CharField(blank=True, editable=False, max_length=300)),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("secret_version", models.PositiveIntegerField(default=1, editable=False)),
                ("rotated_at", models.DateTimeField(editable=False, null=True)),
                ("after", models.BigIntegerField(editable=False)),
                ("due_at", models.DateTimeField(editable=False, null=True)),
                ("called_at", models.DateTimeField(editable=False, null=True)),
                ("claim", models.UUIDField(editable=False, null=True)),
                ("claimed_until", models.DateTimeField(editable=False, null=True)),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="endpoints",
                        to="accounts.apitoken",
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entry", models.BigIntegerField(null=True)),
                ("message", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("topic", models.CharField(max_length=110)),
                ("event", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("delivered", "Delivered"),
                            ("skipped", "Skipped"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("attempted_at", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("took_ms", models.PositiveIntegerField(null=True)),
                ("answer", models.CharField(blank=True, max_length=1024)),
                ("created_at", models.DateTimeField()),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="accounts.endpoint"
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.AddIndex(
            model_name="endpoint",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="endpoint_due"),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "active"), ("due_at__isnull", True), _connector="OR"),
                name="a_paused_endpoint_is_never_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(("topics__len", models.F("routes__len")), ("topics__len__gt", 0)),
                name="each_topic_has_its_route",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["endpoint", "entry"], name="delivery_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "-id"], name="delivery_latest"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("endpoint", "entry"), name="an_endpoint_is_told_an_entry_once"),
        ),
        migrations.RunSQL(
            "INSERT INTO accounts_ledgercursor (name, last) VALUES ('notifications', 0)", migrations.RunSQL.noop
        ),
    ]
