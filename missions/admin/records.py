"""Claims, reports, reviews, and the issues of GitHub."""

from django.contrib import admin
from django.db.models import QuerySet, URLField
from django.http import HttpRequest, HttpResponse

from coordinator.lib.admin import ReadOnlyAdmin, ServiceAdmin, chip, chip_column
from missions.admin.bases import by
from missions.models import Claim, GitHubFeed, GitHubIssue, Report, Review
from missions.services import claiming


@admin.register(Claim)
class ClaimAdmin(ServiceAdmin):
    area = "tasks"
    list_display = ("task", "agent", "mission", "fence", "claimed_at", "renewed_at", "lease_until")
    list_select_related = ("task__mission", "agent")
    list_filter = (("agent", admin.RelatedOnlyFieldListFilter),)
    search_fields = ("task__task_id", "task__objective", "agent__agent_id", "task__mission__mission_id")
    date_hierarchy = "claimed_at"
    ordering = ("lease_until", "pk")
    actions = ("release",)

    @admin.display(description="Mission")
    def mission(self, row: Claim) -> str:
        return row.task.mission.key

    @admin.action(description="Release the chosen claims", permissions=["write"])
    def release(self, request: HttpRequest, rows: QuerySet[Claim]) -> HttpResponse | None:
        said = by(request)
        rows = rows.select_related("task", "agent")
        return self.each(request, rows, lambda row: claiming.release(row.task, row.agent, **said), "{} released.")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    area = "tasks"
    list_display = ("id", "task", "agent", "by", "status", "percent", "lines", "at")
    list_select_related = ("task", "agent", "by")
    list_filter = ("status", ("agent", admin.RelatedOnlyFieldListFilter))
    search_fields = ("task__task_id", "agent__agent_id", "by__email")
    date_hierarchy = "at"
    ordering = ("-pk",)

    @admin.display(description="Log lines")
    def lines(self, row: Report) -> int:
        return len(row.logs)


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    area = "tasks"
    list_display = ("id", "task", "verdict", "reviewer", "comment", "at")
    list_select_related = ("task", "reviewer")
    list_filter = ("approved", ("reviewer", admin.RelatedOnlyFieldListFilter))
    search_fields = ("task__task_id", "reviewer__email", "comment")
    date_hierarchy = "at"
    ordering = ("-pk",)

    @admin.display(description="Verdict", ordering="approved")
    def verdict(self, row: Review) -> str:
        return chip("approved") if row.approved else chip("rejected")


@admin.register(GitHubIssue)
class GitHubIssueAdmin(ReadOnlyAdmin):
    area = "github"
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    list_display = ("__str__", "title", chip_column("state"), "task", "author", "changed_at", "synced_at")
    list_select_related = ("task",)
    list_filter = ("state", "repository")
    search_fields = ("title", "body", "repository", "author", "task__task_id")
    date_hierarchy = "opened_at"
    ordering = ("-changed_at", "-pk")


@admin.register(GitHubFeed)
class GitHubFeedAdmin(ReadOnlyAdmin):
    area = "github"
    list_display = ("repository", "since", "read_at")
    search_fields = ("repository",)
    ordering = ("repository",)
