"""GitHub: its issues as they were synced, a sync on command, and the webhook."""

import hashlib
import hmac
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from coordinator.lib.errors import Invalid, Missing, Refusal
from coordinator.lib.filters import Belongs, Choice, Equals, Search
from coordinator.lib.http import read_json
from coordinator.lib.serializers import Reference, Strict, Text
from coordinator.lib.views import Endpoint, Lists, ResourceView
from missions.github import client, syncing
from missions.models import GitHubIssue, Mission, Task
from traceability.events import Actor

GITHUB = Actor("system", None, "github")


class BadSignature(Refusal):
    """The signature does not fit the delivery."""

    status = 401


class GitHubIssueSerializer(serializers.ModelSerializer[GitHubIssue]):
    task = serializers.SlugRelatedField[Any](slug_field="task_id", read_only=True, allow_null=True)

    class Meta:
        model = GitHubIssue
        fields = [
            "id", "repository", "number", "title", "body", "state", "labels", "author", "url",
            "opened_at", "changed_at", "synced_at", "task",
        ]  # fmt: skip


class SyncRequest(Strict):
    repository = Text(required=False, allow_null=True, max_length=140)
    mission = Reference(queryset=Mission.objects.all(), required=False, allow_null=True)


class SyncAnswer(serializers.Serializer[Any]):
    repository = serializers.CharField()
    mission = serializers.CharField(allow_null=True)
    seen = serializers.IntegerField()
    created = serializers.IntegerField()
    changed = serializers.IntegerField()


class Received(serializers.Serializer[Any]):
    received = serializers.CharField()
    changed = serializers.IntegerField()


class GitHubIssueView(Lists, ResourceView):
    """The issues that were synced, each with the task that it became."""

    scopes = {"list": "github:read", "retrieve": "github:read"}
    queryset = GitHubIssue.objects.select_related("task")
    serializer_class = GitHubIssueSerializer
    filters = {
        "state": Choice("state", ["open", "closed"]),
        "repository": Equals("repository"),
        "task": Belongs("task", Task),
        "q": Search("title", "body"),
    }

    def retrieve(self, request: Request, key: str) -> Response:
        """One issue by its row's `id`, by `owner/name#number`, or by its number in the repository that is set up."""
        return Response(self.get_serializer(_issue(self.get_queryset(), key)).data)


def _issue(rows: Any, key: str) -> GitHubIssue:
    """The row. Raises Missing."""
    ours = rows.named(f"{settings.GITHUB_REPOSITORY}#{key}")
    found: GitHubIssue | None = rows.named(key).first() or ours.first()
    if found is None:
        raise Missing(f"There is no GitHub issue {key[:100]!r} here; sync first.")
    return found


class SyncView(Endpoint):
    """Reads GitHub's issues now."""

    scopes = {"sync": "github:sync"}
    outward = frozenset({"sync"})
    serializer_class = SyncRequest

    @extend_schema(request=SyncRequest, responses=SyncAnswer)
    def sync(self, request: Request) -> Response:
        """Not set up: 422. New open issues become tasks; repeated, nothing is made twice."""
        given = self.body(SyncRequest)
        github = client.demanded()
        repository = syncing.chosen_repository(given.get("repository"))
        told = syncing.sync(github, repository=repository, mission=given.get("mission"), actor=self.actor, now=self.now)
        return Response(SyncAnswer(told).data)


class WebhookView(Endpoint):
    """GitHub's deliveries; the signature is the only credential."""

    scope = ""
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    serializer_class = Received

    @extend_schema(request={"application/json": {"type": "object"}}, responses=Received)
    def receive(self, request: Request) -> Response:
        """An `issues` delivery is stored; a repeated or older one changes nothing. Other events are only received."""
        raw = request._request.body
        _demand_signature(raw, request.headers.get("X-Hub-Signature-256", ""))
        event = request.headers.get("X-GitHub-Event", "")
        changed = _store(read_json(raw), self.now) if event == "issues" else 0
        return Response({"received": event, "changed": changed})


def _demand_signature(raw: bytes, given: str) -> None:
    secret = settings.GITHUB_WEBHOOK_SECRET
    right = "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    if not secret or not hmac.compare_digest(right.encode(), given.encode()):
        raise BadSignature("X-Hub-Signature-256 does not fit this body and the webhook's secret.")


def _store(delivery: Any, now: Any) -> int:
    issue, repository = _part(delivery, "issue"), _part(delivery, "repository")
    if not isinstance(repository.get("full_name"), str):
        raise Invalid({"repository": ["An issues delivery names its repository's full_name."]})
    name = syncing.chosen_repository(repository["full_name"])
    if "pull_request" in issue:
        return 0
    told = syncing.store(name, [issue], mission=None, actor=GITHUB, now=now)
    return told.created + told.changed


def _part(delivery: Any, name: str) -> dict[str, Any]:
    found = delivery.get(name) if isinstance(delivery, dict) else None
    if not isinstance(found, dict):
        raise Invalid({name: ["This must be an object."]})
    return found
