"""GitHub's REST API, as much of it as the coordinator uses: issues are read, a pull request is merged on command."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from coordinator.lib.errors import Conflict, Refusal, TooMany, Unavailable

TIMEOUT_S = (5, 20)
PAGE = 100
API_VERSION = "2022-11-28"
LEAST_WAIT_S = 60
NOT_MODIFIED = 304


class GitHubNotConfigured(Refusal):
    """GitHub is not set up."""

    status = 422


class GitHubRefused(Conflict):
    """GitHub refused the request."""


class GitHubAway(Unavailable):
    """GitHub does not answer."""


class GitHubLimited(TooMany):
    """GitHub's rate limit is used up."""


@dataclass(frozen=True)
class GitHub:
    """A connection to one GitHub API address with one token."""

    url: str
    token: str

    def issues(self, repository: str, since: datetime | None = None, etag: str = "") -> "Issues":
        """Every issue changed since then; none when nothing has changed since `etag` was given."""
        return Issues(self, repository, since, etag)

    def pull(self, repository: str, number: int) -> dict[str, Any]:
        """The pull request as GitHub tells it."""
        return _object(self.ask("GET", f"{self.url}/repos/{repository}/pulls/{number}"))

    def merge(self, repository: str, number: int, sha: str) -> str:
        """Merges the pull request if its head is still `sha`; answers the merge commit. Raises GitHubRefused."""
        address = f"{self.url}/repos/{repository}/pulls/{number}/merge"
        return str(_object(self.ask("PUT", address, json={"sha": sha})).get("sha", ""))

    def ask(self, method: str, address: str, etag: str = "", **options: Any) -> requests.Response:
        """One request. Raises GitHubAway, GitHubLimited, GitHubRefused."""
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "X-GitHub-Api-Version": API_VERSION,
            **({"If-None-Match": etag} if etag else {}),
        }
        try:
            answer = requests.request(
                method, address, headers=headers, timeout=TIMEOUT_S, allow_redirects=method == "GET", **options
            )
        except requests.RequestException as failure:
            raise GitHubAway(f"{self.url} does not answer: {type(failure).__name__}.") from failure
        _refuse(answer)
        return answer

    def next_page(self, answer: requests.Response) -> str | None:
        """The next page, when it is on the same host: the token goes nowhere else."""
        link: str | None = answer.links.get("next", {}).get("url")
        return link if link and urlsplit(link).netloc == urlsplit(self.url).netloc else None


@dataclass
class Issues:
    """Issues page by page, the oldest change first, pull requests left out. `etag` is GitHub's for the first page."""

    github: GitHub
    repository: str
    since: datetime | None
    etag: str

    def __iter__(self) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"state": "all", "sort": "updated", "direction": "asc", "per_page": PAGE}
        if self.since:
            query["since"] = self.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        first = self.github.ask("GET", f"{self.github.url}/repos/{self.repository}/issues", self.etag, params=query)
        self.etag = first.headers.get("ETag", "")
        if first.status_code == NOT_MODIFIED:
            return
        yield from _issues(first)
        address = self.github.next_page(first)
        while address:
            page = self.github.ask("GET", address)
            yield from _issues(page)
            address = self.github.next_page(page)


def configured() -> GitHub | None:
    """The connection that the settings name, or None when GitHub is not set up."""
    if not settings.GITHUB_TOKEN:
        return None
    return GitHub(settings.GITHUB_API_URL.rstrip("/"), settings.GITHUB_TOKEN)


def demanded() -> GitHub:
    """The connection. Raises GitHubNotConfigured."""
    if found := configured():
        return found
    raise GitHubNotConfigured("Set GITHUB_TOKEN (and GITHUB_REPOSITORY) to sync issues and merge pull requests.")


def _issues(answer: requests.Response) -> list[dict[str, Any]]:
    found = _json(answer)
    if not isinstance(found, list):
        raise GitHubAway("GitHub answered something else than a list of issues.")
    return [issue for issue in found if isinstance(issue, dict) and "pull_request" not in issue]


def _object(answer: requests.Response) -> dict[str, Any]:
    found = _json(answer)
    if not isinstance(found, dict):
        raise GitHubAway("GitHub answered something else than an object.")
    return found


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError as broken:
        raise GitHubAway("GitHub answered something that is not JSON.") from broken


def _refuse(answer: requests.Response) -> None:
    if answer.ok:
        return
    if answer.status_code in {403, 429} and (wait := _wait_s(answer)) is not None:
        raise GitHubLimited(f"GitHub's rate limit is used up; try again in {wait} s.", retry_after_s=wait)
    if answer.status_code >= 500:
        raise GitHubAway(f"GitHub answered {answer.status_code}: {reason_of(answer)}")
    raise GitHubRefused(f"GitHub answered {answer.status_code}: {reason_of(answer)}", github_status=answer.status_code)


def _wait_s(answer: requests.Response) -> int | None:
    """Seconds until GitHub takes requests again; None when the refusal is no rate limit."""
    after = answer.headers.get("Retry-After", "")
    if after.isdigit():
        return max(1, int(after))
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdigit():
        return max(1, int(reset) - int(time.time()))
    return LEAST_WAIT_S if answer.status_code == 429 else None


def reason_of(answer: requests.Response) -> str:
    """GitHub's own sentence."""
    try:
        told = answer.json()
    except ValueError:
        return answer.reason or "no reason given"
    return str(told.get("message", "no reason given"))[:300] if isinstance(told, dict) else "no reason given"
