"""Missions at earlier moments: two compared, by API and command; and the snapshots that make looking back fast."""

import json
import random
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from missions import replay
from missions.lifecycle import TaskStatus
from missions.models import Mission, Task
from missions.replaying import folding, reading, snapshots
from missions.replaying.snapshots import Shelf
from missions.replaying.state import State
from missions.services import beginning, erasing, executing, planning, running
from missions.services.reporting import Filing
from missions.supervision import agreeing, loading
from tests import replayed
from tests.missions import world
from tests.missions.leak import order
from tests.missions.test_replay import busy_mission
from traceability import bodies, ledger
from traceability.events import SYSTEM, Event
from traceability.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_entries_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "EVERY", 5)


def command(*words: str) -> tuple[str, int]:
    """What the command prints, and its exit code."""
    out = StringIO()
    try:
        call_command("mission_replay", *words, stdout=out)
    except CommandError as refused:
        return f"{out.getvalue()}{refused}", refused.returncode
    return out.getvalue(), 0


def ids(mission: Mission) -> list[int]:
    return list(Entry.objects.in_stream(f"mission:{mission.pk}").values_list("pk", flat=True))


def ruled_mission() -> Mission:
    """A mission with decisions, an approval, runs, advice, reports and reviews."""
    mission = world.mission(budget_usd="10")
    world.policy({"action_type": "task_transition", "to": "failed"}, [{"warn": "That is a pity."}])
    world.task(mission, TaskStatus.REJECTED)
    world.task(mission, TaskStatus.FAILED)
    agent = world.agent(adapter_module="claude_cli")
    for ends in (True, False):
        execution = executing.request_execution(world.task(mission, agent=agent), actor=SYSTEM, now=timezone.now())
        if ends:
            assert beginning.begin(execution.pk, host="here", now=timezone.now())
            with ledger.writing():
                ended = running.Ended(state=running.State.FAILED, failure="crashed")
                running.end(running.locked(execution.pk), ended, now=timezone.now())
    return mission


def test_the_state_holds_decisions_runs_reports_and_reviews(operator: APIClient) -> None:
    mission = ruled_mission()
    told = operator.post(f"/api/missions/{mission.key}/replay", {}, format="json").json()
    assert told["differences"] == []
    state = told["state"]
    assert [each["outcome"] for each in state["decisions"].values()] == ["warn"]
    assert [(each["state"], each["attempt"]) for each in state["executions"].values()] == [("failed", 1), ("queued", 0)]
    rejected = next(each for each in state["tasks"].values() if each["status"] == "rejected")
    assert (rejected["reports"], rejected["reviews"]) == (2, {"approved": 0, "rejected": 1})


def test_two_moments_are_compared(operator: APIClient) -> None:
    row = world.task()
    early = ids(row.mission)[-1]
    world.file(row, Filing(status=TaskStatus.IN_PROGRESS, percent=30))
    late = ids(row.mission)[-1]
    world.file(row, Filing(percent=90))
    address = f"/api/missions/{row.mission.key}/replay"
    told = operator.post(address, {"until": early, "compare": late}, format="json").json()
    assert told["matches_current"] is None
    found = {each["path"]: (each["replayed"], each["compared"]) for each in told["differences"]}
    assert found[f"tasks.{row.key}.status"] == ("pending", "in_progress")
    assert found[f"tasks.{row.key}.percent"] == (0, 30)
    same = operator.post(address, {"until": late, "compare": late}, format="json").json()
    assert same["differences"] == []
    wrong = operator.post(address, {"compare": "yesterday"}, format="json")
    assert (wrong.status_code, list(wrong.json()["errors"])) == (422, ["compare"])


@pytest.mark.breaks_history
def test_a_trace_that_does_not_fold_is_said_to_be_so_with_the_place(operator: APIClient) -> None:
    class TaskTeleported(Event):
        kind = "task.teleported"

    mission = world.mission()
    with ledger.writing():
        ledger.record(TaskTeleported(mission=mission.ref), actor=SYSTEM, at=timezone.now())
    seq = len(ids(mission))
    answer = operator.post(f"/api/missions/{mission.key}/replay", {}, format="json")
    assert answer.status_code == 409
    assert f"Entry {seq} of mission:{mission.pk} is of the kind task.teleported" in answer.json()["detail"]
    assert command(mission.key)[1] == 1
    assert f"Entry {seq}" in command("--all")[0]


def test_the_command_shows_a_mission_as_it_is_and_as_it_was() -> None:
    mission = busy_mission()
    text, code = command(mission.key, "--diff")
    assert (code, f"{mission.key} after {len(ids(mission))} entries: active" in text) == (0, True)
    for moment in ("seq:1", str(ids(mission)[0])):
        told = json.loads(command(str(mission.pk), "--at", moment, "--json")[0])
        assert (told["entries"], told["state"]["status"], told["matches_current"]) == (1, "planning", False)
    text, code = command(mission.key, "--at", timezone.now().isoformat(), "--diff")
    assert code == 0
    text, code = command(mission.key, "--at", "seq:1", "--diff")
    assert code == 1
    assert "status: trace 'planning', rows 'active'" in text


