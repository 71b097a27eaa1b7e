"""The standing of a mission: folding it in parts, through a checkpoint, or with entries that come twice is the same."""

import zlib
from dataclasses import asdict

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.replaying import folding as replay
from missions.replaying.folding import CannotFold, UnknownKind
from missions.replaying.state import Told
from missions.standing import packing
from missions.standing.folding import REDUCERS, fold, micros
from missions.standing.state import FINISHED_KEPT, HOURS_KEPT, Fellow, Standing, Work
from missions.supervision.server import MissionServer
from tests.standing.stories import OF_MISSIONS, OF_TASKS, WORDS, created, moved, stories, told

Stories = list[Told]


@given(stories(), st.data())
def test_a_checkpoint_anywhere_and_the_rest_is_the_fold_of_the_whole(story: Stories, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(story)))
    kept = packing.unpacked(packing.packed(fold(story[:cut])))
    assert fold(story[cut:], kept) == fold(story)


@given(stories())
def test_what_is_packed_is_unpacked_as_it_was(story: Stories) -> None:
    standing = fold(story)
    found = packing.unpacked(packing.packed(standing))
    assert found == standing
    assert packing.packed(found) == packing.packed(standing)
    assert {type(pk) for pk in [*found.tasks, *found.spent]} <= {int}
    assert all(isinstance(work.needs, tuple) for work in found.tasks.values())


@given(stories())
def test_a_standing_holds_no_text_that_somebody_wrote(story: Stories) -> None:
    assert WORDS not in zlib.decompress(packing.packed(fold(story))).decode()


@given(stories())
def test_the_standing_says_what_the_replay_says(story: Stories) -> None:
    standing, shown = fold(story), replay.fold(story)
    assert (standing.status, standing.process) == (shown.status, shown.process["state"])
    assert standing.participants == shown.participants
    assert standing.cost == micros(str(shown.cost_usd))
    assert standing.tasks.keys() == shown.tasks.keys()
    for pk, work in standing.tasks.items():
        task, claim = shown.tasks[pk], shown.tasks[pk]["claim"]
        assert (work.status, work.percent, work.agent) == (task["status"], task["percent"], task["agent"])
        assert (work.cost, work.needs) == (micros(str(task["cost_usd"])), tuple(task["depends_on"]))
        assert work.holder == (claim and claim["agent"])


@given(stories(), st.data())
def test_entries_that_come_twice_or_too_early_change_nothing(story: Stories, data: st.DataObject) -> None:
    server = MissionServer(1)
    for each in data.draw(st.lists(st.sampled_from(story), max_size=60)):
        known, before = server.seq, asdict(server)
        assert server.apply(each) == (each.seq <= known + 1)
        assert each.seq == known + 1 or asdict(server) == before
    for each in story[server.seq :]:
        assert server.apply(each)
    assert (server.seq, server.standing) == (len(story), fold(story))


@given(stories())
def test_folding_does_not_change_what_was_told(story: Stories) -> None:
    before = orjson.dumps([each._asdict() for each in story])
    fold(story)
    assert orjson.dumps([each._asdict() for each in story]) == before


def test_an_unknown_kind_stops_the_fold_and_leaves_the_server_before_it() -> None:
    server = MissionServer(1)
    assert server.apply(created(1, 1))
    with pytest.raises(UnknownKind, match="teleported"):
        server.apply(told(2, "task.teleported", {}, task=1))
    assert server.seq == 1


def test_a_schema_of_the_future_stops_the_fold() -> None:
    with pytest.raises(UnknownKind, match="has schema 9"):
        fold([created(1, 1), moved(2, 1, "blocked")._replace(schema=9)])


