"""Attempts that a test takes and ends by hand, without an adapter."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from missions.models import Execution
from missions.services import beginning, executing, running
from missions.services.executing import Wanted
from missions.services.running import Ended
from missions.services.writing_output import Piece, Stream
from tests.running.runs import task_for
from traceability.events import SYSTEM

State = Execution.State


def out(text: str) -> Piece:
    return Piece(Stream.OUT, text)


def tried(max_attempts: int = 3, objective: str = "do it", **more: Any) -> Execution:
    """A queued execution that is tried so often."""
    wanted = Wanted(max_attempts=max_attempts, **more)
    return executing.request_execution(task_for(objective=objective), wanted, actor=SYSTEM, now=timezone.now())


def taken(execution: Execution, now: datetime | None = None) -> Execution:
    """The execution as a worker took it."""
    begun = beginning.begin(execution.pk, host="here", now=now or timezone.now())
    assert begun is not None, "it was not for us"
    return begun


def ended(begun: Execution, failure: str = "", *, now: datetime | None = None, **more: Any) -> Execution.State | None:
    """The state after this end of an attempt: a success, unless a failure is named."""
    state = State.FAILED if failure else State.SUCCEEDED
    return running.finish(begun, Ended(state=state, failure=failure, **more), now=now or timezone.now())
