"""What the `claude` program's JSON says: its last line as a result, its other lines as text to read. Pure.

Seen with Claude Code 2.1: an API failure is `subtype: success` with `is_error: true`; the totals of `modelUsage`
include subagents, those of `usage` do not.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from agents.adapters.base import Failure, Result
from agents.costs import MICRO, Use

LONGEST_ANSWER = 20_000
LONGEST_CALL = 200

BY_SUBTYPE = {"error_max_budget_usd": Failure.OVER_BUDGET, "error_max_turns": Failure.AGENT_ERROR}
BY_TERMINAL_REASON = {"hook_stopped": Failure.REFUSED_BY_POLICY}
BY_API_STATUS = {
    401: Failure.NOT_LOGGED_IN,
    402: Failure.OVER_BUDGET,
    403: Failure.NOT_LOGGED_IN,
    429: Failure.RATE_LIMITED,
    500: Failure.UNREACHABLE,
    502: Failure.UNREACHABLE,
    503: Failure.UNREACHABLE,
    529: Failure.RATE_LIMITED,
}
BY_WORDS = (
    ("/login", Failure.NOT_LOGGED_IN),
    ("invalid api key", Failure.NOT_LOGGED_IN),
    ("credit balance is too low", Failure.OVER_BUDGET),
    ("usage limit reached", Failure.RATE_LIMITED),
    ("connection error", Failure.UNREACHABLE),
)


def parse(line: bytes) -> dict[str, Any] | None:
    """The JSON object on a line of output; None for anything else."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def read_result(said: Mapping[str, Any]) -> Result:
    """The result that a `{"type": "result"}` object tells."""
    answer = str(said.get("result") or "")
    failure = _failure(said, answer)
    outputs = {"result": answer[:LONGEST_ANSWER]} if answer and failure is None else {}
    if isinstance(said.get("session_id"), str) and failure is None:
        outputs["session_id"] = said["session_id"]
    return Result(failure=failure, detail=_detail(said, answer, failure), outputs=outputs, use=_use(said))


def read_end(exit_code: int, complaint: str) -> Result:
    """The result of a program that ended without telling one."""
    how = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
    last = complaint.strip()[-500:]
    said = complaint.lower()
    failure = next((failure for words, failure in BY_WORDS if words in said), Failure.CRASHED)
    return Result(failure=failure, detail=f"The program {how} and told no result. {last}".strip())


def readable(said: Mapping[str, Any]) -> str:
    """A line of the stream as text to read: what the agent says and which tools it calls; often nothing."""
    message = said.get("message")
    if said.get("type") != "assistant" or not isinstance(message, dict):
        return ""
    parts = message.get("content")
    shown = [_part(part) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return "".join(f"{text}\n" for text in shown if text)


def _part(part: Mapping[str, Any]) -> str:
    if part.get("type") == "text":
        return str(part.get("text") or "")
    if part.get("type") == "tool_use":
        call = json.dumps(part.get("input"), ensure_ascii=False)
        return f"→ {part.get('name')} {call[:LONGEST_CALL]}"
    return ""


def _failure(said: Mapping[str, Any], answer: str) -> Failure | None:
    subtype, reason = str(said.get("subtype")), str(said.get("terminal_reason"))
    if found := BY_SUBTYPE.get(subtype) or BY_TERMINAL_REASON.get(reason):
        return found
    if said.get("deferred_tool_use"):
        return Failure.REFUSED_BY_POLICY
    if not said.get("is_error") and subtype == "success":
        return None
    status, words = said.get("api_error_status"), answer.lower()
    by_status = BY_API_STATUS.get(status) if isinstance(status, int) else None
    return by_status or next((failure for text, failure in BY_WORDS if text in words), Failure.AGENT_ERROR)


def _detail(said: Mapping[str, Any], answer: str, failure: Failure | None) -> str:
    denials = said.get("permission_denials")
    listed = denials if isinstance(denials, list) else []
    refused = [str(each.get("tool_name")) for each in listed if isinstance(each, dict)]
    denied = f"Not permitted: {', '.join(refused[:20])}." if refused else ""
    if failure is None:
        return denied
    return " ".join(filter(None, [answer[:500] or f"The program reports {said.get('subtype')}.", denied]))


def _use(said: Mapping[str, Any]) -> Use | None:
    """Tokens of all models together, under the name of the dearest; the cost as the program reports it."""
    models = said.get("modelUsage")
    rows = {str(name): row for name, row in models.items() if isinstance(row, dict)} if isinstance(models, dict) else {}
    cost = _money(said.get("total_cost_usd"))
    if not rows and cost is None:
        return None
    dearest = max(rows, key=lambda name: _money(rows[name].get("costUSD")) or Decimal(0), default="")
    return Use(
        model=dearest[:200],
        input_tokens=_sum(rows, "inputTokens"),
        cache_read_tokens=_sum(rows, "cacheReadInputTokens"),
        cache_write_tokens=_sum(rows, "cacheCreationInputTokens"),
        output_tokens=_sum(rows, "outputTokens"),
        cost_usd=cost,
    )


def _sum(rows: Mapping[str, Mapping[str, Any]], name: str) -> int:
    counts = [row.get(name) for row in rows.values()]
    return sum(count for count in counts if isinstance(count, int) and not isinstance(count, bool) and count >= 0)


def _money(value: Any) -> Decimal | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1_000_000
    return Decimal(str(value)).quantize(MICRO) if known else None
