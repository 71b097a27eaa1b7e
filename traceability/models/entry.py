"""The ledger's tables. The database numbers, chains and guards them; see migration 0001."""

from collections.abc import Container
from functools import cached_property
from typing import Any, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from traceability import bodies, canonical, topics


class TransactionId(models.Field[str, str]):
    """PostgreSQL's 64-bit transaction id, set by the database."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class EntryQuerySet(models.QuerySet["Entry"]):
    def of_mission(self, mission_id: int) -> Self:
        return self.filter(mission_id=mission_id)

    def of_task(self, task_id: int) -> Self:
        return self.filter(task_id=task_id)

    def of_agent(self, agent_id: int) -> Self:
        return self.filter(agent_id=agent_id)

    def of_kind(self, *prefixes: str) -> Self:
        return self.filter(of_kinds(*prefixes))

    def readable_with(self, scopes: Container[str]) -> Self:
        """Those that somebody with these scopes may read: accounts, for one, are for who administers them."""
        return self.exclude(hidden_from(scopes))

    def in_stream(self, stream: str) -> Self:
        return self.filter(stream=stream).order_by("seq")

    def called(self, noun: str, key: str) -> set[int]:
        """The ids of what was given this key when it was made, as the table tells; one statement."""
        told = self.model.objects.filter(kind=f"{noun}.created", canonical__contains=f'"key":{canonical.write(key)}')
        named = (entry.told["refs"].get(noun) for entry in told.order_by("pk").iterator())
        return {ref["id"] for ref in named if ref and ref["key"] == key}


def of_kinds(*prefixes: str) -> models.Q:
    """Entries of these kinds, or of all kinds of these nouns."""
    wanted = models.Q()
    for prefix in prefixes:
        wanted |= models.Q(kind=prefix) | models.Q(kind__startswith=f"{prefix}.")
    return wanted


def hidden_from(scopes: Container[str]) -> models.Q:
    """Entries that somebody with these scopes may not read."""
    hidden = models.Q(pk__in=[])
    for noun in topics.hidden_from(scopes):
        hidden |= models.Q(kind__startswith=f"{noun}.")
    return hidden


class Installation(models.Model):
    """One row: the id that makes this installation's chains unlike any other's."""

    id = models.BooleanField(primary_key=True, default=True)
    uuid = models.UUIDField(unique=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=True), name="installation_is_one_row")]


class StreamHead(models.Model):
    """The last number and hash of a stream; only the ledger's trigger writes it."""

    stream = models.CharField(max_length=64, primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.stream}#{self.seq}"


class Entry(models.Model):
    """One fact. `seq` has no gaps within a stream, ids grow with it; `hash` chains it to the entry before.

    Ids are plain numbers with no foreign keys: history outlives what it tells of. Every column but `id` and `xid`
    is a projection of `canonical`, or is hashed beside it (stream, seq, recorded_at); `body` holds the texts whose
    digests stand in `canonical`, so that they can be erased without breaking the chain.
    """

    id = models.BigAutoField(primary_key=True)
    xid = TransactionId(editable=False)
    stream = models.CharField(max_length=64)
    seq = models.BigIntegerField(editable=False)
    kind = models.CharField(max_length=64)
    schema = models.PositiveSmallIntegerField(default=1)
    actor_kind = models.CharField(max_length=8)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=254)
    on_behalf_of = models.CharField(max_length=100, null=True)
    request_id = models.CharField(max_length=200, null=True)
    subject_type = models.CharField(max_length=32, null=True)
    subject_id = models.BigIntegerField(null=True)
    subject_key = models.CharField(max_length=254, null=True)
    mission_id = models.BigIntegerField(null=True)
    task_id = models.BigIntegerField(null=True)
    agent_id = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(editable=False)
    canonical = models.TextField()
    body = models.TextField(null=True)
    hash = models.BinaryField(editable=False)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="one_entry_per_stream_and_seq")]
        indexes = [
            models.Index(fields=["xid", "subject_id"], name="entry_xid_subject"),
            models.Index(
                fields=["mission_id", "id"], name="entry_mission", condition=models.Q(mission_id__isnull=False)
            ),
            models.Index(fields=["task_id", "id"], name="entry_task", condition=models.Q(task_id__isnull=False)),
            models.Index(fields=["agent_id", "id"], name="entry_agent", condition=models.Q(agent_id__isnull=False)),
            models.Index(fields=["kind", "id"], name="entry_kind"),
            BrinIndex(fields=["recorded_at"], name="entry_recorded_at"),
        ]

    def __str__(self) -> str:
        return f"{self.stream}#{self.seq} {self.kind}"

    @cached_property
    def told(self) -> dict[str, Any]:
        """The canonical text, read: kind, schema, actor, occurred_at, refs and data. Erased texts read `[erased]`."""
        return bodies.read(self.canonical, self.body)

    @property
    def data(self) -> dict[str, Any]:
        """What happened: the event's own fields."""
        found: dict[str, Any] = self.told["data"]
        return found

    @property
    def readable_data(self) -> Any:
        """As `data`; None when somebody rewrote the text by force and left none."""
        return self._readable().get("data")

    def key_of(self, noun: str) -> str | None:
        """The public key of the mission, task, agent or subject that the entry tells of."""
        refs = self._readable().get("refs")
        ref = refs.get(noun) if isinstance(refs, dict) else None
        return str(ref["key"]) if isinstance(ref, dict) and "key" in ref else None

    def _readable(self) -> dict[str, Any]:
        try:
            found: Any = self.told
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Archive(models.Model):
    """Entries of a stream that stand in a file now: `sha256` is the file's, `hash` the last entry's.

    Only the database function `traceability_archive_entries` writes it.
    """

    stream = models.CharField(max_length=64)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    last_id = models.BigIntegerField()
    hash = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    archived_at = models.DateTimeField(db_default=Now())
    xid = TransactionId(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "first_seq"], name="one_archive_per_stream_and_start")]

    def __str__(self) -> str:
        return f"{self.stream}#{self.first_seq}-{self.last_seq}"
