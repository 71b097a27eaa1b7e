"""What `/metrics` says, in the form that Prometheus reads."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from coordinator import measures
from missions.lifecycle import TaskStatus
from missions.models import Execution, MissionHost
from tests.hosting.test_crashing import crash_until_parked, poison
from tests.hosting.test_host import Make, step
from tests.missions import world

SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+)\})? (-?[0-9.e+-]+)')


def told() -> dict[str, float]:
    """Every sample by its name and labels; each family has its help and its type above it, once."""
    found: dict[str, float] = {}
    types: dict[str, str] = {}
    for line in measures.text(timezone.now()).splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types
            assert name.endswith("_total") == (kind == "counter"), name
            types[name] = kind
        elif not line.startswith("# HELP "):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            family = re.sub(r"_(bucket|sum|count)$", "", sample[1])
            assert sample[1] in types or types[family] == "histogram", line
            found[line.rpartition(" ")[0]] = float(sample[3])
    return found


@pytest.mark.breaks_history
def test_processes_and_hosts_are_counted_with_what_they_have_not_folded(new_host: Make) -> None:
    host, task, bad = new_host("box-7"), world.task(), world.mission()
    step(host, 3)
    poison(bad)
    crash_until_parked(host, bad)
    step(host, 2)
    seen = MissionHost.objects.get()
    before = told()
    assert before['coordinator_processes{state="parked"}'] == before['coordinator_processes{state="running"}'] == 1
    assert before['coordinator_processes{state="crashed"}'] == before['coordinator_processes{state="waiting"}'] == 0
    assert before["coordinator_process_restarts_total"] == 4
    assert before['coordinator_hosts{state="alive"}'] == 1
    assert before[f'coordinator_host_missions{{machine="box-7",host="{seen.pk}"}}'] == seen.missions
    assert before[f'coordinator_host_folded_entries_total{{machine="box-7",host="{seen.pk}"}}'] == seen.applied
    behind = before["coordinator_process_lag_entries"]
    world.lead(task, TaskStatus.BLOCKED)
    after = told()
    assert after["coordinator_process_lag_entries"] > behind
    assert after["coordinator_process_lag_entries_worst"] <= after["coordinator_process_lag_entries"]
    assert 0 < after["coordinator_process_lag_seconds_worst"] <= after["coordinator_process_lag_seconds"]
    MissionHost.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert told()['coordinator_hosts{state="lapsed"}'] == 1


@pytest.mark.django_db
def test_queues_tell_how_much_waits_and_since_when() -> None:
    now = timezone.now()
    for key, lock in (
        ("exec", now - timedelta(seconds=20)), ("exec", now - timedelta(seconds=5)), ("exec", now + timedelta(hours=1)),
        ("hosts-box-1", now - timedelta(seconds=2)), ("hosts", now - timedelta(seconds=1)),
    ):  # fmt: skip
        OrmQ.objects.create(key=key, payload="-", lock=lock)
    found = told()
    assert found['coordinator_queue_messages{queue="exec"}'] == 2, "one has been taken"
    assert 20 <= found['coordinator_queue_oldest_seconds{queue="exec"}'] < 60
    assert found['coordinator_queue_messages{queue="hosts"}'] == 2
    assert 2 <= found['coordinator_queue_oldest_seconds{queue="hosts"}'] < 40


@pytest.mark.breaks_history
@pytest.mark.django_db
def test_executions_are_a_histogram_of_how_long_they_took() -> None:
    task, agent, now = world.task(), world.agent(), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE missions_execution DISABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for took_s in (0.5, 10, 100_000):
        Execution.objects.create(
            mission=task.mission, task=task, agent=agent, adapter="claude_cli", state="succeeded",
            created_at=now, started_at=now, ended_at=now + timedelta(seconds=took_s),
        )  # fmt: skip
    found = told()
    labels = 'adapter="claude_cli",outcome="succeeded"'
    name = "coordinator_execution_duration_seconds"
    assert [found[f'{name}_bucket{{{labels},le="{bound}"}}'] for bound in (1, 15, 14400, "+Inf")] == [1, 2, 2, 3]
    assert (found[f"{name}_count{{{labels}}}"], found[f"{name}_sum{{{labels}}}"]) == (3, 100_010.5)


@pytest.mark.django_db
def test_a_label_is_escaped() -> None:
    assert measures._sample("m", {"a": 'x"\\\n'}, 1) == r'm{a="x\"\\\n"} 1'
