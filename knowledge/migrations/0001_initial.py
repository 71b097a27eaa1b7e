import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.constraints
import django.db.models.deletion
import pgvector.django
import pgvector.django.halfvec
from django.db import migrations, models

import coordinator.lib.keys


def opened(column):
    """The text with a space for each point or slash between letters."""
    return models.Func(
        models.F(column),
        models.Value("(?<=[[:alpha:]_])[./](?=[[:alpha:]_])"),
        models.Value(" "),
        models.Value("g"),
        function="regexp_replace",
        output_field=models.TextField(),
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        pgvector.django.VectorExtension(),
        migrations.CreateModel(
            name="LexemeStat",
            fields=[
                ("lexeme", models.TextField(primary_key=True, serialize=False)),
                ("passages", models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("document_id", coordinator.lib.keys.PublicKeyField(prefix="doc")),
                ("title", models.CharField(max_length=500)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("note", "Note"),
                            ("decision", "Decision"),
                            ("lesson", "Lesson"),
                            ("artifact", "Artifact"),
                            ("reference", "Reference"),
                        ],
                        default="note",
                        max_length=20,
                    ),
                ),
                ("content", models.TextField()),
                ("sha256", models.CharField(editable=False, max_length=64, verbose_name="SHA-256 of the content")),
                ("metadata", models.JSONField(blank=True, default=dict)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), blank=True, default=list, size=None
                    ),
                ),
                ("mission_id", models.BigIntegerField(blank=True, editable=False, null=True)),
                ("mission_key", models.CharField(blank=True, editable=False, max_length=100, verbose_name="mission")),
                ("task_id", models.BigIntegerField(blank=True, editable=False, null=True)),
                ("task_key", models.CharField(blank=True, editable=False, max_length=100, verbose_name="task")),
                ("author", models.CharField(editable=False, max_length=200)),
                (
                    "index_state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("ready", "Ready"), ("failed", "Failed")],
                        default="pending",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("removed_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["mission_id"], name="knowledge_document_mission"),
                    models.Index(fields=["task_id"], name="knowledge_document_task"),
                    models.Index(fields=["kind"], name="knowledge_document_kind"),
                    django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="knowledge_document_tags"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["metadata"], name="knowledge_document_metadata", opclasses=["jsonb_path_ops"]
                    ),
                    models.Index(
                        condition=models.Q(
                            ("removed_at__isnull", True), models.Q(("index_state", "ready"), _negated=True)
                        ),
                        fields=["id"],
                        name="knowledge_document_unindexed",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at__isnull", True)),
                        fields=("sha256",),
                        name="knowledge_active_content_is_stored_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["note", "decision", "lesson", "artifact", "reference"])),
                        name="knowledge_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("index_state__in", ["pending", "ready", "failed"])),
                        name="knowledge_index_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("removed_at__isnull", True), ("content", ""), _connector="OR"),
                        name="knowledge_removed_content_is_gone",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EmbeddingSpace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=20)),
                ("model", models.CharField(blank=True, max_length=200)),
                ("dimensions", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("building", "Building"), ("active", "Active")], default="building", max_length=10
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "model", "dimensions"), name="knowledge_a_model_has_one_space"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "active")), fields=("state",), name="knowledge_one_space_is_active"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Passage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ordinal", models.PositiveIntegerField()),
                ("heading_path", models.CharField(max_length=500)),
                ("text", models.TextField()),
                ("text_sha256", models.CharField(max_length=64, verbose_name="SHA-256 of headings and text")),
                (
                    "tsv",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.contrib.postgres.search.SearchVector(
                            opened("heading_path"), opened("text"), config="english"
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="passages", to="knowledge.document"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Embedding",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "space_id", "passage_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("vector", pgvector.django.halfvec.HalfVectorField()),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="embeddings",
                        to="knowledge.embeddingspace",
                    ),
                ),
                (
                    "passage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="embeddings", to="knowledge.passage"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="passage",
            index=django.contrib.postgres.indexes.GinIndex(fields=["tsv"], name="knowledge_passage_words"),
        ),
        migrations.AddIndex(
            model_name="passage",
            index=models.Index(fields=["text_sha256"], name="knowledge_passage_sha256"),
        ),
        migrations.AddConstraint(
            model_name="passage",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("document", "ordinal"),
                name="knowledge_passages_have_places",
            ),
        ),
    ]
