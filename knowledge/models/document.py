"""What people and agents know: documents, each stored once however often it is sent."""

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from coordinator.lib.keys import PublicKeyField
from coordinator.lib.models import Resource, ResourceQuerySet
from coordinator.lib.refs import Ref


class Kind(models.TextChoices):
    """What a document is for."""

    NOTE = "note"
    DECISION = "decision"
    LESSON = "lesson"
    ARTIFACT = "artifact"
    REFERENCE = "reference"


class IndexState(models.TextChoices):
    """Whether a document can be found by meaning yet. By its words it is found at once."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class DocumentQuerySet(ResourceQuerySet["Document"]):
    def active(self) -> Self:
        """Those that were not removed."""
        return self.filter(removed_at__isnull=True)

    def saying(self, sha256: str) -> Self:
        """The one whose content has this SHA-256, or none."""
        return self.active().filter(sha256=sha256)

    def unindexed(self) -> Self:
        """Those that are not found by meaning yet."""
        return self.active().exclude(index_state=IndexState.READY)

    def about(self, noun: str, value: str) -> Self:
        """Those that name this mission or task, by its integer id or public key."""
        if not (value.isascii() and value.isdigit()):
            return self.filter(**{f"{noun}_key": value})
        return self.filter(**{f"{noun}_id": int(value)}) if len(value) < 19 else self.none()

    def tagged(self, *tags: str) -> Self:
        """Those that have every one of these tags."""
        return self.filter(tags__contains=list(tags))

    def matching(self, metadata: dict[str, Any]) -> Self:
        """Those whose metadata holds these values, at any depth that is named."""
        return self.filter(metadata__contains=metadata)

    def without_content(self) -> Self:
        """The rows without their text, which may be 10 MiB each."""
        return self.defer("content")


class Document(Resource):
    """A text with what it is about.

    The mission and the task are plain values: knowledge stands below them and does not know their tables.
    """

    KEY = "document_id"

    document_id = PublicKeyField(prefix="doc")
    title = models.CharField(max_length=500)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.NOTE)
    content = models.TextField()
    sha256 = models.CharField("SHA-256 of the content", max_length=64, editable=False)
    metadata = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    mission_id = models.BigIntegerField(null=True, blank=True, editable=False)
    mission_key = models.CharField("mission", max_length=100, blank=True, editable=False)
    task_id = models.BigIntegerField(null=True, blank=True, editable=False)
    task_key = models.CharField("task", max_length=100, blank=True, editable=False)
    author = models.CharField(max_length=200, editable=False)
    index_state = models.CharField(
        max_length=10, choices=IndexState.choices, default=IndexState.PENDING, editable=False
    )
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"],
                condition=Q(removed_at__isnull=True),
                name="knowledge_active_content_is_stored_once",
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="knowledge_kind_is_known"),
            models.CheckConstraint(
                condition=Q(index_state__in=IndexState.values), name="knowledge_index_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(content=""), name="knowledge_removed_content_is_gone"
            ),
        ]
        indexes = [
            models.Index(fields=["mission_id"], name="knowledge_document_mission"),
            models.Index(fields=["task_id"], name="knowledge_document_task"),
            models.Index(fields=["kind"], name="knowledge_document_kind"),
            GinIndex(fields=["tags"], name="knowledge_document_tags"),
            GinIndex(fields=["metadata"], opclasses=["jsonb_path_ops"], name="knowledge_document_metadata"),
            models.Index(
                fields=["id"],
                condition=Q(removed_at__isnull=True) & ~Q(index_state=IndexState.READY),
                name="knowledge_document_unindexed",
            ),
        ]

    @property
    def mission(self) -> Ref | None:
        return None if self.mission_id is None else Ref(self.mission_id, self.mission_key)

    @property
    def task(self) -> Ref | None:
        return None if self.task_id is None else Ref(self.task_id, self.task_key)

    @property
    def is_removed(self) -> bool:
        return self.removed_at is not None
