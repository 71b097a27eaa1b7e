"""The figures of `/metrics`, counted by the database, in Prometheus' text format."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import connection

from missions import execution_times
from missions.supervision import depths, watching

COUNTS = {
    "coordinator_missions": ("Missions.", "status", "SELECT status, count(*) FROM missions_mission GROUP BY 1"),
    "coordinator_tasks": ("Tasks.", "status", "SELECT status, count(*) FROM missions_task GROUP BY 1"),
    "coordinator_agents": ("Agents.", "status", "SELECT status, count(*) FROM agents_agent GROUP BY 1"),
    "coordinator_executions": ("Executions.", "state", "SELECT state, count(*) FROM missions_execution GROUP BY 1"),
    "coordinator_advisories_open": (
        "Open advisories.",
        "severity",
        "SELECT severity, count(*) FROM missions_advisory WHERE resolved_at IS NULL GROUP BY 1",
    ),
    "coordinator_deliveries_waiting": (
        "Notifications not taken yet, by kind of receiver.",
        "kind",
        "SELECT kind, count(*) FROM accounts_delivery"
        " JOIN accounts_endpoint AS e ON e.id = accounts_delivery.endpoint_id"
        " WHERE accounts_delivery.state = 'waiting' GROUP BY 1",
    ),
}
TOTALS = {
    "coordinator_ledger_entries_total": (
        "counter",
        "Entries of the ledger, as its streams count them.",
        "SELECT coalesce(sum(seq), 0) FROM traceability_streamhead",
    ),
    "coordinator_checkpoint_age_seconds": (
        "gauge",
        "Seconds since the record was last fixed by a checkpoint; -1 when it never was.",
        "SELECT coalesce(round(extract(epoch FROM now() - max(at))), -1) FROM traceability_checkpoint",
    ),
    "coordinator_cost_usd_total": (
        "counter",
        "Cost of all missions in USD.",
        "SELECT coalesce(sum(cost_usd), 0) FROM missions_mission",
    ),
    "coordinator_process_restarts_total": (
        "counter",
        "Crashes of mission processes.",
        "SELECT coalesce(sum(restarts), 0) FROM missions_missionprocess",
    ),
}
LIVING = ("alive", "draining", "lapsed")
Samples = Iterable[tuple[dict[str, object], object]]


def text(now: datetime) -> str:
    return "\n".join(_lines(now)) + "\n"


def _lines(now: datetime) -> Iterator[str]:
    yield from _counted()
    yield from _processes()
    yield from _hosts(now)
    yield from _queues()
    yield from _durations()


def _counted() -> Iterator[str]:
    with connection.cursor() as cursor:
        for name, (told, label, statement) in COUNTS.items():
            cursor.execute(statement)
            yield from _family(name, "gauge", told, [({label: value}, count) for value, count in cursor.fetchall()])
        for name, (kind, told, statement) in TOTALS.items():
            cursor.execute(statement)
            yield from _family(name, kind, told, [({}, cursor.fetchone()[0])])


def _processes() -> Iterator[str]:
    counts, lag = watching.counts(), watching.lag()
    states: Samples = [({"state": state}, counts.get(state, 0)) for state in watching.STATES]
    yield from _family("coordinator_processes", "gauge", "Mission processes; waiting: no host holds them.", states)
    for name, told, value in (
        ("lag_entries", "Entries that processes have not folded.", lag.entries),
        ("lag_entries_worst", "The same of the process that is farthest behind.", lag.entries_worst),
        ("lag_seconds", "How long the first such entry of each process has waited, summed.", lag.seconds),
        ("lag_seconds_worst", "The same of the process that has waited longest.", lag.seconds_worst),
    ):
        yield from _family(f"coordinator_process_{name}", "gauge", told, [({}, value)])


def _hosts(now: datetime) -> Iterator[str]:
    """A host whose lease is over and that nobody has declared dead yet is `lapsed`."""
    hosts = watching.hosts()
    states = [host.state if host.lease_until >= now else "lapsed" for host in hosts]
    yield from _family(
        "coordinator_hosts", "gauge", "Hosts.", [({"state": each}, states.count(each)) for each in LIVING]
    )
    for name, kind, told, field, scale in (
        ("missions", "gauge", "Missions that it holds.", "missions", 1),
        ("lag_seconds", "gauge", "How long the entry that it folded last had waited.", "lag_ms", 0.001),
        ("folded_entries_total", "counter", "Entries that it has folded.", "applied", 1),
    ):
        samples: Samples = [
            ({"machine": host.machine, "host": host.pk}, getattr(host, field) * scale) for host in hosts
        ]
        yield from _family(f"coordinator_host_{name}", kind, told, samples)


def _queues() -> Iterator[str]:
    found = sorted(depths.depths().items())
    waiting: Samples = [({"queue": queue}, depth.waiting) for queue, depth in found]
    yield from _family("coordinator_queue_messages", "gauge", "Messages that nobody has taken.", waiting)
    aged: Samples = [({"queue": queue}, depth.oldest_s) for queue, depth in found if depth.oldest_s is not None]
    yield from _family("coordinator_queue_oldest_seconds", "gauge", "How long the first of them has waited.", aged)


def _durations() -> Iterator[str]:
    name = "coordinator_execution_duration_seconds"
    yield f"# HELP {name} How long executions took."
    yield f"# TYPE {name} histogram"
    for times in execution_times.histograms():
        labels: dict[str, object] = {"adapter": times.adapter, "outcome": times.outcome}
        for bound, count in times.within.items():
            yield _sample(f"{name}_bucket", {**labels, "le": bound}, count)
        yield _sample(f"{name}_bucket", {**labels, "le": "+Inf"}, times.count)
        yield _sample(f"{name}_sum", labels, times.total_s)
        yield _sample(f"{name}_count", labels, times.count)


def _family(name: str, kind: str, told: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _sample(name: str, labels: dict[str, object], value: object) -> str:
    written = ",".join(f'{label}="{_escaped(str(each))}"' for label, each in labels.items())
    return f"{name}{{{written}}} {value}" if written else f"{name} {value}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
