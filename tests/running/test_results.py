"""Reading what agents' programs and providers say: whatever it is, it is understood or said to be no result."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.adapters import claude_results, openai_results
from agents.adapters.base import WHAT_TO_DO, AdapterProblem, Failure
from agents.costs import Use

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
CLAUDE = ("type", "subtype", "is_error", "result", "session_id", "terminal_reason", "total_cost_usd", "usage",
          "modelUsage", "permission_denials", "api_error_status", "deferred_tool_use", "message")  # fmt: skip
OPENAI = ("id", "status", "output", "usage", "error", "incomplete_details", "model")


@given(st.dictionaries(st.sampled_from(CLAUDE), ANY))
def test_anything_that_claude_says_is_read(said: dict[str, Any]) -> None:
    result = claude_results.read_result(said)
    assert result.failure is None or result.failure in Failure
    assert result.use is None or isinstance(result.use, Use)
    assert isinstance(claude_results.readable(said), str)


@given(st.binary(max_size=50))
def test_a_line_that_is_no_object_is_none(line: bytes) -> None:
    found = claude_results.parse(line)
    assert found is None or isinstance(found, dict)


@given(st.dictionaries(st.sampled_from(OPENAI), ANY))
def test_anything_that_the_provider_says_is_read(said: dict[str, Any]) -> None:
    result = openai_results.read(said)
    assert result is None or result.failure is None or result.failure in Failure


@given(st.integers(100, 599), ANY)
def test_any_error_answer_has_its_word(status: int, body: Any) -> None:
    assert isinstance(openai_results.problem_of(status, body), AdapterProblem)


def test_every_failure_says_what_a_person_can_do() -> None:
    assert set(WHAT_TO_DO) == set(Failure)


@pytest.mark.parametrize("named", ["../models", "a b", "", "x" * 300, None])
def test_an_id_that_is_no_id_is_never_put_into_an_address(named: Any) -> None:
    with pytest.raises(AdapterProblem):
        openai_results.id_of({"id": named})


def test_denied_tools_of_a_run_that_went_on_are_told() -> None:
    said = {"subtype": "success", "is_error": False, "result": "ok", "permission_denials": [{"tool_name": "Bash"}]}
    result = claude_results.read_result(json.loads(json.dumps(said)))
    assert (result.failure, result.detail) == (None, "Not permitted: Bash.")


def test_an_error_that_calls_itself_success_is_an_error() -> None:
    said = {"subtype": "success", "is_error": True, "result": "API Error", "api_error_status": 529}
    assert claude_results.read_result(said).failure == Failure.RATE_LIMITED
