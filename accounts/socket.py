"""Who opens a WebSocket: a bearer token (header or `?token=`), or the session cookie of the pages."""

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from accounts import auth

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class WithCredential:
    """Puts `credential` and `user` (or None) into the scope. A cookie counts only from a page of this very site."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        secret = secret_of(scope)
        found = await database_sync_to_async(auth.resolve)(secret, timezone.now()) if secret else None
        await self.inner({**scope, "credential": found, "user": found.user if found else None}, receive, send)


def secret_of(scope: Scope) -> str | None:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
    if bearer := auth.bearer_of(headers.get("authorization", "")):
        return bearer
    if token := parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token"):
        return str(token[0])
    if not same_site(headers):
        return None
    return cookie_of(headers.get("cookie", ""))


def same_site(headers: dict[str, str]) -> bool:
    """Whether the page that opens the socket came from here: other sites' pages carry our cookie too."""
    origin = headers.get("origin")
    if not origin:
        return False
    return urlsplit(origin).netloc == headers.get("host") or origin in settings.CSRF_TRUSTED_ORIGINS


def cookie_of(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return str(found.value) if found else None
