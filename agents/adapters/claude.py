"""Claude Code by its program `claude`, headless: one adapter reads its stream as it comes, the other its last word."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from agents.adapters import claude_results, environment
from agents.adapters.base import (
    AdapterProblem,
    AgentAdapter,
    Failure,
    Result,
    Run,
    Work,
    is_count,
    is_text,
    is_texts,
)
from agents.adapters.child import Child
from agents.secrets import is_reference

PROBE_TIMEOUT_S = 20
LONGEST_LINE = 8 * 1024 * 1024
SEEN = ("ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR")
MODES = ("default", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions")
CENT = Decimal("0.01")


class ClaudeRun(Run):
    """One `claude -p`."""

    def __init__(self, child: Child, *, streams: bool) -> None:
        self.child, self.streams = child, streams
        self.group = child.group
        self.partial = b""
        self.last_word: dict[str, Any] | None = None

    def poll(self, wait_s: float) -> str:
        shown = self._read(self.child.read(wait_s))
        if (code := self.child.exit_code) is not None and self.result is None:
            shown += self._read(self.child.rest() + b"\n")
            self.result = self._conclude(code, self.child.complaint.decode(errors="replace"))
        return shown

    def complaints(self) -> str:
        """Whole lines, and at the end what is left."""
        return self.child.complaints(whole_lines=self.result is None).decode(errors="replace")

    def stop(self) -> None:
        self.child.stop()

    def close(self) -> None:
        self.child.close()

    def _conclude(self, code: int, complaint: str) -> Result:
        if self.last_word is None:
            return claude_results.read_end(code, complaint)
        return claude_results.read_result(self.last_word)

    def _read(self, new: bytes) -> str:
        *lines, self.partial = (self.partial + new).split(b"\n")
        self.partial = self.partial[-LONGEST_LINE:]
        return "".join(self._understand(line) for line in lines if line.strip())

    def _understand(self, line: bytes) -> str:
        said = claude_results.parse(line)
        if said is None:
            return line.decode(errors="replace") + "\n"
        if said.get("type") == "result":
            self.last_word = said
            return "" if self.streams else f"{said.get('result') or ''}\n"
        return claude_results.readable(said)


class Claude(AgentAdapter):
    """The program `claude` on the workers' PATH, or the one that CLAUDE_COMMAND names."""

    secrets = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
    options = {
        "model": is_text,
        "permission_mode": lambda value: value in MODES,
        "max_turns": is_count,
        "allowed_tools": is_texts,
        "disallowed_tools": is_texts,
        "append_system_prompt": is_text,
        "api_key": is_reference,
    }
    output: ClassVar[tuple[str, ...]]
    streams: ClassVar[bool]
    spawns = True

    def start(self, work: Work) -> ClaudeRun:
        self.refuse_unknown(work.config)
        command = [self._program(), "-p", *self.output, *_arguments(work)]
        child = Child(command, stdin=work.prompt, directory=work.directory, environment=self._environment(work))
        return ClaudeRun(child, streams=self.streams)

    def probe(self, config: Mapping[str, Any]) -> str:
        program = self._program()
        with tempfile.TemporaryDirectory(prefix="coordinator-probe-") as directory:
            work = Work(prompt="", directory=Path(directory), marker="", config=config)
            known = self._environment(work)
            version = _ask([program, "--version"], known, directory)
            if version.returncode:
                raise AdapterProblem(Failure.NOT_INSTALLED, f"`claude --version` failed: {version.stderr[-200:]}.")
            status = _ask([program, "auth", "status"], known, directory)
            if status.returncode and _logged_out(status.stdout):
                raise AdapterProblem(Failure.NOT_LOGGED_IN, "The program `claude` is not logged in.")
        return f"claude {version.stdout.strip()[:100]}"

    def _program(self) -> str:
        wanted = os.environ.get("CLAUDE_COMMAND") or "claude"
        if found := shutil.which(wanted):
            return found
        raise AdapterProblem(Failure.NOT_INSTALLED, f"There is no program {wanted!r} on the workers' PATH.")

    def _environment(self, work: Work) -> dict[str, str]:
        found = environment.for_child(work, *self.secrets, *SEEN)
        if key := environment.secret(work.config, "api_key", self.secrets):
            found["ANTHROPIC_API_KEY"] = key
        return found


class ClaudeCode(Claude):
    """Reads the stream: what the agent says and does is seen while it works."""

    name = "claude_code"
    output = ("--output-format", "stream-json", "--verbose")
    streams = True


class ClaudeCli(Claude):
    """Reads one JSON object at the end."""

    name = "claude_cli"
    output = ("--output-format", "json")
    streams = False


def _arguments(work: Work) -> list[str]:
    config = work.config
    flags = {
        "--model": config.get("model"),
        "--permission-mode": config.get("permission_mode"),
        "--max-turns": config.get("max_turns"),
        "--allowedTools": ",".join(config.get("allowed_tools", ())),
        "--disallowedTools": ",".join(config.get("disallowed_tools", ())),
        "--append-system-prompt": config.get("append_system_prompt"),
        "--max-budget-usd": work.budget_usd and max(work.budget_usd.quantize(CENT), CENT),
    }
    return [text for flag, value in flags.items() if value for text in (flag, str(value))]


def _ask(command: list[str], known: dict[str, str], directory: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=known,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise AdapterProblem(Failure.UNREACHABLE, f"{command[-1]} gave no answer in {PROBE_TIMEOUT_S} s.") from slow
    except OSError as problem:
        raise AdapterProblem(Failure.NOT_INSTALLED, f"{command[0]} cannot be run: {problem}.") from problem


def _logged_out(answer: str) -> bool:
    """Whether `claude auth status` says so; older programs do not know the question."""
    try:
        said = json.loads(answer)
    except ValueError:
        return "not logged in" in answer.lower()
    return isinstance(said, dict) and said.get("loggedIn") is not True
