"""From a commit to the frame: one reader, two hundred, a burst, and a page in Chromium.

The writer is a process of its own that records through the ledger and notes when each commit has returned; the clock
is the machine's, the same for all. `python -m benchmarks.spine streaming`; with `PROFILE=FILE` the web process leaves
what cProfile saw there.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import ClassVar

import django
import uvloop
from playwright.sync_api import sync_playwright

from benchmarks.spine.ground import Figure
from coordinator.lib.refs import Ref
from traceability import ledger
from traceability.events import SYSTEM, Event

READERS = 200
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
GAP_S = 0.05
PATIENCE_S = 60.0
MARK = b'"number":'
HANDSHAKE = (
    "GET /ws/stream?topics=tasks HTTP/1.1\r\nHost: {where}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n"
)
LISTEN = """
window.frames_heard = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (told) => {
      const frame = JSON.parse(told.data);
      if (frame.event === "task.measured")
        window.frames_heard.push([frame.data.number, (performance.timeOrigin + performance.now()) / 1000]);
    });
  }
};
"""


class Reader(asyncio.Protocol):
    """A socket that does as little as a client can: it notes when each numbered frame came."""

    def __init__(self, hello: bytes) -> None:
        self.hello, self.rest, self.ready = hello, b"", asyncio.Event()
        self.came: dict[int, float] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.hello)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now, data = time.time(), self.rest + data
        if not self.ready.is_set() and (end := data.find(b"\r\n\r\n")) >= 0 and b"subscribed" in data[end:]:
            self.ready.set()
            data = data[end + 4 :]
        at = 0
        while self.ready.is_set() and (end := _end_of(data, at)) <= len(data):
            mark = data.find(MARK, at, end)
            if mark >= 0:
                self.came[int(data[mark + len(MARK) : data.index(b",", mark)].strip(b"} "))] = now
            at = end
        self.rest = data[at:]


def _end_of(data: bytes, at: int) -> int:
    """Where the frame that begins here ends; beyond the data when its length has not come."""
    if len(data) < at + 4:
        return sys.maxsize
    length = data[at + 1] & 127
    return at + 4 + int.from_bytes(data[at + 2 : at + 4]) if length == 126 else at + 2 + length


@dataclass(frozen=True, kw_only=True)
class Measured(Event):
    """An entry like a task's move, numbered."""

    kind: ClassVar[str] = "task.measured"
    number: int
    reason: str = "What a task's move tells: who, from which state to which, and why it was done." * 3


def record(number: int) -> None:
    with ledger.writing():
        told = Measured(mission=Ref(1 + number % 50, "checkout"), task=Ref(5, "split-form"), number=number)
        ledger.record(told, actor=SYSTEM, at=datetime.now(UTC))


def write(count: int, gap_s: float, ready: "multiprocessing.SimpleQueue", told: "multiprocessing.SimpleQueue") -> None:
    """The writer's process: so many entries, so far apart; tells when each commit had returned."""
    django.setup()
    record(0)
    time.sleep(0.5)
    ready.put(True)
    done = {}
    for number in range(1, count + 1):
        record(number)
        done[number] = time.time()
        if gap_s:
            time.sleep(gap_s)
    told.put(done)


@contextmanager
def writing(count: int, gap_s: float) -> Iterator["multiprocessing.SimpleQueue"]:
    """A writer at work; the queue gives when its commits returned."""
    context = multiprocessing.get_context("spawn")
    ready, told = context.SimpleQueue(), context.SimpleQueue()
    process = context.Process(target=write, args=(count, gap_s, ready, told))
    process.start()
    try:
        ready.get()
        yield told
    finally:
        process.join()


