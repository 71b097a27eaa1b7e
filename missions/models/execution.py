"""Executions: one run of a task by its agent's adapter, in one attempt or more, and what it puts out."""

import uuid

from django.db import models

from agents.models import Agent
from missions.models.mission import Mission
from missions.models.task import Task


def fresh_key() -> str:
    """The key of an execution that its client gave none."""
    return uuid.uuid4().hex


class Execution(models.Model):
    """The row is the truth. `fence` counts every time that a worker took it; only who holds the last one writes to it.

    `remote_id` names what runs at a provider, `run_after` holds the next attempt back, `woken_at` is when a worker was
    asked for it last (nobody was: null), and `failure` is that of the last attempt. `output` is written at the end;
    until then its chunks are all there is.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    OPEN = (State.QUEUED, State.RUNNING)

    mission = models.ForeignKey(Mission, on_delete=models.PROTECT, related_name="executions")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="executions")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="executions")
    key = models.CharField(max_length=300, unique=True, default=fresh_key)
    adapter = models.CharField(max_length=32)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=1)
    retry_on = models.JSONField(default=list)
    fence = models.PositiveIntegerField(default=0)
    host = models.CharField(max_length=200, blank=True)
    process_group = models.IntegerField(null=True)
    remote_id = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    run_after = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    prompt = models.TextField(blank=True)
    output = models.TextField(blank=True)
    failure = models.CharField(max_length=32, blank=True)
    failure_detail = models.TextField(blank=True)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=models.Q(state__in=["queued", "running"]), name="a_task_runs_once_at_a_time"
            )
        ]
        indexes = [
            models.Index(fields=["task", "id"], name="execution_of_task"),
            models.Index(
                fields=["state", "id"], condition=models.Q(state__in=["queued", "running"]), name="execution_open"
            ),
        ]

    def __str__(self) -> str:
        return f"execution {self.pk} of {self.task_id}"

    @property
    def has_ended(self) -> bool:
        return self.state not in self.OPEN

    @property
    def took_s(self) -> float | None:
        """Seconds that its last attempt took; None when it has not ended, or never ran."""
        if self.ended_at is None or self.started_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


class ExecutionOutput(models.Model):
    """A piece of what an execution put out, of at most 8,192 characters.

    `start` and `length` are its place in all that was put out, in characters. They stay when a text is erased.
    """

    class Stream(models.TextChoices):
        OUT = "out"
        ERR = "err"
        NOTE = "note"

    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="chunks")
    seq = models.PositiveIntegerField()
    stream = models.CharField(max_length=4, choices=Stream.choices)
    start = models.PositiveBigIntegerField()
    length = models.PositiveIntegerField()
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "seq"], name="a_chunk_has_its_place")]

    def __str__(self) -> str:
        return f"chunk {self.seq} of execution {self.execution_id}"

    @property
    def end(self) -> int:
        """Where the next one begins, unless something between them was left out."""
        return self.start + self.length