@pytest.mark.breaks_history
def test_the_command_finds_every_mission_whose_rows_part_from_its_trace() -> None:
    good, bad = world.task().mission, world.task()
    assert command("--all") == ("2 missions, 2 equal their traces\n", 0)
    Task.objects.filter(pk=bad.pk).update(percent=77)
    text, code = command("--all")
    assert (code, f"tasks.{bad.key}.percent: trace 0, rows 77" in text, good.key in text) == (1, True, False)
    text, code = command("--all", "--json")
    assert code == 1
    assert json.loads(text[: text.rindex("}") + 1])[bad.mission.key][0]["current"] == 77


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name one mission"),
        (("m", "--all"), "Name one mission"),
        (("nobody",), "nobody"),
        (("M", "--at", "soon"), "is no moment"),
        (("M", "--at", "2026-11-24T12:00:00"), "has no zone"),
        (("M", "--at", "seq:999"), "has no entry 999"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(words: tuple[str, ...], said: str) -> None:
    mission = world.mission()
    text, code = command(*(mission.key if word == "M" else word for word in words))
    assert (code, said in text) == (2, True)


def test_a_state_by_snapshots_is_the_state_by_folding_at_every_entry_in_any_order() -> None:
    mission = busy_mission()
    stream, last = f"mission:{mission.pk}", len(ids(mission))
    plain = {seq: folding.fold(reading.entries(stream, upto=seq)) for seq in range(last + 1)}
    places = [*range(last + 1)] * 3
    random.Random(3).shuffle(places)
    for seq in places:
        assert snapshots.state_at(stream, seq) == plain[seq], seq


def test_a_state_that_somebody_changes_is_not_the_one_that_is_kept() -> None:
    mission = busy_mission()
    stream, last = f"mission:{mission.pk}", len(ids(mission))
    first = snapshots.state_at(stream, last)
    first.tasks.clear()
    assert snapshots.state_at(stream, last).tasks


def test_looking_back_again_reads_a_few_entries_only() -> None:
    mission = busy_mission()
    stream, last = f"mission:{mission.pk}", len(ids(mission))
    snapshots.state_at(stream, last)
    asked = [len(_asked(stream, last)), len(_asked(stream, last - 1))]
    assert asked == [0, 1]


def _asked(stream: str, seq: int) -> list[Any]:
    """The statements that read entries while this state is looked up."""
    found: list[Any] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql == reading.ROWS:
            found.append(params)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        snapshots.state_at(stream, seq)
    return found


def test_a_snapshot_from_before_an_erasure_is_not_used_again() -> None:
    row = world.task(description="Nobody keeps this sentence.")
    entry = Entry.objects.of_task(row.pk).get(kind="task.created")

    def described() -> str:
        task = snapshots.state_at(entry.stream, entry.seq).tasks[row.pk]
        return str(task["fields"]["description"])

    assert described() == described() == "Nobody keeps this sentence."
    erasing.erase(entry, ["fields.description"], order())
    assert described() == "[erased]"


def test_the_shelf_keeps_within_its_bytes_and_lets_the_oldest_go() -> None:
    shelf = Shelf(4000)
    states = {place: State(fields={"text": chr(97 + place) * 1000}) for place in range(10)}
    for place, state in states.items():
        shelf.put((bytes([place]), 0), state)
    kept = [place for place in states if shelf.get((bytes([place]), 0)) == states[place]]
    assert kept == [7, 8, 9]
    assert 0 < shelf.bytes <= 4000


def test_a_missions_process_folds_what_the_replay_folds() -> None:
    mission = busy_mission()
    server = loading.load([mission.pk])[mission.pk]
    assert server.seq == len(ids(mission))
    planning.revise_mission(mission, expected=None, actor=SYSTEM, now=timezone.now(), goal="Another")
    assert loading.catch_up([server]) == {}
    assert server.seq == len(ids(mission))
    tasks = replay.replay(mission)["state"]["tasks"]
    assert {work.key: work.status for work in server.standing.tasks.values()} == {
        key: task["status"] for key, task in tasks.items()
    }
    assert agreeing.partings([mission.pk]) == {}


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"plain": "text", "deep": {"list": [1, None, True, "ü\u2028"]}},
        {"float": 0.1, "deep": [{"f": 1e-9}]},
        {"$float": "mine", "$erasable": {"x": 1}, "q": 'a "$b" {"$erasable":'},
    ],
)
def test_the_fast_reader_reads_what_the_careful_one_reads(outputs: dict[str, Any]) -> None:
    row = world.task(outputs=outputs, description="Wörter")
    world.file(row, Filing(percent=3, outputs=outputs))
    for entry in Entry.objects.in_stream(f"mission:{row.mission_id}"):
        assert reading.read(entry.canonical, entry.body) == bodies.read(entry.canonical, entry.body)


@pytest.mark.breaks_history
def test_a_row_that_a_test_changes_behind_the_trace_fails_that_test() -> None:
    row = world.task()
    replayed.check()
    Task.objects.filter(pk=row.pk).update(objective="Something else")
    with pytest.raises(pytest.fail.Exception, match=r"fields.objective"):
        replayed.check()


def test_an_id_that_the_ledger_has_not_given_is_refused(operator: APIClient) -> None:
    mission, ahead = busy_mission(), Entry.objects.latest("pk").pk + 1
    for name in ("until", "compare"):
        answer = operator.post(f"/api/missions/{mission.key}/replay", {name: ahead}, format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [name])
        answer = operator.post(f"/api/missions/{mission.key}/replay", {name: ahead - 1}, format="json")
        assert answer.status_code == 200
    said, code = command(mission.key, "--at", str(ahead))
    assert code == 2
    assert f"The newest entry of the ledger is {ahead - 1}." in said
