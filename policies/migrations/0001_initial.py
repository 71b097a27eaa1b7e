import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.lib.keys
import policies.models.policy


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ActiveBundle",
            fields=[
                ("id", models.BooleanField(default=True, primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", True)), name="the_active_bundle_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("point", models.CharField(max_length=32)),
                ("action_type", models.CharField(max_length=64)),
                ("action", models.JSONField()),
                ("summary", models.CharField(max_length=300)),
                ("reason", models.TextField()),
                ("policies", models.JSONField(default=list)),
                ("mission_id", models.BigIntegerField(null=True)),
                ("mission_key", models.CharField(blank=True, max_length=100)),
                ("task_id", models.BigIntegerField(null=True)),
                ("task_key", models.CharField(blank=True, max_length=100)),
                ("agent_id", models.BigIntegerField(null=True)),
                ("agent_key", models.CharField(blank=True, max_length=100)),
                ("requester_name", models.CharField(max_length=254)),
                ("remark", models.TextField(blank=True, help_text="What the requester said with it.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("overtaken", "Overtaken"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(verbose_name="deadline")),
                ("decided_at", models.DateTimeField(null=True)),
                ("comment", models.TextField(blank=True)),
                ("consumed_at", models.DateTimeField(null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals_decided",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals_requested",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("point", models.CharField(max_length=32)),
                ("action_type", models.CharField(max_length=64)),
                ("mission_id", models.BigIntegerField(null=True)),
                ("mission_key", models.CharField(blank=True, max_length=100)),
                ("task_id", models.BigIntegerField(null=True)),
                ("task_key", models.CharField(blank=True, max_length=100)),
                ("agent_id", models.BigIntegerField(null=True)),
                ("agent_key", models.CharField(blank=True, max_length=100)),
                ("actor_kind", models.CharField(max_length=8)),
                ("actor_name", models.CharField(max_length=254)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("allow", "Allow"), ("warn", "Warn"), ("escalate", "Escalate"), ("block", "Block")],
                        max_length=16,
                    ),
                ),
                ("matched", models.JSONField(default=list)),
                (
                    "policies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("input", models.TextField()),
                ("input_hash", models.CharField(max_length=64, verbose_name="SHA-256 of the input")),
                ("bundle_hash", models.CharField(max_length=64, verbose_name="hash of the policies in force")),
                ("duration_us", models.PositiveIntegerField(verbose_name="duration in microseconds")),
                (
                    "approval",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="policies.approval",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("description", models.TextField(blank=True)),
                (
                    "owner",
                    models.CharField(blank=True, help_text="Who answers for it: a person or a team.", max_length=200),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Active"),
                            ("disabled", "Disabled"),
                            ("archived", "Archived"),
                        ],
                        default="active",
                        max_length=16,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("enforce", "Enforce"), ("audit", "Audit")], default="enforce", max_length=16
                    ),
                ),
                ("conditions", models.JSONField(help_text='For instance {"action_type": "git_push", "force": true}.')),
                ("actions", models.JSONField(help_text='For instance [{"block": "Force pushes are not allowed."}].')),
                (
                    "scope",
                    models.JSONField(
                        default=policies.models.policy.everywhere,
                        help_text='"global", or for instance {"mission": ["m-1"]}.',
                    ),
                ),
                ("require", models.JSONField(blank=True, default=list, help_text="Paths whose absence is an error.")),
                (
                    "priority",
                    models.SmallIntegerField(default=0, help_text="Orders messages; never weakens another policy."),
                ),
                (
                    "on_error",
                    models.CharField(choices=[("closed", "Closed"), ("open", "Open")], default="closed", max_length=8),
                ),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("content_hash", models.CharField(editable=False, max_length=64)),
                ("policy_id", coordinator.lib.keys.PublicKeyField(prefix="policy")),
            ],
            options={
                "verbose_name_plural": "policies",
                "indexes": [models.Index(fields=["status", "id"], name="policy_status")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "active", "disabled", "archived"])),
                        name="policy_status_is_one_of_the_table",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["enforce", "audit"])), name="policy_mode_is_one_of_the_table"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("on_error__in", ["closed", "open"])),
                        name="policy_on_error_is_closed_or_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_until__gt", models.F("valid_from")),
                            ("valid_from", None),
                            ("valid_until", None),
                            _connector="OR",
                        ),
                        name="a_policy_ends_after_it_begins",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("description", models.TextField(blank=True)),
                (
                    "owner",
                    models.CharField(blank=True, help_text="Who answers for it: a person or a team.", max_length=200),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Active"),
                            ("disabled", "Disabled"),
                            ("archived", "Archived"),
                        ],
                        default="active",
                        max_length=16,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("enforce", "Enforce"), ("audit", "Audit")], default="enforce", max_length=16
                    ),
                ),
                ("conditions", models.JSONField(help_text='For instance {"action_type": "git_push", "force": true}.')),
                ("actions", models.JSONField(help_text='For instance [{"block": "Force pushes are not allowed."}].')),
                (
                    "scope",
                    models.JSONField(
                        default=policies.models.policy.everywhere,
                        help_text='"global", or for instance {"mission": ["m-1"]}.',
                    ),
                ),
                ("require", models.JSONField(blank=True, default=list, help_text="Paths whose absence is an error.")),
                (
                    "priority",
                    models.SmallIntegerField(default=0, help_text="Orders messages; never weakens another policy."),
                ),
                (
                    "on_error",
                    models.CharField(choices=[("closed", "Closed"), ("open", "Open")], default="closed", max_length=8),
                ),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("content_hash", models.CharField(editable=False, max_length=64)),
                ("n", models.PositiveIntegerField()),
                ("author", models.CharField(max_length=254)),
                ("change_note", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(editable=False)),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="revisions", to="policies.policy"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["digest", "id"], name="approval_digest"),
        ),
        migrations.AddIndex(
            model_name="approval",
            index=models.Index(fields=["state", "expires_at"], name="approval_waiting"),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "approved", "rejected", "overtaken"])),
                name="approval_state_is_one_of_the_table",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("state", "pending")),
                    models.Q(models.Q(("state", "pending"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="an_approval_is_decided_at_some_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("decided_by", None),
                    ("requester", None),
                    models.Q(("decided_by", models.F("requester")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_approves_their_own_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.CheckConstraint(
                condition=models.Q(("consumed_at", None), ("state", "approved"), _connector="OR"),
                name="only_what_was_approved_is_used",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "pending")), fields=("digest",), name="an_action_waits_for_one_approval"
            ),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=django.contrib.postgres.indexes.GinIndex(fields=["policies"], name="decision_policies"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["outcome", "id"], name="decision_outcome"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["mission_id", "id"], name="decision_mission"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["task_id", "id"], name="decision_task"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["agent_id", "id"], name="decision_agent"),
        ),
        migrations.AddConstraint(
            model_name="policyrevision",
            constraint=models.UniqueConstraint(fields=("policy", "n"), name="a_policy_has_one_revision_of_a_number"),
        ),
    ]
