from django.db import migrations, models

import coordinator.lib.keys


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Sprint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("sprint_id", coordinator.lib.keys.PublicKeyField(prefix="sprint")),
                ("name", models.CharField(max_length=200)),
                ("goal", models.TextField(blank=True)),
                ("start_date", models.DateField()),
                ("end_date", models.DateField()),
                (
                    "status",
                    models.CharField(
                        choices=[("planned", "Planned"), ("active", "Active"), ("completed", "Completed")],
                        default="planned",
                        max_length=16,
                    ),
                ),
                ("started_at", models.DateTimeField(editable=False, null=True)),
                ("completed_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end_date__gte", models.F("start_date"))),
                        name="a_sprint_ends_after_it_starts",
                        violation_error_message="A sprint ends on or after its start.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["planned", "active", "completed"])),
                        name="sprint_status_is_one_of_the_table",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("started_at__isnull", True), ("status", "planned")),
                            models.Q(("started_at__isnull", False), ("status__in", ["active", "completed"])),
                            _connector="OR",
                        ),
                        name="a_sprint_that_began_says_when",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("completed_at__isnull", False), ("status", "completed")),
                            models.Q(("completed_at__isnull", True), ("status__in", ["planned", "active"])),
                            _connector="OR",
                        ),
                        name="a_sprint_that_ended_says_when",
                    ),
                ],
            },
        ),
    ]
