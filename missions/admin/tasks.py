"""Tasks with all that happened to them, and the moves that a person makes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from coordinator.lib.admin import ServiceAdmin, chip_column, holds
from missions.admin.bases import SPENT, CommentForm, History, by, refuse_held
from missions.admin.forms import TaskForm
from missions.github import merging
from missions.lifecycle import TaskStatus
from missions.models import Dependency, Execution, Report, RequirementLink, Review, Task
from missions.services import callers, executing, planning, reporting, reviewing
from missions.services.reporting import Filing
from missions.services.verdicts import Outcome

Reviewing = Callable[..., tuple[Task, Outcome]]


class DependencyHistory(History):
    model = Dependency
    fk_name = "task"
    fields = ("needs",)
    related = ("needs",)
    verbose_name_plural = "waits for"


class DependentHistory(History):
    model = Dependency
    fk_name = "needs"
    fields = ("task",)
    related = ("task",)
    verbose_name_plural = "tasks that wait for it"


class RequirementHistory(History):
    model = RequirementLink
    fields = ("requirement", "revision", "linked_at")
    related = ("requirement",)


class ReportHistory(History):
    model = Report
    fields = ("at", "by", "agent", "status", "percent", "outputs")
    related = ("by", "agent")


class ReviewHistory(History):
    model = Review
    fields = ("at", "reviewer", "approved", "comment")
    related = ("reviewer",)


class ExecutionHistory(History):
    model = Execution
    fields = ("created_at", "agent", "adapter", "state", "failure", "cost_usd", "ended_at")
    related = ("agent",)


@admin.register(Task)
class TaskAdmin(ServiceAdmin):
    area = "tasks"
    form = TaskForm
    action_form = CommentForm
    fields = (*TaskForm.Meta.fields, "needs_keys", "requirement_keys")
    shown = (
        "status", "status_since", "percent", "outputs", "attempts", "fence", "cost_usd", "reported_by", "started_at",
        "ended_at", "version", "created_at", "updated_at",
    )  # fmt: skip
    list_display = (
        "task_id", "objective", chip_column(), "priority", "mission", "agent", "holder", "percent", SPENT,
        "due_at", "updated_at",
    )  # fmt: skip
    list_select_related = ("mission", "agent", "claim__agent")
    list_filter = (
        "status", "priority", "review_required", ("agent", admin.RelatedOnlyFieldListFilter),
        ("sprint", admin.RelatedOnlyFieldListFilter), ("mission", admin.RelatedOnlyFieldListFilter),
    )  # fmt: skip
    search_fields = ("task_id", "objective", "description", "mission__mission_id")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    autocomplete_fields = ("mission",)
    inlines = (
        DependencyHistory, DependentHistory, RequirementHistory, ReviewHistory, ReportHistory, ExecutionHistory,
    )  # fmt: skip
    actions = ("approve", "reject", "retry", "execute")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.fields, *self.shown) if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("mission", "task_id", *self.shown) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()

    def has_review_permission(self, request: HttpRequest) -> bool:
        return holds(request.user, "tasks:review")

    def has_work_permission(self, request: HttpRequest) -> bool:
        return holds(request.user, "tasks:work")

    @admin.display(description="Held by")
    def holder(self, row: Task) -> str:
        return row.claim.agent.key if hasattr(row, "claim") else ""

    def create_through(self, request: HttpRequest, data: dict[str, Any]) -> Model:
        return planning.create_task(**_fields(data), **by(request))

    def change_through(self, request: HttpRequest, row: Task, data: dict[str, Any]) -> Model:
        return planning.revise_task(row, expected=None, **_fields(data), **by(request))

    @admin.action(description="Approve the work in review", permissions=["review"])
    def approve(self, request: HttpRequest, rows: QuerySet[Task]) -> HttpResponse | None:
        return self._review(request, rows, partial(reviewing.approve, merge=merging.merge), "{} approved.")

    @admin.action(description="Reject the work in review, with the comment", permissions=["review"])
    def reject(self, request: HttpRequest, rows: QuerySet[Task]) -> HttpResponse | None:
        return self._review(request, rows, reviewing.reject, "{} rejected.")

    @admin.action(description="Retry failed tasks", permissions=["write"])
    def retry(self, request: HttpRequest, rows: QuerySet[Task]) -> HttpResponse | None:
        common = {"caller": callers.of(request.user), "expected": None, **by(request)}

        def one(row: Task) -> None:
            _, outcome = reporting.file_report(row, Filing(status=TaskStatus.PENDING), **common)
            refuse_held(outcome.approval)

        return self.each(request, rows.filter(status=TaskStatus.FAILED), one, "{} pending again.")

    @admin.action(description="Hand tasks to their agents' adapters", permissions=["work"])
    def execute(self, request: HttpRequest, rows: QuerySet[Task]) -> HttpResponse | None:
        said = by(request)
        return self.each(request, rows, lambda row: executing.request_execution(row, **said), "{} handed over.")

    def _review(self, request: HttpRequest, rows: QuerySet[Task], give: Reviewing, done: str) -> HttpResponse | None:
        said = {"comment": request.POST.get("comment", ""), "reviewer": request.user, "expected": None, **by(request)}

        def one(row: Task) -> None:
            refuse_held(give(row, **said)[1].approval)

        return self.each(request, rows, one, done)


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    """The form's fields under the names that the service knows."""
    names = {"needs_keys": "depends_on", "requirement_keys": "requirements"}
    return {names.get(name, name): value for name, value in data.items()}
