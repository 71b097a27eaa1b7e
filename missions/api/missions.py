"""Missions: list, make, revise, move, and who takes part."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from agents.models import Agent
from coordinator.lib.errors import Missing
from coordinator.lib.filters import Choice, Search
from coordinator.lib.serializers import Strict
from coordinator.lib.views import Lists, ResourceView, Shows
from missions.api import told
from missions.api.serializers import AgentJoins, MemberJoins, MissionShape, NothingBody, ParticipationShape
from missions.lifecycle import MissionStatus
from missions.models import Mission, Participation
from missions.services import hosting, planning, steering, taking_part

STEERED = {
    "start": MissionStatus.ACTIVE,
    "pause": MissionStatus.PAUSED,
    "complete": MissionStatus.COMPLETED,
    "cancel": MissionStatus.CANCELLED,
}


class MissionView(Lists, Shows, ResourceView):
    """A body of work with a goal, the agents and people in it, and the process that watches it."""

    resource = "mission"
    serializer_class = MissionShape
    queryset = Mission.objects.shown()
    filters = {"status": Choice("status", MissionStatus), "q": Search("goal", "description", "mission_id")}
    scopes = {
        "list": "missions:read",
        "retrieve": "missions:read",
        "create": "missions:write",
        "partial_update": "missions:write",
        "start": "missions:write",
        "pause": "missions:write",
        "complete": "missions:write",
        "cancel": "missions:write",
        "restart": "missions:write",
    }

    @extend_schema(responses={201: MissionShape, 202: told.HeldMission})
    def create(self, request: Request) -> Response:
        """A new mission: planning, or active at once. 202 when a policy holds its start."""
        fields = self.body(MissionShape)
        wanted = MissionStatus(fields.pop("status", MissionStatus.PLANNING))
        mission, approval = steering.open_mission(status=wanted, **fields, actor=self.actor, now=self.now)
        return self._told(mission, approval, status.HTTP_201_CREATED)

    @extend_schema(responses=told.STEERED)
    def partial_update(self, request: Request, key: str) -> Response:
        """Changes fields, and the state along the table; all of it or nothing."""
        mission, fields = self.row(Mission.objects.all()), self.body(MissionShape, partial=True)
        wanted = fields.pop("status", mission.status)
        common: dict[str, Any] = {"expected": self.expected, "actor": self.actor, "now": self.now}
        if wanted == mission.status:
            return self.fresh(planning.revise_mission(mission, **common, **fields))
        return self._told(mission, steering.move_mission(mission, MissionStatus(wanted), changes=fields, **common))

    @extend_schema(request=NothingBody, responses=told.STEERED)
    def start(self, request: Request, key: str) -> Response:
        """Starts the mission and its process tree. Not open from its state: 422; held by a policy: 202."""
        return self._steer("start")

    @extend_schema(request=NothingBody, responses=told.STEERED)
    def pause(self, request: Request, key: str) -> Response:
        """Pauses the mission and stops its process tree. Not open from its state: 422; held by a policy: 202."""
        return self._steer("pause")

    @extend_schema(request=NothingBody, responses=told.STEERED)
    def complete(self, request: Request, key: str) -> Response:
        """Completes the mission and stops its process tree. Not open from its state: 422; held by a policy: 202."""
        return self._steer("complete")

    @extend_schema(request=NothingBody, responses=told.STEERED)
    def cancel(self, request: Request, key: str) -> Response:
        """Cancels the mission and stops its process tree. Not open from its state: 422; held by a policy: 202."""
        return self._steer("cancel")

    @extend_schema(request=NothingBody, responses=MissionShape)
    def restart(self, request: Request, key: str) -> Response:
        """Starts the mission's process again, with no crash counting against it. One that neither crashed nor was
        parked: 422.
        """
        mission = self.row(Mission.objects.all())
        self.body(NothingBody)
        hosting.restart(mission, actor=self.actor, now=self.now)
        return self.fresh(mission)

    def _steer(self, step: str) -> Response:
        mission = self.row(Mission.objects.all())
        self.body(NothingBody)
        approval = steering.move_mission(mission, STEERED[step], expected=self.expected, actor=self.actor, now=self.now)
        return self._told(mission, approval)

    def _told(self, mission: Mission, approval: int | None, code: int = status.HTTP_200_OK) -> Response:
        """The mission as it is now; 202 with the approval when a policy holds the move."""
        if approval is None:
            return self.fresh(mission, code)
        return self.fresh(mission, status.HTTP_202_ACCEPTED, approval=approval)


class ParticipationView(ResourceView):
    """Who takes part in a mission. Agents and people have an address each."""

    serializer_class = ParticipationShape
    queryset = Participation.objects.select_related("agent", "member")
    scopes = {"list": "missions:read", "create": "missions:write", "destroy": "missions:write"}
    kind = "agent"
    joins: type[Strict] = AgentJoins

    @property
    def mission(self) -> Mission:
        return Mission.objects.identified(self.kwargs["mission"])

    def get_queryset(self) -> QuerySet[Participation]:
        rows = super().get_queryset().filter(**{f"{self.kind}__isnull": False})
        return rows.filter(mission=self.mission) if "mission" in self.kwargs else rows

    def list(self, request: Request, mission: str) -> Response:
        """Who takes part."""
        return self.page(self.get_queryset())

    def create(self, request: Request, mission: str) -> Response:
        """Joins with a role: 201; who takes part already gets the role: 200."""
        found = self.mission
        fields = self.body(self.joins)
        part, new = taking_part.join(found, fields[self.kind], role=fields["role"], actor=self.actor, now=self.now)
        shown = ParticipationShape(part).data
        return Response(shown, status=status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    def destroy(self, request: Request, mission: str, key: str) -> Response:
        """Ends the participation. Who takes no part: 404."""
        taking_part.leave(self.mission, self.named(key), actor=self.actor, now=self.now)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def named(self, key: str) -> Any:
        part = self.get_queryset().filter(agent__in=Agent.objects.named(key)).first()
        if part is None:
            raise Missing(f"Agent {key[:100]!r} takes no part in this mission.")
        return part.agent


JOINED = {200: ParticipationShape, 201: ParticipationShape}


@extend_schema_view(create=extend_schema(request=AgentJoins, responses=JOINED))
class AgentsOfMission(ParticipationView):
    """The agents of a mission."""

    resource = "agent"


@extend_schema_view(create=extend_schema(request=MemberJoins, responses=JOINED))
class MembersOfMission(ParticipationView):
    """The people of a mission."""

    resource = "member"
    kind = "member"
    joins = MemberJoins

    def named(self, key: str) -> Any:
        people = User.objects.filter(pk=int(key)) if key.isascii() and key.isdigit() and len(key) < 19 else None
        people = User.objects.filter(email__iexact=key) if people is None else people
        if (person := people.first()) is None:
            raise Missing(f"There is no account {key[:100]!r}.")
        return person
