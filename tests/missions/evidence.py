"""Evidence packs for tests: made, checked by a bare Python, and forged."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.utils import timezone

from missions.lifecycle import TaskStatus
from missions.models import Mission
from missions.services.reporting import Filing
from tests.missions import world
from traceability import checkpoints, verifying
from traceability.keys import SecretKey
from traceability.services import checkpointing

OUTPUTS = {"share": 0.25, "$odd": {"a.b": [1]}, "pr": "https://example.org/1"}


def checkpoint() -> None:
    checkpointing.take(checkpoints.here(), checkpoints.keyring(), now=timezone.now())


def rotate() -> None:
    checkpointing.rotate(checkpoints.here(), checkpoints.keyring(), old=None, now=timezone.now())


def fixed_mission() -> Mission:
    """A mission with a policy, work, a review, outputs, log lines and cost; fixed by three checkpoints and two keys."""
    world.policy({"action_type": "git_push"}, [{"warn": "Say why."}])
    made = world.mission(goal="Ship it, with 0.5 and $odd keys", description="\u00fcnïcode\u2028in two\x85lines")
    checkpoint()
    task = world.task(made, review_required=True)
    logs = ({"message": "began", "level": "info"},)
    world.file(task, Filing(status=TaskStatus.IN_PROGRESS, outputs=OUTPUTS, logs=logs))
    rotate()
    world.lead(task, TaskStatus.PENDING_REVIEW, TaskStatus.REJECTED)
    world.mission()
    checkpoint()
    return made


def export(mission: Mission, place: Path) -> str:
    """Writes the pack; answers what the command says."""
    said = StringIO()
    call_command("trace_export", "--mission", mission.key, "--out", str(place), stdout=said)
    return said.getvalue()


def verify(pack: Path, *arguments: str, by: Path | None = None) -> tuple[int, str]:
    """What a verifier says, run by a Python with nothing but its standard library: the pack's own, or another one."""
    command = [sys.executable, "-I", "-S", str(by or pack / "verify.py"), *([str(pack)] if by else []), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", timeout=60)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def keys(pack: Path) -> list[str]:
    return (pack / "checkpoints" / "keys.txt").read_text().splitlines()


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().split("\n")[:-1]]


def write(file: Path, told: list[Any]) -> None:
    file.write_text("".join(f"{json.dumps(each)}\n" for each in told))


def edit(file: Path, change: Callable[[Any], Any], at: int = 0) -> None:
    """Changes one line of a file of JSON lines."""
    told = lines(file)
    change(told[at])
    write(file, told)


def chained(pack: Path, entries: list[Any]) -> None:
    """Writes these as the mission's entries, with numbers and hashes that fit."""
    mission = json.loads((pack / "mission.json").read_text())
    before = hashlib.sha256(f"coordinator-trace-v1{mission['installation']}{mission['stream']}".encode()).digest()
    for seq, entry in enumerate(entries, 1):
        before = verifying.link(before, entry["stream"], seq, entry["recorded_at"], entry["canonical"])
        entry |= {"seq": seq, "hash": before.hex()}
    write(pack / "entries.jsonl", entries)
    (pack / "mission.json").write_text(json.dumps({**mission, "entries": len(entries)}))


def listed(pack: Path) -> str:
    """What MANIFEST says of the files as they are."""
    mission = json.loads((pack / "mission.json").read_text())
    files = sorted(path for path in pack.rglob("*") if path.is_file() and path.name != "MANIFEST")
    named = ((hashlib.sha256(path.read_bytes()).hexdigest(), path.relative_to(pack).as_posix()) for path in files)
    about = f"evidence of {mission['stream']} in coordinator/{mission['installation']}\n"
    return about + "".join(f"{digest}  {name}\n" for digest, name in named)


def refit(pack: Path, key: SecretKey | None = None) -> None:
    """Makes MANIFEST fit, signed by the installation's own key where no other is given: the worst that can be."""
    key = key or SecretKey.read(checkpoints.keyring().file.read_text())
    body = listed(pack)
    (pack / "MANIFEST").write_text(f"{body}\n{signature(key, body)}")


def signature(key: SecretKey, body: str) -> str:
    return f"\u2014 {key.name} {base64.b64encode(key.public.number + key.sign(body)).decode()}\n"
