"""Who opens a WebSocket: a bearer token in the header or the address, or the cookie of a page of this very site."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services import issuing_tokens
from accounts.socket import WithCredential
from tests.factories import token_of
from traceability.events import SYSTEM


def opened(query: str = "", **headers: Any) -> Any:
    """The scope that the inner application sees."""
    seen = {}

    async def inner(scope: Any, receive: Any, send: Any) -> Any:
        seen.update(scope)

    scope = {
        "type": "websocket",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    async_to_sync(WithCredential(inner))(scope, None, None)
    return seen


def cookie_of(user: User) -> Any:
    client = Client()
    client.force_login(user)
    return f"other=1; coordinator_session={client.cookies['coordinator_session'].value}"


def test_a_bearer_token_in_the_header_or_the_address_is_recognised(committed: User) -> None:
    plain = token_of(committed, ["tasks:read"])
    for scope in (opened(authorization=f"Bearer {plain}"), opened(f"topics=tasks&token={plain}")):
        assert scope["user"] == committed
        assert scope["credential"].scopes == {"tasks:read"}


@pytest.mark.parametrize("bad", ["", "coord_x", "cos_x", "nonsense", "%00", "é"])
def test_a_bad_token_is_nobody(bad: str, committed: User) -> None:
    scope = opened(f"token={bad}")
    assert (scope["user"], scope["credential"]) == (None, None)


def test_a_revoked_token_is_nobody(committed: User) -> None:
    plain = token_of(committed)
    issuing_tokens.revoke(ApiToken.objects.get(user=committed), actor=SYSTEM, now=timezone.now())
    assert opened(authorization=f"Bearer {plain}")["credential"] is None


def test_the_cookie_counts_only_from_a_page_of_this_site(committed: User) -> None:
    cookie = cookie_of(committed)
    ours = opened(cookie=cookie, host="here.example", origin="https://here.example")
    assert ours["user"] == committed
    assert ours["credential"].session_id is not None
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        assert opened(cookie=cookie, host="here.example", **headers)["credential"] is None


def test_no_credential_is_nobody() -> None:
    assert opened(host="here.example", origin="https://here.example")["credential"] is None
    assert opened(cookie="coordinator_session", origin="https://here.example", host="here.example")["user"] is None
