"""The adapter of OpenAI's Responses API, against a server that speaks it."""

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.adapters import ADAPTERS
from agents.adapters.base import AdapterProblem, Failure, Result, Run, Work
from agents.health import HealthState
from tests.running import responses_server
from tests.running.responses_server import ResponsesServer

OPENAI = ADAPTERS["openai"]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[ResponsesServer]:
    monkeypatch.setenv("OPENAI_API_KEY", responses_server.KEY)
    with responses_server.running() as server:
        yield server


def config(provider: ResponsesServer, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-5.2", "base_url": provider.url, "poll_s": 0.02, **more}


def start(provider: ResponsesServer, remote_id: str = "", **more: Any) -> Run:
    work = Work(
        prompt="write it",
        directory=Path("/"),
        marker="house:7:1",
        remote_id=remote_id,
        tags={"task_id": "t-1"},
        config=config(provider, **more),
        budget_usd=Decimal(1),
    )
    return OPENAI.start(work)


def to_its_end(run: Run) -> tuple[str, Result]:
    output, end = "", time.monotonic() + 10
    while run.result is None:
        output += run.poll(0.05)
        assert time.monotonic() < end, output
    output += run.poll(0)
    run.close()
    return output, run.result


def test_a_response_is_created_once_and_asked_about_until_it_ends(provider: ResponsesServer) -> None:
    output, result = to_its_end(start(provider, instructions="Be brief."))
    assert result.failure is None
    assert result.outputs == {"result": "Written.", "response_id": "resp_1"}
    assert "in_progress" in output
    assert "Written." in output
    [body] = provider.created
    assert body["background"] is True
    assert (body["model"], body["input"], body["instructions"]) == ("gpt-5.2", "write it", "Be brief.")
    assert body["metadata"] == {"coordinator.task_id": "t-1"}
    assert provider.once == ["house:7:1"]


def test_cached_input_is_counted_apart_and_the_cost_is_left_to_the_price_table(provider: ResponsesServer) -> None:
    _, result = to_its_end(start(provider))
    assert result.use is not None
    assert (result.use.input_tokens, result.use.cache_read_tokens) == (400, 600)
    assert (result.use.output_tokens, result.use.reasoning_tokens) == (300, 120)
    assert result.use.cost_usd is None


def test_a_stopped_response_is_cancelled_at_the_provider(provider: ResponsesServer) -> None:
    provider.steps = 10_000
    run = start(provider)
    run.stop()
    run.stop()
    _, result = to_its_end(run)
    assert result.failure == Failure.CANCELLED
    assert provider.cancelled == 1


def test_a_run_that_is_let_go_is_cancelled_at_the_provider(provider: ResponsesServer) -> None:
    provider.steps = 10_000
    start(provider).close()
    assert provider.cancelled == 1


@pytest.mark.parametrize(
    ("ends", "failure"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "Sorry."}}, Failure.UNREACHABLE),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow."}}, Failure.RATE_LIMITED),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, Failure.OVER_BUDGET),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Failure.REFUSED_BY_POLICY),
        ({"status": "expired"}, Failure.AGENT_ERROR),
    ],
)
def test_each_end_that_is_no_answer_has_its_word(provider: ResponsesServer, ends: Any, failure: Failure) -> None:
    provider.ends = ends
    _, result = to_its_end(start(provider))
    assert result.failure == failure
    assert result.use is not None


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (401, "invalid_api_key", Failure.NOT_LOGGED_IN),
        (429, "rate_limit_exceeded", Failure.RATE_LIMITED),
        (429, "insufficient_quota", Failure.OVER_BUDGET),
        (400, "model_not_found", Failure.MISCONFIGURED),
        (503, None, Failure.UNREACHABLE),
    ],
)
def test_a_provider_that_refuses_is_understood(
    provider: ResponsesServer, status: int, code: str | None, failure: Failure
) -> None:
    provider.fault = (status, {"error": {"code": code, "message": "No."}})
    with pytest.raises(AdapterProblem) as told:
        start(provider)
    assert told.value.failure == failure


def test_a_provider_that_stutters_is_asked_again(provider: ResponsesServer) -> None:
    run = start(provider)
    provider.fault = (500, {"error": {"message": "Sorry."}})
    for _ in range(5):
        run.poll(0.05)
    assert run.result is None
    provider.fault = None
    assert to_its_end(run)[1].failure is None


def test_health_is_asked_without_a_model_call(provider: ResponsesServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OPENAI.check(config(provider)).state == HealthState.HEALTHY
    assert OPENAI.check(config(provider, model="gpt-0")).state == HealthState.DOWN
    provider.fault = (529, "busy")
    assert OPENAI.check(config(provider)).state == HealthState.DEGRADED
    provider.fault = None
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    health = OPENAI.check(config(provider))
    assert health.state == HealthState.DOWN
    assert "another" not in health.reason
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "OPENAI_API_KEY is not set" in OPENAI.check(config(provider)).reason


@pytest.mark.parametrize("address", ["http://example.org/v1", "file:///etc/passwd", "ftp://127.0.0.1/", 7])
def test_a_key_is_sent_over_https_or_to_this_machine_only(provider: ResponsesServer, address: Any) -> None:
    assert "base_url" in OPENAI.check({"model": "gpt-5.2", "base_url": address}).reason
    assert provider.created == []


def test_a_response_that_lost_its_worker_is_taken_up_and_not_paid_twice(provider: ResponsesServer) -> None:
    lost = start(provider)
    again = start(provider, lost.remote_id)
    _, result = to_its_end(again)
    assert (lost.remote_id, again.remote_id) == ("resp_1", "resp_1")
    assert result.use is not None
    assert len(provider.created) == 1


def test_a_response_that_the_provider_forgot_is_begun_anew(provider: ResponsesServer) -> None:
    provider.forgotten = True
    run = start(provider, "resp_0")
    run.close()
    assert len(provider.created) == 1


def test_no_name_but_a_responses_is_ever_put_into_an_address(provider: ResponsesServer) -> None:
    start(provider, "../models").close()
    assert provider.asked == 0
