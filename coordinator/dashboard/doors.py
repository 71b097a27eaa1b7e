"""Who may open a page: somebody signed in whose role holds the page's scope."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from coordinator.dashboard.live import Page, respond
from coordinator.lib.admin import CoordinatorAdminSite
from coordinator.lib.errors import Missing
from coordinator.lib.navigation import holds
from traceability.archiving import ArchiveChanged, ArchiveMissing

View = Callable[..., HttpResponse]


def site() -> CoordinatorAdminSite:
    """The one admin site, whose shell the pages share."""
    return cast(CoordinatorAdminSite, admin.site)


def page(scope: str) -> Callable[[Callable[..., Page]], View]:
    """Makes a view of a function that answers a `Page`: sign-in first, then the scope, then 404 for what is missing.

    History whose file is away has a page that says so, where no region can.
    """

    def made(view: Callable[..., Page]) -> View:
        @wraps(view)
        def answer(request: HttpRequest, **named: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not holds(request.user, scope):
                raise PermissionDenied
            try:
                return respond(request, site(), view(request, **named))
            except Missing as missing:
                raise Http404(missing.detail) from missing
            except (ArchiveMissing, ArchiveChanged) as away:
                return render(request, "away.html", {"away": away}, status=away.status)

        answer.scope = scope  # type: ignore[attr-defined]
        return require_safe(answer)

    return made
