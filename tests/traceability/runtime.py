"""A second role of the test's own database: it owns nothing and runs the product."""

import io
import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from coordinator import embedded

PASSWORD = "runtime-of-a-test"
MAPPED = "coordinator root /^runtime_\n"
"""Lets the bundled server's operating system user log in as any such role (`pg_ident.conf`)."""


def make(address: str) -> str:
    """Makes a role for the database at this address and grants it what the product needs; its own address."""
    made = plain(address)
    call_command("trace_roles", "--runtime", role_of(made), "--apply", stdout=io.StringIO())
    return made


def plain(address: str) -> str:
    """Makes a role that may log in and nothing else; the database's address for it."""
    role = f"runtime_{connection.settings_dict['NAME']}"
    with psycopg.connect(address, autocommit=True) as held:
        held.execute(f'DROP ROLE IF EXISTS "{role}"')
        held.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{PASSWORD}'")
        if "TEST_DATABASE_URL" not in os.environ:
            _let_in(held)
    return address_as(role, address)


def drop(address: str, role: str) -> None:
    with psycopg.connect(address, autocommit=True) as held:
        held.execute(f'DROP OWNED BY "{role}"')
        held.execute(f'DROP ROLE "{role}"')


def address_as(role: str, address: str) -> str:
    """The same database, logged in as another role."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{PASSWORD}@{host}").geturl()


def role_of(address: str) -> str:
    return str(urlsplit(address).username)


def _let_in(held: psycopg.Connection) -> None:
    map_file = embedded.Server(Path(settings.COORDINATOR_DATA)).files / "pg_ident.conf"
    if MAPPED not in map_file.read_text():
        with map_file.open("a") as file:
            file.write(MAPPED)
    held.execute("SELECT pg_reload_conf()")


def environment() -> dict[str, str]:
    """The environment of a process of the product."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "coordinator.settings"}
