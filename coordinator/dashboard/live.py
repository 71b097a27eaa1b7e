"""Live pages: which regions a request wants, which of them the browser still has, and which another viewer has made.

A region's version is the state of the ledger (its last entries, so that one committed late counts too) and a quarter
of a minute, read BEFORE anything is gathered: it may be one too old, never too new. Regions are kept by address,
audience and version, so that many viewers cost one render.
"""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import time
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

from coordinator.lib.admin import CoordinatorAdminSite
from coordinator.lib.navigation import navigation
from traceability.archiving import ArchiveChanged, ArchiveMissing

BUCKET_S = 15
KEPT_S = 60
LATE_ENTRIES = 200
"""An entry may commit after one with a higher id; among so many last ones such a latecomer changes the sum."""

NOTE = '<section class="card"><p class="empty"><strong>{}.</strong> {}</p></section>'
"""In place of a region whose archived entries cannot be read."""

VERSION = f"""
    SELECT coalesce(max(id), 0), coalesce(sum(id), 0)
    FROM (SELECT id FROM traceability_entry ORDER BY id DESC LIMIT {LATE_ENTRIES}) AS latest
"""
Reader = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True)
class Region:
    """A rendered region; `html` is None when the browser has it already."""

    token: str
    html: str | None


@dataclass(frozen=True)
class Page:
    """What a view answers: a template, its title, a reader for each live region, and what needs no reading.

    `private` names the regions that depend on who looks, beyond what their role may see. `stamps` gives those that
    change without an entry in the ledger a version of their own beside the ledger's.
    """

    template: str
    title: str
    regions: Mapping[str, Reader]
    shown: Mapping[str, Any] = field(default_factory=dict)
    private: frozenset[str] = frozenset()
    stamps: Mapping[str, Callable[[], str]] = field(default_factory=dict)


class Live:
    """The regions of one request."""

    def __init__(self, request: HttpRequest, page: Page, readers: Mapping[str, Reader]) -> None:
        self.readers = readers
        self.missing: set[str] = set()
        self.private, self.stamps = page.private, page.stamps
        self.version = version()
        self.wanted = wanted(request.headers.get("X-Live"))
        self.address = request.get_full_path()
        self.viewer = request.user.pk
        self.audience = ",".join(sorted(getattr(request.user, "scopes", ())))

    def region(self, name: str, render: Callable[[dict[str, Any]], str]) -> Region | None:
        """None when it is not asked for; else its token, with the html unless the browser has the same."""
        if self.wanted is not None and name not in self.wanted:
            return None
        had_version, _, had_hash = (self.wanted or {}).get(name, "").partition("~")
        version = f"{self.version}.{self.stamps[name]()}" if name in self.stamps else self.version
        if had_version == version and had_hash:
            return Region(f"{had_version}~{had_hash}", None)
        html = self._html(name, version, render)
        made = digest(html)
        return Region(f"{version}~{made}", None if made == had_hash else html)

    def _html(self, name: str, version: str, render: Callable[[dict[str, Any]], str]) -> str:
        audience = f"{self.audience}/{self.viewer}" if name in self.private else self.audience
        key = "live-" + digest("\n".join([self.address, name, audience, version]))
        html: str | None = cache.get(key)
        if html is None:
            try:
                html = render(dict(self.readers[name]()))
            except (ArchiveMissing, ArchiveChanged) as away:
                return self._once(away.title, str(away.detail))
            cache.set(key, html, KEPT_S)
        return html

    def _once(self, title: str, detail: str) -> str:
        """The note for the first region that cannot be read; the others stay empty when they would say the same."""
        if detail in self.missing:
            return ""
        self.missing.add(detail)
        return format_html(NOTE, title, detail)


def version() -> str:
    """Changes with every committed ledger entry, and every quarter of a minute."""
    with connection.cursor() as cursor:
        cursor.execute(VERSION)
        last, total = cursor.fetchone()
    return f"{last}.{int(total) % 1_000_003}.{int(time()) // BUCKET_S}"


def wanted(header: str | None) -> dict[str, str] | None:
    """The regions that `X-Live: name=token,...` asks for; None when the whole page is."""
    if header is None:
        return None
    pairs = (part.partition("=") for part in header.split(",") if part.strip())
    return {name.strip(): token.strip() for name, _, token in pairs}


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def respond(request: HttpRequest, site: CoordinatorAdminSite, page: Page) -> HttpResponse:
    """The whole page, or with `X-Live` only the regions asked for."""

    badges = functools.cache(site.badges)

    def nav() -> Mapping[str, Any]:
        return {"nav": navigation(request, badges())}

    live = Live(request, page, {"nav": nav, **page.regions})
    context = {
        "title": page.title,
        "layout": "admin/base_site.html" if live.wanted is None else "live.html",
        "live": live,
        "has_permission": True,
        "scopes": getattr(request.user, "scopes", frozenset()),
        "badges": badges() if live.wanted is None else {},
        **page.shown,
    }
    response = TemplateResponse(request, page.template, context)
    response["Cache-Control"] = "no-store"
    response["Vary"] = "X-Live, Cookie"
    return response.render()
