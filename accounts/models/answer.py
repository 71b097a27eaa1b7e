"""Answers remembered for a repeated `Idempotency-Key`."""

from django.conf import settings
from django.db import models


class RememberedAnswer(models.Model):
    """The first answer to a POST with this key; status 0 while a key is reserved and the answer not there yet."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="a_key_is_answered_once")]
        indexes = [models.Index(fields=["created_at"], name="answer_age")]

    def __str__(self) -> str:
        return f"{self.status} for {self.key}"
