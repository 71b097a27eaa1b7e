"""The public API, as a client speaks it: JSON, a bearer token, keys for retries, problems as exceptions."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import requests

TIMEOUT_S = 30
TRIES = 4
SLOW_DOWN = {requests.codes.too_many_requests, requests.codes.service_unavailable}
LONGEST_REST_S = 5.0


class Unreachable(Exception):
    """Nobody answers at this address."""


class Refused(Exception):
    """The server refused; `detail` is its reason and `problem` the whole answer."""

    def __init__(self, status: int, problem: dict[str, Any], asked: str) -> None:
        self.status, self.problem, self.asked = status, problem, asked
        super().__init__(f"{asked} was refused with {status}: {self.detail}")

    @property
    def detail(self) -> str:
        errors = "; ".join(f"{field}: {' '.join(texts)}" for field, texts in self.problem.get("errors", {}).items())
        return errors or str(self.problem.get("detail", ""))


class Api:
    """One caller. Answers are the JSON of the body; a refusal raises Refused, silence raises Unreachable."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Bearer {token}", "User-Agent": "coordinator-demo"})

    def get(self, path: str, **query: Any) -> Any:
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        """Safe to repeat: the server does what one key asks for once."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return self._ask("POST", path, json={} if body is None else body, headers=key)

    def patch(self, path: str, body: Any, *, version: int) -> Any:
        """Changes the version that was read; somebody else's change in between is a refusal with 412."""
        return self._ask("PATCH", path, json=body, headers={"If-Match": f'"{version}"'})

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def every(self, path: str, **query: Any) -> Iterator[Any]:
        """Each row of a list, page by page."""
        page = self.get(path, page_size=200, **query)
        yield from page["results"]
        while page["next"]:
            page = self._ask("GET", page["next"])
            yield from page["results"]

    def close(self) -> None:
        self.session.close()

    def _ask(self, verb: str, path: str, **how: Any) -> Any:
        for left in reversed(range(TRIES)):
            try:
                answer = self.session.request(verb, self._address(path), timeout=TIMEOUT_S, **how)
            except requests.RequestException as silence:
                if not left:
                    raise Unreachable(f"{self.url} does not answer: {type(silence).__name__}.") from silence
                time.sleep(0.2)
                continue
            if answer.status_code not in SLOW_DOWN or not left:
                return _read(answer, f"{verb} {path}")
            time.sleep(min(float(answer.headers.get("Retry-After", "1")), LONGEST_REST_S))
        raise AssertionError("unreachable")

    def _address(self, path: str) -> str:
        return path if path.startswith("http") else f"{self.url}/api{path}"


def _read(answer: requests.Response, asked: str) -> Any:
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        body = {"detail": "the answer is no JSON"}
    if not answer.ok:
        raise Refused(answer.status_code, body, asked)
    return body
