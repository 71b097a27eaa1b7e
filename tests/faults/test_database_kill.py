"""PostgreSQL killed during commits, and its dump in another instance: the ledger is whole, nothing answered is lost."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings

from coordinator import embedded
from coordinator.embedded import Server
from tests.running.agents_at_hand import until

WRITERS = ("one", "two", "three", "four")
MISSIONS = ("1", "2")
KILLS = 3
MORE = 15
"""Commits of each writer between two kills."""


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Two servers of this test's own, with every flush to the disk; the second stands empty."""
    home = Path(tempfile.mkdtemp(prefix="coordinator-killed-"))
    made = [Server(home / name) for name in ("first", "second")]
    try:
        for server in made:
            server.start()
        yield made
    finally:
        for server in made:
            server.stop()
        shutil.rmtree(home, ignore_errors=True)


def environment(server: Server) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {
        **ours,
        "DJANGO_SETTINGS_MODULE": "coordinator.settings",
        "DATABASE_URL": embedded.url(server.data),
        "COORDINATOR_DATA": str(server.data),
    }


def manage(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR, env=environment(server), capture_output=True, text=True, check=False,
    )  # fmt: skip


def killed(server: Server) -> None:
    """Ends every process of this server at once, as a power cut does."""
    postmaster = psutil.Process(int((server.files / "postmaster.pid").read_text().split()[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for each in processes:
        each.kill()
    psutil.wait_procs(processes, timeout=10)


class Writer:
    """A process that commits, and the numbers whose commits were answered."""

    def __init__(self, name: str, server: Server, home: Path) -> None:
        self.name, self.said = name, home / f"{name}.txt"
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.committing", name, *MISSIONS],
                cwd=settings.BASE_DIR, env=environment(server), stdout=said,
            )  # fmt: skip

    @property
    def answered(self) -> set[int]:
        return {int(line) for line in self.said.read_text().split("\n")[:-1]}

    def wait_for_more(self) -> None:
        before = len(self.answered)
        until(lambda: len(self.answered) >= before + MORE, within_s=60)


STORED = """
SELECT canonical::json #>> '{data,writer}', (canonical::json #>> '{data,number}')::int
FROM traceability_entry WHERE kind = 'note.counted'
"""
HOLES = """
SELECT stream, count(*), max(seq), (SELECT seq FROM traceability_streamhead AS head WHERE head.stream = entry.stream)
FROM traceability_entry AS entry GROUP BY stream HAVING count(*) <> max(seq) OR max(seq) <> (
    SELECT seq FROM traceability_streamhead AS head WHERE head.stream = entry.stream)
"""
UNSEEN = "SELECT count(*) FROM traceability_entry WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())"


def test_a_killed_server_keeps_every_commit_that_was_answered(servers: list[Server], tmp_path: Path) -> None:
    first, second = servers
    assert manage(first, "migrate", "--verbosity", "0").returncode == 0
    writers = [Writer(name, first, tmp_path) for name in WRITERS]
    try:
        kill_again_and_again(first, writers)
    finally:
        for writer in writers:
            writer.process.kill()
            writer.process.wait()
    stored = whole(first)
    for writer in writers:
        assert writer.answered <= {number for name, number in stored if name == writer.name}

    restored(first, second, tmp_path / "dump")
    with psycopg.connect(embedded.url(second.data), autocommit=True) as held:
        ahead = held.execute(UNSEEN).fetchone()
        assert ahead != (0,), "their transaction ids are of the other instance"
        assert held.execute("SELECT traceability_rebase()").fetchone() == ahead
        assert held.execute("SELECT traceability_rebase()").fetchone() == (0,)
        assert held.execute(UNSEEN).fetchone() == (0,), "a reader would see them again and again"
    assert sorted(whole(second)) == sorted(stored)


def kill_again_and_again(server: Server, writers: list[Writer]) -> None:
    for _ in range(KILLS):
        for writer in writers:
            writer.wait_for_more()
        killed(server)
        server.start()
    for writer in writers:
        writer.wait_for_more()


def whole(server: Server) -> list[tuple[str, int]]:
    """What the ledger holds, once it is found to be without a gap, a fork or a change."""
    with psycopg.connect(embedded.url(server.data)) as held:
        assert held.execute(HOLES).fetchall() == []
        stored = held.execute(STORED).fetchall()
    assert len(stored) == len(set(stored)), "one of them was stored twice"
    verified = manage(server, "trace_verify", "--no-notes")
    assert verified.returncode == 0, verified.stdout
    return stored


def restored(source: Server, target: Server, dump: Path) -> None:
    """Dumps the one server's database into the other's, as an operator does."""
    programs = embedded.binaries(source.data)
    with dump.open("wb") as file:
        subprocess.run([programs / "pg_dump", "-Fc", embedded.url(source.data)], stdout=file, check=True)
    command = [str(programs / "pg_restore"), "--exit-on-error", "-d", embedded.url(target.data)]
    with dump.open("rb") as file:
        subprocess.run(command, stdin=file, check=True)
