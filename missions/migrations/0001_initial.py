import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import coordinator.lib.keys


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agents", "0001_initial"),
        ("sprints", "0001_initial"),
        ("traceability", "0002_planning"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dependency",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name_plural": "dependencies",
            },
        ),
        migrations.CreateModel(
            name="Mission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("mission_id", coordinator.lib.keys.PublicKeyField(prefix="mission")),
                ("goal", models.CharField(max_length=500)),
                ("description", models.TextField(blank=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planning", "Planning"),
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="planning",
                        max_length=16,
                    ),
                ),
                ("budget_usd", models.DecimalField(blank=True, decimal_places=6, max_digits=16, null=True)),
                ("deadline", models.DateTimeField(blank=True, null=True)),
                ("review_required", models.BooleanField(default=False)),
                ("four_eyes", models.BooleanField(default=False)),
                ("cost_usd", models.DecimalField(decimal_places=6, default=0, editable=False, max_digits=16)),
                ("started_at", models.DateTimeField(editable=False, null=True)),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="missions_owned",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RequirementLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("revision", models.PositiveIntegerField()),
                ("linked_at", models.DateTimeField()),
                (
                    "requirement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="links", to="traceability.requirement"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("task_id", coordinator.lib.keys.PublicKeyField(prefix="task")),
                ("objective", models.CharField(max_length=500)),
                ("description", models.TextField(blank=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("in_progress", "In Progress"),
                            ("blocked", "Blocked"),
                            ("pending_review", "Pending Review"),
                            ("rejected", "Rejected"),
                            ("failed", "Failed"),
                            ("completed", "Completed"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("status_since", models.DateTimeField(editable=False)),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        choices=[(0, "Low"), (1, "Normal"), (2, "High"), (3, "Urgent")], default=1
                    ),
                ),
                ("acceptance_criteria", models.JSONField(blank=True, default=list)),
                ("required_capabilities", models.JSONField(blank=True, default=list)),
                ("budget_usd", models.DecimalField(blank=True, decimal_places=6, max_digits=16, null=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "review_required",
                    models.BooleanField(blank=True, help_text="Empty: as the mission says.", null=True),
                ),
                ("outputs", models.JSONField(blank=True, default=dict)),
                ("percent", models.PositiveSmallIntegerField(default=0)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "fence",
                    models.PositiveIntegerField(default=0, editable=False, help_text="How often it was claimed."),
                ),
                ("cost_usd", models.DecimalField(decimal_places=6, default=0, editable=False, max_digits=16)),
                ("started_at", models.DateTimeField(editable=False, null=True)),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="agents.agent",
                    ),
                ),
                (
                    "reported_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks_reported",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "sprint",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="sprints.sprint",
                    ),
                ),
                (
                    "depends_on",
                    models.ManyToManyField(
                        related_name="unblocks",
                        through="missions.Dependency",
                        through_fields=("task", "needs"),
                        to="missions.task",
                    ),
                ),
                (
                    "mission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tasks", to="missions.mission"
                    ),
                ),
                (
                    "requirements",
                    models.ManyToManyField(
                        related_name="tasks", through="missions.RequirementLink", to="traceability.requirement"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="dependency",
            name="needs",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="dependents", to="missions.task"
            ),
        ),
        migrations.AddField(
            model_name="dependency",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="dependencies", to="missions.task"
            ),
        ),
        migrations.CreateModel(
            name="GitHubIssue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("repository", models.CharField(max_length=200)),
                ("number", models.PositiveIntegerField()),
                ("title", models.CharField(max_length=500)),
                ("body", models.TextField(blank=True)),
                ("state", models.CharField(max_length=16)),
                ("labels", models.JSONField(default=list)),
                ("author", models.CharField(blank=True, max_length=100)),
                ("url", models.URLField(max_length=500)),
                ("opened_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("synced_at", models.DateTimeField()),
                (
                    "task",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="github_issue",
                        to="missions.task",
                    ),
                ),
            ],
            options={"verbose_name": "GitHub issue"},
        ),
        migrations.CreateModel(
            name="MissionProcess",
            fields=[
                (
                    "mission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="process",
                        serialize=False,
                        to="missions.mission",
                    ),
                ),
                ("wanted", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("stopped", "Stopped"),
                            ("starting", "Starting"),
                            ("running", "Running"),
                            ("crashed", "Crashed"),
                        ],
                        default="stopped",
                        max_length=16,
                    ),
                ),
                ("host", models.CharField(blank=True, max_length=200)),
                ("restarts", models.PositiveIntegerField(default=0)),
                ("since", models.DateTimeField()),
                ("beat_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(blank=True)),
            ],
            options={
                "verbose_name_plural": "mission processes",
            },
        ),
        migrations.CreateModel(
            name="WorkerHost",
            fields=[
                (
                    "name",
                    models.CharField(help_text="`machine/queue`.", max_length=220, primary_key=True, serialize=False),
                ),
                ("queue", models.CharField(max_length=32)),
                ("pid", models.IntegerField()),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Execution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("adapter", models.CharField(max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("fence", models.PositiveIntegerField(default=0)),
                ("host", models.CharField(blank=True, max_length=200)),
                ("process_group", models.IntegerField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("prompt", models.TextField(blank=True)),
                ("output", models.TextField(blank=True)),
                ("failure", models.CharField(blank=True, max_length=32)),
                ("failure_detail", models.TextField(blank=True)),
                ("cost_usd", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="executions", to="agents.agent"
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="executions", to="missions.task"
                    ),
                ),
                (
                    "mission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="executions", to="missions.mission"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Advisory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "cause",
                    models.CharField(help_text="What it is about, for instance `budget-80:mission:7`.", max_length=200),
                ),
                ("kind", models.CharField(max_length=32)),
                (
                    "severity",
                    models.CharField(
                        choices=[("info", "Info"), ("warning", "Warning"), ("critical", "Critical")], max_length=16
                    ),
                ),
                ("message", models.CharField(max_length=500)),
                ("evidence", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                (
                    "acknowledged_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="advisories_acknowledged",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "agent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="advisories",
                        to="agents.agent",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="advisories",
                        to="missions.task",
                    ),
                ),
                (
                    "mission",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="advisories",
                        to="missions.mission",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "advisories",
            },
        ),
        migrations.CreateModel(
            name="Participation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("lead", "Lead"),
                            ("contributor", "Contributor"),
                            ("reviewer", "Reviewer"),
                            ("observer", "Observer"),
                        ],
                        default="contributor",
                        max_length=16,
                    ),
                ),
                ("joined_at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="participations",
                        to="agents.agent",
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="participations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "mission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="participations",
                        to="missions.mission",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("status", models.CharField(blank=True, max_length=16)),
                ("percent", models.PositiveSmallIntegerField(null=True)),
                ("outputs", models.JSONField(default=dict)),
                ("logs", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reports",
                        to="agents.agent",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reports", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reports", to="missions.task"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="requirementlink",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="requirement_links", to="missions.task"
            ),
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("approved", models.BooleanField()),
                ("comment", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to="missions.task"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="claim",
                        serialize=False,
                        to="missions.task",
                    ),
                ),
                ("fence", models.PositiveIntegerField()),
                ("claimed_at", models.DateTimeField()),
                ("renewed_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="agents.agent"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="dependency",
            constraint=models.UniqueConstraint(fields=("task", "needs"), name="a_dependency_is_named_once"),
        ),
        migrations.AddConstraint(
            model_name="dependency",
            constraint=models.CheckConstraint(
                condition=models.Q(("task", models.F("needs")), _negated=True), name="a_task_does_not_wait_for_itself"
            ),
        ),
        migrations.AddConstraint(
            model_name="githubissue",
            constraint=models.UniqueConstraint(fields=("repository", "number"), name="an_issue_is_synced_once"),
        ),
        migrations.AddIndex(
            model_name="missionprocess",
            index=models.Index(fields=["wanted", "state"], name="process_wanted"),
        ),
        migrations.AddIndex(
            model_name="mission",
            index=models.Index(fields=["status", "id"], name="mission_status"),
        ),
        migrations.AddConstraint(
            model_name="mission",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["planning", "active", "paused", "completed", "cancelled"])),
                name="mission_status_is_one_of_the_table",
            ),
        ),
        migrations.AddConstraint(
            model_name="mission",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_usd__isnull", True), ("budget_usd__gte", 0), _connector="OR"),
                name="mission_budget_is_not_negative",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["task", "id"], name="execution_of_task"),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=("task",),
                name="a_task_runs_once_at_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="advisory",
            index=models.Index(fields=["mission", "resolved_at"], name="advisory_of_mission"),
        ),
        migrations.AddConstraint(
            model_name="advisory",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=("cause",),
                name="an_advisory_is_open_once_for_its_cause",
            ),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.UniqueConstraint(fields=("mission", "agent"), name="an_agent_takes_part_once"),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.UniqueConstraint(fields=("mission", "member"), name="a_person_takes_part_once"),
        ),
        migrations.AddConstraint(
            model_name="participation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("agent__isnull", False), ("member__isnull", True)),
                    models.Q(("agent__isnull", True), ("member__isnull", False)),
                    _connector="OR",
                ),
                name="a_participation_is_an_agent_or_a_person",
            ),
        ),
        migrations.AddIndex(
            model_name="report",
            index=models.Index(fields=["task", "id"], name="report_of_task"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["mission", "status", "id"], name="task_of_mission"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(fields=["status", "id"], name="task_status"),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("agent__isnull", False)), fields=["agent", "status"], name="task_of_agent"
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("sprint__isnull", False)), fields=["sprint", "status"], name="task_of_sprint"
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["pending", "in_progress", "blocked", "pending_review", "rejected", "failed", "completed"],
                    )
                ),
                name="task_status_is_one_of_the_table",
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(
                condition=models.Q(("percent__lte", 100)), name="task_percent_is_at_most_100"
            ),
        ),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.CheckConstraint(condition=models.Q(("priority__lte", 3)), name="task_priority_is_0_to_3"),
        ),
        migrations.AddConstraint(
            model_name="requirementlink",
            constraint=models.UniqueConstraint(fields=("task", "requirement"), name="a_task_serves_a_requirement_once"),
        ),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(fields=["lease_until"], name="claim_lease"),
        ),
    ]
