"""Policies as files: read strictly, written in one order, compared and carried over as a whole."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as some

from coordinator.lib.errors import Stale
from policies import files, trials
from policies.files import Misread
from policies.models import FIELDS, Policy, PolicyRevision
from policies.services import importing, revising
from policies.starting import STARTERS
from tests.policies.rows import SEED, ask, policy, revise
from traceability.events import SYSTEM

FORCE = """\
# Why this is here.
policy_id: no-force
conditions:
  action_type: git_push
  force: true
actions:
  - block: Not here.
tests:
  - {name: forced, input: {action_type: git_push, force: true}, expect: match}
  - {name: plain, input: {action_type: git_push}, expect: no_match}
"""
JSON = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**53), 2**53)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(Misread) as wrong:
        files.read(text, name="p.yaml")
    return wrong.value.lines


def store(directory: Path, **named: str) -> Path:
    for name, text in named.items():
        (directory / f"{name}.yaml").write_text(text)
    return directory


def run(*args: Any, capsys: Any) -> str:
    call_command(*args)
    told: str = capsys.readouterr().out
    return told


def test_a_file_tells_its_policy_and_where_each_value_stands() -> None:
    found = files.read(FORCE, name="p.yaml")
    assert (found.key, found.fields["conditions"]) == ("no-force", {"action_type": "git_push", "force": True})
    assert (found.places["/conditions/force"], found.places["/tests/1/expect"]) == (5, 10)


@example(conditions={"a": {"\x85": None, "b": ["\u2028 x\n", "\r"]}}, text="a\x85b\n c")
@given(
    conditions=some.dictionaries(some.sampled_from(["a", "on", "1e5", "~", "no: #", "true"]), JSON, max_size=4),
    text=JSON,
)
def test_what_is_written_is_read_again_whatever_it_is(conditions: dict[str, Any], text: Any) -> None:
    fields = {**SEED, "conditions": conditions, "description": text if isinstance(text, str) else "x"}
    again = files.read(files.write("p-1", fields), name="p.yaml")
    assert again.fields["conditions"] == conditions
    assert repr(again.fields.get("description", "")) == repr(fields["description"])


def test_the_same_policy_is_always_the_same_text() -> None:
    fields = {**SEED, "tests": [], "owner": "ada", "conditions": {"force": True, "action_type": "git_push"}}
    text = files.write("no-force", fields)
    assert text == files.write("no-force", dict(reversed(fields.items())))
    assert text.splitlines()[:4] == ["policy_id: no-force", "owner: ada", "conditions:", "  action_type: git_push"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "p.yaml:1: A policy is an object"),
        ("- a", "p.yaml:1: A policy is an object"),
        ("a: [", "p.yaml:1: Not YAML"),
        ("policy_id: x\na: 1\n  b: 2", "p.yaml:3: Not YAML"),
        ("policy_id: x\nactions: &a [1]\nscope: *a", "p.yaml:3: Not YAML: anchors"),
        ("policy_id: x\nowner: a\nowner: b", "p.yaml:3: 'owner' stands here twice."),
        ("policy_id: x\nconditions: {a: !!binary aGk=}", "p.yaml:2: This is no plain JSON value"),
        ("policy_id: x\nconditions: {1: a}", "p.yaml:2: Names are texts."),
        ("policy_id: x\n\nsurplus: 1", "p.yaml:3: surplus: There is no field"),
        ("policy_id: 'a b'", "p.yaml:1: policy_id: "),
        ("conditions: {}", "p.yaml:1: policy_id: "),
        ("policy_id: x\nstatus: on", "p.yaml:2: status: This takes one of draft"),
        ("policy_id: x\nvalid_from: Friday", "p.yaml:2: valid_from: This takes an RFC 3339 time"),
        ("policy_id: x\nowner: [a]", "p.yaml:2: owner: This takes a text"),
        ('policy_id: x\nowner: "a\\0b"', "p.yaml:2: Text must not contain NUL"),
        (b"policy_id: \xff", "p.yaml:1: Not YAML"),
        ("[" * 5000, "p.yaml:1: Not YAML"),
        ("a: " + "x" * files.LARGEST, "at most"),
    ],
)
def test_what_is_no_policy_is_refused_by_file_and_line(text: str, told: str) -> None:
    assert told in mistakes(text)[0]


@pytest.mark.django_db
def test_what_the_service_refuses_is_told_by_file_and_line(tmp_path: Path) -> None:
    wrong = FORCE.replace("force: true\nactions", "forced: true\nactions").replace("block", "deny")
    failing = FORCE.replace("no-force", "other").replace("expect: no_match", "expect: match")
    store(tmp_path, a=wrong, b=failing)
    with pytest.raises(CommandError) as refused:
        call_command("policy_import", tmp_path, "--apply")
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        [f"{tmp_path}/a.yaml:5", "conditions/forced"],
        [f"{tmp_path}/a.yaml:7", "actions/0"],
        [f"{tmp_path}/b.yaml:10", "tests/1"],
    ]
    assert refused.value.returncode == 1
    assert not Policy.objects.exists()


@pytest.mark.django_db
def test_a_file_whose_scope_names_nothing_that_exists_is_refused(tmp_path: Path) -> None:
    store(tmp_path, a=FORCE + "scope:\n  mission:\n    - nowhere\n")
    with pytest.raises(CommandError, match=r"a.yaml:13: scope/mission/0: There is no mission 'nowhere'\."):
        call_command("policy_import", tmp_path)


@pytest.mark.django_db
def test_an_import_tells_what_differs_and_stores_it_only_when_it_is_told_to(tmp_path: Path, capsys: Any) -> None:
    store(tmp_path, force=FORCE)
    row = policy(policy_id="by-hand")
    told = run("policy_import", tmp_path, capsys=capsys)
    assert told.splitlines() == [
        "new      no-force", "no file  by-hand", "1 of 1 would be stored; --apply stores them.",
    ]  # fmt: skip
    assert Policy.objects.count() == 1
    run("policy_import", tmp_path, "--apply", capsys=capsys)
    assert ask().as_data()[0]["policy_id"] in {"no-force", row.key}
    store(tmp_path, force=FORCE.replace("Not here.", "Never.") + "owner: ada\n")
    assert "changed  no-force (owner, actions)" in run("policy_import", tmp_path, "--apply", capsys=capsys)
    assert "same     no-force" in run("policy_import", tmp_path, "--apply", capsys=capsys)
    kept = PolicyRevision.objects.filter(policy__policy_id="no-force").order_by("n")
    assert [(each.n, each.owner, each.change_note) for each in kept] == [
        (1, "", "Imported from a file."),
        (2, "ada", "Imported from a file."),
    ]


@pytest.mark.django_db
def test_of_several_files_all_are_stored_or_none(tmp_path: Path) -> None:
    store(tmp_path, a=FORCE, b=FORCE.replace("no-force", "evaluate"))
    with pytest.raises(CommandError, match="address of its own"):
        call_command("policy_import", tmp_path, "--apply")
    assert not Policy.objects.exists()
    store(tmp_path, b=FORCE)
    with pytest.raises(CommandError, match="no-force stands in"):
        call_command("policy_import", tmp_path, "--apply")


@pytest.mark.django_db
def test_an_export_is_what_an_import_takes_and_leaves_the_files_that_say_the_same(tmp_path: Path, capsys: Any) -> None:
    policy(
        policy_id="p-1", scope={"agent_type": ["claude_code"]}, valid_from=timezone.now(), description="Two\nlines: yes"
    )
    policy(policy_id="p-2", require=["branch"], priority=3, mode="audit", status="disabled")
    assert "2 of 2 policies written." in run("policy_export", tmp_path, capsys=capsys)
    commented = tmp_path / "p-1.yaml"
    commented.write_text("# Kept.\n" + commented.read_text())
    assert "0 of 2 policies written." in run("policy_export", tmp_path, capsys=capsys)
    told = run("policy_import", tmp_path, "--apply", capsys=capsys)
    assert told.splitlines() == ["same     p-1", "same     p-2", "0 of 2 stored."]
    revise(Policy.objects.get(policy_id="p-2"), priority=4)
    assert "1 of 2 policies written." in run("policy_export", tmp_path, capsys=capsys)
    assert commented.read_text().startswith("# Kept.")


@pytest.mark.django_db
@pytest.mark.parametrize("path", sorted(STARTERS.iterdir()), ids=lambda path: path.stem)
def test_each_starter_is_a_draft_whose_tests_hold(path: Path) -> None:
    starter = files.read(path.read_bytes(), name=path.name)
    content = revising.drafted(starter.fields)
    assert content["status"] == "draft"
    assert trials.suffice(content["tests"])
    assert content["description"]
    assert starter.key == f"starter-{path.stem}"


@pytest.mark.django_db
def test_the_starters_are_added_once_and_stay_what_people_make_of_them(capsys: Any) -> None:
    assert "10 of 10 stored." in run("policy_import", "--starters", "--apply", capsys=capsys)
    assert set(Policy.objects.values_list("status", flat=True)) == {"draft"}
    assert ask().outcome == "allow"
    row = Policy.objects.get(policy_id="starter-no-force-push")
    revising.activate(row, expected=None, actor=SYSTEM, now=timezone.now())
    assert ask().outcome == "block"
    assert "0 of 0 stored." in run("policy_import", "--starters", "--apply", capsys=capsys)
    assert Policy.objects.get(pk=row.pk).status == "active"


@pytest.mark.django_db
def test_tests_are_run_from_files_and_from_the_database(tmp_path: Path, capsys: Any) -> None:
    assert "0 fail; 0 untested." in run("policy_test", "--starters", "--required", capsys=capsys)
    store(tmp_path, a=FORCE.replace("expect: no_match", "expect: warn"))
    with pytest.raises(CommandError):
        call_command("policy_test", tmp_path)
    assert "a.yaml: tests/1: 'plain': expected warn, found no_match." in capsys.readouterr().out
    policy(policy_id="bare")
    assert "bare: untested" in run("policy_test", "--all", capsys=capsys)
    with pytest.raises(CommandError):
        call_command("policy_test", "--all", "--required")
    with pytest.raises(CommandError, match="Name files"):
        call_command("policy_test")


@pytest.mark.django_db
def test_an_import_does_not_overwrite_what_changed_meanwhile(tmp_path: Path) -> None:
    policy(policy_id="no-force")
    steps = importing.plan(files.read_all([store(tmp_path, a=FORCE)]))
    revise(Policy.objects.get(), priority=9)
    with pytest.raises(Stale):
        importing.carry_out(steps, actor=SYSTEM, now=timezone.now(), note="")
    assert set(FIELDS) == set(steps[0].content)
