from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

import coordinator.lib.keys


class Migration(migrations.Migration):
    dependencies = [
        ("traceability", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Objective",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("objective_id", coordinator.lib.keys.PublicKeyField(prefix="objective")),
                ("title", models.CharField(max_length=500)),
                ("description", models.TextField(blank=True)),
                ("owner", models.CharField(blank=True, max_length=254)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Active"),
                            ("achieved", "Achieved"),
                            ("dropped", "Dropped"),
                        ],
                        default="active",
                        max_length=16,
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="KeyResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("kr_id", coordinator.lib.keys.PublicKeyField(prefix="kr")),
                ("title", models.CharField(max_length=500)),
                ("start", models.DecimalField(decimal_places=6, default=Decimal(0), max_digits=20)),
                ("target", models.DecimalField(decimal_places=6, default=Decimal(100), max_digits=20)),
                ("current", models.DecimalField(decimal_places=6, default=Decimal(0), max_digits=20)),
                ("unit", models.CharField(blank=True, max_length=50)),
                ("weight", models.DecimalField(decimal_places=4, default=Decimal(1), max_digits=10)),
                (
                    "objective",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="key_results",
                        to="traceability.objective",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Requirement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("requirement_id", coordinator.lib.keys.PublicKeyField(prefix="requirement")),
                ("title", models.CharField(max_length=500)),
                ("description", models.TextField(blank=True)),
                (
                    "priority",
                    models.CharField(
                        choices=[("p0", "P0"), ("p1", "P1"), ("p2", "P2"), ("p3", "P3")], default="p2", max_length=2
                    ),
                ),
                (
                    "horizon",
                    models.CharField(choices=[("h1", "H1"), ("h2", "H2"), ("h3", "H3")], default="h1", max_length=2),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("approved", "Approved"), ("obsolete", "Obsolete")],
                        default="draft",
                        max_length=16,
                    ),
                ),
                ("revision", models.PositiveIntegerField(default=1, editable=False)),
                ("fingerprint", models.CharField(editable=False, max_length=64)),
                (
                    "key_result",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="requirements",
                        to="traceability.keyresult",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="keyresult",
            constraint=models.CheckConstraint(
                condition=models.Q(("target", models.F("start")), _negated=True),
                name="a_key_result_goes_somewhere",
                violation_error_message="The target must differ from the start.",
            ),
        ),
        migrations.AddConstraint(
            model_name="keyresult",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 0)), name="key_result_weight_is_not_negative"
            ),
        ),
    ]
