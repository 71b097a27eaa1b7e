"""`POST /api/policies/evaluate` with 100 policies in force: each answer with its decision kept, for 8 clients at once.

Two web processes, as `up` runs them. The clients are one process that does as little as a client can.
"""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any

import psutil

from accounts.models import User
from accounts.roles import SCOPES
from accounts.services import issuing_tokens, managing_people
from benchmarks.spine.ground import Figure
from policies.models import Decision
from policies.services import revising
from traceability.events import SYSTEM

POLICIES = 100
CLIENTS = 8
WARMING = 25
QUESTIONS = 250
WEB_PROCESSES = 2
PATIENCE_S = 60


def run(database: str) -> Iterator[Figure]:
    token = _ready()
    with _served(database) as (address, processes):
        asyncio.run(_ask(address, token, WARMING))
        before, kept = _cpu_s(processes), Decision.objects.count()
        began = time.monotonic()
        took = asyncio.run(_ask(address, token, QUESTIONS))
        passed, count = time.monotonic() - began, CLIENTS * QUESTIONS
        if Decision.objects.count() - kept != count:
            raise AssertionError("not every answer has its decision")
        yield "evaluate, requests a second", count / passed, "req/s"
        yield "evaluate, p50", median(took) * 1000, "ms"
        yield "evaluate, p95", quantiles(took, n=100)[94] * 1000, "ms"
        yield "evaluate, p99", quantiles(took, n=100)[98] * 1000, "ms"
        yield "evaluate, CPU of the web processes", (_cpu_s(processes) - before) / count * 1000, "ms a request"
        yield "evaluate, judging as the decisions tell", _judging_us(count), "us, median"


def _ready() -> str:
    """A hundred policies, and the token of an account that may ask."""
    now = datetime.now(UTC)
    for number in range(POLICIES):
        revising.create(
            conditions=_conditions(number), actions=[{"warn": "Careful."}], scope="global", actor=SYSTEM, now=now
        )
    asker = managing_people.create_account(
        email="asker@example.org", role="agent", kind=User.Kind.SERVICE, actor=SYSTEM, now=now
    )
    _, token = issuing_tokens.issue(
        asker, name="benchmark", scopes=asker.scopes, actor=SYSTEM, now=now, expires_at=None, within=SCOPES
    )
    return token


def _conditions(number: int) -> dict[str, Any]:
    return [
        {"action_type": "git_push", "branch": f"release-{number}", "force": True},
        {"action_type": "file_write", "path": {"under_path": f"/srv/app{number}"}},
        {"action_type": "shell", "command": {"matches": f"^deploy .*--stage={number}$"}},
        {"action_type": "git_push", "files": {"any": {"startswith": f"migrations/{number}/"}}},
        {"action_type": "spend", "amount_usd": {"gte": number}},
    ][number % 5]


def _action(chance: random.Random) -> dict[str, Any]:
    number = chance.randrange(POLICIES)
    return chance.choice(
        [
            {
                "action_type": "git_push", "branch": f"release-{number}", "force": chance.random() < 0.5,
                "files": [f"src/{number}.py"],
            },
            {"action_type": "file_write", "path": f"/srv/app{number}/main.py"},
            {"action_type": "shell", "command": f"deploy now --stage={number}"},
        ]
    )  # fmt: skip


@contextmanager
def _served(database: str) -> Iterator[tuple[tuple[str, int], list[psutil.Process]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "coordinator.web", str(listener.fileno())],
            env={**os.environ, "DATABASE_URL": database, "DATABASE_POOL": "1"},
            pass_fds=[listener.fileno()],
        )
        for _ in range(WEB_PROCESSES)
    ]
    try:
        yield listener.getsockname()[:2], [psutil.Process(each.pid) for each in started]
    finally:
        for each in started:
            each.terminate()
        for each in started:
            each.wait()
        listener.close()


async def _ask(address: tuple[str, int], token: str, count: int) -> list[float]:
    """How long each answer took, in seconds."""
    asking = [_client(address, token, random.Random(number), count) for number in range(CLIENTS)]
    return [each for took in await asyncio.gather(*asking) for each in took]


async def _client(address: tuple[str, int], token: str, chance: random.Random, count: int) -> list[float]:
    reader, writer = await asyncio.open_connection(*address)
    took = []
    for _ in range(count):
        body = json.dumps({"action": _action(chance)}).encode()
        head = (
            "POST /api/policies/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + body)
        await asyncio.wait_for(_answer(reader), PATIENCE_S)
        took.append(time.perf_counter() - began)
    writer.close()
    return took


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"http/1.1 200"):
        raise AssertionError((head + body).decode())


def _cpu_s(processes: list[psutil.Process]) -> float:
    return float(sum(sum(each.cpu_times()[:2]) for each in processes))


def _judging_us(count: int) -> float:
    latest = Decision.objects.order_by("-pk").values_list("duration_us", flat=True)[:count]
    return float(median(latest))
