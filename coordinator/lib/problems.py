"""RFC 9457 problem documents: the one form of every error under /api."""

from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from coordinator.lib import errors, outages
from coordinator.lib.errors import Refusal

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, *, slug: str = "about:blank", title: str = "", **extra: Any) -> dict[str, Any]:
    """The members of a problem document."""
    kind = slug if slug == "about:blank" else f"urn:coordinator:problem:{slug}"
    return {"type": kind, "title": title or HTTPStatus(status).phrase, "status": status, "detail": detail, **extra}


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    return problem(refusal.status, refusal.detail, slug=refusal.slug, title=refusal.title, **refusal.extra)


def headers_of(refusal: Refusal) -> dict[str, str]:
    after = getattr(refusal, "retry_after_s", None)
    challenge = {"WWW-Authenticate": "Bearer"} if refusal.status == HTTPStatus.UNAUTHORIZED else {}
    return challenge if after is None else {**challenge, "Retry-After": str(after)}


def plain_answer(document: dict[str, Any], headers: dict[str, str] | None = None) -> HttpResponse:
    """A problem as a plain Django response, for middleware and views outside DRF."""
    body = orjson.dumps(document, default=str)
    return HttpResponse(body, status=document["status"], content_type=MEDIA_TYPE, headers=headers)


def refuse(refusal: Refusal) -> HttpResponse:
    return plain_answer(of_refusal(refusal), headers_of(refusal))


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or request.path == "/api"


def answer_problem(failure: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: the problem for what a view raised, or None for a fault of ours."""
    if isinstance(failure, Refusal):
        return _response(of_refusal(failure), headers_of(failure))
    if isinstance(failure, exceptions.ValidationError):
        return _response(of_refusal(errors.Invalid(_flat(failure.detail))))
    if isinstance(failure, ValidationError):
        return _response(of_refusal(errors.Invalid(_of_django(failure))))
    if isinstance(failure, Http404):
        return _response(problem(404, "There is nothing at this address."))
    if isinstance(failure, PermissionDenied):
        return _response(problem(403, "This account may not do that."))
    if isinstance(failure, exceptions.APIException):
        return _of_drf(failure)
    return _of_database(failure)


def _of_database(failure: Exception) -> Response | None:
    if outages.is_outage(failure):
        return _response(*_database_away(failure))
    if isinstance(failure, IntegrityError):
        return _response(problem(409, "Another change got there first, or a rule of the database forbids this one."))
    return None


def _of_drf(failure: exceptions.APIException) -> Response:
    headers = {}
    if challenge := getattr(failure, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(failure, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    detail = failure.detail if isinstance(failure.detail, str) else str(failure.detail)
    return _response(problem(failure.status_code, detail), headers)


def _database_away(failure: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    refusal = errors.Unavailable(outages.told(failure))
    return of_refusal(refusal), headers_of(refusal)


def _response(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(document, status=document["status"], headers=headers, content_type=MEDIA_TYPE)


def _flat(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested error detail as one level: `{"tasks.0.title": ["..."]}`."""
    if isinstance(detail, dict):
        found: dict[str, list[str]] = {}
        for name, inner in detail.items():
            found.update(_flat(inner, f"{prefix}.{name}".lstrip(".")))
        return found
    if isinstance(detail, list) and any(isinstance(inner, (dict, list)) for inner in detail):
        return _flat({index: inner for index, inner in enumerate(detail) if inner}, prefix)
    texts = detail if isinstance(detail, list) else [detail]
    return {prefix.removesuffix(".non_field_errors") or "body": [str(text) for text in texts]}


def _of_django(failure: ValidationError) -> dict[str, list[str]]:
    if hasattr(failure, "error_dict"):
        return {field: [str(text) for text in texts] for field, texts in failure.message_dict.items()}
    return {"body": [str(text) for text in failure.messages]}
