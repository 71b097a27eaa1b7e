"""What the Responses API's objects say. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from agents.adapters.base import AdapterProblem, Failure, Result
from agents.costs import Use

LONGEST_ANSWER = 20_000
IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,200}\Z")
UNDER_WAY = {"queued", "in_progress"}
BY_STATUS = {400: Failure.MISCONFIGURED, 401: Failure.NOT_LOGGED_IN, 403: Failure.NOT_LOGGED_IN,
             402: Failure.OVER_BUDGET, 404: Failure.MISCONFIGURED, 429: Failure.RATE_LIMITED}  # fmt: skip
BY_CODE = {
    "insufficient_quota": Failure.OVER_BUDGET,
    "billing_hard_limit_reached": Failure.OVER_BUDGET,
    "rate_limit_exceeded": Failure.RATE_LIMITED,
    "invalid_api_key": Failure.NOT_LOGGED_IN,
    "model_not_found": Failure.MISCONFIGURED,
    "server_error": Failure.UNREACHABLE,
    "content_filter": Failure.REFUSED_BY_POLICY,
    "max_output_tokens": Failure.OVER_BUDGET,
}


def id_of(found: Mapping[str, Any]) -> str:
    """The response's id, as it may stand in an address. Raises AdapterProblem."""
    named = found.get("id")
    if not isinstance(named, str) or not IDENTITY.match(named):
        raise AdapterProblem(Failure.UNREACHABLE, f"The provider named the response {str(named)[:100]!r}.")
    return named


def problem_of(status: int, found: Any) -> AdapterProblem:
    """What an error answer means."""
    error = found.get("error") if isinstance(found, dict) else None
    told: Mapping[str, Any] = error if isinstance(error, dict) else {}
    failure = BY_CODE.get(str(told.get("code"))) or BY_STATUS.get(status, Failure.UNREACHABLE)
    return AdapterProblem(failure, f"The provider answered {status}: {str(told.get('message') or found)[:300]}")


def read(found: Mapping[str, Any]) -> Result | None:
    """The result that a response object tells; None while it is under way."""
    status = str(found.get("status"))
    if status in UNDER_WAY:
        return None
    answer = _text(found)[:LONGEST_ANSWER]
    if status == "completed":
        return Result(outputs={"result": answer, "response_id": str(found.get("id"))}, use=_use(found))
    if status == "cancelled":
        return Result(failure=Failure.CANCELLED, detail="The response was cancelled.", use=_use(found))
    code, message = _reason(found)
    detail = f"The response is {status}: {message or code or 'no reason given'}."
    return Result(failure=BY_CODE.get(code, Failure.AGENT_ERROR), detail=detail, use=_use(found))


def _reason(found: Mapping[str, Any]) -> tuple[str, str]:
    error, cut = found.get("error"), found.get("incomplete_details")
    if isinstance(error, dict):
        return str(error.get("code") or ""), str(error.get("message") or "")[:300]
    return (str(cut.get("reason") or ""), "") if isinstance(cut, dict) else ("", "")


def _text(found: Mapping[str, Any]) -> str:
    """The text of every message among the response's items."""
    items = found.get("output")
    messages = [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
    parts = [part for each in messages if each.get("type") == "message" for part in each.get("content") or ()]
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


def _use(found: Mapping[str, Any]) -> Use | None:
    """Its tokens; input includes what a cache served, so that part is taken out."""
    usage = found.get("usage")
    if not isinstance(usage, dict):
        return None
    inside, outside = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    cached, written = _count(inside, "cached_tokens"), _count(inside, "cache_write_tokens")
    return Use(
        model=str(found.get("model") or "")[:200],
        input_tokens=max(_count(usage, "input_tokens") - cached - written, 0),
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=_count(usage, "output_tokens"),
        reasoning_tokens=_count(outside, "reasoning_tokens"),
    )


def _count(found: Any, name: str) -> int:
    value = found.get(name) if isinstance(found, dict) else 0
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
