"""`python -m benchmarks.faults [--seeds 1 2 3] [--missions 300] [--faults 20] [--machines 2]`: faults under load.

Prints how long each fault kept missions from being hosted and folded, and what is not true afterwards. Exit code 1 when
something is not, or when missions were not hosted again at all.
"""

import os
import random
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from statistics import median

import django

if __name__ == "__main__":
    home = tempfile.mkdtemp(prefix="coordinator-benchmark-")
    os.environ.update(COORDINATOR_DATA=home, DJANGO_SETTINGS_MODULE="coordinator.settings", SECRET_KEY="benchmark")
    os.environ.update(CHECKPOINTS="0", ANTHROPIC_API_KEY="key-of-the-benchmark", LOG_LEVEL="WARNING")
    django.setup()

from tests.faults.hosting import campaign, truth
from tests.faults.hosting.campaign import Hit
from tests.faults.hosting.faults import TABLE
from tests.faults.hosting.ground import Ground, grounds
from tests.faults.hosting.site import sited
from tests.running.agents_at_hand import FakeClaude
from traceability.models import Entry

LEEWAY = 10.0
MOST = 20
"""Differences that are printed."""

WRITERS, PAUSE_S = 3, 0.03


def main(asked: Namespace) -> int:
    hits: list[Hit] = []
    wrong: list[str] = []
    with grounds() as ground:
        for seed in asked.seeds:
            try:
                wrong += run(ground, seed, asked, hits)
            except AssertionError as late:
                wrong.append(f"seed {seed}: {late}")
    show(hits)
    say(*(wrong[:MOST] or ["Afterwards: state equals replay for every mission, nothing lost, nothing twice."]))
    return 1 if wrong else 0


def run(ground: Ground, seed: int, asked: Namespace, hits: list[Hit]) -> list[str]:
    """One seed on a fresh database; answers what is not true afterwards."""
    chance, place = random.Random(seed), Path(tempfile.mkdtemp(dir=os.environ["COORDINATOR_DATA"]))
    claude = FakeClaude(place / "claude")
    with sited(ground, place, EXECUTIONS="1", **claude.environment) as site:
        missions = site.plan(asked.missions)
        site.open(asked.machines, within_s=60)
        site.write(WRITERS, PAUSE_S, seed)
        for hit in campaign.befall(site, missions, campaign.chosen(chance, asked.faults), chance, leeway=LEEWAY):
            hits.append(hit)
            second = "" if hit.alone else ", during another"
            say(f"seed {seed}  {hit.fault:<12} {hit.machine:<12} {hit.seconds:6.2f} s{second}")
        wrong = campaign.settle(site, within_s=60)
        told, hosted = Entry.objects.count(), len(truth.missions())
        load = os.getloadavg()[1]
        say(f"seed {seed}: {told} entries, {hosted} missions, {len(wrong)} differences (load average {load:.1f})")
        return [f"seed {seed}: {each}" for each in wrong]


def show(hits: list[Hit]) -> None:
    """A table of seconds by fault; of the faults that came during the recovery from another, only the longest."""
    row = "{:<12} {:>5} {:>8} {:>8} {:>8} {:>6} {:>8} {:>15}"
    say(row.format("fault", "times", "median", "longest", "itself", "asked", "in time", "during another"))
    for name in sorted({hit.fault for hit in hits}):
        found = [hit for hit in hits if hit.fault == name and hit.alone]
        both = max((hit.seconds for hit in hits if hit.fault == name and not hit.alone), default=None)
        if found:
            seconds = [hit.seconds for hit in found]
            itself = median(hit.itself for hit in found)
            in_time = sum(each <= TABLE[name].within_s for each in seconds)
            figures = (f"{median(seconds):.2f}", f"{max(seconds):.2f}", f"{itself:.2f}", TABLE[name].within_s, in_time)
            say(row.format(name, len(found), *figures, "" if both is None else f"{both:.2f}"))
        else:
            say(row.format(name, 0, "", "", "", TABLE[name].within_s, "", f"{both:.2f}"))


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def asked_for(words: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks.faults")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--missions", type=int, default=300)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--machines", type=int, default=2)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(asked_for(sys.argv[1:])))
