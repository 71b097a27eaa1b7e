"""Sign-ins, on the server: each can be listed and revoked. The key itself is not stored, only its SHA-256."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, now: datetime) -> Self:
        return self.filter(expire_date__gt=now)


class Session(models.Model):
    """A browser's session, or one made with `POST /api/sessions`; `session_key` holds the key's SHA-256."""

    id = models.BigAutoField(primary_key=True)
    session_key = models.CharField(max_length=64, unique=True)
    session_data = models.TextField("session data")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="sessions")
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expire_date = models.DateTimeField("expire date", db_index=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = "session"
        verbose_name_plural = "sessions"

    def __str__(self) -> str:
        return f"session {self.pk} of {self.user_id}"
