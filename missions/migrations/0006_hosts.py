"""Hosts of mission processes with their leases, and what a process keeps: checkpoint and standing."""

import django.db.models.deletion
from django.db import migrations, models

OFTEN_WRITTEN = """
ALTER TABLE missions_missionhost SET (fillfactor = 50);
ALTER TABLE missions_missioncheckpoint SET (fillfactor = 60);
ALTER TABLE missions_missionstanding SET (fillfactor = 60);
ALTER TABLE missions_missioncheckpoint ALTER COLUMN state SET STORAGE EXTERNAL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("missions", "0005_erasing"),
    ]

    operations = [
        migrations.CreateModel(
            name="MissionCheckpoint",
            fields=[
                (
                    "mission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="checkpoint",
                        serialize=False,
                        to="missions.mission",
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
                ("schema", models.PositiveIntegerField()),
                ("state", models.BinaryField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="MissionStanding",
            fields=[
                (
                    "mission",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="missions.mission",
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
                ("counts", models.JSONField(default=dict)),
                ("figures", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveField(
            model_name="missionprocess",
            name="beat_at",
        ),
        migrations.AddField(
            model_name="missionprocess",
            name="crashes",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="missionprocess",
            name="epoch",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="missionprocess",
            name="last_error_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="missionprocess",
            name="restart_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="missionprocess",
            name="state",
            field=models.CharField(
                choices=[
                    ("stopped", "Stopped"),
                    ("starting", "Starting"),
                    ("running", "Running"),
                    ("crashed", "Crashed"),
                    ("parked", "Parked"),
                ],
                default="stopped",
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="MissionHost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("machine", models.CharField(max_length=200)),
                ("pid", models.IntegerField()),
                ("version", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("alive", "Alive"), ("draining", "Draining"), ("left", "Left"), ("dead", "Dead")],
                        default="alive",
                        max_length=16,
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
                ("lease_until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("missions", models.PositiveIntegerField(default=0)),
                ("applied", models.PositiveBigIntegerField(default=0)),
                ("lag_ms", models.FloatField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["alive", "draining"])),
                        fields=["lease_until"],
                        name="host_living",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="missionprocess",
            name="owner",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="processes",
                to="missions.missionhost",
            ),
        ),
        migrations.RunSQL(OFTEN_WRITTEN, migrations.RunSQL.noop),
    ]
