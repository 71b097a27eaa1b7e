"""Background work as django-q2 wants it: a queue for each role of worker, so that none delays another."""

from typing import Any

from coordinator.environment import number, text

BROKERS = {
    "orm": "missions.supervision.broker.Broker",
    "plain": "missions.supervision.broker.Plain",
    "redis": "missions.supervision.redis_broker.RedisBroker",
}
"""What carries the messages, by the setting `QUEUE`."""


def workers() -> dict[str, int]:
    """How many workers of each role this machine runs unless `workers` is told otherwise; 0: none."""
    return {
        "hosts": number("MISSION_HOSTS", 1),
        "default": number("WORKERS", 1),
        "exec": number("EXECUTIONS", 2),
        "health": number("HEALTH_WORKERS", 1),
    }


def cluster(redis_url: str) -> dict[str, Any]:
    """django-q2's settings. Ends the process with a sentence when `QUEUE` does not fit."""
    kind = text("QUEUE", "orm")
    if kind not in BROKERS:
        raise SystemExit(f"QUEUE must be one of {', '.join(BROKERS)}, not {kind[:50]!r}.")
    if kind == "redis" and not redis_url:
        raise SystemExit("QUEUE=redis needs an address in REDIS_URL.")
    counts = workers()
    return {
        "name": "coordinator",
        "label": "Background jobs",
        "orm": "default",
        **({"redis": redis_url} if redis_url else {}),
        "broker_class": BROKERS[kind],
        "workers": max(counts["default"], 1),
        "poll": 0.5,
        "guard_cycle": 0.5,
        "timeout": 900,
        "retry": 960,
        "max_attempts": 1,
        "ack_failures": True,
        "save_limit": -1,
        "catch_up": False,
        "bulk": 1,
        "queue_limit": 4,
        "recycle": 500,
        "max_rss": 400_000,
        "log_level": text("LOG_LEVEL", "WARNING"),
        "ALT_CLUSTERS": {
            "hosts": {
                "workers": 1,
                "queue_limit": 2,
                "timeout": None,
                "retry": 3600,
                "recycle": 500,
                "max_rss": 400_000,
                "scheduler": False,
            },
            "exec": {
                "workers": max(counts["exec"], 1),
                "queue_limit": 2,
                "timeout": None,
                "retry": 3600,
                "scheduler": False,
            },
            "health": {
                "workers": max(counts["health"], 1),
                "queue_limit": 2,
                "timeout": 120,
                "retry": 150,
                "scheduler": False,
            },
        },
    }