@contextmanager
def served(database: str) -> Iterator[str]:
    """A web process as `up` runs it, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    profile = ["-m", "cProfile", "-o", os.environ["PROFILE"]] if "PROFILE" in os.environ else []
    process = subprocess.Popen(
        [sys.executable, *profile, "-m", "coordinator.web", str(listener.fileno())],
        env={**os.environ, "DATABASE_URL": database, "DATABASE_POOL": "1", "STREAMS_PER_CREDENTIAL": "1000"},
        pass_fds=[listener.fileno()],
    )
    try:
        yield address
    finally:
        process.send_signal(signal.SIGINT if profile else signal.SIGTERM)
        process.wait()
        listener.close()


async def opened(address: str, token: str, count: int) -> list[Reader]:
    """So many readers, each told that it follows."""
    host, _, port = address.partition(":")
    hello = HANDSHAKE.format(where=address, token=token).encode()
    found = []
    for _ in range(count):
        _, reader = await asyncio.get_running_loop().create_connection(lambda: Reader(hello), host, int(port))
        await asyncio.wait_for(reader.ready.wait(), PATIENCE_S)
        found.append(reader)
    return found


async def listen(address: str, token: str, readers: int, count: int, gap_s: float) -> list[tuple[float, ...]]:
    """For each entry: when its commit returned, and when it came to each reader. What did not come is left out."""
    held = await opened(address, token, readers)
    with writing(count, gap_s) as told:
        loop = asyncio.get_running_loop()
        committed = await loop.run_in_executor(None, told.get)
        end = time.monotonic() + PATIENCE_S
        while any(len(each.came.keys() - {0}) < count for each in held) and time.monotonic() < end:
            await asyncio.sleep(0.02)
    for each in held:
        each.transport.close()
    return [(at, *(each.came[number] for each in held if number in each.came)) for number, at in committed.items()]


def run(address: str) -> list[Figure]:
    token, cookie = credentials()
    with served(address) as web:
        one = uvloop.run(listen(web, token, 1, 200, GAP_S))
        many = uvloop.run(listen(web, token, READERS, 200, GAP_S))
        burst = uvloop.run(listen(web, token, READERS, 200, 0))
        return [
            *_latency("commit to frame, one reader", [came - at for at, came in one]),
            *_latency(f"commit to the last of {READERS} readers, 20 writes/s", [max(row) - row[0] for row in many]),
            *_burst(burst),
            *_latency("commit to frame in a Chromium page", in_chromium(web, cookie)),
        ]


def _latency(what: str, seconds: Sequence[float]) -> list[Figure]:
    if len(seconds) < 2:
        return []
    return [
        (f"{what}, p50", median(seconds) * 1000, "ms"),
        (f"{what}, p99", quantiles(seconds, n=100)[98] * 1000, "ms"),
    ]


def _burst(rows: list[tuple[float, ...]]) -> list[Figure]:
    frames = sum(len(row) - 1 for row in rows)
    lasted = max(max(row) for row in rows) - min(row[0] for row in rows)
    what = f"burst of {len(rows)} writes to {READERS} readers"
    return [(f"{what}, frames lost", len(rows) * READERS - frames, ""), (what, frames / lasted, "frames/s")]


def credentials() -> tuple[str, str]:
    """An operator's token, and the cookie of a browser in which the operator is signed in."""
    from django.test import Client  # noqa: PLC0415  (needs the settings)

    from tests.factories import person, token_of  # noqa: PLC0415  (needs the apps loaded)

    operator = person("operator")
    client = Client()
    client.force_login(operator)
    return token_of(operator), client.cookies["coordinator_session"].value


def in_chromium(address: str, cookie: str) -> list[float]:
    """Commit to the moment when the live script of the tasks' page has the frame; nothing without a browser."""
    if not CHROMIUM.exists():
        return []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context()
        context.add_cookies([{"name": "coordinator_session", "value": cookie, "url": f"http://{address}"}])
        page = context.new_page()
        page.add_init_script(LISTEN)
        page.goto(f"http://{address}/tasks")
        page.wait_for_selector("#live-state[data-state=live]")
        with writing(100, GAP_S) as told:
            committed = told.get()
            page.wait_for_function("window.frames_heard.length > 100")
        came = dict(page.evaluate("window.frames_heard"))
        browser.close()
    return [came[number] - at for number, at in committed.items()]
