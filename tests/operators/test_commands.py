"""What an operator types: what runs where, start, pause, restart, rescue, check."""

import json
import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from missions.lifecycle import TaskStatus
from missions.models import Claim, Mission, MissionCheckpoint, MissionHost, MissionProcess, MissionStanding, Task
from missions.services import claiming
from missions.supervision import watching
from missions.supervision.host import Host
from tests.factories import person
from tests.hosting.test_crashing import crash_until_parked, poison
from tests.hosting.test_host import Make, process_of, step
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry


def run(*words: str) -> str:
    """What the command says."""
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> tuple[str, str, int]:
    """What a command that fails says of each mission, at its end, and its exit code."""
    out = StringIO()
    with pytest.raises(CommandError) as problem:
        call_command(*words, stdout=out, stderr=out)
    return out.getvalue(), str(problem.value), problem.value.returncode


@pytest.fixture
def crashed(new_host: Make) -> Host:
    """A host with a good mission and a bad one, which crashed and is parked."""
    host = new_host("box-7")
    good, bad = world.mission(mission_id="good"), world.mission(mission_id="bad")
    world.task(good)
    step(host, 2)
    poison(bad)
    crash_until_parked(host, bad)
    return host


@pytest.mark.breaks_history
def test_missions_shows_what_runs_where_and_what_needs_a_look_first(crashed: Host) -> None:
    world.mission(mission_id="free")
    lines = run("missions").splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["MISSION", "bad", "free", "good"]
    assert lines[1].split()[1:3] == ["active", "parked"]
    assert "UnknownKind: Entry" in lines[1]
    assert lines[3].split()[2:4] == ["running", "box-7"]
    assert lines[4].startswith("3 shown. Processes: 1 parked, 1 starting, 1 running; 2 of these behind, the worst by")
    assert lines[5].startswith("Host ")
    assert "box-7, process" in lines[5]


@pytest.mark.breaks_history
def test_missions_can_be_chosen_by_state_and_host_and_read_by_machines(crashed: Host) -> None:
    assert [each["mission_id"] for each in told("--state", "parked")["missions"]] == ["bad"]
    assert [each["mission_id"] for each in told("--host", "box-7")["missions"]] == ["good"]
    assert told("--host", "nowhere")["missions"] == []
    everything = told()
    assert everything["states"] == {"parked": 1, "running": 1}
    assert [host["machine"] for host in everything["hosts"]] == ["box-7"]
    good = everything["missions"][1]
    assert (good["lag"], good["behind_s"], good["restarts"], good["owner_id"]) == (
        0,
        0,
        0,
        everything["hosts"][0]["id"],
    )


def told(*words: str) -> Any:
    return json.loads(run("missions", "--json", *words))


def test_a_running_process_that_no_host_holds_waits(new_host: Make) -> None:
    mission, host = world.mission(), new_host()
    step(host)
    host.drain()
    [place] = watching.places()
    assert (place.id, place.state, place.host, place.can_restart) == (mission.pk, "waiting", "", False)
    assert watching.counts() == {"waiting": 1}
    assert "No host lives" in run("missions")


def test_a_process_says_how_far_behind_its_stream_it_is(new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host, 2)
    assert watching.places()[0].lag == 0
    world.lead(task, TaskStatus.BLOCKED)
    [place] = watching.places()
    assert place.lag > 0
    assert 0 < place.behind_s < 60


@pytest.mark.breaks_history
@pytest.mark.django_db
def test_ten_thousand_missions_are_shown_in_one_pass() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE missions_mission DISABLE TRIGGER USER")
    now = timezone.now()
    fields = {"goal": "One of many", "created_at": now, "updated_at": now}
    made = Mission.objects.bulk_create(Mission(mission_id=f"many-{n}", **fields) for n in range(10_000))
    MissionProcess.objects.bulk_create(
        MissionProcess(mission=each, wanted=True, state="running", since=now) for each in made
    )
    began = time.monotonic()
    shown = run("missions")
    assert shown.count("\n") > 10_000
    assert "10000 shown. Processes: 10000 waiting." in shown
    assert time.monotonic() - began < 10


@pytest.mark.django_db
def test_missions_are_paused_and_started_by_the_system_or_a_person() -> None:
    mission = world.mission(mission_id="m-1")
    assert run("mission_pause", "m-1") == "m-1 was paused.\n"
    person("operator", email="op@example.org")
    assert run("mission_start", "m-1", "--as", "op@example.org") == "m-1 was started.\n"
    moved = Entry.objects.of_kind("mission.moved").of_mission(mission.pk).order_by("id")
    assert [entry.actor_name for entry in moved] == ["coordinator", "coordinator", "op@example.org"]


