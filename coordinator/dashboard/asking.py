"""What a page's request asks for, and by whom."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from coordinator.dashboard.live import Reader


def asked(request: HttpRequest, *names: str) -> dict[str, str]:
    """The filters in the address, without NULs and at most 200 characters each."""
    return {name: request.GET.get(name, "").replace("\x00", "")[:200] for name in names}


def scopes_of(request: HttpRequest) -> frozenset[str]:
    found: frozenset[str] = getattr(request.user, "scopes", frozenset())
    return found


def known(facts: Mapping[str, Any]) -> Reader:
    """A reader for facts that were read already, to find the row that the page is about."""
    return lambda: facts
