"""Frames as people read them: a line each, for Slack and for mail. Pure."""

from typing import Any

Frame = dict[str, Any]
NOUNS = ("task", "mission", "agent")
SAYING = ("message", "summary", "reason", "goal", "objective", "title", "name")
"""The fields that say in words what happened, the first that is there."""

LONGEST_LINE = 400


def line(frame: Frame, public_url: str) -> str:
    """`2026-11-24 12:00 UTC  Task moved: in_progress to failed (task t-1, by anna)  https://.../tasks/t-1`."""
    data = frame["data"]
    told = f"{_time(frame)}  {headline(frame)}{_by(data)}"
    link = link_of(data, public_url)
    return f"{told[:LONGEST_LINE]}  {link}".rstrip()


def headline(frame: Frame) -> str:
    """What happened and to what, without who and when."""
    data = frame["data"]
    what = str(frame["event"]).replace(".", " ").replace("_", " ").capitalize()
    return " ".join(f"{what}: {_detail(data)} {_about(data)}".removesuffix(" ").split()).rstrip(":")


def subject(frames: list[Frame]) -> str:
    """The subject of a mail about these: of one what it says, of more how many."""
    told = headline(frames[0]) if len(frames) == 1 else f"{len(frames)} events"
    return f"[Coordinator] {' '.join(told.split())}"[:120]


def mail(frames: list[Frame], public_url: str) -> str:
    """The text of a mail about these."""
    lines = [line(frame, public_url) for frame in frames]
    where = f"\nWhat you are told, and where: {public_url}/notifications\n" if public_url else ""
    return "\n".join(lines) + "\n" + where


def slack(frames: list[Frame], public_url: str) -> str:
    """The `text` of a Slack message about these, in which nothing of it can be markup."""
    text = "\n".join(line(frame, public_url) for frame in frames)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link_of(data: dict[str, Any], public_url: str) -> str:
    """The page of the most particular thing that it is about; empty when the public address is not set."""
    noun = next((noun for noun in NOUNS if data.get(noun)), None)
    return f"{public_url}/{noun}s/{data[noun]}" if noun and public_url else ""


def _detail(data: dict[str, Any]) -> str:
    if data.get("before") is not None and data.get("after") is not None:
        return f"{data['before']} to {data['after']}"
    fields = data.get("fields") if isinstance(data.get("fields"), dict) else {}
    said = next((text for name in SAYING for text in [data.get(name) or (fields or {}).get(name)] if text), "")
    return str(said)[:200]


def _about(data: dict[str, Any]) -> str:
    named = [f"{noun} {data[noun]}" for noun in NOUNS if data.get(noun)]
    return f"({', '.join(named)})" if named else ""


def _by(data: dict[str, Any]) -> str:
    return f", by {data['actor']}" if data.get("actor") else ""


def _time(frame: Frame) -> str:
    return f"{frame['at'][:10]} {frame['at'][11:16]} UTC"
