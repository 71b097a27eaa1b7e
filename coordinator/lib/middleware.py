"""What every request passes: an id, the security headers, a size limit, and problems instead of HTML under /api."""

import logging
import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from coordinator.lib import bodies, outages, problems
from coordinator.lib.errors import Refusal, Unavailable

Answer = Callable[[HttpRequest], HttpResponse]
REQUEST_ID_SHAPE = re.compile(r"[\x21-\x7e]{1,200}\Z")
log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


class RequestId:
    """Echoes `X-Request-Id`, made when absent or unfit; services store it on every ledger entry."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request.request_id = given if REQUEST_ID_SHAPE.match(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class SecurityHeaders:
    """A strict Content-Security-Policy and its companions on every answer."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if problems.is_api(request):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class Problems:
    """Under /api every error is a problem document, also those that Django answers before a view is found."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not problems.is_api(request) or response.status_code < 400:
            return response
        if response.get("Content-Type", "").startswith(problems.MEDIA_TYPE):
            return response
        return problems.plain_answer(problems.problem(response.status_code, _sentence(response.status_code)))

    def process_exception(self, request: HttpRequest, failure: Exception) -> HttpResponse | None:
        if not problems.is_api(request):
            return None
        if isinstance(failure, Refusal):
            return problems.refuse(failure)
        if outages.is_outage(failure):
            return problems.refuse(Unavailable(outages.told(failure)))
        log.error("Unhandled failure of %s %s", request.method, request.path, exc_info=failure)
        return problems.plain_answer(
            problems.problem(500, "A fault of ours; it is in the server's log under this request's id.")
        )


def _sentence(status: int) -> str:
    return {
        400: "The request is malformed.",
        403: "The CSRF check failed: send the token of the page, or use a bearer token.",
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
        413: "The body is too large.",
    }.get(status, "The request failed.")


class BodyLimit:
    """Refuses bodies above `BODY_LIMIT` (1 MiB; 10 MiB for documents), which `bodies.LimitedBodies` cut on arrival."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = bodies.limit_of(request.path)
        cut = getattr(request, "scope", {}).get(bodies.TOO_LARGE, False)
        if cut or bodies.declared_length(request.META.get("CONTENT_LENGTH") or "") > limit:
            return problems.plain_answer(
                problems.problem(413, f"The body is larger than {limit:,} bytes. Send less at a time.")
            )
        return self.get_response(request)
