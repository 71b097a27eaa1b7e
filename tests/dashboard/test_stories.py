"""What the feeds tell: what a person cares for, in words, and nothing that somebody may not read."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.notifying.events import EndpointPaused
from agents.events import AgentStatusChanged
from coordinator.dashboard import rows, stories, wording
from coordinator.lib.refs import Ref, Subject
from missions.events import ProcessChanged
from missions.lifecycle import MissionStatus
from missions.models import Mission
from missions.services import hosting, planning, steering
from policies.events import DecisionMade
from tests.factories import person, token_of, unique
from tests.missions import world
from traceability import ledger
from traceability.events import SYSTEM, Actor, EntriesArchived, Event, TextsErased
from traceability.events import kinds as known_kinds
from traceability.models import Entry

pytestmark = pytest.mark.django_db

ANN = Actor("person", 1, "ann@example.org")
HERON = Ref(7, "heron")


def told(limit: int = 8) -> list[str]:
    """The lines of an administrator's feed, the newest first."""
    found = stories.recent(timezone.now() - timedelta(hours=1), person("admin").scopes, limit=limit)
    return spoken(found)


def spoken(entries: list[Entry]) -> list[str]:
    return [f"{line.who} {line.words} {line.about}".strip() for line in stories.tell(*rows.titled(entries))]


def recorded(event: Event, actor: Actor = SYSTEM) -> str:
    """How the trace tells an event."""
    with ledger.writing():
        ledger.record(event, actor=actor, at=timezone.now())
    return spoken([Entry.objects.latest("pk")])[0]


def running(goal: str) -> Mission:
    said: dict[str, Any] = {"actor": ANN, "now": timezone.now()}
    mission = planning.create_mission(mission_id=unique("m"), goal=goal, **said)
    steering.move_mission(mission, MissionStatus.ACTIVE, expected=None, **said)
    return mission


def flipped(after: str, reason: str = "") -> str:
    return recorded(AgentStatusChanged(agent=HERON, before="idle", after=after, because="revision", reason=reason))


def decided(outcome: str, point: str = "agent_action") -> str:
    decision = DecisionMade(
        agent=HERON,
        subject=Subject("decision", 39, "39"),
        decision=39,
        point=point,
        action_type="git_push",
        outcome=outcome,
        policies=[],
        input_hash="",
        bundle_hash="",
    )
    return recorded(decision, Actor("agent", 2, "heron@agents.example.org"))


def test_accounts_sessions_and_tokens_are_never_in_the_feed() -> None:
    token_of(person("operator"))
    assert Entry.objects.of_kind("token", "account").exists()
    assert told() == []


def test_a_start_of_a_process_is_not_news_but_a_crash_is() -> None:
    mission, owner = running("Move the invoices"), world.owner()
    hosting.begin(owner, now=timezone.now(), most=10)
    assert told() == ["ann started Move the invoices", "ann created Move the invoices"]
    hosting.crash(owner, mission.pk, "out of memory", now=timezone.now())
    assert told(limit=1) == ["coordinator reports a crash of the process of Move the invoices"]


@pytest.mark.breaks_history
@pytest.mark.parametrize(
    ("state", "detail", "words"),
    [
        ("running", "", "started the process of"),
        ("running", "taken over from a host that went silent", "took over the process of"),
        ("starting", "vm drains", "stopped for a restart the process of"),
        ("stopped", "", "stopped the process of"),
        ("crashed", "out of memory", "reports a crash of the process of"),
    ],
)
def test_a_change_of_a_process_is_told_by_a_verb(state: str, detail: str, words: str) -> None:
    event = ProcessChanged(mission=running("Pay").ref, state=state, host="vm", detail=detail)
    assert recorded(event) == f"coordinator {words} Pay"


def test_an_agents_flips_are_not_news_but_its_question_and_its_error_are() -> None:
    assert flipped("working") == "heron is working"
    assert told() == []
    flipped("waiting", "Which tax table?")
    flipped("error")
    assert told() == ["heron met an error", "heron asks: Which tax table?"]


def test_of_what_the_policies_decide_a_refused_action_is_news_and_is_named() -> None:
    assert decided("allow") == "heron was allowed git push"
    decided("block", point="task_transition")
    assert told() == []
    decided("block")
    assert told() == ["heron was refused git push"]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_no_page_shows_what_happens_to_accounts_to_who_may_not_administer_them(client: Client, role: str) -> None:
    token_of(person("operator"))
    client.force_login(person(role))
    for address in ("/", "/trace", "/trace?event=token", "/trace?event=account", "/admin/traceability/entry/"):
        page = client.get(address).content.decode()
        assert not [kind for kind in ("token.issued", "account.created") if kind in page], address
    client.force_login(person("admin"))
    assert "token.issued" in client.get("/trace").content.decode()


def test_what_is_done_to_the_record_names_whose_and_how_much() -> None:
    mission = running("Move the invoices")
    agent = world.agent(agent_id="birch")
    sizes: dict[str, Any] = {"first_seq": 1, "last_hash": "", "sha256": ""}
    for stream, last, words in (
        (f"mission:{mission.pk}", 128, "128 entries of Move the invoices"),
        (f"agent:{agent.pk}", 1, f"1 entry of {agent.name}"),
        ("org", 2, "2 entries of the organisation"),
    ):
        event = EntriesArchived(of_stream=stream, last_seq=last, **sizes)
        assert recorded(event, ANN) == f"ann archived {words}"
    erased = TextsErased(entry=1, of_stream="org", seq=1, paths=["name"], reason="A wish")
    assert recorded(erased, ANN) == "ann erased texts from the record of the organisation"


@pytest.mark.parametrize(
    ("automatic", "tone", "words"),
    [(False, "idle", "paused the notification"), (True, "failed", "gave up sending and paused the notification")],
)
def test_a_persons_own_pause_is_no_failure_but_a_dead_receiver_is(automatic: bool, tone: str, words: str) -> None:
    told_of = Subject("notification", 1, "endpoint-1")
    with ledger.writing():
        ledger.record(EndpointPaused(account="ann", automatic=automatic, subject=told_of), actor=ANN, at=timezone.now())
    line = stories.line(Entry.objects.latest("pk"), {})
    assert (line.tone, line.words, line.about) == (tone, words, "endpoint-1")


def test_every_event_of_notifications_and_of_the_record_has_words_of_its_own() -> None:
    kinds = {kind for kind in known_kinds() if kind.partition(".")[0] in {"notification", "trace"}}
    assert kinds <= wording.WORDS.keys()


def test_on_its_own_page_a_mission_is_it() -> None:
    mission = running("Move the invoices")
    found = rows.titled(Entry.objects.of_mission(mission.pk).of_kind("mission.moved"))
    (line,) = stories.tell(*found, here=f"/missions/{mission.pk}")
    assert (line.words, line.about, line.href) == ("started", "it", "")
