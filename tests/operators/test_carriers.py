"""The queue by setting (our broker, django-q2's own, Redis), and django-q2's own command: all of them host missions."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

from missions.lifecycle import MissionStatus
from missions.models import Execution, Mission, MissionHost, MissionProcess
from missions.services import executing, steering
from missions.supervision import presence
from missions.supervision.redis_broker import RedisBroker
from tests.missions import world
from tests.operators.running import running
from tests.running.agents_at_hand import FakeClaude, until
from traceability.events import SYSTEM


@pytest.fixture
def redis_queue(redis: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisBroker]:
    """This process enqueues in a Redis of the test's own."""
    monkeypatch.setattr(Conf, "REDIS", redis)
    monkeypatch.setattr(Conf, "BROKER_CLASS", "missions.supervision.redis_broker.RedisBroker")
    broker = RedisBroker("exec")
    with closing(broker.connection):
        yield broker


def hosted(mission: Mission) -> bool:
    """Whether a living host holds it and has folded all of it."""
    process = MissionProcess.objects.select_related("owner").get(mission=mission)
    return process.state == "running" and process.owner is not None and process.owner.state == "alive"


def pause(mission: Mission) -> None:
    steering.move_mission(mission, MissionStatus.PAUSED, expected=None, actor=SYSTEM, now=timezone.now())


def queue_setting(**environment: str) -> subprocess.CompletedProcess[str]:
    """What django-q2 makes of these settings in a fresh process."""
    told = (
        "from django_q.conf import Conf; from django.conf import settings as s; print(Conf.BROKER_CLASS, Conf.WORKERS)"
    )
    ours = {name: value for name, value in os.environ.items() if name not in {"QUEUE", "REDIS_URL"}}
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); {told}"],
        cwd=settings.BASE_DIR, env={**ours, "DJANGO_SETTINGS_MODULE": "coordinator.settings", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_queue_that_cannot_be_is_refused_in_one_sentence() -> None:
    for given, told in (
        ({"QUEUE": "rabbit"}, "QUEUE must be one of orm, plain, redis, not 'rabbit'."),
        ({"QUEUE": "redis"}, "QUEUE=redis needs an address in REDIS_URL."),
        ({"EXECUTIONS": "two"}, "EXECUTIONS must be a whole number, not 'two'."),
    ):
        refused = queue_setting(**given)
        assert (refused.returncode, refused.stderr.strip()) == (1, told)
    assert queue_setting(QUEUE="plain", WORKERS="0").stdout.split() == ["missions.supervision.broker.Plain", "1"]


def test_a_message_in_redis_goes_out_with_the_commit(redis_queue: RedisBroker, committed_db: str) -> None:
    with transaction.atomic():
        async_task("missions.jobs.expire", cluster="exec", save=False)
        assert redis_queue.queue_size() == 0
    assert redis_queue.queue_size() == 1
    with transaction.atomic():
        async_task("missions.jobs.expire", cluster="exec", save=False)
        transaction.set_rollback(True)
    assert redis_queue.queue_size() == 1
    [(_, message)] = redis_queue.dequeue()
    assert message
    assert redis_queue.dequeue() is None


def test_a_redis_that_is_away_stops_neither_the_pusher_nor_whoever_asks(
    redis_queue: RedisBroker, committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conf, "REDIS", "redis://127.0.0.1:1/0")
    away = RedisBroker("exec")
    assert away.ping() is True
    assert away.dequeue() is None
    async_task("missions.jobs.expire", cluster="exec", save=False)


@pytest.mark.parametrize("kind", ["plain", "redis"])
def test_other_carriers_host_missions_and_run_executions(
    kind: str, redis_queue: RedisBroker, redis: str, committed_db: str, claude: FakeClaude, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    broker = {"plain": "missions.supervision.broker.Plain"}.get(kind, Conf.BROKER_CLASS)
    monkeypatch.setattr(Conf, "BROKER_CLASS", broker)
    (tmp_path / "data").mkdir()
    with running(tmp_path / "data", committed_db, "workers", "default=0", QUEUE=kind, REDIS_URL=redis) as command:
        command.wait_for(lambda: presence.unserved(timezone.now()) == ["default"], 20)
        task = world.task(agent=world.agent(adapter_module="claude_cli"))
        command.wait_for(lambda: hosted(task.mission), 10)
        execution = executing.request_execution(task, actor=SYSTEM, now=timezone.now())
        command.wait_for(lambda: Execution.objects.get(pk=execution.pk).state == "succeeded", 15)
        assert command.stop() == 0
    assert {host.state for host in MissionHost.objects.all()} == {"left"}
    assert OrmQ.objects.exists() is False


def test_django_q2s_own_command_hosts_missions_too(committed_db: str, tmp_path: Path) -> None:
    mission = world.mission()
    with running(tmp_path, committed_db, "qcluster", Q_CLUSTER_NAME="hosts") as command:
        command.wait_for(lambda: hosted(mission), 20)
        other = world.mission()
        command.wait_for(lambda: hosted(other), 5)
        worker = MissionHost.objects.living().get().pid
        os.kill(worker, 9)
        command.wait_for(lambda: MissionHost.objects.living().exclude(pid=worker).exists(), 10)
        pause(mission)
        until(lambda: MissionProcess.objects.get(mission=mission).owner_id is None)
        command.wait_for(lambda: hosted(other), 10)
