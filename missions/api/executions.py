"""Executions: runs of tasks by their agents' adapters."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.models import numbered
from coordinator.lib.serializers import Money, Strict
from coordinator.lib.views import ResourceView
from missions.models import Execution, Task
from missions.services import callers, executing

SHOWN = ("mission", "task", "agent")


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    mission = serializers.SlugRelatedField[Any](slug_field="mission_id", read_only=True)
    task = serializers.SlugRelatedField[Any](slug_field="task_id", read_only=True)
    agent = serializers.SlugRelatedField[Any](slug_field="agent_id", read_only=True)
    cost_usd = Money(read_only=True, allow_null=True)

    class Meta:
        model = Execution
        fields = [
            "id", "mission", "task", "agent", "adapter", "state", "attempt", "host", "lease_until", "cancel_requested",
            "output", "failure", "failure_detail", "cost_usd", "created_at", "started_at", "ended_at",
        ]  # fmt: skip


class NothingMore(Strict):
    """An empty body."""


class ExecutionView(ResourceView):
    """One run each; its end never changes."""

    scopes = {"retrieve": "tasks:read", "cancel": "tasks:work"}
    queryset = Execution.objects.select_related(*SHOWN)
    serializer_class = ExecutionSerializer

    def retrieve(self, request: Request, key: str) -> Response:
        """One run, by its id."""
        return Response(self.get_serializer(numbered(self.get_queryset(), key)).data)

    @extend_schema(request=NothingMore, responses=ExecutionSerializer)
    def cancel(self, request: Request, key: str) -> Response:
        """A queued run is cancelled at once, a running one is asked to stop. One that has ended: 422."""
        self.body(NothingMore)
        execution = numbered(self.get_queryset(), key)
        callers.refuse_stranger(execution.task, callers.of(request.user))
        execution = executing.cancel(execution, actor=self.actor, now=self.now)
        return Response(self.get_serializer(execution).data)


class TaskExecutionsView(ResourceView):
    """The runs of one task."""

    scopes = {"list": "tasks:read", "execute": "tasks:work"}
    queryset = Execution.objects.select_related(*SHOWN)
    serializer_class = ExecutionSerializer

    def list(self, request: Request, key: str) -> Response:
        """The task's runs, the first one first."""
        return self.page(self.get_queryset().filter(task=self._task()))

    @extend_schema(request=NothingMore, responses={202: ExecutionSerializer})
    def execute(self, request: Request, key: str) -> Response:
        """Hands the task to its agent's adapter. No agent, no adapter, not in a state to run, or running: 422."""
        self.body(NothingMore)
        task = self._task()
        callers.refuse_stranger(task, callers.of(request.user))
        execution = executing.request_execution(task, actor=self.actor, now=self.now)
        return Response(self.get_serializer(execution).data, status=202)

    def _task(self) -> Task:
        found: Task = self.row(Task.objects.all())
        return found
