"""Why a decision came out as it did, line by line: each test, what it expected and what was there. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policies.models import Decision
from policies.vocabulary import Outcome

LONGEST = 200
WIDTH = 10


def lines(decision: Decision, revisions: Mapping[tuple[str, int], str]) -> Iterator[str]:
    """The explanation. `revisions` tells of each policy and number who made it, and when."""
    asked = decision.asked
    about = ", ".join(f"{noun} {ref['key']}" for noun, ref in asked["subjects"].items() if isinstance(ref, dict))
    yield f"Decision {decision.pk} at {asked['at']}: {decision.outcome}"
    yield f"  {decision.action_type} at {decision.point}, asked by {decision.actor_kind} {decision.actor_name}"
    if about:
        yield f"  about {about}"
    yield f"  action: {_short(asked['action'])}"
    for finding in decision.matched:
        yield ""
        yield from _finding(finding, revisions)
    yield ""
    yield f"Why: {why(decision)}"


def why(decision: Decision) -> str:
    """In one sentence or two, why it came out so."""
    found = decision.matched
    if not found:
        return "No policy matched, and what no policy speaks of is allowed."
    binding = [each["policy_id"] for each in found if each["outcome"] == decision.outcome]
    if decision.outcome == Outcome.ALLOW:
        return " ".join(dict.fromkeys(_let_through(each) for each in found))
    verb = {"block": "blocks", "escalate": "asks for a person's word", "warn": "warns"}[decision.outcome]
    return f"{' and '.join(binding)} {verb}; of all that matches, the strictest counts."


def _let_through(finding: Mapping[str, Any]) -> str:
    key = finding["policy_id"]
    if "waiver" in finding:
        return f"{key} matched, and waiver {finding['waiver']} kept it from binding, this once."
    if "approval" in finding:
        return f"{key} asked for a person's word, and approval {finding['approval']} gave it, this once."
    if finding["mode"] == "audit":
        return f"{key} is in audit mode: it is recorded, and never binds."
    if finding.get("error"):
        return f"{key} could not be judged, and fails open."
    return f"{key} allowed it."


def _finding(finding: Mapping[str, Any], revisions: Mapping[tuple[str, int], str]) -> Iterator[str]:
    key, number = finding["policy_id"], finding["revision"]
    made = revisions.get((key, number), "")
    would = "" if finding["would_have"] == finding["outcome"] else f", would have been {finding['would_have']}"
    yield f"{key} revision {number}{f' ({made})' if made else ''}: {finding['outcome']}{would}"
    yield f"  says: {finding['message']}"
    for leaf in finding["matched"]:
        yield f"  {_answer(leaf):{WIDTH}} {leaf['path']} {leaf['op']} {_short(leaf['expected'])}{_there(leaf)}"


def _answer(leaf: Mapping[str, Any]) -> str:
    if "error" in leaf:
        return "error"
    return "holds" if leaf["holds"] else "does not"


def _there(leaf: Mapping[str, Any]) -> str:
    error = f" ({leaf['error']})" if "error" in leaf else ""
    if leaf["op"] == "cel":
        return error
    return f"; there was {_short(leaf['actual'])}{error}" if "actual" in leaf else f"; there was nothing{error}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
