"""The executor: carries out one execution by its adapter, and buries those whose worker died.

While a worker carries out an execution it holds an advisory lock on it: the lock is its certificate of life, which the
database takes back when the process or the network dies. The lease is for what cannot hold one.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from agents import adapters
from agents.adapters.base import WHAT_TO_DO, AdapterProblem, Failure, Result, Run, Work
from missions.models import Execution
from missions.services import running
from missions.services.running import Ended
from missions.supervision import drain, presence, reaping
from missions.supervision.certificate import Certificate
from traceability.models import Installation

POLL_S = 0.25
RENEW_EVERY_S = 1.0
DEFAULT_TIMEOUT_S = 1800.0
FINISH_WITHIN_S = 30.0
LOST = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


def run(execution_id: int) -> str | None:
    """Takes the execution, carries it out and finishes it; answers its state, None when it was not for us."""
    if drain.asked():
        return None
    with closing(Certificate(execution_id)) as certificate:
        if not certificate.held():
            return None
        execution = running.begin(execution_id, host=presence.machine(), now=timezone.now())
        if execution is None:
            return None
        ended = _carry_out(execution, certificate)
        return str(ended.state) if _finish(execution, ended) else None


def bury(*, now: datetime) -> int:
    """Ends, once, every running execution whose worker is gone, and what is left of its processes; answers how many."""
    buried = 0
    for execution in running.quiet(now=now):
        with closing(Certificate(execution.pk)) as certificate:
            if (certificate.held() or running.has_lapsed(execution, now)) and running.bury(execution, now=now):
                reaping.end_all(marker_of(execution))
                buried += 1
    return buried


def marker_of(execution: Execution) -> str:
    """What the processes of a run carry in their environment, unlike any other run's of any installation."""
    installation = Installation.objects.values_list("uuid", flat=True).get()
    return f"{installation}:{execution.pk}:{execution.fence}"


def _carry_out(execution: Execution, certificate: Certificate) -> Ended:
    """The run from start to end; whatever happens, its processes are gone afterwards."""
    with _scratch(execution) as directory:
        try:
            started = adapters.named(execution.adapter).start(_work(execution, directory))
        except AdapterProblem as problem:
            return _ended(Result(failure=problem.failure, detail=problem.detail), None, "")
        with closing(started):
            if started.group is not None:
                running.note_process(execution, started.group)
            return _follow(execution, started, certificate)


def _follow(execution: Execution, started: Run, certificate: Certificate) -> Ended:
    """Reads the run's output and renews its lease until it has ended, by itself or because it had to."""
    given = execution.agent.adapter_config.get("timeout_s", DEFAULT_TIMEOUT_S)
    deadline, renewed = time.monotonic() + float(given), 0.0
    output, stopped = "", None
    while started.result is None:
        output = running.cut(output + started.poll(POLL_S))
        if time.monotonic() - renewed >= RENEW_EVERY_S:
            renewed = time.monotonic()
            stopped = stopped or _renew(execution, output, certificate)
        stopped = stopped or _why_stop(deadline)
        if stopped:
            started.stop()
    output = running.cut(output + started.poll(0))
    return _ended(started.result, stopped, output)


def _why_stop(deadline: float) -> Failure | None:
    if drain.asked():
        return Failure.INTERRUPTED
    return Failure.TIMED_OUT if time.monotonic() >= deadline else None


def _renew(execution: Execution, output: str, certificate: Certificate) -> Failure | None:
    """Keeps the output so far and the lease; a database that went away is waited for, the lease bounds how long."""
    try:
        certificate.held()
        return None if running.renew(execution, output=output, now=timezone.now()) else Failure.CANCELLED
    except LOST as fault:
        log.warning("Execution %s goes on without the database: %s", execution.pk, fault)
        connection.close()
        return None


def _finish(execution: Execution, ended: Ended) -> bool:
    """Records the end, trying again while the database is away; False when it was no longer ours."""
    give_up = time.monotonic() + FINISH_WITHIN_S
    while True:
        try:
            return running.finish(execution, ended, now=timezone.now())
        except LOST:
            connection.close()
            if time.monotonic() > give_up or drain.wait(RENEW_EVERY_S):
                raise


def _ended(result: Result, stopped: Failure | None, output: str) -> Ended:
    """The result as the execution's end. A run that was stopped but succeeded first has succeeded."""
    failure = result.failure and (stopped or result.failure)
    state = Execution.State.SUCCEEDED
    if failure is not None:
        state = Execution.State.CANCELLED if failure == Failure.CANCELLED else Execution.State.FAILED
    advice = WHAT_TO_DO[failure] if failure else ""
    detail = "" if stopped and failure else result.detail
    return Ended(
        state=state,
        output=output,
        outputs=dict(result.outputs),
        failure=failure or "",
        detail=" ".join(filter(None, [detail, advice])),
        use=result.use,
    )


def _work(execution: Execution, directory: Path) -> Work:
    tags = {"mission_id": execution.mission.key, "task_id": execution.task.key, "agent_id": execution.agent.key}
    return Work(
        prompt=execution.prompt,
        directory=directory,
        marker=marker_of(execution),
        config=execution.agent.adapter_config,
        tags={**tags, "execution": str(execution.pk)},
        budget_usd=running.budget_left(execution),
    )


@contextmanager
def _scratch(execution: Execution) -> Iterator[Path]:
    """A directory of this run alone; it goes with the run unless the agent's configuration keeps it."""
    directory = Path(settings.COORDINATOR_DATA) / "executions" / f"{execution.pk}-{execution.fence}"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield directory
    finally:
        if not execution.agent.adapter_config.get("keep_files"):
            shutil.rmtree(directory, ignore_errors=True)
