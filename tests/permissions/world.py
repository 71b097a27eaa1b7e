"""One thing of each kind, made by the services: most of them belong to one agent, the owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from accounts import roles
from accounts.auth import Credential, actor_for
from accounts.models import ApiToken, Delivery, User
from accounts.services import issuing_tokens, keeping_notifications, signing_in
from agents.models import Agent
from agents.services import registering
from coordinator.lib.refs import Ref
from knowledge.services import ingesting
from knowledge.services.ingesting import Draft
from missions.github import syncing
from missions.lifecycle import MissionStatus, TaskStatus
from missions.models import Advisory, GitHubIssue, Mission, MissionHost, Task
from missions.services import claiming, executing, hosting, planning, reporting, steering, taking_part
from missions.services.hosting import Owner
from missions.services.reporting import Caller, Filing
from missions.supervision import adviser
from policies.models import Approval, Decision, Policy
from policies.services import deciding, revising, waiving
from policies.services.waiving import Cover
from sprints.services import opening
from tests.factories import person, service, token_of
from tests.permissions.bodies import PASSWORD
from traceability import canonical, ledger
from traceability.events import SYSTEM
from traceability.models import Entry
from traceability.services import planning as goals

ISSUE = {
    "number": 7, "title": "It breaks", "body": "", "state": "open", "labels": [], "user": {"login": "octo"},
    "html_url": "https://github.example/o/r/issues/7", "created_at": "2026-11-01T08:00:00Z",
    "updated_at": "2026-11-02T08:00:00Z",
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """`names` fill the braces of the table; `tokens` are the callers' (None: without); `admin` issues narrow ones."""

    names: dict[str, str]
    tokens: dict[str, str | None]
    admin: User
    now: datetime

    def token_without(self, scope: str) -> str:
        """A token of the admin that holds every scope but this one."""
        return token_of(self.admin, scopes=roles.SCOPES - {scope})


def build(now: datetime) -> World:
    """Some hundred rows."""
    people = {role: person(role, password=PASSWORD) for role in ("viewer", "operator", "admin")}
    owner, stranger = _agent("owner", now), _agent("stranger", now)
    names = {"viewer": people["viewer"].email, "account": person("viewer").email, "agent": owner.agent_id}
    names |= _told(owner, now)
    names |= _keys_of(people["viewer"], now) | _goals(now) | _sprints(now) | _work(owner, people["operator"], now)
    names |= _judged(owner, Ref(*_ref(names)), now) | _noted(owner, now)
    tokens = {role: token_of(account) for role, account in people.items()}
    tokens |= {"owner": _token_of(owner), "stranger": _token_of(stranger)}
    past = now - timedelta(days=2)
    gone = token_of(people["admin"], now=past, expires_at=past + timedelta(days=1))
    return World(
        names, {"nothing": None, "bad": "coord_00000000_nothing", "expired": gone, **tokens}, people["admin"], now
    )


def _ref(names: dict[str, str]) -> tuple[int, str]:
    mission = Mission.objects.get(mission_id=names["mission"])
    return mission.pk, mission.key


def _agent(name: str, now: datetime) -> Agent:
    return registering.create_agent(
        agent_id=f"a-{name}", adapter_module="claude_code", service_account=service(), actor=SYSTEM, now=now
    )


def _token_of(agent: Agent) -> str:
    assert agent.service_account is not None
    return token_of(agent.service_account)


def _keys_of(viewer: User, now: datetime) -> dict[str, str]:
    token, _ = issuing_tokens.issue(viewer, name="second", scopes=["tasks:read"], actor=SYSTEM, now=now)
    session, _ = signing_in.open_session(viewer, ip=None, user_agent="", now=now)
    assert isinstance(token, ApiToken)
    return {"token": str(token.pk), "session": str(session.pk)}


def _told(owner: Agent, now: datetime) -> dict[str, str]:
    """Two webhooks of the owner's, one of them paused; a delivery that waits, and one that was sent."""
    account = owner.service_account
    assert account is not None
    place, silent = (
        keeping_notifications.create(
            endpoint_id=key, kind="webhook", address="https://hooks.example.org/owner", topics=["tasks"],
            by=Credential(account, account.scopes), actor=SYSTEM, now=now,
        ) for key in ("n-1", "n-2")
    )  # fmt: skip
    keeping_notifications.pause(silent, actor=SYSTEM, now=now)
    waits, sent = (
        Delivery.objects.create(
            endpoint=place, entry=entry, topic="tasks", event="task.created", at=now, created_at=now, state=state
        )
        for entry, state in enumerate((Delivery.State.WAITING, Delivery.State.DELIVERED), 1)
    )
    return {"notification": place.key, "silent": silent.key, "delivery": str(waits.pk), "sent": str(sent.pk)}


