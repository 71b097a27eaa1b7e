"""The demo's work is real: it is read from what is installed, and the client knows no app."""

import ast
from pathlib import Path

from coordinator.demo import history, script
from coordinator.demo.script import Fate

DEMO = Path(script.__file__).parent
OTHERS = {"django", "rest_framework", "coordinator"} | {
    "missions", "agents", "sprints", "policies", "traceability", "knowledge", "accounts",
}  # fmt: skip


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


def test_the_client_imports_nothing_of_the_house_but_itself() -> None:
    named = {name for path in DEMO.glob("*.py") for name in imports_of(path)}
    foreign = {name for name in named if name.split(".")[0] in OTHERS}
    assert {name for name in foreign if not name.startswith("coordinator.demo")} == set()


def test_the_changelog_of_bcrypt_is_read_release_by_release() -> None:
    releases = history.bcrypt_releases()
    assert list(releases)[-2:] == ["4.3.0", "5.0.0"]
    assert any("72 bytes" in change.title for change in releases["5.0.0"])


def test_deprecations_are_those_of_the_next_release_with_file_and_line() -> None:
    changes = history.django_deprecations()
    assert {change.group for change in changes} == {"6.0"}
    assert all(change.facts["file"].startswith("django/") and change.facts["line"] > 0 for change in changes)
    assert len({change.title for change in changes}) == len(changes) >= script.PICKED


def test_without_a_git_history_the_modules_speak_for_themselves(tmp_path: Path) -> None:
    room = tmp_path / "coordinator"
    room.mkdir()
    (room / "one.py").write_text('"""What one is.\n\nAnd more."""\n')
    (room / "two.py").write_text("x = 1\n")
    assert [change.title for change in history.own_changes(tmp_path)] == ["What one is."]
    assert [text.title for text in history.own_documents(tmp_path)] == ["What each module is"]


def test_every_fate_is_in_the_script_and_every_need_of_a_task_too() -> None:
    day = script.write("r7")
    assert {job.fate for job in day.jobs.values()} == set(Fate)
    assert all(set(job.needs) <= day.jobs.keys() for job in day.jobs.values())
    known = {need.key for venture in day.ventures for need in venture.needs}
    assert {job.requirement for job in day.jobs.values()} <= known
