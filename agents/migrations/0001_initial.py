import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.lib.keys


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Agent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("agent_id", coordinator.lib.keys.PublicKeyField(prefix="agent")),
                ("name", models.CharField(max_length=200)),
                (
                    "adapter_module",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "none"),
                            ("claude_code", "Claude Code"),
                            ("openai", "Openai"),
                            ("claude_cli", "Claude Cli"),
                        ],
                        default="",
                        max_length=32,
                    ),
                ),
                ("adapter_config", models.JSONField(blank=True, default=dict)),
                ("capabilities", models.JSONField(blank=True, default=list)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("idle", "Idle"),
                            ("working", "Working"),
                            ("waiting", "Waiting"),
                            ("blocked", "Blocked"),
                            ("error", "Error"),
                            ("offline", "Offline"),
                        ],
                        default="idle",
                        max_length=16,
                    ),
                ),
                ("status_since", models.DateTimeField(editable=False)),
                ("status_reason", models.CharField(blank=True, editable=False, max_length=500)),
                ("cost_per_mtok", models.DecimalField(blank=True, decimal_places=6, max_digits=16, null=True)),
                ("last_seen_at", models.DateTimeField(editable=False, null=True)),
                ("current_task_id", models.BigIntegerField(editable=False, null=True)),
                ("current_task_key", models.CharField(blank=True, editable=False, max_length=100)),
                (
                    "health_state",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("down", "Down"),
                        ],
                        default="unknown",
                        editable=False,
                        max_length=16,
                    ),
                ),
                ("health_reason", models.CharField(blank=True, editable=False, max_length=500)),
                ("health_since", models.DateTimeField(editable=False, null=True)),
                ("health_checked_at", models.DateTimeField(editable=False, null=True)),
                ("cost_usd", models.DecimalField(decimal_places=6, default=0, editable=False, max_digits=16)),
                ("tokens", models.BigIntegerField(default=0, editable=False)),
                (
                    "service_account",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agent",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Activity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("session_start", "Session Start"),
                            ("task_start", "Task Start"),
                            ("task_complete", "Task Complete"),
                            ("blocked", "Blocked"),
                            ("completed", "Completed"),
                            ("error", "Error"),
                            ("stop", "Stop"),
                            ("waiting_for_input", "Waiting For Input"),
                            ("heartbeat", "Heartbeat"),
                        ],
                        max_length=20,
                    ),
                ),
                ("context", models.JSONField(default=dict)),
                ("session", models.CharField(blank=True, max_length=200)),
                ("mission_id", models.BigIntegerField(null=True)),
                ("mission_key", models.CharField(blank=True, max_length=100)),
                ("task_id", models.BigIntegerField(null=True)),
                ("task_key", models.CharField(blank=True, max_length=100)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="activities", to="agents.agent"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "activities",
            },
        ),
        migrations.CreateModel(
            name="Usage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("usage_id", models.CharField(max_length=200, null=True)),
                ("mission_id", models.BigIntegerField(null=True)),
                ("mission_key", models.CharField(blank=True, max_length=100)),
                ("task_id", models.BigIntegerField(null=True)),
                ("task_key", models.CharField(blank=True, max_length=100)),
                ("sprint_id", models.BigIntegerField(null=True)),
                ("model", models.CharField(blank=True, max_length=200)),
                ("input_tokens", models.BigIntegerField(default=0)),
                ("cache_read_tokens", models.BigIntegerField(default=0)),
                ("cache_write_tokens", models.BigIntegerField(default=0)),
                ("output_tokens", models.BigIntegerField(default=0)),
                ("reasoning_tokens", models.BigIntegerField(default=0)),
                ("cost_reported_usd", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                ("cost_computed_usd", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                ("cost_usd", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("reported", "Reported"), ("computed", "Computed"), ("unknown", "Unknown")],
                        max_length=8,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="usages", to="agents.agent"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "usage",
            },
        ),
        migrations.AddIndex(
            model_name="agent",
            index=models.Index(fields=["status", "last_seen_at"], name="agent_status_seen"),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["idle", "working", "waiting", "blocked", "error", "offline"])),
                name="agent_status_is_one_of_the_table",
            ),
        ),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(fields=["agent", "id"], name="activity_of_agent"),
        ),
        migrations.AddIndex(
            model_name="activity",
            index=models.Index(fields=["at"], name="activity_at"),
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(fields=["at"], name="usage_at"),
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(fields=["agent", "at"], name="usage_of_agent"),
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(fields=["mission_id", "at"], name="usage_of_mission"),
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(fields=["task_id"], name="usage_of_task"),
        ),
        migrations.AddConstraint(
            model_name="usage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("usage_id__isnull", False)),
                fields=("agent", "usage_id"),
                name="an_agent_reports_a_usage_once",
                nulls_distinct=False,
            ),
        ),
    ]
