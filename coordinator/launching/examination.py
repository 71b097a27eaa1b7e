"""What `manage.py doctor` looks at. Each examination answers findings: what is so, and how to mend what is wrong."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import redis
import requests
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection

from accounts.models import User
from coordinator import embedded, readiness
from coordinator.launching import first_admin, ground, record
from coordinator.launching.findings import Finding, Level
from coordinator.launching.ground import CannotStart
from missions.supervision import presence

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1024**3
LARGEST_DRIFT = timedelta(seconds=5)


def examine(now: datetime) -> Iterator[Finding]:
    """Everything, in an order in which a later finding may follow from an earlier one."""
    yield from python()
    yield from files()
    answering = list(database())
    yield from answering
    if all(each.level != "wrong" for each in answering):
        for look in (
            migrations,
            record.guards,
            record.roles,
            record.checkpoints,
            record.archives,
            people,
            workers,
            clock,
        ):
            yield from _looked(look, now)
    yield from web()
    yield from redis_server()
    yield from product_checks()


def _looked(look: Callable[[datetime], Iterator[Finding]], now: datetime) -> Iterator[Finding]:
    try:
        yield from look(now)
    except DatabaseError as problem:
        said = str(problem).strip().splitlines()[0]
        yield Finding(look.__name__, "wrong", f"The database refused to tell: {said}.", "Mend what stands above first.")


def python() -> Iterator[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("python", "wrong", f"This is Python {running}.", "Use Python 3.11 or later.")
    else:
        yield Finding("python", "ok", f"Python {running}.")
    unfit = list(_unfit_packages())
    if unfit:
        yield Finding(
            "packages", "wrong", f"Not as this release wants them: {', '.join(unfit)}.", "Run `pip install -e .`"
        )
    else:
        yield Finding("packages", "ok", "Every package has the version of this release.")


def _unfit_packages() -> Iterator[str]:
    try:
        wanted = distribution("coordinator").requires or []
    except PackageNotFoundError:
        yield "coordinator itself is not installed"
        return
    for name, pinned in filter(None, map(_pinned, wanted)):
        try:
            found = version(name)
        except PackageNotFoundError:
            yield f"{name} is missing"
        else:
            if found != pinned:
                yield f"{name} {found} (wanted {pinned})"


def _pinned(requirement: str) -> tuple[str, str] | None:
    """The name and version of `name[extra]==version`; None for what belongs to an extra of ours."""
    found = re.fullmatch(r"([\w.-]+)(?:\[[^]]*\])?==([\w.]+)", requirement)
    return (found[1], found[2]) if found else None


def files() -> Iterator[Finding]:
    data = Path(settings.COORDINATOR_DATA)
    if not data.is_dir():
        yield Finding("data", "note", f"{data} does not exist yet.", "`python manage.py up` makes it.")
        return
    if not os.access(data, os.W_OK | os.X_OK):
        yield Finding("data", "wrong", f"{data} cannot be written.", "Name another directory in COORDINATOR_DATA.")
        return
    open_to_others = [
        name for name in (first_admin.TOKEN_FILE, "secret.key") if _mode(data / name) & 0o077
    ]  # fmt: skip
    if open_to_others:
        yield Finding("data", "wrong", f"Others may read {', '.join(open_to_others)}.", f"chmod 600 them in {data}.")
    free = shutil.disk_usage(data).free
    if free < LEAST_FREE_BYTES:
        yield Finding(
            "disk", "wrong", f"{free // 1024**2} MiB are free in {data}.", "Make room: PostgreSQL stops when full."
        )
    else:
        yield Finding("data", "ok", f"{data}, {free // 1024**3} GiB free.")
    if settings.DATABASE_URL and not os.environ.get("SECRET_KEY"):
        yield Finding("secret", "note", "SECRET_KEY is not set.", "Set it when several machines share this database.")


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777 if path.exists() else 0


def database() -> Iterator[Finding]:
    if settings.DATABASE_URL:
        yield from _reached(settings.DATABASE_URL, "DATABASE_URL", "Start it, or correct DATABASE_URL.")
        return
    data = Path(settings.COORDINATOR_DATA)
    if not embedded.Server(data).running():
        yield Finding("database", "wrong", "The bundled PostgreSQL does not run.", "Run `python manage.py up`.")
        return
    yield from _reached(embedded.url(data), "bundled", "Stop `up`, then start it again.")


def _reached(url: str, shown: str, mend: str) -> Iterator[Finding]:
    try:
        found = ground.check_outside(url)
    except CannotStart as problem:
        text, _, advice = str(problem).partition(": ")
        yield Finding("database", "wrong", f"{text}.", advice[:1].upper() + advice[1:] or mend)
    else:
        yield Finding("database", "ok", f"PostgreSQL {found} ({shown}) with pgvector.")


def migrations(now: datetime) -> Iterator[Finding]:
    missing = readiness.missing_migrations()
    if missing:
        yield Finding("migrations", "wrong", f"{missing} are not applied.", "Run `python manage.py migrate`.")
    else:
        yield Finding("migrations", "ok", "All are applied.")


def people(now: datetime) -> Iterator[Finding]:
    if User.objects.active().people().with_role("admin").exists():
        yield Finding("admin", "ok", "There is an active admin.")
    else:
        yield Finding("admin", "wrong", "There is no active admin.", "Run `python manage.py create_admin EMAIL`.")


def workers(now: datetime) -> Iterator[Finding]:
    missing = presence.unserved(now)
    if missing == [role for role, count in settings.WORKERS_BY_ROLE.items() if count]:
        yield Finding("workers", "wrong", "No worker was seen lately.", "`python manage.py up` or `workers` runs them.")
    elif missing:
        told = f"No worker was seen lately for {', '.join(missing)}."
        yield Finding("workers", "wrong", told, "Some machine's `python manage.py workers` has to run them.")
    else:
        yield Finding("workers", "ok", "Workers of every role were seen lately.")


def clock(now: datetime) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        drift = abs(cursor.fetchone()[0] - now)
    if drift > LARGEST_DRIFT:
        yield Finding("clock", "wrong", f"Ours and the database's differ by {drift}.", "Set both by NTP.")


def web() -> Iterator[Finding]:
    address = f"http://{settings.HOST}:{settings.PORT}"
    try:
        answer = requests.get(f"{address}/healthz", timeout=3)
    except requests.RequestException:
        yield Finding(
            "web", "note", f"Nothing answers at {address}.", "`python manage.py up` serves there (HOST, PORT)."
        )
        return
    if answer.ok and answer.headers.get("X-Request-Id"):
        yield Finding("web", "ok", f"It answers at {address}.")
    else:
        yield Finding("web", "wrong", f"Something else answers at {address}.", "Stop it, or choose another PORT.")


def redis_server() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        return
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3).ping()
    except (OSError, redis.RedisError, ValueError) as problem:
        yield Finding("redis", "wrong", f"REDIS_URL does not answer ({problem}).", "Start it, or unset REDIS_URL.")
    else:
        yield Finding("redis", "ok", "REDIS_URL answers.")


def product_checks() -> Iterator[Finding]:
    """What Django and our apps say of the settings."""
    for message in checks.run_checks():
        level: Level = "wrong" if message.is_serious() else "note"
        yield Finding(str(message.id), level, str(message.msg), str(message.hint or ""))
