"""A process that tells one event after the other and prints each number once its commit was answered.

`python -m tests.faults.committing NAME MISSION...` goes on, also over an outage of the database, until it is ended.
"""

import random
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import django
from django.db import DatabaseError, connection

PAUSE_S = 0.05


def main(name: str, missions: list[int]) -> None:
    django.setup()
    from coordinator.lib.refs import Ref  # noqa: PLC0415  (only where Django is set up)
    from traceability import ledger  # noqa: PLC0415
    from traceability.events import SYSTEM, Event  # noqa: PLC0415

    @dataclass(frozen=True, kw_only=True)
    class Counted(Event):
        kind: ClassVar[str] = "note.counted"
        writer: str
        number: int

    number, chance = 0, random.Random(name)
    while True:
        mission = chance.choice(missions)
        told = Counted(mission=Ref(mission, f"m-{mission}"), writer=name, number=number)
        try:
            with ledger.writing():
                ledger.record(told, actor=SYSTEM, at=datetime.now(UTC))
        except DatabaseError:
            connection.close()
            time.sleep(PAUSE_S)
        else:
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main(sys.argv[1], [int(each) for each in sys.argv[2:]])
