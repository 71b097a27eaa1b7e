"""`/healthz`, `/readyz` and `/metrics`: for whoever watches this installation."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import auth
from coordinator import measures, readiness
from coordinator.lib import problems


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while this process answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, migrations and workers serve; else 503 with a sentence for each that does not."""
    found = readiness.faults(timezone.now())
    body = {"status": "not ready" if found else "ready", "faults": found}
    response = JsonResponse(body, status=503 if found else 200, headers={"Retry-After": "2"} if found else {})
    response._has_been_logged = True  # type: ignore[attr-defined]  # asked often, and no fault of the request
    return response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for a bearer token or a session that may read usage."""
    secret = auth.bearer_of(request.headers.get("Authorization", ""))
    credential = auth.resolve(secret, timezone.now()) if secret else auth.of_browser(request)
    if credential is None:
        document = problems.problem(401, "Send a bearer token that holds the scope `usage:read`.")
        return problems.plain_answer(document, {"WWW-Authenticate": "Bearer"})
    if "usage:read" not in credential.scopes:
        return problems.plain_answer(problems.problem(403, "This credential does not hold the scope 'usage:read'."))
    return HttpResponse(measures.text(timezone.now()), content_type="text/plain; version=0.0.4; charset=utf-8")
