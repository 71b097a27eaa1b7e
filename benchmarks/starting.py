"""How long `manage.py up` takes and how much memory everything holds at rest: `python benchmarks/starting.py [RUNS]`.

The yardstick of the same run is the time that this Python takes to import Django and the product's settings.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

ROOT = Path(__file__).resolve().parents[1]
REST_S = 8


def main(runs: int) -> None:
    yardstick = median(_import_s() for _ in range(3))
    first, again, memory = [], [], []
    for _ in range(runs):
        data = Path(tempfile.mkdtemp(prefix="coordinator-bench-"))
        try:
            first.append(_start_s(data)[0])
            seconds, mib = _start_s(data)
            again.append(seconds)
            memory.append(mib)
        finally:
            shutil.rmtree(data, ignore_errors=True)
    _say("import of Django and the settings (yardstick)", yardstick, "s")
    _say("first start ever, to ready", median(first), "s", yardstick)
    _say("start of a migrated installation", median(again), "s", yardstick)
    _say("memory at rest, PostgreSQL included (PSS)", median(memory), "MiB")


def _say(what: str, value: float, unit: str, yardstick: float | None = None) -> None:
    ratio = "" if yardstick is None else f"   {value / yardstick:5.1f} x the yardstick"
    sys.stdout.write(f"{what:<48} {value:8.2f} {unit}{ratio}\n")


def _import_s() -> float:
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"], env=_environment(ROOT), cwd=ROOT, check=True
    )
    return time.monotonic() - began


def _start_s(data: Path) -> tuple[float, float]:
    """Seconds from the command to ready, and MiB at rest a while later; everything is stopped again."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", "0"],
        cwd=ROOT, env=_environment(data), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Coordinator is ready"):
            break
    seconds = time.monotonic() - began
    time.sleep(REST_S)
    mib = _memory_mib(data)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    return seconds, mib


def _memory_mib(data: Path) -> float:
    found = 0
    for each in psutil.process_iter():
        try:
            ours = each.environ().get("COORDINATOR_DATA") == str(data) or str(data) in " ".join(each.cmdline())
            family = [each, *each.children(recursive=True)] if ours and each.name() == "postgres" else [each] * ours
            found += sum(one.memory_full_info().pss for one in family)
        except psutil.Error:
            continue
    return found / 2**20


def _environment(data: Path) -> dict[str, str]:
    return {**os.environ, "COORDINATOR_DATA": str(data), "DJANGO_SETTINGS_MODULE": "coordinator.settings"}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
