"""Packs made up by somebody without the installation's key: chain, MANIFEST and all."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from missions.evidence import packing
from missions.models import Mission
from tests.missions import evidence, world
from tests.missions.evidence import keys, refit, verify
from traceability import checkpoints, ledger, verifying
from traceability.events import SYSTEM
from traceability.keys import SecretKey
from traceability.models import Entry
from traceability.services import erasing
from traceability.services.erasing import Order

pytestmark = pytest.mark.django_db
VERIFIER = packing.VERIFIER


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


def without_checkpoints(pack: Path) -> None:
    evidence.chained(pack, evidence.lines(pack / "entries.jsonl")[:4])
    for note in (pack / "checkpoints").glob("*.note"):
        note.unlink()
    (pack / "checkpoints" / "proofs.jsonl").write_text("")


def cut_with_proofs_that_say_nothing(pack: Path) -> None:
    evidence.chained(pack, evidence.lines(pack / "entries.jsonl")[:3])
    proofs = evidence.lines(pack / "checkpoints" / "proofs.jsonl")
    evidence.write(pack / "checkpoints" / "proofs.jsonl", [{**proof, "seq": 0} for proof in proofs])


def an_entry_more(pack: Path) -> None:
    entries = evidence.lines(pack / "entries.jsonl")
    told = json.loads(entries[-1]["canonical"])
    told |= {"actor": {"kind": "person", "id": 1, "name": "boss"}}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    more = {"actor_kind": "person", "actor_id": 1, "actor_name": "boss", "canonical": text, "id": entries[-1]["id"] + 1}
    evidence.chained(pack, [*entries, entries[-1] | more])


FORGERIES = (without_checkpoints, cut_with_proofs_that_say_nothing, an_entry_more)


@pytest.mark.parametrize("forge", FORGERIES)
def test_entries_that_no_checkpoint_fixes_are_found_even_where_manifest_is_signed(
    pack: Path, forge: Callable[[Path], None]
) -> None:
    first = keys(pack)[0]
    forge(pack)
    refit(pack)
    for given in ((), (first,)):
        code, said = verify(pack, *given)
        assert code == 1
        assert "CHANGED  no checkpoint" in said


@pytest.mark.parametrize("name", ["approvals", "decisions", "policies", "costs", "artifacts"])
def test_what_stands_beside_the_entries_is_proven_by_the_signature_of_manifest(pack: Path, name: str) -> None:
    (pack / f"{name}.jsonl").write_text('{"forged":true}\n')
    signed = (pack / "MANIFEST").read_text().partition("\n\n")[2]
    stranger = SecretKey.made(keys(pack)[0].split("+")[0])
    refit(pack, stranger)
    assert "MANIFEST: no key that may sign" in verify(pack)[1]
    (pack / "MANIFEST").write_text(f"{evidence.listed(pack)}\n{signed}")
    code, said = verify(pack, keys(pack)[0])
    assert (code, said.count("CHANGED")) == (1, 1)
    assert "MANIFEST: no key that may sign" in said


def test_the_manifest_of_another_mission_does_not_count(pack: Path, tmp_path: Path) -> None:
    evidence.export(world.mission(), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "MANIFEST", pack / "MANIFEST")
    assert "MANIFEST: no key that may sign has signed it for this mission" in verify(pack)[1]


def test_a_whole_pack_by_another_key_is_refused_where_ones_own_key_is_given(pack: Path) -> None:
    """Without a key it cannot be told apart, and the verifier says that it proves nothing more."""
    kept = keys(pack)[0]
    stranger = SecretKey.made(kept.split("+")[0])
    forge_by(pack, stranger)
    code, said = verify(pack)
    assert code == 0
    assert "This key came with the pack, which proves itself only against it" in said
    assert str(stranger.public) in said
    code, said = verify(pack, kept)
    assert code == 1
    assert "no checkpoint in here is signed by a key that may sign" in said


def forge_by(pack: Path, key: SecretKey) -> None:
    """Signs the newest checkpoint and everything else anew."""
    newest = sorted((pack / "checkpoints").glob("*.note"))[-1]
    for note in (pack / "checkpoints").glob("*.note"):
        if note != newest:
            note.unlink()
    body = f"{newest.read_text().partition(chr(10) * 2)[0]}\n"
    newest.write_text(f"{body}\n{evidence.signature(key, body)}")
    proofs = evidence.lines(pack / "checkpoints" / "proofs.jsonl")
    evidence.write(pack / "checkpoints" / "proofs.jsonl", proofs[-1:])
    (pack / "checkpoints" / "keys.txt").write_text(f"{key.public}\n")
    refit(pack, key)


def test_a_later_key_that_one_kept_counts_from_the_checkpoint_on_that_it_signed(pack: Path) -> None:
    assert len(keys(pack)) == 2
    assert verify(pack, keys(pack)[1])[0] == 0
    evidence.edit(pack / "checkpoints" / "proofs.jsonl", lambda told: told.update(hash="00" * 32), at=-1)
    refit(pack)
    assert verify(pack, keys(pack)[1])[0] == 1


def test_a_checkpoint_out_of_its_order_is_found(pack: Path) -> None:
    proofs = evidence.lines(pack / "checkpoints" / "proofs.jsonl")
    evidence.write(pack / "checkpoints" / "proofs.jsonl", [proofs[0], *proofs])
    refit(pack)
    assert "checkpoint 1: it does not follow the one before it" in verify(pack)[1]


def test_a_signed_checkpoint_beside_the_others_is_found(pack: Path, home: Path) -> None:
    newest = sorted((pack / "checkpoints").glob("*.note"))[-1]
    body = newest.read_text().partition("\n\n")[0] + "\n"
    (prev,) = (line for line in body.splitlines() if line.startswith("prev "))
    body = body.replace(prev, f"prev {'A' * 43}=")
    newest.write_text(f"{body}\n{evidence.signature(SecretKey.read((home / 'checkpoint.key').read_text()), body)}")
    refit(pack)
    assert f"checkpoint {int(newest.stem)}: it does not follow the one before it" in verify(pack)[1]


def test_a_key_that_did_not_sign_the_checkpoint_that_brings_it_is_not_believed(pack: Path) -> None:
    note = pack / "checkpoints" / "000000002.note"
    note.write_text("".join(note.read_text().splitlines(keepends=True)[:-1]))
    refit(pack)
    assert "checkpoint 2: the new key that it brings has not signed it" in verify(pack)[1]


ODD = ({"seq": 1, "paths": [1]}, {"paths": ["fields.goal"]}, {"seq": [], "paths": "fields.goal"})


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_entry_of_an_erasure_excuses_nothing_and_stops_nothing(pack: Path, odd: dict[str, Any]) -> None:
    entries = evidence.lines(pack / "entries.jsonl")
    told = json.loads(entries[-1]["canonical"])
    told |= {"kind": "trace.erased", "data": {"of_stream": entries[-1]["stream"], **odd}}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    evidence.chained(pack, [*entries, entries[-1] | {"kind": "trace.erased", "canonical": text}])
    (pack / "bodies.jsonl").write_text("")
    refit(pack)
    said = verify(pack)[1]
    assert "entry 1: the text fields.goal was changed or removed" in said
    assert "CHANGED  no checkpoint fixes the entries behind" in said


def test_a_verifier_from_elsewhere_finds_what_the_packs_own_denies(pack: Path) -> None:
    kept = keys(pack)[0]
    assert verify(pack, kept, by=VERIFIER)[0] == 0
    (pack / "verify.py").write_text("print('intact: everything')\n")
    assert verify(pack, kept) == (0, "intact: everything\n")
    code, said = verify(pack, kept, by=VERIFIER)
    assert code == 1
    assert "verify.py is not as MANIFEST says" in said


def test_a_folder_named_as_the_key_is_not_taken_for_a_pack(pack: Path) -> None:
    kept = keys(pack)[0]
    shutil.copytree(pack, pack.parent / "within")
    shutil.move(pack.parent / "within", pack / kept)
    command = [sys.executable, "-I", "-S", "verify.py", kept]
    said = subprocess.run(command, cwd=pack, capture_output=True, text=True, check=False).stdout
    assert "intact" not in said
    assert f"{kept}/mission.json is not as MANIFEST says" in said


def test_what_is_not_a_key_of_anybody_counts_for_nothing(pack: Path) -> None:
    code, said = verify(pack, "this+is+nothing")
    assert code == 1
    assert "no checkpoint in here is signed by a key that may sign" in said


def test_what_is_no_key_is_answered_with_how_to_call_it(pack: Path) -> None:
    code, said = verify(pack, "--help")
    assert code == 2
    assert "PUBLIC KEY" in said


def test_without_the_key_of_the_newest_checkpoint_nothing_is_packed(mission: Mission, home: Path) -> None:
    (home / "checkpoint.key").unlink()
    with pytest.raises(CommandError, match="not the one that signed"):
        evidence.export(mission, home / "pack")
    assert not (home / "pack").exists()


def test_entries_that_came_after_the_checkpoint_are_left_out(mission: Mission, home: Path) -> None:
    record = verifying.of_this_installation()
    fixed = Entry.objects.filter(stream=f"mission:{mission.pk}").count()
    world.task(mission)
    assert Entry.objects.filter(stream=f"mission:{mission.pk}").count() > fixed
    signer = SecretKey.read((home / "checkpoint.key").read_text())
    made = packing.files(mission, record, checkpoints.here(), signer=signer, now=timezone.now())
    packing.write(made, home / "pack", "unused")
    assert len(evidence.lines(home / "pack" / "entries.jsonl")) == fixed
    assert verify(home / "pack", keys(home / "pack")[0])[0] == 0


@pytest.mark.breaks_history
def test_an_erasure_that_came_after_the_checkpoint_is_waited_for(mission: Mission, home: Path) -> None:
    record = verifying.of_this_installation()
    entry = Entry.objects.filter(stream=f"mission:{mission.pk}", body__isnull=False).order_by("seq")[0]
    with ledger.writing():
        erasing.erase(entry, ["fields.goal"], Order(reason="by law", actor=SYSTEM, now=timezone.now()))
    signer = SecretKey.read((home / "checkpoint.key").read_text())
    with pytest.raises(packing.NotProvable, match="erased just now"):
        packing.files(mission, record, checkpoints.here(), signer=signer, now=timezone.now())
    evidence.export(mission, home / "pack")
    assert verify(home / "pack")[0] == 0


def test_a_mission_that_no_checkpoint_fixes_is_not_packed(mission: Mission, home: Path) -> None:
    record = verifying.of_this_installation()
    signer = SecretKey.read((home / "checkpoint.key").read_text())
    with pytest.raises(packing.NotProvable, match="No sound checkpoint"):
        packing.files(world.mission(), record, checkpoints.here(), signer=signer, now=timezone.now())
