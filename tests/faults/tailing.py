"""A process that follows the live stream and says each id that it was told: `python -m tests.faults.tailing TOPIC`.

For each number that it reads, it forks a reader who goes on after that id; it says the reader's process id first, and
`ended` when somebody has killed it.
"""

import asyncio
import json
import os
import sys

import django

django.setup()

from accounts.auth import Credential  # noqa: E402  (needs the apps loaded)
from accounts.models import User  # noqa: E402
from accounts.roles import SCOPES  # noqa: E402
from coordinator.reading import Reader  # noqa: E402


async def follow(topic: str, after: int) -> None:
    reader = Reader(Credential(User(pk=0), SCOPES))
    await reader.join()
    await reader.follow([topic], after)
    async for lines in reader.lines():
        told = [json.loads(line.text) for line in lines]
        say("".join(f"{each.get('id', each['event'])}\n" for each in told))


def say(text: str) -> None:
    """In one piece, whenever we are killed: a pipe takes so little at once or not at all."""
    os.write(1, text.encode())


for after in sys.stdin:
    pid = os.fork()
    if pid == 0:
        asyncio.run(follow(sys.argv[1], int(after)))
    say(f"pid {pid}\n")
    os.waitpid(pid, 0)
    say("ended\n")
