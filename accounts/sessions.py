"""The session engine: Django's database sessions in our own table, with the key kept as its SHA-256."""

import hashlib
import secrets
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from accounts.models import Session

PREFIX = "cos_"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class SessionStore(DatabaseStore):
    """`session_key` is the secret in the cookie; the table holds only `digest(session_key)`."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_new_session_key(self) -> str:
        return PREFIX + secrets.token_urlsafe(32)

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key) and str(key).startswith(PREFIX) and len(str(key)) > 40

    def _get_session_from_db(self) -> Session | None:
        if not self.session_key:
            return None
        found = Session.objects.live(timezone.now()).filter(session_key=digest(self.session_key)).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=digest(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        now = timezone.now()
        key = digest(self._get_or_create_session_key())
        present = Session.objects.filter(session_key=key).first()
        row = present or Session(session_key=key, created_at=now, last_seen_at=now)
        row.session_data = self.encode(data)
        row.expire_date = self.get_expiry_date()
        row.user_id = int(data["_auth_user_id"]) if data.get("_auth_user_id") else None
        return row

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        row = self.create_model_instance(self._get_session(no_load=must_create))
        row.save(force_insert=must_create)

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=digest(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lte=timezone.now()).delete()
