"""`python -m benchmarks.processes [memory|catching_up|beat|latency|starting|pickup ...]`: figures of mission processes.

One database is filled with 10,000 missions of 10 tasks and 3 agents each (some minutes); each part has a process and
a copy of that database of its own. `MISSIONS=1000` makes it smaller.
"""

import os
import subprocess
import sys
from importlib import import_module

import django
from django.core.management import call_command

from benchmarks.processes import ground

PARTS = ("memory", "catching_up", "beat", "latency", "starting", "pickup")
MISSIONS = int(os.environ.get("MISSIONS", "10000"))
TASKS = 10


def main(parts: list[str]) -> None:
    with ground.server() as data:
        _run("fill", ground.embedded.url(data))
        for part in parts or PARTS:
            with ground.copied(data, f"bench_{part}") as address:
                _run(part, address)


def _run(part: str, address: str) -> None:
    """In a process of its own, which finds the database as any process of the product does."""
    command = [sys.executable, "-m", "benchmarks.processes", f"--only={part}"]
    subprocess.run(command, env={**os.environ, "DATABASE_URL": address}, check=True)


def measure(part: str) -> None:
    django.setup()
    if part == "fill":
        _fill()
        return
    _say(f"--- {part}, load before {os.getloadavg()[0]:.1f}")
    for figure in import_module(f"benchmarks.processes.{part}").run():
        _say(str(figure))


def _fill() -> None:
    from benchmarks.processes import filling  # noqa: PLC0415  (needs the apps loaded)

    call_command("migrate", verbosity=0)
    filling.fill(MISSIONS, tasks=TASKS)
    filling.analyse()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("--only="):
        measure(sys.argv[1].removeprefix("--only="))
    else:
        main(sys.argv[1:])
