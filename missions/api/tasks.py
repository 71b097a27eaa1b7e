"""Tasks: list, make, revise, report, claim, review."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent
from coordinator.lib.errors import Invalid
from coordinator.lib.filters import Belongs, Choice, Flag, Made, Search
from coordinator.lib.views import Lists, ResourceView, Shows
from missions.api import told
from missions.api.serializers import ClaimBody, HolderBody, ProgressBody, ReviewBody, TaskShape
from missions.github import merging
from missions.lifecycle import TaskStatus
from missions.models import Advisory, Mission, Task
from missions.models.task import TaskQuerySet
from missions.services import callers, claiming, metering, planning, reporting, reviewing
from missions.services.reporting import Filing
from missions.services.verdicts import Outcome
from sprints.models import Sprint
from traceability.models import Requirement

FILTERS = {
    "status": Choice("status", TaskStatus),
    "sprint": Belongs("sprint", Sprint),
    "agent": Belongs("agent", Agent),
    "requirement": Belongs("requirement_links__requirement", Requirement),
    "capability": Made(lambda rows, value: rows.filter(required_capabilities__contains=[value]), "A capability."),
    "ready": Flag(
        lambda rows: cast(TaskQuerySet, rows).ready(),
        description="true: pending, dependencies completed, mission active, unclaimed.",
    ),
    "q": Search("objective", "description", "task_id"),
}


class TaskBase(ResourceView):
    """What the tasks' views share: the shape of a task and of what became of it."""

    resource = "task"
    serializer_class = TaskShape
    queryset = Task.objects.shown()

    def named(self) -> Task:
        """The task that the path names, without all that an answer shows."""
        found: Task = self.row(Task.objects.all())
        return found

    def told(self, task: Task, outcome: Outcome, code: int = status.HTTP_200_OK) -> Response:
        """The task with what the policies decided and what is advised; 202 when the move is held."""
        open_advice = Advisory.objects.open().awake(self.now).filter(task=task).order_by("pk")
        advice = [
            {"id": each.pk, "kind": each.kind, "severity": each.severity, "message": each.message}
            for each in open_advice[:20]
        ]
        also: dict[str, Any] = {"decisions": list(outcome.decisions), "advisories": advice}
        if outcome.approval is not None:
            return self.fresh(task, status.HTTP_202_ACCEPTED, **also, approval=outcome.approval)
        return self.fresh(task, code, **also)


class TaskView(Lists, Shows, TaskBase):
    """A unit of work of a mission."""

    filters = {"mission": Belongs("mission", Mission), **FILTERS}
    outward = frozenset({"approve"})
    scopes = {
        "list": "tasks:read",
        "retrieve": "tasks:read",
        "partial_update": "tasks:write",
        "report": "tasks:work",
        "approve": "tasks:review",
        "reject": "tasks:review",
    }

    @extend_schema(responses={200: TaskShape, 202: told.HeldTask})
    def partial_update(self, request: Request, key: str) -> Response:
        """Changes fields, and the state by the same rules as a report; all of it or nothing.

        An agent changes `status`, `percent` and `outputs` of its task; any other field is 403."""
        task, fields = self.named(), self.body(TaskShape, partial=True)
        wanted = fields.pop("status", None)
        common = {
            "caller": callers.of(self.request.user),
            "expected": self.expected,
            "actor": self.actor,
            "now": self.now,
        }
        if wanted is None:
            return self.fresh(planning.revise_task(task, **common, **fields))
        filing = Filing(status=TaskStatus(wanted), changes=fields)
        return self.told(*reporting.file_report(task, filing, **common))

    @extend_schema(request=ProgressBody, responses=told.TOLD)
    def report(self, request: Request, key: str) -> Response:
        """Records progress and moves the state. 409: a policy blocks; 202: held for approval."""
        task, filing = self.named(), filing_of(self._progress())
        return self.told(
            *reporting.file_report(
                task,
                filing,
                caller=callers.of(self.request.user),
                expected=self.expected,
                actor=self.actor,
                now=self.now,
            )
        )

    @extend_schema(request=ReviewBody, responses=told.TOLD)
    def approve(self, request: Request, key: str) -> Response:
        """Completes work in review, merging its pull request first when GitHub is set up."""
        return self._review(partial(reviewing.approve, merge=merging.merge))

    @extend_schema(request=ReviewBody, responses=told.TOLD)
    def reject(self, request: Request, key: str) -> Response:
        """Sends work in review back, with what should change."""
        return self._review(reviewing.reject)

    def _review(self, give: Callable[..., tuple[Task, Outcome]]) -> Response:
        task, fields = self.named(), self.body(ReviewBody)
        return self.told(
            *give(
                task,
                comment=fields.get("comment", ""),
                reviewer=self.request.user,
                expected=self.expected,
                actor=self.actor,
                now=self.now,
            )
        )

    def _progress(self) -> dict[str, Any]:
        """The report's fields, flat or wrapped in `progress`, itself perhaps wrapped in `task`."""
        data = self.unwrapped()
        if isinstance(data, dict) and set(data) == {"progress"}:
            data = data["progress"]
        if not isinstance(data, dict):
            raise Invalid({"progress": ["This must be an object."]})
        read = ProgressBody(data=data)
        read.is_valid(raise_exception=True)
        fields: dict[str, Any] = dict(read.validated_data)
        return fields


