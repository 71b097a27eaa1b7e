from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("missions", "0002_lifecycle_guard")]

    operations = [
        migrations.CreateModel(
            name="GitHubFeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("repository", models.CharField(max_length=200, unique=True)),
                ("since", models.DateTimeField(null=True)),
                ("etag", models.CharField(blank=True, max_length=200)),
                ("read_at", models.DateTimeField()),
            ],
            options={"verbose_name": "GitHub feed"},
        ),
    ]
