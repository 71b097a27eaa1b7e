"""The adapters of Claude Code, against a program that speaks its output."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.adapters import ADAPTERS
from agents.adapters.base import AdapterProblem, Failure, Result, Run, Work
from agents.health import HealthState
from tests.running.agents_at_hand import FakeClaude, lives, until

BOTH = ("claude_code", "claude_cli")


def work(directory: Path, prompt: str = "do it", **more: Any) -> Work:
    tags = {"mission_id": "m-1", "task_id": "t,1 x", "agent_id": "a-1"}
    return Work(prompt=prompt, directory=directory, marker="house:1:1", tags=tags, **more)


def to_its_end(run: Run) -> tuple[str, Result]:
    output, end = "", time.monotonic() + 10
    while run.result is None:
        output += run.poll(0.05) + run.complaints()
        assert time.monotonic() < end, output
    run.close()
    return output, run.result


@pytest.mark.parametrize("name", BOTH)
def test_a_finished_run_tells_its_answer_and_what_it_cost(name: str, claude: FakeClaude, tmp_path: Path) -> None:
    output, result = to_its_end(ADAPTERS[name].start(work(tmp_path)))
    assert result.failure is None
    assert result.outputs == {"result": "All done.", "session_id": "s-1"}
    assert result.use is not None
    assert result.use.cost_usd == Decimal("0.005580")
    assert (result.use.model, result.use.input_tokens, result.use.output_tokens) == ("claude-sonnet-5", 2000, 100)
    assert (result.use.cache_read_tokens, result.use.cache_write_tokens) == (400, 200)
    assert ("I read the task." if name == "claude_code" else "All done.") in output


def test_the_stream_is_read_while_the_agent_works(claude: FakeClaude, tmp_path: Path) -> None:
    run = ADAPTERS["claude_code"].start(work(tmp_path, "hang"))
    seen = ""

    def news() -> bool:
        nonlocal seen
        seen += run.poll(0.05)
        return "→ Bash" in seen

    until(news)
    assert run.result is None
    run.close()


def test_the_prompt_and_the_key_are_never_arguments(
    claude: FakeClaude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY_TEAM", "key-of-the-team")
    config = {"api_key": {"env": "ANTHROPIC_API_KEY_TEAM"}, "model": "opus", "allowed_tools": ["Bash(git *)", "Read"]}
    to_its_end(ADAPTERS["claude_code"].start(work(tmp_path, "a secret plan", config=config)))
    [seen] = claude.runs
    assert seen["prompt"] == "a secret plan"
    assert not {"a secret plan", "key-of-the-team", "key-of-the-test"} & set(seen["argv"])
    assert seen["environment"]["ANTHROPIC_API_KEY"] == "key-of-the-team"
    assert seen["argv"][-4:] == ["--model", "opus", "--allowedTools", "Bash(git *),Read"]


def test_a_run_sees_nothing_of_the_installation_but_its_own_marks(
    claude: FakeClaude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "OPENAI_API_KEY", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "not for agents")
    to_its_end(ADAPTERS["claude_cli"].start(work(tmp_path)))
    [seen] = claude.runs
    assert "not for agents" not in seen["environment"].values()
    assert seen["environment"]["COORDINATOR_EXECUTION"] == "house:1:1"
    attributes = "coordinator.agent_id=a-1,coordinator.mission_id=m-1,coordinator.task_id=t%2C1%20x"
    assert seen["environment"]["OTEL_RESOURCE_ATTRIBUTES"] == attributes
    assert seen["directory"] == str(tmp_path)


def test_the_budget_is_handed_to_the_program(claude: FakeClaude, tmp_path: Path) -> None:
    to_its_end(ADAPTERS["claude_cli"].start(work(tmp_path, budget_usd=Decimal("1.239"))))
    assert claude.runs[0]["argv"][-2:] == ["--max-budget-usd", "1.24"]


@pytest.mark.parametrize(
    ("prompt", "failure"),
    [
        ("fail-budget", Failure.OVER_BUDGET),
        ("fail-limit", Failure.RATE_LIMITED),
        ("fail-login", Failure.NOT_LOGGED_IN),
        ("fail-turns", Failure.AGENT_ERROR),
        ("fail-hook", Failure.REFUSED_BY_POLICY),
        ("crash", Failure.CRASHED),
    ],
)
@pytest.mark.parametrize("name", BOTH)
def test_each_failure_has_its_word(
    name: str, prompt: str, failure: Failure, claude: FakeClaude, tmp_path: Path
) -> None:
    output, result = to_its_end(ADAPTERS[name].start(work(tmp_path, prompt)))
    assert result.failure == failure
    assert result.outputs == {}
    if failure == Failure.CRASHED:
        assert "exit code 7" in result.detail
        assert "cannot go on" in output
    else:
        assert result.use is not None, "what it cost is known although it failed"


def test_a_stopped_run_ends_with_all_its_processes(claude: FakeClaude, tmp_path: Path) -> None:
    run = ADAPTERS["claude_code"].start(work(tmp_path, "stubborn grandchild hang"))
    grandchild = until(lambda: run.poll(0.02) is not None and claude.runs[1:] and claude.runs[1]["grandchild"])
    assert lives(grandchild)
    run.stop()
    run.stop()
    _, result = to_its_end(run)
    assert result.failure == Failure.CRASHED
    assert "signal" in result.detail
    until(lambda: not lives(grandchild) and not lives(claude.runs[0]["pid"]))


def test_what_a_finished_program_leaves_behind_is_ended(claude: FakeClaude, tmp_path: Path) -> None:
    _, result = to_its_end(ADAPTERS["claude_cli"].start(work(tmp_path, "leave-behind")))
    assert result.failure is None
    until(lambda: not lives(claude.runs[1]["grandchild"]))


def test_a_program_that_is_not_there_is_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AdapterProblem) as told:
        ADAPTERS["claude_code"].start(work(tmp_path))
    assert told.value.failure == Failure.NOT_INSTALLED
    health = ADAPTERS["claude_code"].check({})
    assert health.state == HealthState.DOWN
    assert "PATH" in health.reason


def test_health_is_asked_without_a_model_call(claude: FakeClaude, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = ADAPTERS["claude_code"]
    health = adapter.check({})
    assert (health.state, health.reason) == (HealthState.HEALTHY, "claude 2.1.330 (Claude Code)")
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    health = adapter.check({})
    assert health.state == HealthState.DOWN
    assert "not logged in" in health.reason
    assert claude.runs == []


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"modle": "opus"}, "modle"),
        ({"model": "--dangerously-skip-permissions"}, "model"),
        ({"max_turns": True}, "max_turns"),
        ({"allowed_tools": ["-x"]}, "allowed_tools"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"api_key": {"env": "DATABASE_URL"}}, "DATABASE_URL"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: Any, word: str, claude: FakeClaude) -> None:
    health = ADAPTERS["claude_cli"].check(config)
    assert health.state == HealthState.DOWN
    assert word in health.reason
