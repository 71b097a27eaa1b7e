"""Executions: runs of tasks by their agents' adapters."""

import re
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.adapters.base import MAY_BE_TRIED_AGAIN, MOST_ATTEMPTS
from coordinator.lib.errors import Malformed
from coordinator.lib.models import numbered
from coordinator.lib.serializers import Money, Strict, Text, Whole
from coordinator.lib.views import ResourceView
from missions import outputs
from missions.models import Execution, ExecutionOutput, Task
from missions.services import callers, executing
from missions.services.executing import Wanted

SHOWN = ("mission", "task", "agent")
VISIBLE = r"^[\x21-\x7e]+$"
OF_A_HEADER = re.compile(r"account-\d+:")
"""How the key begins that an `Idempotency-Key` becomes. No body may name one: it could take another account's."""


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    mission = serializers.SlugRelatedField[Any](slug_field="mission_id", read_only=True)
    task = serializers.SlugRelatedField[Any](slug_field="task_id", read_only=True)
    agent = serializers.SlugRelatedField[Any](slug_field="agent_id", read_only=True)
    retry_on = serializers.ListField(child=serializers.CharField(), read_only=True)
    output = serializers.SerializerMethodField(help_text="What was put out so far; of very much the first and last.")
    cost_usd = Money(read_only=True, allow_null=True)

    class Meta:
        model = Execution
        fields = [
            "id", "key", "mission", "task", "agent", "adapter", "state", "attempt", "max_attempts", "retry_on", "host",
            "lease_until", "heartbeat_at", "run_after", "cancel_requested", "output", "failure", "failure_detail",
            "cost_usd", "created_at", "started_at", "ended_at",
        ]  # fmt: skip

    def get_output(self, row: Execution) -> str:
        return row.output if row.has_ended else outputs.whole(row.pk)


class ChunkSerializer(serializers.ModelSerializer[ExecutionOutput]):
    class Meta:
        model = ExecutionOutput
        fields = ["seq", "stream", "text", "start", "length", "at"]


class OutputShape(serializers.Serializer[Any]):
    results = ChunkSerializer(many=True)
    after = serializers.IntegerField(help_text="The last `seq` of these; ask for what comes after it.")
    ended = serializers.BooleanField(help_text="The execution has ended and nothing comes after these.")
    state = serializers.ChoiceField(choices=Execution.State.choices)


class NothingMore(Strict):
    """An empty body."""


class ExecuteBody(Strict):
    """How the task is run. All may be left out."""

    key = Text(
        validators=[RegexValidator(VISIBLE)],
        max_length=200,
        required=False,
        help_text="The same key for the same task answers the same execution, whenever; for another task 409.",
    )
    max_attempts = Whole(
        min_value=1,
        max_value=MOST_ATTEMPTS,
        required=False,
        help_text="How often it is tried; else as adapter_config says, else once.",
    )
    retry_on = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(each) for each in MAY_BE_TRIED_AGAIN]),
        max_length=len(MAY_BE_TRIED_AGAIN),
        required=False,
        help_text="After which failures it is tried again.",
    )

    def validate_key(self, value: str) -> str:
        if OF_A_HEADER.match(value):
            raise serializers.ValidationError(
                "Keys that begin so stand for Idempotency-Key headers; choose another one."
            )
        return value


class ExecutionView(ResourceView):
    """One run each; its end never changes."""

    scopes = {"retrieve": "tasks:read", "output": "tasks:read", "cancel": "tasks:work"}
    asking = frozenset({"output"})
    queryset = Execution.objects.select_related(*SHOWN)
    serializer_class = ExecutionSerializer

    def retrieve(self, request: Request, key: str) -> Response:
        """One run, by its id."""
        return Response(self.get_serializer(numbered(self.get_queryset(), key)).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="The `seq` that was read last; 0 when left out.")
        ],
        responses=OutputShape,
    )
    def output(self, request: Request, key: str) -> Response:
        """What it puts out, in chunks, while it runs and afterwards; at most 50 chunks of 8,192 characters at a time.

        Of more than 200,000 characters the first and the last part are kept: a chunk whose `start` lies beyond the end
        of the one before tells how much is left out between them.
        """
        execution = numbered(Execution.objects.only("pk", "state"), key)
        after = _after(request)
        chunks = outputs.chunks(execution.pk, after=after)
        shown: dict[str, Any] = {
            "results": chunks,
            "after": chunks[-1].seq if chunks else after,
            "ended": execution.has_ended and len(chunks) < outputs.PAGE,
            "state": execution.state,
        }
        return Response(OutputShape(shown).data)

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

    @extend_schema(request=ExecuteBody, responses={200: ExecutionSerializer, 202: ExecutionSerializer})
    def execute(self, request: Request, key: str) -> Response:
        """Hands the task to its agent's adapter. No agent, no adapter, not in a state to run, or running: 422.

        An execution of this task that has the same `key` (without one: the `Idempotency-Key` of the same account) is
        answered again, 200, however it stands.
        """
        fields = self.body(ExecuteBody)
        task = self._task()
        callers.refuse_stranger(task, callers.of(request.user))
        wanted = Wanted(**{"key": self._key(), **fields})
        now = self.now
        execution = executing.request_execution(task, wanted, actor=self.actor, now=now)
        return Response(self.get_serializer(execution).data, status=202 if execution.created_at == now else 200)

    def _task(self) -> Task:
        found: Task = self.row(Task.objects.all())
        return found

    def _key(self) -> str:
        """The `Idempotency-Key`, which belongs to an account, as the key of an execution, which belongs to a task."""
        given = self.request.headers.get("Idempotency-Key")
        return f"account-{self.request.user.pk}:{given}" if given else ""


def _after(request: Request) -> int:
    for name in request.query_params:
        if name != "after":
            raise Malformed(f"There is no parameter {name[:50]!r} here; this takes after.")
    given = request.query_params.get("after", "0")
    if given.isascii() and given.isdigit() and len(given) < 10:
        return int(given)
    raise Malformed("`after` is the `seq` of the last chunk that you read.")
