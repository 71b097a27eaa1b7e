"""Hours of the week in a place: `{"tz": "Europe/Berlin", "days": ["fri"], "from": "16:00", "to": "24:00"}`. Pure.

`from` is inside and `to` is not. Where `to` is not after `from`, the hours run on into the next morning and belong to
the day on which they begin. Left out, `days` are all days and the hours are the whole day. The clock on the wall of the
place counts, summer time included.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY = 24 * 60
CLOCK = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)\Z")
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,2}\Z")
NAMES = ("tz", "days", "from", "to")
EXAMPLE = 'this takes hours of the week, for instance {"tz": "Europe/Berlin", "days": ["fri"], "from": "16:00"}'


@dataclass(frozen=True)
class Schedule:
    """`begins` and `ends` are minutes since midnight."""

    zone: ZoneInfo
    days: frozenset[int]
    begins: int
    ends: int


def read(raw: dict[str, Any]) -> Schedule:
    """A schedule that has no mistake."""
    days = raw.get("days", DAYS)
    begins, ends = _minutes(raw.get("from", "00:00")), _minutes(raw.get("to", "24:00"))
    return Schedule(ZoneInfo(raw["tz"]), frozenset(DAYS.index(each) for each in days), begins, ends)


def holds(schedule: Schedule, at: datetime) -> bool:
    """Whether the moment is within."""
    local = at.astimezone(schedule.zone)
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if schedule.begins < schedule.ends:
        return today in schedule.days and schedule.begins <= minute < schedule.ends
    if minute >= schedule.begins:
        return today in schedule.days
    return minute < schedule.ends and (local.date() - timedelta(days=1)).weekday() in schedule.days


def mistake_of(raw: Any) -> str | None:
    """What is wrong with it, or None."""
    if not isinstance(raw, dict) or "tz" not in raw or len(raw) < 2:
        return EXAMPLE
    if unknown := sorted(str(name) for name in set(raw) - set(NAMES)):
        return f"there is no {unknown[0][:50]!r} in hours of the week: they have {', '.join(NAMES)}"
    return _mistake_of_zone(raw["tz"]) or _mistake_of_days(raw.get("days", ["mon"])) or _mistake_of_hours(raw)


def _mistake_of_zone(name: Any) -> str | None:
    if not isinstance(name, str) or not ZONE.match(name):
        return "`tz` is the name of a time zone, for instance Europe/Berlin"
    try:
        ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return f"there is no time zone {name!r}"
    return None


def _mistake_of_days(days: Any) -> str | None:
    listed = isinstance(days, list) and bool(days) and all(isinstance(each, str) for each in days)
    return None if listed and set(days) <= set(DAYS) else f"`days` is a list of some of {', '.join(DAYS)}"


def _mistake_of_hours(raw: dict[str, Any]) -> str | None:
    begins, ends = raw.get("from", "00:00"), raw.get("to", "24:00")
    if not all(isinstance(each, str) and CLOCK.match(each) for each in (begins, ends)):
        return "`from` and `to` are hours and minutes, from 00:00 to 24:00"
    if begins == "24:00" or ends == "00:00":
        return "`from` is at most 23:59, and midnight at the end is 24:00"
    return "`from` and `to` are not the same moment" if begins == ends else None


def _minutes(clock: str) -> int:
    return WHOLE_DAY if clock == "24:00" else int(clock[:2]) * 60 + int(clock[3:])
