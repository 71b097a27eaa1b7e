"""Executions to run, and what became of them."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from missions import jobs, replay
from missions.models import Execution, Mission, Task
from missions.services import executing
from tests.missions import world
from tests.running.agents_at_hand import FakeClaude, lives, until
from traceability.events import SYSTEM
from traceability.models import Entry

Hanging = tuple[Execution, "Future[str | None]"]


@pytest.fixture
def its_trace_tells_all(committed_db: str) -> Iterator[None]:
    """Whatever the test did, each mission rebuilt from its trace equals its rows."""
    yield
    for mission in Mission.objects.order_by("pk"):
        assert replay.replay(mission)["differences"] == [], mission


def task_for(adapter: str = "claude_code", config: dict[str, Any] | None = None, **fields: Any) -> Task:
    """A task of an agent with this adapter."""
    agent = world.agent(adapter_module=adapter, adapter_config=config or {})
    return world.task(agent=agent, **fields)


def queued(objective: str = "do it", **fields: Any) -> Execution:
    task = task_for(objective=objective, **fields)
    return executing.request_execution(task, actor=SYSTEM, now=timezone.now())


def fresh(execution: Execution) -> Execution:
    return Execution.objects.select_related("task", "mission", "agent").get(pk=execution.pk)


def told(execution: Execution) -> list[str]:
    rows = Entry.objects.of_kind("execution").filter(task_id=execution.task_id).order_by("id")
    return [f"{row.kind} {row.data.get('state', '')}".strip() for row in rows if row.data["execution"] == execution.pk]


@pytest.fixture
def hanging(its_trace_tells_all: None, claude: FakeClaude) -> Iterator[Hanging]:
    """An execution whose agent works until it is ended, and its run."""
    execution = queued("hang grandchild")
    future = _start(execution)
    until(lambda: len(claude.runs) == 2)
    yield execution, future
    until(future.done)
    until(lambda: not lives(claude.runs[0]["pid"]) and not lives(claude.runs[1]["grandchild"]))


def _start(execution: Execution) -> "Future[str | None]":
    pool = ThreadPoolExecutor(1)
    future = pool.submit(run_and_leave, execution.pk)
    pool.shutdown(wait=False)
    return future


def run_and_leave(execution_id: int) -> str | None:
    try:
        return jobs.run_execution(execution_id)
    finally:
        connection.close()
