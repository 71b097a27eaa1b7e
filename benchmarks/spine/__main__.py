"""`python -m benchmarks.spine [appending|verifying|replaying|streaming ...]`: figures of the ledger and its readers."""

import subprocess
import sys
from importlib import import_module

from benchmarks.spine.ground import migrated

PARTS = ("appending", "verifying", "replaying", "streaming")


def main(parts: list[str]) -> None:
    """Each part has a process and a database of its own."""
    if len(parts) == 1:
        measure(parts[0])
        return
    for part in parts or PARTS:
        subprocess.run([sys.executable, "-m", "benchmarks.spine", part], check=True)


def measure(part: str) -> None:
    with migrated() as database:
        for what, value, unit in import_module(f"benchmarks.spine.{part}").run(database):
            sys.stdout.write(f"{what:<70} {value:10.2f} {unit}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
