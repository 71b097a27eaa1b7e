"""Pages that are not live: the list of all records, and what robots are told."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from coordinator.dashboard.doors import site


def records(request: HttpRequest) -> HttpResponse:
    """Every kind of record that this account may see in the admin."""
    if not site().has_permission(request):
        return redirect_to_login(request.get_full_path())
    return site().records(request)


def robots(request: HttpRequest) -> HttpResponse:
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")
