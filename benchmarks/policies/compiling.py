"""Reading policies from their JSON and compiling them, with nothing kept from before."""

from collections.abc import Iterator
from statistics import median
from time import process_time

from benchmarks.policies import workload
from benchmarks.spine.ground import Figure

ROUNDS = 9


def run() -> Iterator[Figure]:
    for count in (100, 1000):
        given, known = workload.conditions(count), workload.registry()
        reading, compiling = [], []
        for _ in range(ROUNDS):
            began = process_time()
            rules = workload.rules(given, known)
            read = process_time()
            _use(workload.filed(rules))
            compiling.append((process_time() - read) * 1000)
            reading.append((read - began) * 1000)
        yield f"{count} policies: read from JSON and checked, median", median(reading), "ms"
        yield f"{count} policies: filed and compiled, median", median(compiling), "ms"
        yield f"{count} policies: both, best", min(map(sum, zip(reading, compiling, strict=True))), "ms"


def _use(filed: dict[str, workload.Filed]) -> None:
    """Each type once: what is compiled at its first use is compiled here."""
    for action in [{"action_type": name} for name in filed]:
        filed[action["action_type"]].answers(workload.facts(action, None))
