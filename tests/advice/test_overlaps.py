"""Two agents on the same files: the same path, on the same ground, at the same time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from missions.advice.overlaps import MOST_FOUND, MOST_SHARING, Touch, overlaps
from missions.lifecycle import TaskStatus
from missions.models import Advisory
from missions.services import advising
from tests.advice import causes
from tests.missions import world


def touch(task_id: int, path: str = "a.py", agent: str = "", mission: int = 1, repository: str = "") -> Touch:
    return Touch(mission, task_id, f"t-{task_id}", agent or f"agent-{task_id}", path, repository)


def names(*touches: Touch) -> list[str]:
    return [each.name for each in overlaps(touches)]


@pytest.mark.parametrize(
    ("one", "other", "is_told"),
    [
        (touch(1), touch(2), True),
        (touch(1, "./src//a.py"), touch(2, "src/a.py"), True),
        (touch(1), touch(2, "b.py"), False),
        (touch(1), touch(2, agent="agent-1"), False),
        (touch(1), touch(2, mission=2), False),
        (touch(1, repository="o/r"), touch(2, mission=2, repository="o/r"), True),
        (touch(1, repository="o/r"), touch(2, repository="o/other"), False),
        (touch(1, repository="o/r"), touch(2), True),
    ],
)
def test_tasks_overlap_by_path_agent_and_ground(one: Touch, other: Touch, is_told: bool) -> None:
    expected = ["same_files:task:1:task:2"] if is_told else []
    assert names(one, other) == names(other, one) == expected


def test_a_pair_is_told_once_with_all_its_paths() -> None:
    both = [touch(number, f"{path}.py") for number in (1, 2) for path in "abc"]
    [found] = overlaps([*both, touch(3, "z.py")])
    assert found.evidence == {
        "paths": ["a.py", "b.py", "c.py"], "count": 3, "tasks": ["t-1", "t-2"], "agents": ["agent-1", "agent-2"],
    }  # fmt: skip
    assert found.message == "agent-1 (task t-1) and agent-2 (task t-2) work on the same files: a.py and 2 more."


def test_three_on_one_file_are_three_pairs() -> None:
    assert len(names(touch(1), touch(2), touch(3))) == 3


def test_a_path_that_many_tasks_of_one_ground_share_is_common_ground() -> None:
    sharing = [touch(number, "CHANGELOG.md") for number in range(MOST_SHARING)]
    assert len(names(*sharing)) == 45
    assert names(*sharing, touch(99, "CHANGELOG.md")) == []
    assert len(names(*sharing, touch(99, "CHANGELOG.md", mission=2))) == 45


def test_the_number_of_findings_is_bounded() -> None:
    assert len(names(*(touch(number, f"{number // 10}.py") for number in range(1000)))) == MOST_FOUND


@pytest.mark.django_db
@pytest.mark.parametrize(
    "context",
    [{"path": "src/app.py"}, {"file": "src/app.py"}, {"file_path": "src/app.py"}, {"files": ["src/app.py", 7]}],
)
def test_paths_are_read_from_what_agents_tell(context: dict[str, object]) -> None:
    mission = world.mission()
    for _ in range(2):
        causes.at_work(mission, **context)  # type: ignore[arg-type]
    assert advising.compare_files(now=timezone.now()) == (1, 0)
    assert Advisory.objects.get().evidence["paths"] == ["src/app.py"]


@pytest.mark.django_db
def test_paths_are_read_from_the_outputs_of_tasks_too() -> None:
    mission = world.mission()
    causes.at_work(mission, path="src/app.py")
    world.task(mission, agent=world.agent(), status=TaskStatus.IN_PROGRESS, outputs={"files": ["src/app.py"]})
    assert advising.compare_files(now=timezone.now()) == (1, 0)


@pytest.mark.django_db
def test_what_was_touched_long_ago_does_not_count() -> None:
    mission, ago = world.mission(), timezone.now() - timedelta(hours=2, seconds=1)
    causes.at_work(mission, path="src/app.py")
    task = causes.at_work(mission, at=ago, path="src/app.py")
    causes.touch(task, timezone.now())
    assert advising.compare_files(now=timezone.now()) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("context", [{"path": 7}, {"path": ""}, {"files": "src/app.py"}, {"files": {"a": 1}}])
def test_what_is_no_path_is_passed_over(context: dict[str, object]) -> None:
    mission = world.mission()
    for _ in range(2):
        causes.at_work(mission, **context)  # type: ignore[arg-type]
    assert advising.compare_files(now=timezone.now()) == (0, 0)
