"""The fold: pure, versioned, complete; it stops at what it does not know instead of guessing."""

import pickle
from itertools import pairwise
from typing import Any

import pytest

from missions.replaying import folding
from missions.replaying.folding import CannotFold, UnknownKind, fold
from missions.replaying.state import State, Told
from traceability.events import Event

ELSEWHERE = {
    "account", "token", "session", "sprint", "policy", "objective", "key_result", "requirement", "usage", "endpoint",
    "delivery", "notification", "waiver",
}  # fmt: skip
"""Nouns whose entries stand in no mission's stream: a waiver is the organisation's, like the policy it weakens."""

ELSEWHERE_KINDS = {"agent.created", "agent.updated", "agent.health_changed", "document.space_activated"}
TASK = {"id": 5, "key": "t-5"}


def told(seq: int, kind: str, data: dict[str, Any], *, schema: int = 1, task: bool = True) -> Told:
    refs = {"mission": {"id": 1, "key": "m-1"}, "agent": {"id": 2, "key": "a-2"}, **({"task": TASK} if task else {})}
    return Told(100 + seq, "mission:1", seq, kind, schema, "2026-11-24T12:00:00.000000Z", "olga", refs, data)


FIELDS: dict[str, Any] = {
    "task_id": "t-5",
    "status": "pending",
    "agent": None,
    "percent": 0,
    "outputs": {},
    "budget_usd": "1.500",
}
CREATED = {"fields": FIELDS, "depends_on": [], "requirements": []}
STORY = [
    told(1, "mission.created", {"fields": {"goal": "Ship", "status": "planning", "budget_usd": "10.50"}}, task=False),
    told(2, "task.created", CREATED),
    told(3, "task.claimed", {"fence": 1}),
    told(4, "task.moved", {"before": "pending", "after": "in_progress", "attempts": 1, "percent": 0}),
    told(5, "task.reported", {"percent": 40, "outputs": {"a": 1}}),
    told(6, "task.costed", {"cost_usd": "0.250000"}),
    told(7, "task.released", {"fence": 1}),
]


def product_events() -> list[type[Event]]:
    """The events of the product, less those that tests make up."""
    found, left = list[type[Event]](), list(Event.__subclasses__())
    while left:
        each = left.pop()
        left += each.__subclasses__()
        found += [each] if hasattr(each, "kind") and not each.__module__.startswith("tests.") else []
    return found


def test_every_kind_that_may_stand_in_a_missions_stream_has_its_place_in_the_tables() -> None:
    known = {each.kind for each in product_events() if each.kind.partition(".")[0] not in ELSEWHERE} - ELSEWHERE_KINDS
    assert known == set(folding.REDUCERS) | folding.CHANGES_NOTHING
    assert not set(folding.REDUCERS) & folding.CHANGES_NOTHING


def test_every_event_is_of_the_schema_that_its_reducer_reads() -> None:
    of_missions = [each for each in product_events() if each.kind in folding.REDUCERS]
    assert {each.kind for each in of_missions} == set(folding.REDUCERS)
    assert all(each.schema == folding.present_schema(each.kind) for each in of_missions)


def test_a_story_folds_into_what_it_tells() -> None:
    shown = fold(STORY).shown()
    assert (shown["status"], shown["fields"]["budget_usd"], shown["cost_usd"]) == ("planning", "10.50", "0.25")
    task = shown["tasks"]["t-5"]
    assert (task["status"], task["percent"], task["attempts"], task["outputs"]) == ("in_progress", 40, 1, {"a": 1})
    assert (task["agent"], task["claim"], task["reports"], task["fields"]["budget_usd"]) == ("a-2", None, 1, "1.50")


def test_a_fold_in_two_parts_is_the_fold_of_the_whole() -> None:
    for cut in range(len(STORY) + 1):
        half: State = pickle.loads(pickle.dumps(fold(STORY[:cut])))
        assert fold(STORY[cut:], half) == fold(STORY)


def test_a_state_that_was_shown_does_not_change_with_the_fold() -> None:
    shown = [fold(STORY[:cut]).shown() for cut in range(len(STORY) + 1)]
    state = State()
    for entry, (before, after) in zip(STORY, pairwise(shown), strict=True):
        kept = state.shown()
        folding.apply(state, entry)
        assert (kept, state.shown()) == (before, after)


def test_an_unknown_kind_stops_with_its_stream_and_place() -> None:
    with pytest.raises(UnknownKind) as stopped:
        fold([*STORY, told(8, "task.teleported", {})])
    assert (stopped.value.stream, stopped.value.seq) == ("mission:1", 8)
    assert "task.teleported" in str(stopped.value)


def test_a_schema_of_the_future_stops_the_fold() -> None:
    with pytest.raises(UnknownKind, match="has schema 2"):
        fold([*STORY[:3], told(4, "task.moved", STORY[3].data, schema=2)])


def test_old_data_is_brought_to_its_present_form_before_it_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    raised = {
        ("task.moved", 1): lambda data: {**data, "attempts": data.pop("tries")},
        ("task.moved", 2): lambda data: {**data, "percent": int(data["percent"].rstrip("%"))},
    }
    for key, raise_data in raised.items():
        monkeypatch.setitem(folding.UPCASTERS, key, raise_data)
    oldest = {"before": "pending", "after": "in_progress", "tries": 3, "percent": "7%"}
    middle = {"before": "pending", "after": "in_progress", "attempts": 3, "percent": "7%"}
    present = {"before": "pending", "after": "in_progress", "attempts": 3, "percent": 7}
    for schema, data in ((1, oldest), (2, middle), (3, present)):
        state = fold([*STORY[:3], told(4, "task.moved", dict(data), schema=schema)])
        assert (state.tasks[5]["attempts"], state.tasks[5]["percent"]) == (3, 7)
    with pytest.raises(UnknownKind, match="has schema 4"):
        fold([*STORY[:3], told(4, "task.moved", present, schema=4)])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("task.moved", {"after": "completed"}),
        ("task.costed", {"cost_usd": "much"}),
        ("approval.granted", {"approval": 9, "released": True}),
        ("execution.ended", {"execution": 9, "state": "failed", "failure": "", "cost_usd": None}),
    ],
)
def test_an_entry_that_does_not_fit_stops_with_its_place(kind: str, data: dict[str, Any]) -> None:
    with pytest.raises(CannotFold, match=r"Entry 3 of mission:1 \(.*\) does not fit"):
        fold([*STORY[:2], told(3, kind, data)])


def test_what_was_erased_reads_as_erased_and_the_fold_goes_on() -> None:
    erased = {**CREATED, "fields": {**FIELDS, "objective": "[erased]", "acceptance_criteria": "[erased]"}}
    story = [STORY[0], told(2, "task.created", erased), told(3, "task.reported", {"percent": 5, "outputs": {"a": 1}})]
    story += [told(4, "task.reported", {"percent": 6, "outputs": {"b": "[erased]"}})]
    story += [told(5, "task.reported", {"percent": 7, "outputs": "[erased]"})]
    task = fold(story).tasks[5]
    assert (task["fields"]["objective"], task["fields"]["acceptance_criteria"]) == ("[erased]", ["[erased]"])
    assert task["outputs"] == {"a": 1, "b": "[erased]"}
