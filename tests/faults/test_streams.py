"""The live stream under kills: every reader gets exactly the entries of its topics, once, in order."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from queue import Queue
from threading import Thread

import pytest
from django.conf import settings

from coordinator.lib.refs import Ref
from tests.factories import person, token_of
from tests.faults.audience import Events, Listener, Socket
from tests.faults.web import Web
from tests.realtime.test_stream import some_mission
from traceability.models import Entry

WITHIN_S = 60
QUIET_S = 20
pytestmark = [pytest.mark.breaks_history, pytest.mark.xdist_group("streams")]


Writer = subprocess.Popen[bytes]


def command(module: str, *words: object) -> list[str]:
    return [sys.executable, "-m", f"tests.faults.{module}", *map(str, words)]


def environment(database: str) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "coordinator.settings"}


@contextmanager
def writing(
    database: str, missions: list[Ref], *, plain: int, ledger: int, each: int, slowest_ms: int
) -> Iterator[list[Writer]]:
    """So many writers of either way at work, each with so many commits to make."""
    ways = ["plain"] * plain + ["ledger"] * ledger
    named = [f"{mission.id}:{mission.key}" for mission in missions]
    running = [
        subprocess.Popen(
            command("writing", way, seed, each, slowest_ms, *named), env=environment(database), cwd=settings.BASE_DIR
        )
        for seed, way in enumerate(ways)
    ]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


class Tailing:
    """The reader's process, and what it said."""

    def __init__(self, database: str) -> None:
        self.process = subprocess.Popen(
            command("tailing", "tasks"),
            env=environment(database),
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        self.got: list[int] = []
        self.odd: list[str] = []
        self.said: Queue[str] = Queue()
        Thread(target=self._listen, daemon=True).start()

    def begin(self) -> int:
        """Lets a reader go on after the last id that was said; its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{self.got[-1] if self.got else 0}\n")
        self.process.stdin.flush()
        return int(self._line().removeprefix("pid "))

    def hear(self, count: int) -> None:
        """Returns when so many more ids were said."""
        upto = len(self.got) + count
        while len(self.got) < upto:
            self._take(self._line())

    def rest(self) -> None:
        """What the reader had said before it was killed."""
        while (line := self._line()) != "ended":
            self._take(line)

    def close(self) -> None:
        """Ends the process and the reader that it has forked."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(WITHIN_S)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.put(line.strip())

    def _line(self) -> str:
        """The next line; raises Empty when none comes."""
        return self.said.get(timeout=QUIET_S)

    def _take(self, line: str) -> None:
        if line.isdigit():
            self.got.append(int(line))
        else:
            self.odd.append(line)


def test_a_reader_killed_ten_times_gets_ten_thousand_commits_of_eight_writers_once_in_order(committed_db: str) -> None:
    missions = [Ref(10_000_000 + number, f"m-{number}") for number in range(60)]
    chance = random.Random(7)
    with (
        closing(Tailing(committed_db)) as tailing,
        writing(committed_db, missions, plain=6, ledger=2, each=1250, slowest_ms=10) as writers,
    ):
        for _ in range(10):
            pid = tailing.begin()
            tailing.hear(chance.randrange(100, 1000))
            os.kill(pid, signal.SIGKILL)
            tailing.rest()
        tailing.begin()
        for each in writers:
            assert each.wait(WITHIN_S) == 0
        written = list(Entry.objects.filter(kind="task.noted").order_by("pk").values_list("pk", flat=True))
        tailing.hear(len(written) - len(tailing.got))
    assert len(written) >= 10_000
    assert tailing.got == written
    assert set(tailing.odd) == {"subscribed"}


def audience(port: int, token: str, missions: list[Ref], after: int) -> list[Listener]:
    """200 sockets and 50 readers of events, each with a few topics of its own."""
    chance, found = random.Random(11), list[Listener]()
    for seed in range(250):
        topics = [f"mission:{each.key}" for each in chance.sample(missions, chance.randrange(1, 4))]
        topics += ["tasks"] if chance.random() < 0.1 else []
        kind = Socket if seed < 200 else Events
        found.append(kind(port, token, topics, after, seed))
    return found


def expected(listener: Listener, missions: list[Ref]) -> list[int]:
    rows = Entry.objects.filter(kind="task.noted").order_by("pk")
    if "tasks" not in listener.topics:
        rows = rows.filter(mission_id__in=[each.id for each in missions if f"mission:{each.key}" in listener.topics])
    return list(rows.values_list("pk", flat=True))


async def listen_to(web: Web, listeners: list[Listener], missions: list[Ref], writers: list[Writer]) -> None:
    """While the writers write, the web process is killed and started again; then everybody hears their last entry."""
    tasks = [asyncio.create_task(each.listen()) for each in listeners]
    while not all(each.visits for each in listeners):
        await asyncio.sleep(0.05)
    await asyncio.to_thread(web.kill)
    web.start()
    for each in writers:
        assert await asyncio.to_thread(each.wait, WITHIN_S) == 0
    for listener in listeners:
        listener.goal = (await asyncio.to_thread(expected, listener, missions))[-1]
    for task, listener in zip(tasks, listeners, strict=True):
        if listener.done():
            task.cancel()
    await asyncio.wait(tasks, timeout=WITHIN_S)
    for task in tasks:
        task.cancel()
    assert [(late.topics, late.last, late.goal) for late in listeners if not late.done()] == []


def test_two_hundred_and_fifty_readers_who_come_and_go_get_exactly_theirs_though_the_server_is_killed(
    committed_db: str,
) -> None:
    token = token_of(person("operator"))
    missions = [some_mission().ref for _ in range(12)]
    after = Entry.objects.latest("pk").pk
    web = Web(committed_db, STREAMS_PER_CREDENTIAL="1000").wait()
    listeners = audience(web.port, token, missions, after)
    try:
        with writing(committed_db, missions, plain=2, ledger=1, each=200, slowest_ms=60) as writers:
            asyncio.run(listen_to(web, listeners, missions, writers))
    finally:
        web.end()
    for each in listeners:
        assert each.got == expected(each, missions)
        assert each.odd == []
    assert sum(each.visits for each in listeners) > 400
