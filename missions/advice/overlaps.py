"""Agents who touch the same files at the same time. Pure."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from missions.advice.findings import SAME_FILES, Finding, listed

LONGEST_PATH = 200
MOST_SHARING = 10
"""A path that more tasks share is common ground, such as a list of changes, and says nothing."""

MOST_FOUND = 500


class Touch(NamedTuple):
    """A task in progress whose agent told of a path; `repository` is empty when it named none."""

    mission_id: int
    task_id: int
    task: str
    agent: str
    path: str
    repository: str


def overlaps(touches: Iterable[Touch]) -> Iterator[Finding]:
    """One finding for each two tasks of different agents that touched the same path of the same ground."""
    shared: dict[tuple[int, int], set[str]] = defaultdict(set)
    tasks: dict[int, Touch] = {}
    for (path, _), found in _by_ground(touches).items():
        if len({touch.task_id for touch in found}) > MOST_SHARING:
            continue
        for one, other in combinations(found, 2):
            if one.task_id != other.task_id and one.agent != other.agent and _same_ground(one, other):
                first, second = sorted((one, other), key=lambda touch: touch.task_id)
                tasks[first.task_id], tasks[second.task_id] = first, second
                shared[first.task_id, second.task_id].add(path)
    for (first_id, second_id), paths in sorted(shared.items())[:MOST_FOUND]:
        yield _finding(tasks[first_id], tasks[second_id], sorted(paths))


def _by_ground(touches: Iterable[Touch]) -> dict[tuple[str, int | str], list[Touch]]:
    """By path and mission, and by path and repository where one is named."""
    found: dict[tuple[str, int | str], list[Touch]] = defaultdict(list)
    for touch in touches:
        path = posixpath.normpath(touch.path)
        found[path, touch.mission_id].append(touch)
        if touch.repository:
            found[path, touch.repository].append(touch)
    return found


def _same_ground(one: Touch, other: Touch) -> bool:
    """The same repository when both name one, else the same mission."""
    if one.repository and other.repository:
        return one.repository == other.repository
    return one.mission_id == other.mission_id


def _finding(one: Touch, other: Touch, paths: list[str]) -> Finding:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    files = listed(paths)
    return Finding(
        name=f"{SAME_FILES}:task:{one.task_id}:task:{other.task_id}",
        kind=SAME_FILES,
        severity="warning",
        message=f"{one.agent} (task {one.task}) and {other.agent} (task {other.task}) work on the same files: "
        f"{paths[0][:LONGEST_PATH]}{more}."[:500],
        evidence={
            "paths": files["keys"],
            "count": files["count"],
            "tasks": [one.task, other.task],
            "agents": [one.agent, other.agent],
        },
        mission_id=one.mission_id,
        task_id=one.task_id,
        agent=one.agent,
    )
