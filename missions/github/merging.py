"""Merging the pull request of approved work: only on a person's approval, only in the repository that we serve."""

import re
from urllib.parse import urlsplit

from django.conf import settings

from coordinator.lib.errors import Conflict
from missions.github import client
from missions.github.client import GitHub, GitHubRefused

PULL = re.compile(r"/(?P<repository>[\w.-]+/[\w.-]+)/pull/(?P<number>[0-9]{1,9})/?\Z")
PUBLIC_API = "api.github.com"


class MergeRefused(Conflict):
    """GitHub refused to merge the pull request."""


def merge(pr_url: str, sha: str = "") -> None:
    """Merges the pull request; one that is merged already counts as merged. Nothing happens without GitHub set up.

    With `sha`, the head commit that was handed in, only that is merged: GitHub refuses when the head has moved.

    Raises MergeRefused (also for an address that is not of our repository: it is never called), GitHubAway, TooMany.
    """
    github = client.configured()
    if github is None:
        return
    repository, number = address_of(pr_url)
    try:
        _merge(github, repository, number, sha)
    except GitHubRefused as refused:
        raise MergeRefused(f"{repository}#{number} was not merged. {refused.detail}", **refused.extra) from refused


def _merge(github: GitHub, repository: str, number: int, sha: str) -> None:
    pull = github.pull(repository, number)
    if not pull.get("merged"):
        github.merge(repository, number, sha or str((pull.get("head") or {}).get("sha", "")))


def address_of(pr_url: str) -> tuple[str, int]:
    """`owner/name` and number of a pull request of our host and repository. Raises MergeRefused."""
    parts = urlsplit(pr_url)
    found = PULL.match(parts.path)
    if found is None or (parts.scheme != "https" and not _is_local(parts.hostname)) or parts.hostname != web_host():
        raise MergeRefused(f"{pr_url[:200]!r} is no pull request on {web_host()}.")
    repository = found["repository"]
    if settings.GITHUB_REPOSITORY and repository.lower() != settings.GITHUB_REPOSITORY.lower():
        raise MergeRefused(f"{repository} is not the repository that is set up ({settings.GITHUB_REPOSITORY}).")
    return repository, int(found["number"])


def web_host() -> str | None:
    """The host of the pages that belong to the API: github.com for the public one."""
    host = urlsplit(settings.GITHUB_API_URL).hostname
    return "github.com" if host == PUBLIC_API else host


def _is_local(host: str | None) -> bool:
    return host in {"127.0.0.1", "localhost", "::1"}
