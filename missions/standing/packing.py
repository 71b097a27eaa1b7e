"""A standing as the bytes of a checkpoint, and back. Pure.

`SCHEMA` grows with each change of the state or of its reducers; a checkpoint of another one is folded anew.
"""

import zlib
from dataclasses import asdict, fields
from sys import intern
from typing import Any

import orjson

from missions.standing.state import Fellow, Standing, Work

SCHEMA = 2
FIELDS = tuple(each.name for each in fields(Work))
FELLOW = tuple(each.name for each in fields(Fellow))
STANDING = tuple(each.name for each in fields(Standing))


def packed(standing: Standing) -> bytes:
    """The standing as compressed JSON."""
    plain = {name: getattr(standing, name) for name in STANDING}
    plain["tasks"] = {pk: [getattr(work, name) for name in FIELDS] for pk, work in standing.tasks.items()}
    plain["agents"] = {key: [getattr(each, name) for name in FELLOW] for key, each in standing.agents.items()}
    return zlib.compress(orjson.dumps(plain, option=orjson.OPT_NON_STR_KEYS), level=1)


def unpacked(text: bytes) -> Standing:
    """The standing that was packed. Raises ValueError, TypeError, KeyError or zlib.error for bytes of another form."""
    plain: dict[str, Any] = orjson.loads(zlib.decompress(text))
    tasks = {int(pk): _work(values) for pk, values in plain.pop("tasks").items()}
    agents = {key: Fellow(*values) for key, values in plain.pop("agents").items()}
    spent = {int(hour): cost for hour, cost in plain.pop("spent").items()}
    return Standing(**plain, tasks=tasks, agents=agents, spent=spent)


def plain(standing: Standing) -> dict[str, Any]:
    """The standing as plain values, to be compared with another."""
    return asdict(standing)


def _work(values: list[Any]) -> Work:
    work = Work(*values)
    work.status, work.needs = intern(work.status), tuple(work.needs)
    work.agent, work.holder = work.agent and intern(work.agent), work.holder and intern(work.holder)
    return work
