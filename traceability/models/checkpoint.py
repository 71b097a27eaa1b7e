"""Checkpoints: signed statements of where every stream stood. The files outside the database are what counts."""

from typing import Self

from django.db import models


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    def newest(self) -> "Checkpoint | None":
        return self.order_by("-n").first()

    def bringing_a_key(self) -> Self:
        """Those that handed the signing over."""
        return self.filter(note__contains="\nkey ")

    def unsent(self) -> Self:
        """Those that the outside has not accepted yet, oldest first."""
        return self.filter(published_at=None).order_by("n")


class Checkpoint(models.Model):
    """Number `n`: `root` over the heads of all streams, `size` entries in them.

    `note` is the signed text, byte for byte that of its file; `heads` the lines that changed since the one before,
    compressed. With both, a lost directory of notes can be made anew, and its signatures still hold.
    """

    n = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    size = models.BigIntegerField()
    streams = models.BigIntegerField()
    root = models.BinaryField()
    prev_hash = models.BinaryField()
    note = models.TextField()
    heads = models.BinaryField()
    published_at = models.DateTimeField(null=True)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["n"], name="checkpoint_unsent", condition=models.Q(published_at__isnull=True))]

    def __str__(self) -> str:
        return f"checkpoint {self.n}"
