"""What a host is to do about each mission: nobody waits for ever, and what is remembered stays small."""

from missions.supervision.holding import SPARE_TIMERS, Holding
from missions.supervision.server import MissionServer


def holding(missions: int) -> Holding:
    made = Holding()
    made.servers = {pk: MissionServer(pk) for pk in range(missions)}
    return made


def test_whoever_waits_longest_comes_first_however_many_more_come() -> None:
    held = holding(2000)
    for pk in range(2000):
        held.note(pk, 0.0)
    seen: set[int] = set()
    for turn in range(10):
        taken = held.take_touched(200)
        assert taken == sorted(taken)
        seen.update(taken)
        for pk in range(turn * 150, turn * 150 + 250):
            held.note(pk % 2000, 0.0)
    assert seen == set(range(2000))


def test_many_looks_leave_no_more_timers_than_missions_need() -> None:
    held = holding(100)
    for at in range(200):
        held.remember({pk: 1000.0 + at for pk in range(100)})
    assert len(held.timers) <= 2 * 100 + SPARE_TIMERS + 100
    assert held.next_due() <= 1199.0
    assert held.wake_due(1198.5) == 0
    assert held.wake_due(1199.0) == 100


def test_a_mission_that_is_dropped_is_not_woken() -> None:
    held = holding(2)
    held.remember({0: 5.0, 1: 5.0})
    held.drop([0])
    assert held.wake_due(6.0) == 1
    assert held.take_touched(10) == [1]