class ClaimView(TaskBase):
    """The lease on a task: one winner; everyone else is told who holds it."""

    scopes = {"claim": "tasks:work", "renew": "tasks:work", "release": "tasks:work"}

    @extend_schema(request=ClaimBody, responses=told.ClaimedTask)
    def claim(self, request: Request, key: str) -> Response:
        """Takes the lease, or renews one's own; `fence` grows with every holder. 409 names who holds the task."""
        task, fields = self.named(), self.body(ClaimBody)
        ttl_s = fields.get("ttl_s", settings.CLAIM_TTL_S)
        held = claiming.claim(task, **self._claimant(fields), ttl_s=ttl_s, now=self.now)
        return self.fresh(task, fence=held.fence)

    @extend_schema(request=HolderBody, responses=told.ClaimedTask)
    def renew(self, request: Request, key: str) -> Response:
        """Moves the end of one's own lease, never backwards."""
        task, fields = self.named(), self.body(HolderBody)
        ttl_s = fields.get("ttl_s", settings.CLAIM_TTL_S)
        held = claiming.renew(task, **self._claimant(fields), ttl_s=ttl_s, fence=fields.get("fence"), now=self.now)
        return self.fresh(task, fence=held.fence)

    @extend_schema(request=HolderBody, responses=TaskShape)
    def release(self, request: Request, key: str) -> Response:
        """Gives the task back; work that had begun is pending again."""
        task, fields = self.named(), self.body(HolderBody)
        claimant = self._claimant(fields)
        return self.fresh(claiming.release(task, **claimant, fence=fields.get("fence"), now=self.now))

    def _claimant(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The agent that claims, and the actor. Raises Invalid when no agent is named, NotAllowed for another's."""
        caller = callers.of(self.request.user, fields.get("agent"))
        if caller.agent is None:
            raise Invalid({"agent": ["Name the agent that claims: this token belongs to no agent."]})
        return {"agent": caller.agent, "actor": callers.acting(self.actor, caller)}


class TasksOfMission(TaskBase):
    """The tasks of one mission."""

    filters = FILTERS
    scopes = {"list": "tasks:read", "create": "tasks:write"}

    @property
    def mission(self) -> Mission:
        return Mission.objects.identified(self.kwargs["mission"])

    def get_queryset(self) -> QuerySet[Task]:
        rows = super().get_queryset()
        return rows.filter(mission=self.mission) if self.action == "list" and "mission" in self.kwargs else rows

    def list(self, request: Request, mission: str) -> Response:
        """The tasks of this mission."""
        return self.page(self.get_queryset())

    def create(self, request: Request, mission: str) -> Response:
        """A new task, pending. A cycle of dependencies: 422; a mission that has ended: 409.

        An agent makes tasks where it takes part, without `review_required` and `budget_usd`: else 403."""
        owner, fields = self.mission, self.body(TaskShape)
        if fields.pop("status", TaskStatus.PENDING) != TaskStatus.PENDING:
            raise Invalid({"status": ["A new task is pending."]})
        if fields.pop("mission", owner) != owner:
            raise Invalid({"mission": [f"The address names mission {owner.key}."]})
        caller = callers.of(self.request.user)
        task = planning.create_task(mission=owner, caller=caller, **fields, actor=self.actor, now=self.now)
        return self.fresh(task, status.HTTP_201_CREATED)


def filing_of(fields: dict[str, Any]) -> Filing:
    wanted = fields.get("status")
    return Filing(
        status=TaskStatus(wanted) if wanted else None,
        percent=fields.get("percent"),
        outputs=fields.get("outputs", {}),
        logs=tuple(fields.get("logs", ())),
        usage=metering.read(fields.get("usage")),
        fence=fields.get("fence"),
    )
