"""A client that knows the contract alone: paths, verbs and JSON over HTTP, nothing of how the server is built."""

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests

PROBLEM = "application/problem+json"
PATIENCE_S = 30
RUN = secrets.token_hex(3)
_numbers = itertools.count(1)


class Broken(AssertionError):
    """The server answered otherwise than it promised."""


@dataclass(frozen=True)
class Answer:
    """What came back. `json` of an answer without a body is None."""

    status: int
    headers: Any
    text: str
    json: Any

    def __getitem__(self, name: str) -> Any:
        if not isinstance(self.json, dict) or name not in self.json:
            raise Broken(f"there is no {name!r} in {self}")
        return self.json[name]

    def __str__(self) -> str:
        return f"{self.status} {self.text[:300]}"


class Client:
    """Calls `base` (for instance `http://127.0.0.1:8000`) with a bearer token, or without when it is None."""

    def __init__(self, base: str, token: str | None) -> None:
        self.base, self.token = base.rstrip("/"), token
        self.session = requests.Session()
        self.session.trust_env = False

    def with_token(self, token: str | None) -> "Client":
        return Client(self.base, token)

    def call(
        self, verb: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, raw: bytes | None = None
    ) -> Answer:
        """Any answer. `path` begins under `/api` unless it begins with `//`, which is the server's root."""
        address = self.base + (path[1:] if path.startswith("//") else f"/api{path}")
        address = path if path.startswith("http") else address
        sent: dict[str, Any] = {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if raw is not None:
            given["Content-Type"] = "application/json"
        response = self.session.request(verb, address, headers={**given, **(headers or {})}, timeout=PATIENCE_S, **sent)
        return Answer(response.status_code, response.headers, response.text, _json(response))

    def get(self, path: str, status: int = 200, **options: Any) -> Answer:
        return promised(self.call("GET", path, **options), status)

    def post(self, path: str, body: Any = None, status: int = 200, **options: Any) -> Answer:
        return promised(self.call("POST", path, body, **options), status)

    def patch(self, path: str, body: Any = None, status: int = 200, **options: Any) -> Answer:
        return promised(self.call("PATCH", path, body, **options), status)

    def delete(self, path: str, status: int = 204, **options: Any) -> Answer:
        return promised(self.call("DELETE", path, **options), status)

    def every(self, path: str) -> list[Any]:
        """All rows of a list, page by page."""
        return list(itertools.chain.from_iterable(page["results"] for page in self.pages(path)))

    def pages(self, path: str) -> Iterator[Answer]:
        following: str | None = path
        while following:
            page = self.get(following)
            yield page
            following = page["next"]


def promised(answer: Answer, status: int) -> Answer:
    """The answer when it has this status; a refusal must be a problem document. Raises Broken."""
    if answer.status != status:
        raise Broken(f"{status} was promised, this came: {answer}")
    if status >= 400:
        expect(answer.headers.get("Content-Type", "").startswith(PROBLEM), f"no problem document: {answer.headers}")
        expect({"type", "title", "status", "detail"} <= set(answer.json), f"an incomplete problem: {answer}")
        expect(answer["status"] == status, f"another status in the problem: {answer}")
    return answer


def expect(held: Any, told: Any = "") -> None:
    """Raises Broken with what came instead."""
    if not held:
        raise Broken(str(told)[:600])


def same(came: Any, wanted: Any) -> None:
    expect(came == wanted, f"{wanted!r} was promised, this came: {came!r}")


def unique(word: str) -> str:
    """A public key that no other run uses."""
    return f"{word}-{RUN}-{next(_numbers)}"


def _json(response: requests.Response) -> Any:
    try:
        return response.json() if "json" in response.headers.get("Content-Type", "") else None
    except ValueError as problem:
        raise Broken(f"this is not JSON: {response.text[:200]!r}") from problem


Step = Callable[[Client], None]


@dataclass(frozen=True)
class Promise:
    """One line of the contract: what it is about (`POST /missions`), what it says, and how it is tried."""

    about: str
    says: str
    keep: Step


PROMISES: list[Promise] = []


def promise(about: str, says: str) -> Callable[[Step], Step]:
    """Puts a step on the list of promises."""

    def made(step: Step) -> Step:
        PROMISES.append(Promise(about, says, step))
        return step

    return made
