"""Bringing the database up to date: by the role of `DATABASE_URL`, or by the one that owns the tables."""

import os
import subprocess
import sys
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, ProgrammingError, connection

from coordinator import readiness
from coordinator.launching.ground import CannotStart

OWNER = """
SELECT current_user, pg_get_userbyid(relowner), pg_has_role(current_user, relowner, 'MEMBER')
FROM pg_class WHERE relname = 'django_migrations' AND relnamespace = current_schema()::regnamespace
UNION ALL
SELECT current_user, pg_get_userbyid(nspowner), has_schema_privilege(current_user, nspname, 'CREATE')
FROM pg_namespace WHERE nspname = current_schema()
LIMIT 1
"""


def migrate() -> int:
    """Applies what is missing; answers how many migrations that were. Raises CannotStart."""
    try:
        missing = readiness.missing_migrations()
        if missing and settings.DATABASE_URL and settings.MIGRATE_DATABASE_URL:
            _by_owner()
        elif missing:
            _refuse_stranger(missing)
            call_command("migrate", verbosity=0, interactive=False)
    except (OperationalError, ProgrammingError) as problem:
        said = str(problem).strip().splitlines()[0]
        raise CannotStart(f"The database could not be migrated ({said}): see `manage.py doctor`.") from problem
    os.environ.pop("MIGRATE_DATABASE_URL", None)
    return missing


def _by_owner() -> None:
    """In processes of their own, so that no process that goes on running holds the owner's connection."""
    role = unquote(urlsplit(settings.DATABASE_URL).username or "")
    for command in (("migrate", "--verbosity", "0", "--no-input"), ("trace_roles", "--runtime", role, "--apply")):
        done = subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
            env={**os.environ, "DATABASE_URL": settings.MIGRATE_DATABASE_URL},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise CannotStart(f"`manage.py {command[0]}` by the role of MIGRATE_DATABASE_URL failed ({said}).")


def _refuse_stranger(missing: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(OWNER)
        role, owner, may = cursor.fetchone()
    if not may:
        raise CannotStart(
            f"{missing} migrations are not applied, and {owner} has to apply them: the role {role} of DATABASE_URL "
            f"owns no table. Name {owner}'s address in MIGRATE_DATABASE_URL; or run `manage.py migrate` with it as "
            f"DATABASE_URL, then `manage.py trace_roles --runtime {role} --apply`."
        )