@pytest.mark.django_db
def test_what_is_refused_for_one_mission_spares_the_others() -> None:
    for key in ("m-1", "m-2"):
        world.mission(mission_id=key)
    said, end, code = refused("mission_start", "m-1", "nowhere", "m-2")
    assert "m-1: A mission that is active cannot become active." in said
    assert "nowhere: There is no mission 'nowhere'." in said
    assert (end, code) == ("3 of 3 were not done.", 1)
    said, end, code = refused("mission_pause", "nowhere", "m-2")
    assert "m-2 was paused." in said
    assert (end, code) == ("1 of 2 were not done.", 1)


@pytest.mark.django_db
def test_a_person_who_may_not_steer_is_refused() -> None:
    world.mission(mission_id="m-1")
    person("viewer", email="v@example.org")
    _, end, code = refused("mission_pause", "m-1", "--as", "v@example.org")
    assert (end, code) == ("v@example.org may not do this: the account needs the scope missions:write.", 2)
    _, end, code = refused("mission_pause", "m-1", "--as", "nobody@example.org")
    assert (end, code) == ("There is no account 'nobody@example.org'.", 2)


@pytest.mark.django_db
def test_a_mission_that_a_policy_holds_is_said_to_wait() -> None:
    mission = world.mission(mission_id="m-1")
    world.policy({"action_type": "mission_transition", "to": "paused"}, [{"escalate": "Really?"}])
    said, _, code = refused("mission_pause", "m-1")
    assert "m-1: a policy holds this until approval" in said
    assert code == 1
    mission.refresh_from_db()
    assert mission.status == "active"


@pytest.mark.breaks_history
def test_a_parked_process_is_restarted_and_one_that_runs_is_not(crashed: Host) -> None:
    said, _, code = refused("mission_restart", "bad", "good")
    assert "The process of bad starts again." in said
    assert "good: The process of mission good is running; there is nothing to restart." in said
    assert code == 1
    [bad] = watching.places(states=["starting"])
    assert (bad.key, bad.restarts) == ("bad", 4)


def test_rescue_frees_what_a_dead_host_held_and_ends_what_has_lapsed(new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host)
    claiming.claim(task, world.agent(), ttl_s=1, actor=SYSTEM, now=timezone.now() - timedelta(minutes=1))
    assert run("rescue").startswith("Hosts declared dead: none. Missions freed: 0.\nClaims ended: 1.")
    assert host.tenure is not None
    host.tenure.end()
    dead = MissionHost.objects.get()
    said = run("rescue")
    assert said.startswith(f"Hosts declared dead: {dead.pk}. Missions freed: 1.")
    assert "No host lives. A host was asked for;" in said
    assert "No host lives. A host has been asked for already;" in run("rescue")
    assert process_of(task.mission).owner is None
    assert not Claim.objects.exists()


def test_missions_that_agree_with_their_streams_pass_the_check(new_host: Make) -> None:
    task, host = world.task(), new_host()
    step(host, 2)
    host.keeper.save(host.tenure, after_s=0.0)  # type: ignore[arg-type]
    world.lead(task, TaskStatus.BLOCKED)
    world.mission()
    assert run("mission_check", "--all") == "2 missions, 2 agree\n"
    assert run("mission_check", task.mission.key) == "1 missions, 1 agree\n"
    assert json.loads(run("mission_check", "--all", "--json")) == {"missions": 2, "apart": {}}


@pytest.mark.breaks_history
def test_the_check_says_where_what_is_kept_parts_from_the_stream(new_host: Make) -> None:
    task, host = world.task(), new_host()
    key = task.mission.key
    other = world.task()
    step(host, 2)
    host.keeper.save(host.tenure, after_s=0.0)  # type: ignore[arg-type]
    MissionStanding.objects.filter(mission=task.mission).update(counts={"completed": 7})
    kept = MissionCheckpoint.objects.get(mission=other.mission)
    MissionCheckpoint.objects.filter(mission=task.mission).update(state=kept.state, seq=kept.seq)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE missions_task DISABLE TRIGGER USER")
        Task.objects.filter(pk=task.pk).update(status="blocked")
        cursor.execute("ALTER TABLE missions_task ENABLE TRIGGER USER")
    said, end, code = refused("mission_check", "--all")
    assert "2 missions, 1 agree" in said
    assert f"{key}: checkpoint and rest differ from the whole stream in started, tasks" in said
    assert f"{key}: the stream tells of 1 pending, the rows hold 1 blocked" in said
    assert f"{key}: its standing says 7 completed, the stream up to there 1 pending" in said
    assert (end, code) == ("1 missions do not agree with their streams.", 1)


@pytest.mark.django_db
def test_the_check_wants_to_know_of_what() -> None:
    for words in (["mission_check"], ["mission_check", "m-1", "--all"]):
        _, end, code = refused(*words)
        assert (end, code) == ("Name some missions, or --all of them.", 2)
