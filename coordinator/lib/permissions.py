"""Who may call what: every action of every view names one scope, and the credential must hold it."""

from typing import Any

from django.conf import settings
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class HasScope(BasePermission):
    """Grants when the request's credential holds the scope that the view names for the action.

    A view without a scope for its action grants nothing; a method that the address does not take is 405.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        if getattr(view, "action", "") is None:
            raise MethodNotAllowed(str(request.method))
        scope = scope_of(view)
        if scope is None:
            return False
        held = not scope or scope in getattr(request.auth, "scopes", ())
        self.message = f"This credential does not hold the scope {scope!r}."
        return held


def scope_of(view: Any) -> str | None:
    """The scope that the view's present action demands; `""` demands only a valid credential."""
    scopes: dict[str, str] = getattr(view, "scopes", {})
    found = scopes.get(getattr(view, "action", None) or view.request.method.lower())
    return getattr(view, "scope", None) if found is None else found


class SignedIn(BasePermission):
    """Grants to every valid credential: for what belongs to the caller alone."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated)


class TokenRate(SimpleRateThrottle):
    """Limits each token to `API_RATE_LIMIT`; the answer is 429 with Retry-After."""

    scope = "token"

    def __init__(self) -> None:
        self.rate = settings.API_RATE_LIMIT or None
        if self.rate:
            super().__init__()

    def allow_request(self, request: Request, view: Any) -> bool:
        return True if not self.rate else super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        token = getattr(request.auth, "token_id", None)
        return f"rate-{token or self.get_ident(request)}"
