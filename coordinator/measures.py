"""The figures of `/metrics`, counted by the database, in Prometheus' text format."""

from collections.abc import Iterable, Iterator

from django.db import connection

COUNTS = {
    "coordinator_missions": ("Missions by status.", "SELECT status, count(*) FROM missions_mission GROUP BY 1"),
    "coordinator_tasks": ("Tasks by status.", "SELECT status, count(*) FROM missions_task GROUP BY 1"),
    "coordinator_agents": ("Agents by status.", "SELECT status, count(*) FROM agents_agent GROUP BY 1"),
    "coordinator_executions": ("Executions by state.", "SELECT state, count(*) FROM missions_execution GROUP BY 1"),
    "coordinator_processes": (
        "Mission processes by state.",
        "SELECT state, count(*) FROM missions_missionprocess GROUP BY 1",
    ),
    "coordinator_advisories_open": (
        "Open advisories by severity.",
        "SELECT severity, count(*) FROM missions_advisory WHERE resolved_at IS NULL GROUP BY 1",
    ),
    "coordinator_deliveries_waiting": (
        "Notifications not taken yet, by kind of receiver.",
        "SELECT kind, count(*) FROM accounts_delivery"
        " JOIN accounts_endpoint AS e ON e.id = accounts_delivery.endpoint_id"
        " WHERE accounts_delivery.state = 'waiting' GROUP BY 1",
    ),
    "coordinator_queue": ("Waiting messages by queue.", "SELECT key, count(*) FROM django_q_ormq GROUP BY 1"),
}
TOTALS = {
    "coordinator_ledger_entries": (
        "Entries of the ledger, as its streams count them.",
        "SELECT coalesce(sum(seq), 0) FROM traceability_streamhead",
    ),
    "coordinator_checkpoint_age_seconds": (
        "Seconds since the record was last fixed by a checkpoint; -1 when it never was.",
        "SELECT coalesce(round(extract(epoch FROM now() - max(at))), -1) FROM traceability_checkpoint",
    ),
    "coordinator_cost_usd": ("Cost of all missions in USD.", "SELECT coalesce(sum(cost_usd), 0) FROM missions_mission"),
}


def text() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    with connection.cursor() as cursor:
        for name, (told, statement) in COUNTS.items():
            cursor.execute(statement)
            yield from _gauge(name, told, ((f'{{of="{label}"}}', value) for label, value in cursor.fetchall()))
        for name, (told, statement) in TOTALS.items():
            cursor.execute(statement)
            yield from _gauge(name, told, [("", cursor.fetchone()[0])])


def _gauge(name: str, told: str, values: Iterable[tuple[str, object]]) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} gauge"
    for label, value in values:
        yield f"{name}{label} {value}"
