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

    def issues(self, repository: str, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Every issue changed since then, oldest change first, pull requests left out. Follows the pages."""
        query: dict[str, Any] = {"state": "all", "sort": "updated", "direction": "asc", "per_page": PAGE}
        if since:
            query["since"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        address: str | None = f"{self.url}/repos/{repository}/issues"
        while address:
            answer = self._ask("GET", address, params=query)
            yield from (issue for issue in answer.json() if "pull_request" not in issue)
            address, query = self._next(answer), {}

    def pull(self, repository: str, number: int) -> dict[str, Any]:
        """The pull request as GitHub tells it."""
        found: dict[str, Any] = self._ask("GET", f"{self.url}/repos/{repository}/pulls/{number}").json()
        return found

    def merge(self, repository: str, number: int, sha: str) -> str:
        """Merges the pull request if its head is still `sha`; answers the merge commit. Raises GitHubRefused."""
        address = f"{self.url}/repos/{repository}/pulls/{number}/merge"
        return str(self._ask("PUT", address, json={"sha": sha}).json().get("sha", ""))

    def _ask(self, method: str, address: str, **options: Any) -> requests.Response:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "X-GitHub-Api-Version": API_VERSION,
        }
        try:
            answer = requests.request(
                method, address, headers=headers, timeout=TIMEOUT_S, allow_redirects=method == "GET", **options
            )
        except requests.RequestException as failure:
            raise GitHubAway(f"{self.url} does not answer: {type(failure).__name__}.") from failure
        _refuse(answer)
        return answer

    def _next(self, answer: requests.Response) -> str | None:
        """The next page, when it is on the same host: the token goes nowhere else."""
        link: str | None = answer.links.get("next", {}).get("url")
        return link if link and urlsplit(link).netloc == urlsplit(self.url).netloc else None


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