@pytest.mark.parametrize(
    ("kind", "data", "task"),
    [
        ("task.moved", {"after": "completed"}, 1),
        ("task.moved", {"after": "completed", "percent": 100}, 8),
        ("task.costed", {"cost_usd": "much"}, 1),
        ("task.claimed", {"fence": 1}, 1),
        ("mission.moved", {}, None),
    ],
)
def test_an_entry_that_does_not_fit_stops_with_its_place(kind: str, data: dict[str, object], task: int | None) -> None:
    with pytest.raises(CannotFold, match=rf"Entry 2 of mission:1 \({kind}\) does not fit"):
        fold([created(1, 1), told(2, kind, data, task=task)])


def test_a_server_that_begins_anew_folds_the_same_again() -> None:
    story = [created(1, 1), moved(2, 1, "in_progress")]
    server = MissionServer(1)
    for each in story:
        server.apply(each)
    before = server.standing
    server.begin_anew()
    assert (server.seq, server.standing) == (0, Standing())
    for each in story:
        server.apply(each)
    assert server.standing == before


def test_only_the_last_completions_and_hours_are_kept() -> None:
    count = FINISHED_KEPT + 7
    story = [created(1, 1)]
    story += [moved(2 + n, 1, "completed", minutes=n) for n in range(count)]
    standing = fold(story)
    assert len(standing.finished) == FINISHED_KEPT
    assert standing.finished[-1] - standing.finished[0] == (FINISHED_KEPT - 1) * 60
    costs = [told(n + 1, "mission.costed", {"cost_usd": "0.01"}, minutes=60 * n) for n in range(HOURS_KEPT + 9)]
    standing = fold(costs)
    assert len(standing.spent) == HOURS_KEPT
    assert standing.cost == (HOURS_KEPT + 9) * 10_000


def test_the_same_failure_counts_up_and_another_begins_anew() -> None:
    story = [created(1, 1, agent={"id": 70, "key": "a-0"})]
    story += [moved(2 + n, 1, "failed", reason="The tests are red.", agent=0) for n in range(3)]
    standing = fold(story)
    assert (standing.tasks[1].failures, standing.agents["a-0"].failures) == (3, 3)
    other = fold([moved(5, 1, "failed", reason="The disk is full.", agent=0)], standing)
    assert (other.tasks[1].failures, other.agents["a-0"].failures) == (1, 1)
    good = fold([moved(6, 1, "completed", agent=0)], other)
    assert (good.tasks[1].failures, good.tasks[1].failed, good.agents["a-0"].failures) == (0, "", 0)


def test_a_run_that_ends_after_the_next_was_queued_leaves_the_next() -> None:
    def run(seq: int, kind: str, execution: int, **data: object) -> Told:
        return told(seq, kind, {"execution": execution, **data}, task=1, agent=0)

    ended = {"state": "cancelled", "failure": "", "detail": ""}
    story = [created(1, 1), run(2, "execution.queued", 4), run(3, "execution.started", 4)]
    assert (fold(story).tasks[1].run, fold(story).tasks[1].running) == (4, True)
    story += [run(4, "execution.queued", 5), run(5, "execution.ended", 4, **ended)]
    assert (fold(story).tasks[1].run, fold(story).tasks[1].running) == (5, False)
    story += [run(6, "execution.ended", 5, **ended)]
    assert fold(story).tasks[1].run is None


@pytest.mark.parametrize("broken", [b"", b"[]", zlib.compress(b"{}"), zlib.compress(b'{"tasks":{"x":[]}}')])
def test_bytes_of_another_form_are_told_from_a_checkpoint(broken: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, zlib.error)):
        packing.unpacked(broken)


def test_the_form_of_a_checkpoint_is_named_by_its_schema() -> None:
    """A change of these needs a new `packing.SCHEMA`, so that what was kept before is folded anew."""
    assert packing.SCHEMA == 2
    assert [len(each.__dataclass_fields__) for each in (Work, Fellow, Standing)] == [17, 4, 14]


def test_stories_reach_every_kind_that_changes_a_standing() -> None:
    """The properties above say nothing of kinds that no story has."""
    assert set(REDUCERS) <= {*OF_TASKS, *OF_MISSIONS, "mission.created", "task.created"}
