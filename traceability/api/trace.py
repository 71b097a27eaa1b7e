"""The trace log: read, filtered, verified; never written here."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Malformed, Missing, TooMany
from coordinator.lib.filters import Equals, Made, Since
from coordinator.lib.views import Lists, ResourceView
from traceability import archiving, checkpoints, verifying
from traceability.api.proofs import CheckpointShape, VerdictShape
from traceability.events import kinds
from traceability.models import Checkpoint, Entry


class EntryShape(serializers.ModelSerializer[Entry]):
    event = serializers.CharField(source="kind")
    actor = serializers.SerializerMethodField()
    mission = serializers.SerializerMethodField()
    task = serializers.SerializerMethodField()
    agent = serializers.SerializerMethodField()
    subject = serializers.SerializerMethodField()
    data = serializers.JSONField(source="readable_data", read_only=True)  # type: ignore[assignment]
    hash = serializers.SerializerMethodField()

    class Meta:
        model = Entry
        fields = (
            "id", "stream", "seq", "event", "schema", "actor", "on_behalf_of", "request_id", "mission", "task", "agent",
            "subject", "data", "occurred_at", "recorded_at", "hash",
        )  # fmt: skip

    def get_actor(self, entry: Entry) -> dict[str, Any]:
        return {"kind": entry.actor_kind, "id": entry.actor_id, "name": entry.actor_name}

    def get_mission(self, entry: Entry) -> str | None:
        return entry.key_of("mission")

    def get_task(self, entry: Entry) -> str | None:
        return entry.key_of("task")

    def get_agent(self, entry: Entry) -> str | None:
        return entry.key_of("agent")

    def get_subject(self, entry: Entry) -> dict[str, Any] | None:
        if entry.subject_id is None:
            return None
        return {"type": entry.subject_type, "id": entry.subject_id, "key": entry.subject_key}

    def get_hash(self, entry: Entry) -> str:
        return bytes(entry.hash).hex()


def about(noun: str) -> Made:
    """Entries of a mission, task or agent, by integer id or by public key."""

    def by(rows: Any, value: str) -> Any:
        if value.isascii() and value.isdigit():
            return rows.filter(**{f"{noun}_id": int(value)}) if len(value) < 19 else rows.none()
        return rows.filter(**{f"{noun}_id__in": rows.called(noun, value) or archiving.called(noun, value)})

    return Made(by, "An integer id or a public key.")


def _of_kinds(rows: Any, value: str) -> Any:
    """Raises Malformed for what is neither a kind or noun of the code's nor one that the ledger holds from before."""
    wanted, known = value.split(","), kinds()
    for word in set(wanted) - known - {kind.partition(".")[0] for kind in known}:
        if not word or not Entry.objects.of_kind(word).exists():
            raise Malformed(f"There is no event {word[:50]!r}; name a kind such as task.moved, or a noun such as task.")
    return rows.of_kind(*wanted)


FILTERS = {
    "event": Made(_of_kinds, "A kind such as task.moved, or a noun such as task; several separated by commas."),
    "actor": Equals("actor_name", "The actor's name as recorded."),
    "agent": about("agent"),
    "task": about("task"),
    "mission": about("mission"),
    "after": Since("recorded_at"),
    "before": Since("recorded_at", "lt"),
}


VERIFYING = Lock()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Verifying reads all of a chain: one at a time in a process, so that others need not wait. Raises TooMany."""
    if not VERIFYING.acquire(blocking=False):
        raise TooMany("The trace is being verified for somebody else; try again in a moment.", retry_after_s=5)
    try:
        yield
    finally:
        VERIFYING.release()


class TraceView(Lists, ResourceView):
    """Everything that happened, oldest first; archived entries are in their missions' own traces."""

    serializer_class = EntryShape
    filters = FILTERS
    scopes = {"list": "trace:read", "verify": "trace:read", "checkpoint": "trace:read"}

    def get_queryset(self) -> QuerySet[Entry]:
        if getattr(self, "swagger_fake_view", False):
            return Entry.objects.none()
        return Entry.objects.readable_with(self.request.auth.scopes)

    @extend_schema(responses=VerdictShape)
    def verify(self, request: Request) -> Response:
        """Checks every entry, every stream's head, and what the checkpoints fixed."""
        with one_at_a_time():
            return Response(verifying.prove().as_data())

    @extend_schema(
        responses={
            200: CheckpointShape,
            (404, "application/problem+json"): OpenApiResponse(OpenApiTypes.OBJECT, "No checkpoint was taken yet."),
        }
    )
    def checkpoint(self, request: Request) -> Response:
        """The newest checkpoint, for whoever wants to keep a copy of their own."""
        newest = next(checkpoints.signed(Checkpoint.objects.order_by("-n")), None)
        if newest is None:
            raise Missing("No checkpoint was taken yet.")
        return Response(CheckpointShape(newest).data)
