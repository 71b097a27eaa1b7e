"""Ids and transaction numbers do not tell the order of commits: the tail's way of reading does not need them to."""

from collections.abc import Callable

import pytest

from tests.traceability.following import (
    SCENES,
    ByLastId,
    ByLastIdBelowTheHorizon,
    ByTransactionBelowTheHorizon,
    Scene,
    SnapshotReader,
)

pytestmark = pytest.mark.breaks_history
"""Entries are written as a stranger would, without what they tell."""


def faults_of(reader_of: Callable[[], SnapshotReader]) -> dict[str, set[str]]:
    """What a reader does wrong, scene by scene."""
    found = {}
    for play in SCENES:
        reader = reader_of()
        reader.read()
        reader.seen.clear()
        scene = Scene(reader)
        play(scene)
        found[play.__name__] = scene.end()
    return found


def test_what_was_not_visible_before_is_read_whole_once_at_once_and_in_order(committing: None) -> None:
    assert faults_of(SnapshotReader) == {play.__name__: set() for play in SCENES}


@pytest.mark.parametrize(
    ("naive", "faults"),
    [
        (ByLastId, {"lost", "late"}),
        (ByLastIdBelowTheHorizon, {"lost", "late"}),
        (ByTransactionBelowTheHorizon, {"out of order", "late"}),
    ],
)
def test_a_naive_reader_is_caught(naive: Callable[[], SnapshotReader], faults: set[str], committing: None) -> None:
    assert set().union(*faults_of(naive).values()) == faults
