"""The executor: carries out one execution by its adapter, and sees to those whose worker died, waits or is not wanted.

While a worker carries out an attempt it holds an advisory lock on it: the lock is its certificate of life, which the
database takes back when the process or the network dies. The lease is for what cannot hold one.
"""

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from agents import adapters
from agents.adapters.base import WHAT_TO_DO, AdapterProblem, AgentAdapter, Failure, Result, Run, Work
from missions.models import Execution
from missions.services import beginning, executing, running, waking
from missions.services.running import Ended
from missions.services.writing_output import Piece, Stream
from missions.supervision import drain, presence, reaping
from missions.supervision.certificate import Certificate
from missions.supervision.outlet import Outlet
from traceability.models import Installation

POLL_S = 0.25
RENEW_EVERY_S = 1.0
DEFAULT_TIMEOUT_S = 1800.0
FINISH_WITHIN_S = 30.0
LOST = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


def run(execution_id: int) -> str | None:
    """Takes the execution, carries it out and finishes it; answers its state then, None when it was not for us."""
    if drain.asked():
        return None
    execution = beginning.begin(execution_id, host=presence.machine(), now=timezone.now())
    if execution is None:
        return None
    with closing(Certificate(running.certificate_of(execution))) as certificate:
        certificate.held()
        return _finish(execution, _carry_out(execution, certificate))


def janitor(*, now: datetime) -> int:
    """What executions need each second: those that nobody wants any more are stopped, those whose worker is gone are
    ended, workers are asked for those that may begin. Answers for how many it did something; 3 statements when for
    none."""
    return executing.stop_unwanted(now=now) + bury(now=now) + waking.wake_waiting(now=now)


def bury(*, now: datetime) -> int:
    """Ends, once, every running attempt whose worker is gone, and what is left of its processes; answers how many."""
    buried = [execution for execution in running.quiet(now=now) if running.bury(execution, now=now)]
    for execution in buried:
        reaping.end_all(marker_of(execution))
    return len(buried)


def marker_of(execution: Execution) -> str:
    """What the processes of an attempt carry in their environment, unlike any other's of any installation."""
    installation = Installation.objects.values_list("uuid", flat=True).get()
    return f"{installation}:{execution.pk}:{execution.fence}"


def _carry_out(execution: Execution, certificate: Certificate) -> Ended:
    """The attempt from start to end; whatever happens, its processes are gone afterwards."""
    with _scratch(execution) as directory:
        try:
            adapter, work = adapters.named(execution.adapter), _work(execution, directory)
            with _warden(adapter, work), closing(adapter.start(work)) as started:
                if started.group is not None or started.remote_id:
                    running.note_place(execution, group=started.group, remote_id=started.remote_id)
                return _follow(execution, started, certificate)
        except AdapterProblem as problem:
            return _ended(Result(failure=problem.failure, detail=problem.detail), None, ())


def _warden(adapter: AgentAdapter, work: Work) -> Any:
    """Who ends the processes of a run that has some, also when this one is killed."""
    return closing(reaping.Warden(work.marker)) if adapter.spawns else nullcontext()


def _follow(execution: Execution, started: Run, certificate: Certificate) -> Ended:
    """Keeps the run's output and renews its lease until it has ended, by itself or because it had to."""
    given = execution.agent.adapter_config.get("timeout_s", DEFAULT_TIMEOUT_S)
    deadline, renewed = time.monotonic() + float(given), 0.0
    outlet, stopped = Outlet(), None
    while started.result is None:
        _read(started, outlet, POLL_S)
        if outlet.is_due or time.monotonic() - renewed >= RENEW_EVERY_S:
            renewed = time.monotonic()
            stopped = stopped or _renew(execution, outlet, certificate)
        stopped = stopped or _why_stop(deadline)
        if stopped:
            started.stop()
    _read(started, outlet, 0)
    return _ended(started.result, stopped, outlet.take())


def _read(started: Run, outlet: Outlet, wait_s: float) -> None:
    outlet.put(Stream.OUT, started.poll(wait_s))
    outlet.put(Stream.ERR, started.complaints())


def _why_stop(deadline: float) -> Failure | None:
    if drain.asked():
        return Failure.INTERRUPTED
    return Failure.TIMED_OUT if time.monotonic() >= deadline else None


def _renew(execution: Execution, outlet: Outlet, certificate: Certificate) -> Failure | None:
    """Keeps the output so far and the lease, never without the certificate; a database that went away is waited for,
    the lease bounds how long."""
    pieces = outlet.take()
    try:
        certificate.held()
        mine = running.renew(execution, output=pieces, now=timezone.now())
    except LOST as fault:
        log.warning("Execution %s goes on without the database: %s", execution.pk, fault)
        connection.close()
        outlet.give_back(pieces)
        return None
    return None if mine else Failure.CANCELLED


def _finish(execution: Execution, ended: Ended) -> str | None:
    """Records the end, trying again while the database is away; None when it was no longer ours."""
    give_up = time.monotonic() + FINISH_WITHIN_S
    while True:
        try:
            return running.finish(execution, ended, now=timezone.now())
        except LOST:
            connection.close()
            if time.monotonic() > give_up or drain.wait(RENEW_EVERY_S):
                raise


def _ended(result: Result, stopped: Failure | None, output: Sequence[Piece]) -> Ended:
    """The result as the attempt's end. A run that was stopped but succeeded first has succeeded."""
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
        key=execution.key,
        remote_id=execution.remote_id,
        config=execution.agent.adapter_config,
        tags={**tags, "execution": str(execution.pk)},
        budget_usd=running.budget_left(execution),
    )


@contextmanager
def _scratch(execution: Execution) -> Iterator[Path]:
    """A directory of this run alone; it goes with the run unless the agent's configuration keeps it."""
    place = Path(settings.COORDINATOR_DATA) / "executions"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{execution.pk}-{execution.fence}-", dir=place))
    try:
        yield directory
    finally:
        if not execution.agent.adapter_config.get("keep_files"):
            shutil.rmtree(directory, ignore_errors=True)
