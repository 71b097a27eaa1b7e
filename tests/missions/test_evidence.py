"""The evidence pack: checked by a bare Python, which names whatever was changed in it."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from missions.lifecycle import MissionStatus
from missions.models import Mission
from tests.missions import evidence, world
from tests.missions.evidence import refit, verify
from traceability import canonical, ledger
from traceability.events import SYSTEM, TextsErased
from traceability.keys import SecretKey
from traceability.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    """Checkpoints of this test alone."""
    settings.CHECKPOINT_DIR, settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoints", tmp_path / "checkpoint.key"
    return tmp_path


@pytest.fixture
def mission() -> Mission:
    return evidence.fixed_mission()


@pytest.fixture
def pack(mission: Mission, tmp_path: Path) -> Path:
    evidence.export(mission, tmp_path / "pack")
    return tmp_path / "pack"


def edit(path: Path, change: Callable[[dict[str, Any]], Any], at: int = 0) -> None:
    """Changes one line of a file of JSON lines, and makes MANIFEST fit."""
    evidence.edit(path, change, at)
    refit(path.parent if path.parent.name != "checkpoints" else path.parent.parent)


def test_an_untouched_pack_is_intact(pack: Path, mission: Mission) -> None:
    count = Entry.objects.filter(stream=f"mission:{mission.pk}").count()
    code, said = verify(pack, evidence.keys(pack)[0])
    assert (code, said.count("\n")) == (0, 1)
    assert said.startswith(f"intact: {count} entries of mission:{mission.pk}, made 20")
    assert said.endswith(f"signed by {evidence.keys(pack)[-1]}\n")


def test_the_pack_tells_what_was_decided_spent_and_made(pack: Path, mission: Mission) -> None:
    told = {name: (pack / f"{name}.jsonl").read_text() for name in ("approvals", "policies", "costs", "artifacts")}
    assert json.loads(told["approvals"].splitlines()[-1])["approved"] is False
    (policy,) = map(json.loads, told["policies"].splitlines())
    content = canonical.write(policy["content"])
    assert hashlib.sha256(content.encode()).hexdigest() == policy["content_hash"]
    assert json.loads(told["costs"].splitlines()[0])["mission"] == mission.key
    assert {"share", "$odd", "pr"} <= {each.get("output") for each in map(json.loads, told["artifacts"].splitlines())}
    assert "began" not in told["artifacts"]
    assert {path.name for path in (pack / "checkpoints").glob("*.note")} >= {"000000001.note", "000000002.note"}


def test_one_changed_character_in_any_file_is_named(pack: Path) -> None:
    for path in sorted(path for path in pack.rglob("*") if path.is_file() and path.name != "verify.py"):
        whole = path.read_bytes()
        if not whole:
            continue
        for at in (0, len(whole) // 3, len(whole) - 2):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            code, said = verify(pack)
            assert (code, path.relative_to(pack).as_posix() in said) == (1, True), (path, at, said)
        path.write_bytes(whole)


def test_a_file_that_is_gone_or_was_added_is_named(pack: Path) -> None:
    (pack / "costs.jsonl").rename(pack / "extra.jsonl")
    code, said = verify(pack)
    assert code == 1
    assert "costs.jsonl is not as MANIFEST says" in said
    assert "extra.jsonl is not as MANIFEST says" in said


COLUMNS = sorted({str(field.column) for field in Entry._meta.concrete_fields} - {"id", "xid", "body", "stream", "seq"})


@pytest.mark.parametrize("column", COLUMNS)
def test_a_changed_column_is_named_by_its_entry_even_where_manifest_was_made_to_fit(pack: Path, column: str) -> None:
    def change(told: dict[str, Any]) -> None:
        value = told[column]
        told[column] = f"{value[:-1]}{'0' if value[-1] != '0' else '1'}" if isinstance(value, str) and value else 77

    edit(pack / "entries.jsonl", change, at=2)
    code, said = verify(pack)
    assert code == 1
    assert {line.split(":")[0] for line in said.splitlines() if "entry" in line} == {"CHANGED  entry 3"}, said


def test_a_changed_or_removed_text_is_named_by_its_entry(pack: Path) -> None:
    first = evidence.lines(pack / "bodies.jsonl")[0]
    edit(pack / "bodies.jsonl", lambda told: told.update(body=told["body"].replace("Ship", "Slip")))
    code, said = verify(pack)
    assert code == 1
    assert f"CHANGED  entry {first['seq']}: the text" in said
    assert "goal was changed or removed" in said


def test_missing_entries_are_named(pack: Path) -> None:
    lines = (pack / "entries.jsonl").read_text().splitlines(keepends=True)
    (pack / "entries.jsonl").write_text("".join(lines[:3] + lines[4:]))
    refit(pack)
    assert "entry 4: it is missing" in verify(pack)[1]
    (pack / "entries.jsonl").write_text("".join(lines[:-1]))
    refit(pack)
    assert f"entry {len(lines)}: the end is missing" in verify(pack)[1]


def test_a_chain_that_was_made_anew_is_found_by_the_checkpoints(pack: Path) -> None:
    entries = evidence.lines(pack / "entries.jsonl")
    entries[0]["canonical"] = entries[0]["canonical"].replace("coordinator", "Coordinator")
    entries[0]["actor_name"] = "Coordinator"
    evidence.chained(pack, entries)
    refit(pack)
    code, said = verify(pack)
    assert code == 1
    assert "checkpoint 1 fixed another one" in said


def test_a_forged_proof_is_found(pack: Path) -> None:
    edit(pack / "checkpoints" / "proofs.jsonl", lambda told: told.update(index=told["index"] + 1), at=-1)
    assert "its proof does not lead to its root" in verify(pack)[1]


def test_a_forged_signature_is_found_and_a_key_of_ones_own_counts(pack: Path) -> None:
    first = (pack / "checkpoints" / "keys.txt").read_text().splitlines()[0]
    assert verify(pack, first)[0] == 0
    stranger = SecretKey.made(first.split("+")[0]).public
    assert "no key that may sign has signed it" in verify(pack, str(stranger))[1]
    note = pack / "checkpoints" / "000000001.note"
    head, _, last = note.read_text().rpartition(" ")
    note.write_text(f"{head} {last[:20]}{'A' if last[20] != 'A' else 'B'}{last[21:]}")
    refit(pack)
    assert "checkpoint 1: no key that may sign has signed it" in verify(pack)[1]


@pytest.mark.parametrize("name", ["evidence.zip", "other.zip"])
def test_the_pack_of_one_file_is_the_same_in_a_folder_named_by_the_mission(
    mission: Mission, tmp_path: Path, name: str
) -> None:
    place = tmp_path / name
    said = evidence.export(mission, place)
    with zipfile.ZipFile(place) as held:
        held.extractall(tmp_path / "out")
    folder = f"evidence-{mission.key}"
    assert f"python3 {folder}/verify.py KEY" in said
    assert verify(tmp_path / "out" / folder)[0] == 0


def test_what_cannot_be_packed_is_refused_with_a_sentence(mission: Mission, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no mission"):
        call_command("trace_export", "--mission", "nothing-like-it")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    with pytest.raises(CommandError, match="is there already"):
        call_command("trace_export", "--mission", mission.key, "--out", str(tmp_path / "there"))


def test_a_mission_that_ended_is_packed_with_the_policies_of_its_time(tmp_path: Path) -> None:
    ended = world.mission(MissionStatus.COMPLETED)
    world.policy({"action_type": "git_push"}, [{"block": "Later."}])
    place = tmp_path / "pack"
    evidence.export(ended, place)
    assert (place / "policies.jsonl").read_text() == ""
    assert verify(place)[0] == 0


@pytest.mark.breaks_history
def test_a_text_that_was_erased_by_law_is_no_change(mission: Mission, tmp_path: Path) -> None:
    entry = Entry.objects.filter(stream=f"mission:{mission.pk}", body__isnull=False).order_by("seq")[0]
    path = sorted(json.loads(entry.body or "{}"))[0]
    told = TextsErased(
        mission=mission.ref, entry=entry.pk, of_stream=entry.stream, seq=entry.seq, paths=[path], reason="by law"
    )
    with ledger.writing():
        ledger.record(told, actor=SYSTEM, at=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("SELECT traceability_erase(%s, %s)", [entry.pk, [path]])
    place = tmp_path / "pack"
    evidence.export(mission, place)
    assert verify(place)[0] == 0
    kept = evidence.lines(place / "bodies.jsonl")
    assert path not in (json.loads(kept[0]["body"]) if kept and kept[0]["seq"] == entry.seq else {})
