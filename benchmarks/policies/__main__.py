"""`python -m benchmarks.policies [judging|compiling|evaluating ...]`: figures of judging actions by policies.

`judging` compares with what is installed of datalogic-py, jsonschema-rs and cel-expr-python.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

from benchmarks.spine.ground import Figure, migrated

PARTS = ("judging", "compiling", "evaluating")
WITH_DATABASE = {"evaluating"}


def main(parts: list[str]) -> None:
    """Each part has a process of its own."""
    if len(parts) == 1:
        for what, value, unit in figures(parts[0]):
            sys.stdout.write(f"{what:<80} {value:10.2f} {unit}\n")
            sys.stdout.flush()
        return
    for part in parts or PARTS:
        subprocess.run([sys.executable, "-m", "benchmarks.policies", part], check=True)


def figures(part: str) -> Iterator[Figure]:
    if part not in WITH_DATABASE:
        yield from import_module(f"benchmarks.policies.{part}").run()
        return
    with migrated() as database:
        yield from import_module(f"benchmarks.policies.{part}").run(database)


if __name__ == "__main__":
    main(sys.argv[1:])
