"""Stands in for the program `claude`: speaks its documented output and does what a word of its prompt says.

It is run as a program, by itself, with nothing of the product on its path. What it saw of each run it writes to
`runs.jsonl` under CLAUDE_CONFIG_DIR.
"""

import json
import os
import signal
import subprocess
import sys
import time

ANSWERS = {
    "fail-budget": {"subtype": "error_max_budget_usd", "is_error": True, "result": ""},
    "fail-limit": {"subtype": "success", "is_error": True, "api_error_status": 429, "result": "API Error: 429"},
    "fail-login": {"subtype": "success", "is_error": True, "result": "Invalid API key · Please run /login"},
    "fail-turns": {"subtype": "error_max_turns", "is_error": True, "result": ""},
    "fail-hook": {"subtype": "success", "is_error": False, "terminal_reason": "hook_stopped", "result": ""},
}
DONE = {"subtype": "success", "is_error": False, "terminal_reason": "completed", "result": "All done."}
COST = {
    "total_cost_usd": 0.00558,
    "usage": {"input_tokens": 1500},
    "modelUsage": {
        "claude-sonnet-5": {
            "inputTokens": 2000,
            "outputTokens": 100,
            "cacheReadInputTokens": 400,
            "cacheCreationInputTokens": 200,
            "costUSD": 0.00558,
        }
    },
}


def main() -> int:
    if "--version" in sys.argv:
        sys.stdout.write("2.1.330 (Claude Code)\n")
        return 0
    if sys.argv[1:] == ["auth", "status"]:
        logged_in = bool(os.environ.get("ANTHROPIC_API_KEY"))
        sys.stdout.write(json.dumps({"loggedIn": logged_in}))
        return 0 if logged_in else 1
    return work(sys.stdin.read())


def work(prompt: str) -> int:
    is_first = not os.path.exists(seen_file())
    note(prompt)
    say({"type": "system", "subtype": "init", "session_id": "s-1", "model": "claude-sonnet-5"})
    say(spoken({"type": "text", "text": "I read the task."}))
    say(spoken({"type": "tool_use", "name": "Bash", "input": {"command": "ls"}}))
    if "crash" in prompt:
        sys.stderr.write("cannot go on\n")
        return 7
    if "stubborn" in prompt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "grandchild" in prompt:
        other = subprocess.Popen(["sleep", "600"])
        note(prompt, grandchild=other.pid)
    if "runaway" in prompt:
        note(prompt, grandchild=subprocess.Popen(["sleep", "600"], start_new_session=True).pid)
    while "hang" in prompt and (is_first or "hang-once" not in prompt):
        time.sleep(0.05)
    if "leave-behind" in prompt:
        note(prompt, grandchild=subprocess.Popen(["sleep", "600"]).pid)
    answer = next((answer for word, answer in ANSWERS.items() if word in prompt), DONE)
    say({"type": "result", "session_id": "s-1", "permission_denials": [], **answer, **COST}, always=True)
    return 1 if answer["is_error"] else 0


def spoken(part: dict[str, object]) -> dict[str, object]:
    return {"type": "assistant", "message": {"role": "assistant", "content": [part]}}


def say(line: dict[str, object], *, always: bool = False) -> None:
    if always or "stream-json" in sys.argv:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def seen_file() -> str:
    return os.path.join(os.environ["CLAUDE_CONFIG_DIR"], "runs.jsonl")


def note(prompt: str, **more: int) -> None:
    seen = {"pid": os.getpid(), "argv": sys.argv[1:], "environment": dict(os.environ), "prompt": prompt, **more}
    with open(seen_file(), "a") as kept:
        kept.write(json.dumps({**seen, "directory": os.getcwd()}) + "\n")


if __name__ == "__main__":
    sys.exit(main())
