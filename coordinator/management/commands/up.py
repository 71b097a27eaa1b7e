"""`manage.py up`: database, migrations, first admin, web and workers, in one command; Ctrl-C stops all of it."""

import os
import shlex
import socket
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from coordinator import environment, web
from coordinator.embedded import EmbeddedProblem, Server
from coordinator.launching import children, embedding, first_admin, ground, migrating
from coordinator.launching.children import Child, Stop
from coordinator.launching.first_admin import FirstAdmin
from coordinator.launching.ground import CannotStart
from coordinator.lib.errors import Refusal

READY_WITHIN_S = 60
ASK_EVERY_S = 0.05


class Command(BaseCommand):
    help = "Sets up what is missing and runs everything; settings come from the environment (see docs/settings.md)."
    requires_system_checks: list[str] = []
    server: Server | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="the address to listen at (HOST)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="the port to listen at (PORT); 0: any")

    def handle(self, *args: Any, **options: Any) -> None:
        self.began = time.monotonic()
        data = Path(settings.COORDINATOR_DATA)
        try:
            with ground.alone(data), ground.listen(options["host"], options["port"]) as listener:
                first_admin.check_password(settings.ADMIN_PASSWORD)
                with self.database(data), embedding.door(data) as door:
                    self.run(data, listener, door)
        except (CannotStart, Refusal) as problem:
            raise CommandError(str(problem)) from problem

    @contextmanager
    def database(self, data: Path) -> Iterator[None]:
        """The database, running for as long as this block; one named by DATABASE_URL is only looked at."""
        if settings.DATABASE_URL:
            self.step(f"PostgreSQL {ground.check_outside(settings.DATABASE_URL)} of DATABASE_URL answers")
            yield
            return
        self.server = server = ground.start_bundled(data)
        self.step(f"PostgreSQL (bundled) runs, its files are in {server.files}")
        try:
            yield
        finally:
            connections.close_all()
            server.stop()
            self.step("PostgreSQL has stopped")

    def run(self, data: Path, listener: socket.socket, door: socket.socket | None) -> None:
        stop = Stop()
        self.migrate()
        admin = first_admin.ensure(
            data, email=settings.ADMIN_EMAIL, password=settings.ADMIN_PASSWORD, now=timezone.now()
        )
        import_module("coordinator.asgi")
        children.make_ready_to_fork()
        running = processes(listener, door)
        try:
            for child in running:
                child.start()
            if self.wait_until_ready(address_of(listener), running, stop):
                self.welcome(address_of(listener), admin, data)
            children.watch(running, stop, self.step, also=self.look_after_database)
        finally:
            self.step("Stopping")
            children.end(running)
            self.step("Web and workers have stopped")

    def look_after_database(self) -> None:
        """Starts the bundled server again when it has died."""
        if self.server is None or self.server.alive():
            return
        self.step("PostgreSQL (bundled) has ended; starting it again")
        try:
            self.server.start()
        except EmbeddedProblem as problem:
            self.step(str(problem))
        else:
            self.step("PostgreSQL (bundled) runs again")

    def migrate(self) -> None:
        missing = migrating.migrate()
        self.step(f"{missing} migrations applied" if missing else "The database is up to date")

    def wait_until_ready(self, address: str, running: list[Child], stop: Stop) -> bool:
        """Whether everything serves before anybody asks to stop. Raises CannotStart when it takes too long."""
        asking, found = requests.Session(), {}
        while not stop.asked:
            if ended := [child for child in running if child.process and child.process.exitcode is not None]:
                raise CannotStart(f"{ended[0].name} ended at once; see what it said above.")
            try:
                answer = asking.get(f"{address}/readyz", timeout=5)
                found = answer.json().get("faults", {})
                if answer.status_code == requests.codes.ok:
                    return True
            except requests.RequestException:
                found = {"web": "The web process does not answer yet."}
            if time.monotonic() - self.began > READY_WITHIN_S:
                raise CannotStart(f"Not ready after {READY_WITHIN_S} s: {' '.join(found.values())}")
            time.sleep(ASK_EVERY_S)
        return False

    def welcome(self, address: str, admin: FirstAdmin, data: Path) -> None:
        kept = data / first_admin.TOKEN_FILE
        self.step("Web and workers serve")
        lines = ["", f"Coordinator is ready after {time.monotonic() - self.began:.1f} s.", ""]
        lines += [f"  Address   {address}/", f"  Login     {admin.email}"]
        if admin.password:
            lines.append(f"  Password  {admin.password}   (shown this once)")
        if admin.token:
            lines.append(f"  Token     {admin.token}   (shown this once; kept in {kept})")
        elif kept.exists():
            lines.append(f"  Token     in {kept}")
        token = f'"$(cat {shlex.quote(str(kept))})"' if kept.exists() else "TOKEN"
        lines += [
            "",
            "Try, in another terminal:",
            f"  curl -sS {address}/api/missions -H 'Content-Type: application/json' \\",
            f'    -H "Authorization: Bearer {token.strip(chr(34))}" -d \'{{"goal": "See what it does"}}\'',
            f"  {_again('demo', address)}",
            "",
            "Ctrl-C stops everything; the next start keeps it all.",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def step(self, text: str) -> None:
        self.stdout.write(f"[{time.monotonic() - self.began:5.1f} s] {text}")
        self.stdout.flush()


def processes(listener: socket.socket, door: socket.socket | None) -> list[Child]:
    """What runs: web processes on one listening socket, the workers, and the embedding model behind its door."""
    web = [Child(f"web {index + 1}", partial(_serve, listener)) for index in range(settings.WEB_PROCESSES)]
    return [*web, Child("workers", partial(call_command, "workers")), *embedding.children(door)]


def _serve(listener: socket.socket) -> None:
    environment.pool(connections.databases["default"])
    web.serve(listener)


def address_of(listener: socket.socket) -> str:
    """The address at which a person on this machine finds the listening socket."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _again(command: str, address: str) -> str:
    """The command line for another command of this installation, as its user would type it."""
    named = (
        f"COORDINATOR_DATA={shlex.quote(os.environ['COORDINATOR_DATA'])} " if "COORDINATOR_DATA" in os.environ else ""
    )
    return f"{named}python manage.py {command} --url {address}"
