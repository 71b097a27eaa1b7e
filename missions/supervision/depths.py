"""How much waits in each queue, and since when; whatever carries it."""

from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection
from django_q.brokers import get_broker
from redis.exceptions import RedisError

from missions.supervision import presence
from missions.supervision.redis_broker import RedisBroker

WAITING = """
SELECT key, count(*), extract(epoch FROM clock_timestamp() - min(lock))::float8 FROM django_q_ormq
WHERE lock <= clock_timestamp() GROUP BY key
"""
MARK, END = "django_q:", ":q"


class Depth(NamedTuple):
    """Messages that nobody has taken; `oldest_s` is how long the first has waited, None where it cannot be known."""

    waiting: int
    oldest_s: float | None


def depths() -> dict[str, Depth]:
    """By queue; those of the hosts together. Empty while Redis is away. 1 statement, none with Redis."""
    found: dict[str, Depth] = {}
    for key, waiting, oldest_s in _in_redis() if isinstance(get_broker(), RedisBroker) else _in_database():
        queue = presence.HOSTS if presence.is_of_hosts(key) else key
        before = found.get(queue, Depth(0, oldest_s))
        ages = [each for each in (before.oldest_s, oldest_s) if each is not None]
        found[queue] = Depth(before.waiting + waiting, max(ages, default=None))
    return found


def _in_database() -> list[tuple[str, int, float | None]]:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        rows: list[tuple[str, int, float | None]] = cursor.fetchall()
    return rows


def _in_redis() -> Iterator[tuple[str, int, float | None]]:
    redis = get_broker().connection
    try:
        for name in redis.scan_iter(f"{MARK}*{END}"):
            key = name.decode()
            yield key.removeprefix(MARK).removesuffix(END), redis.llen(key), None
    except RedisError:
        return
