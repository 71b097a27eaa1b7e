"""GitHub issues, as they were at the last sync, each with the task that it became."""

from typing import Self

from django.db import models

from missions.models.task import Task


class GitHubIssueQuerySet(models.QuerySet["GitHubIssue"]):
    def named(self, value: object) -> Self:
        """By its row's id, or by `owner/name#number`."""
        text = str(value)
        if text.isascii() and text.isdigit():
            return self.filter(pk=int(text)) if len(text) < 19 else self.none()
        repository, _, number = text.rpartition("#")
        known = number.isascii() and number.isdigit() and len(number) < 10
        return self.filter(repository=repository, number=int(number)) if known else self.none()


class GitHubIssue(models.Model):
    repository = models.CharField(max_length=200)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=500)
    body = models.TextField(blank=True)
    state = models.CharField(max_length=16)
    labels = models.JSONField(default=list)
    author = models.CharField(max_length=100, blank=True)
    url = models.URLField(max_length=500)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    synced_at = models.DateTimeField()
    task = models.OneToOneField(Task, null=True, on_delete=models.PROTECT, related_name="github_issue")

    objects = GitHubIssueQuerySet.as_manager()

    class Meta:
        verbose_name = "GitHub issue"
        constraints = [models.UniqueConstraint(fields=["repository", "number"], name="an_issue_is_synced_once")]

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


class GitHubFeed(models.Model):
    """How far a repository's issues were read: GitHub's ETag for what had changed `since` then."""

    repository = models.CharField(max_length=200, unique=True)
    since = models.DateTimeField(null=True)
    etag = models.CharField(max_length=200, blank=True)
    read_at = models.DateTimeField()

    class Meta:
        verbose_name = "GitHub feed"

    def __str__(self) -> str:
        return self.repository