def _goals(now: datetime) -> dict[str, str]:
    told: dict[str, Any] = {"actor": SYSTEM, "now": now}
    objective = goals.create_objective(objective_id="o-1", title="Ship", **told)
    result = goals.create_key_result(objective=objective, kr_id="k-1", title="Users", target=10, current=0, **told)
    wanted = goals.create_requirement(requirement_id="r-1", title="It starts", key_result=result, **told)
    return {"objective": objective.key, "kr": result.key, "requirement": wanted.key}


def _sprints(now: datetime) -> dict[str, str]:
    day, told = now.date(), {"actor": SYSTEM, "now": now}
    made: dict[str, Any] = {"name": "June", "start_date": day, "end_date": day + timedelta(days=9), **told}
    opening.create_sprint(sprint_id="s-1", **made)
    opening.create_sprint(sprint_id="s-2", status="active", **made)
    return {"sprint": "s-1", "active_sprint": "s-2"}


def _work(owner: Agent, member: User, now: datetime) -> dict[str, str]:
    told: dict[str, Any] = {"actor": SYSTEM, "now": now}
    planning.create_mission(mission_id="m-plan", goal="Later", **told)
    mission = planning.create_mission(mission_id="m-1", goal="Ship", deadline=now - timedelta(days=1), **told)
    steering.move_mission(mission, MissionStatus.ACTIVE, expected=None, **told)
    taking_part.join(mission, owner, role="contributor", **told)
    taking_part.join(mission, member, role="lead", **told)
    tasks = {
        name: planning.create_task(mission=mission, task_id=f"t-{name}", objective="Work", agent=owner, **told)
        for name in ("task", "held", "review", "run")
    }
    claiming.claim(tasks["held"], owner, ttl_s=600, **told)
    for after in (TaskStatus.IN_PROGRESS, TaskStatus.PENDING_REVIEW):
        caller = Caller(user=owner.service_account, agent=owner, is_agent=True)
        reporting.file_report(tasks["review"], Filing(status=after), caller=caller, expected=None, **told)
    run = executing.request_execution(tasks["run"], **told)
    crash(planning.create_mission(mission_id="m-crashed", goal="Falls over", **told), now)
    names = {name: task.key for name, task in tasks.items()}
    entry = Entry.objects.get(kind="mission.created", mission_id=mission.pk)
    return {
        **names,
        "entry": str(entry.pk),
        "mission": mission.key,
        "planned": "m-plan",
        "crashed": "m-crashed",
        "member": member.email,
        "execution": str(run.pk),
    }


def crash(mission: Mission, now: datetime) -> None:
    """A host takes the mission, and its process crashes there."""
    steering.move_mission(mission, MissionStatus.ACTIVE, expected=None, actor=SYSTEM, now=now)
    host = MissionHost.objects.create(
        machine="box-7", pid=1, version="1", started_at=now, beat_at=now, lease_until=now + timedelta(seconds=6)
    )
    owner = Owner(host.pk, host.machine)
    hosting.begin(owner, now=now, most=100)
    hosting.crash(owner, mission.pk, "Traceback:\nValueError: It fell over.", now=now)


def _judged(owner: Agent, mission: Ref, now: datetime) -> dict[str, str]:
    revising.create(
        policy_id="p-1", conditions={"action_type": "deploy"}, actions=[{"escalate": "A person looks."}],
        actor=SYSTEM, now=now,
    )  # fmt: skip
    revising.create(
        policy_id="p-2", conditions={"action_type": "spend"}, actions=[{"warn": "Money."}], status="draft",
        actor=SYSTEM, now=now,
    )  # fmt: skip
    task = Task.objects.get(task_id="t-task")
    with ledger.writing():
        deciding.decide(
            point="evaluate", action={"action_type": "deploy", "target": "production"}, mission=mission,
            task=task.ref, agent=owner.ref, actor=SYSTEM, now=now,
        )  # fmt: skip
    decision, approval = Decision.objects.latest("pk"), Approval.objects.latest("pk")
    policy, account = Policy.objects.get(policy_id="p-1"), owner.service_account
    waiver = waiving.request(
        policy, Cover(agent=owner.ref), reason="Tonight.", expires_at=now + timedelta(days=1), uses=2, person=account,
        actor=SYSTEM, now=now,
    )  # fmt: skip
    soon = canonical.moment(now + timedelta(days=2))
    shown = {"decision": decision, "approval": approval, "waiver": waiver}
    return {"policy": "p-1", "drafted": "p-2", "soon": soon, **{name: str(row.pk) for name, row in shown.items()}}


def _noted(owner: Agent, now: datetime) -> dict[str, str]:
    mission = Mission.objects.get(mission_id="m-1")
    assert owner.service_account is not None
    actor = actor_for(owner.service_account)
    note, _ = ingesting.store_document(
        Draft(content="Keys make a retry safe.", document_id="d-1"), actor=actor, now=now
    )
    syncing.store("o/r", [ISSUE], mission=mission, actor=SYSTEM, now=now)
    adviser.review(now=now)
    issue, advice = GitHubIssue.objects.latest("pk"), Advisory.objects.latest("pk")
    return {"document": note.document_id, "issue": str(issue.pk), "advisory": str(advice.pk)}
