"""OpenAI's Responses API in the background: created once, asked about until it has ended."""

import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from agents.adapters import environment, openai_results
from agents.adapters.base import AdapterProblem, AgentAdapter, Failure, Result, Run, Work, is_count, is_seconds, is_text
from agents.secrets import is_reference

DEFAULT_URL = "https://api.openai.com/v1"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
TIMEOUT_S = (5.0, 15.0)
LAST_TIMEOUT_S = (1.0, 1.0)
"""Seconds to connect and to wait for an answer; the second when a run is asked to end."""

ASK_EVERY_S = 2.0
PATIENCE_S = 60.0
"""How long the provider may fail to answer while a response is under way."""


def is_address(value: Any) -> bool:
    """An https address, or plain http on this machine."""
    if not is_text(value):
        return False
    parts = urlsplit(value)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


class Provider:
    """The API at one address with one key."""

    def __init__(self, config: Mapping[str, Any], secrets: tuple[str, ...]) -> None:
        self.url = str(config.get("base_url") or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL).rstrip("/")
        if not is_address(self.url):
            raise AdapterProblem(Failure.MISCONFIGURED, f"{self.url} is no https address.")
        key = environment.secret(config, "api_key", secrets) or os.environ.get(secrets[0])
        if not key:
            raise AdapterProblem(Failure.NOT_LOGGED_IN, f"{secrets[0]} is not set in the workers' environment.")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def call(
        self, method: str, path: str, body: Any = None, *, once: str = "", timeout_s: tuple[float, float] = TIMEOUT_S
    ) -> dict[str, Any]:
        """The answer's object. Raises AdapterProblem."""
        headers = {"Idempotency-Key": once} if once else {}
        try:
            answer = self.session.request(
                method, self.url + path, json=body, headers=headers, timeout=timeout_s, allow_redirects=False
            )
            found = answer.json()
        except (requests.RequestException, ValueError) as problem:
            raise AdapterProblem(Failure.UNREACHABLE, f"{self.url} gave no answer: {problem}"[:500]) from problem
        if answer.status_code != 200 or not isinstance(found, dict):
            raise openai_results.problem_of(answer.status_code, found)
        return found


class OpenAiRun(Run):
    """One response."""

    def __init__(self, provider: Provider, created: Mapping[str, Any], ask_every_s: float) -> None:
        self.provider, self.ask_every_s = provider, ask_every_s
        self.status = ""
        self.stopped = False
        self.answered = self.asked = time.monotonic()
        self.remote_id = openai_results.id_of(created)
        self.path = f"/responses/{self.remote_id}"
        self.news = self._take(created)

    def poll(self, wait_s: float) -> str:
        shown, self.news = self.news, ""
        due = self.asked + self.ask_every_s - time.monotonic()
        if self.result is None and due > 0:
            time.sleep(min(wait_s, due))
        elif self.result is None:
            shown += self._ask("GET", self.path)
        return shown

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.news += self._ask("POST", f"{self.path}/cancel", timeout_s=LAST_TIMEOUT_S)
            self.result = self.result or Result(failure=Failure.CANCELLED, detail="It was asked to end.")

    def close(self) -> None:
        if self.result is None:
            self.stop()
        self.provider.session.close()

    def _ask(self, method: str, path: str, *, timeout_s: tuple[float, float] = TIMEOUT_S) -> str:
        self.asked = time.monotonic()
        try:
            found = self.provider.call(method, path, timeout_s=timeout_s)
        except AdapterProblem as problem:
            passing = problem.failure in {Failure.UNREACHABLE, Failure.RATE_LIMITED}
            if not passing or self.asked - self.answered > PATIENCE_S:
                self.result = Result(failure=problem.failure, detail=problem.detail)
            return ""
        self.answered = self.asked
        return self._take(found)

    def _take(self, found: Mapping[str, Any]) -> str:
        """Keeps what a response object says; answers what is worth reading of it."""
        before, self.status = self.status, str(found.get("status"))
        self.result = openai_results.read(found)
        if self.result is not None:
            return f"{self.result.outputs.get('result') or self.result.detail}\n"
        return f"The response is {self.status}.\n" if self.status != before else ""


class OpenAi(AgentAdapter):
    """A model of OpenAI, or of a service that speaks its Responses API."""

    name = "openai"
    secrets = ("OPENAI_API_KEY",)
    options = {
        "model": is_text,
        "base_url": is_address,
        "api_key": is_reference,
        "instructions": is_text,
        "max_output_tokens": is_count,
        "poll_s": is_seconds,
    }

    def start(self, work: Work) -> OpenAiRun:
        self.refuse_unknown(work.config)
        config = work.config
        if "model" not in config:
            raise AdapterProblem(Failure.MISCONFIGURED, "adapter_config names no model.")
        provider = Provider(config, self.secrets)
        created = self._left_running(provider, work) or self._create(provider, work)
        return OpenAiRun(provider, created, float(config.get("poll_s", ASK_EVERY_S)))

    def _left_running(self, provider: Provider, work: Work) -> dict[str, Any] | None:
        """The response that the attempt before lost; None when there is none, or the provider no longer knows it."""
        if not openai_results.IDENTITY.match(work.remote_id):
            return None
        try:
            return provider.call("GET", f"/responses/{work.remote_id}")
        except AdapterProblem as problem:
            if problem.failure != Failure.MISCONFIGURED:
                raise
            return None

    def _create(self, provider: Provider, work: Work) -> dict[str, Any]:
        config = work.config
        wanted = {name: config[name] for name in ("model", "instructions", "max_output_tokens") if name in config}
        tags = {f"coordinator.{name}": value for name, value in work.tags.items()}
        body = {**wanted, "input": work.prompt, "background": True, "store": True, "metadata": tags}
        return provider.call("POST", "/responses", body, once=work.marker)

    def probe(self, config: Mapping[str, Any]) -> str:
        provider = Provider(config, self.secrets)
        models = provider.call("GET", "/models").get("data")
        known = (
            {str(each.get("id")) for each in models if isinstance(each, dict)} if isinstance(models, list) else set()
        )
        if known and config.get("model") and config["model"] not in known:
            raise AdapterProblem(Failure.MISCONFIGURED, f"{provider.url} has no model {config['model']}.")
        return f"{provider.url} answers"
