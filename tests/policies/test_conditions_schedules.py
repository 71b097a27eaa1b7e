"""Hours of the week in a place: what deploys on Friday afternoon, in Berlin, in summer and in winter."""

from typing import Any

import pytest

from tests.policies.test_conditions import holds, mistakes

FRIDAY_EVENING = {"tz": "Europe/Berlin", "days": ["fri"], "from": "16:00", "to": "24:00"}
WEEKEND = {"tz": "Europe/Berlin", "days": ["sat", "sun"]}
NIGHT = {"tz": "Europe/Berlin", "days": ["fri"], "from": "22:00", "to": "06:00"}


def within(schedule: Any, at: Any) -> Any:
    return holds({"context.at": {"during": schedule}}, {"context": {"at": at}})


@pytest.mark.parametrize(
    ("schedule", "at", "inside"),
    [
        (FRIDAY_EVENING, "2026-11-27T14:59:59Z", False),
        (FRIDAY_EVENING, "2026-11-27T15:00:00Z", True),
        (FRIDAY_EVENING, "2026-11-27T22:59:59.999999Z", True),
        (FRIDAY_EVENING, "2026-11-27T23:00:00Z", False),
        (FRIDAY_EVENING, "2026-07-03T13:59:59Z", False),
        (FRIDAY_EVENING, "2026-07-03T14:00:00Z", True),
        (FRIDAY_EVENING, "2026-11-27T20:00:00+05:00", True),
        (FRIDAY_EVENING, "2026-11-26T16:00:00Z", False),
        (WEEKEND, "2026-11-27T22:59:59Z", False),
        (WEEKEND, "2026-11-27T23:00:00Z", True),
        (WEEKEND, "2026-11-29T22:59:59Z", True),
        (WEEKEND, "2026-11-29T23:00:00Z", False),
        (NIGHT, "2026-11-27T21:00:00Z", True),
        (NIGHT, "2026-11-28T04:59:59Z", True),
        (NIGHT, "2026-11-28T05:00:00Z", False),
        (NIGHT, "2026-11-27T04:00:00Z", False),
        ({"tz": "UTC", "from": "23:00", "to": "01:00"}, "2026-11-27T00:59:59Z", True),
        ({"tz": "UTC", "from": "23:00", "to": "01:00"}, "2026-11-27T01:00:00Z", False),
    ],
)
def test_the_clock_on_the_wall_of_the_place_counts(schedule: Any, at: str, inside: bool) -> None:
    assert within(schedule, at) is inside
    assert holds({"not": {"context.at": {"during": schedule}}}, {"context": {"at": at}}) is not inside


def test_an_hour_that_summer_time_skips_never_comes_and_one_that_it_repeats_comes_twice() -> None:
    two = {"tz": "Europe/Berlin", "from": "02:00", "to": "03:00"}
    skipped = ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"]
    assert [within(two, at) for at in skipped] == [False, False]
    repeated = ["2026-10-24T23:59:59Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]
    assert [within(two, at) for at in repeated] == [False, True, True, False]


def test_hours_of_what_is_no_time_cannot_be_judged_and_of_nothing_do_not_hold() -> None:
    assert "RFC 3339" in within(WEEKEND, "yesterday").reason
    assert holds({"context.at": {"during": WEEKEND}}, {"context": {}}) is False


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ({}, "for instance"),
        ("fri", "for instance"),
        ({"tz": "Europe/Berlin"}, "for instance"),
        ({"days": ["fri"], "from": "16:00"}, "for instance"),
        ({"tz": "Europe/Berlinn", "days": ["fri"]}, "no time zone"),
        ({"tz": "../../etc/passwd", "days": ["fri"]}, "time zone"),
        ({"tz": "Europe", "days": ["fri"]}, "no time zone"),
        ({"tz": 1, "days": ["fri"]}, "time zone"),
        ({"tz": "UTC", "days": []}, "days"),
        ({"tz": "UTC", "days": ["friday"]}, "mon, tue"),
        ({"tz": "UTC", "days": "fri"}, "days"),
        ({"tz": "UTC", "from": "24:00"}, "midnight"),
        ({"tz": "UTC", "from": "9:00"}, "hours and minutes"),
        ({"tz": "UTC", "to": "25:00"}, "hours and minutes"),
        ({"tz": "UTC", "from": "09:00", "to": "09:00"}, "same moment"),
        ({"tz": "UTC", "from": "09:00", "until": "10:00"}, "no 'until'"),
    ],
)
def test_hours_that_do_not_read_are_refused_with_the_reason(schedule: Any, told: str) -> None:
    assert told in mistakes({"context.at": {"during": schedule}})["/context.at/during"]


def test_hours_are_asked_of_times_only() -> None:
    assert mistakes({"action_type": "shell", "command": {"during": WEEKEND}})
