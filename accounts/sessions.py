"""The session engine: sessions in our own table, with the key kept as its SHA-256."""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.utils import timezone

from accounts.models import Session

PREFIX = "cos_"
SHORTEST = len(PREFIX) + 40


def digest(key: str) -> str:
    """SHA-256 of a session's key or an API token: 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


class SessionStore(SessionBase):
    """`session_key` is the secret in the cookie; the table holds only `digest(session_key)`.

    `row` is the table's row as it was loaded; None for a new session and before the first look into it.
    """

    row: Session | None = None
    _get_session: Callable[..., dict[str, Any]]

    @property
    def user_id(self) -> int | None:
        """Who is signed in with this session."""
        return user_of(self._get_session())

    def _get_new_session_key(self) -> str:
        return PREFIX + secrets.token_urlsafe(32)

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and key.isascii() and key.startswith(PREFIX) and len(key) >= SHORTEST

    def load(self) -> dict[str, Any]:
        self.row = Session.objects.live(timezone.now()).filter(session_key=digest(str(self.session_key))).first()
        if self.row is None:
            self._session_key = None
            return {}
        return self.decode(self.row.session_data)

    def create(self) -> None:
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=digest(session_key)).exists()

    def save(self, must_create: bool = False) -> None:
        """Stores the data. Raises UpdateError when the session has been revoked meanwhile: it stays so."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        key = digest(self.session_key)
        values = {
            "session_data": self.encode(data),
            "expire_date": self.get_expiry_date(),
            "user_id": user_of(data),
        }
        if must_create:
            now = timezone.now()
            Session.objects.create(session_key=key, created_at=now, last_seen_at=now, **values)
        elif not Session.objects.filter(session_key=key).update(**values):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            Session.objects.filter(session_key=digest(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lte=timezone.now()).delete()

    @classmethod
    async def aclear_expired(cls) -> None:
        await sync_to_async(cls.clear_expired)()

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    async def aexists(self, session_key: str) -> bool:
        return await sync_to_async(self.exists)(session_key)

    async def acreate(self) -> None:
        await sync_to_async(self.create)()

    async def asave(self, must_create: bool = False) -> None:
        await sync_to_async(self.save)(must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)


def user_of(data: dict[str, Any]) -> int | None:
    """The id of the account that a session's data belongs to."""
    return int(data[SESSION_KEY]) if data.get(SESSION_KEY) else None
