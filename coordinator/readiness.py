"""What must stand before this installation serves: database, migrations, workers. One sentence for what does not."""

from datetime import datetime

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from missions.supervision import presence

OLDEST_SERVER = 150000
"""PostgreSQL 15, as the server counts versions."""


def faults(now: datetime) -> dict[str, str]:
    """What does not serve now, each with what to do; empty when all of it does."""
    try:
        return _faults(now)
    except DatabaseError as problem:
        said = str(problem).strip().splitlines() or ["no reason given"]
        return {"database": f"The database does not answer ({said[0]}): start it, or correct DATABASE_URL."}


def _faults(now: datetime) -> dict[str, str]:
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
        number, version = cursor.fetchone()
    if number < OLDEST_SERVER:
        found["database"] = f"The database is PostgreSQL {version}: use 15 or later."
    if missing := missing_migrations():
        found["migrations"] = f"{missing} migrations are not applied: run `python manage.py migrate`."
    elif missing_roles := presence.unserved(now):
        found["workers"] = f"No worker was seen lately for {', '.join(missing_roles)}: run `python manage.py workers`."
    return found


def missing_migrations() -> int:
    """How many migrations of this release the database does not have."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
