"""Who was seen at work: every role that the settings want, on whatever machine."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from django_q.models import OrmQ

from coordinator import readiness
from coordinator.launching import examination
from missions import jobs
from missions.models import MissionHost, WorkerHost
from missions.supervision import presence

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_was_seen() -> None:
    """Nothing of an earlier test is remembered."""
    presence._last.clear()


def host_lives(**later: float) -> MissionHost:
    now = timezone.now() + timedelta(**later)
    lease = now + timedelta(seconds=6)
    return MissionHost.objects.create(
        machine=presence.machine(), pid=1, version="1", started_at=now, beat_at=now, lease_until=lease
    )


def everybody_works() -> None:
    for role in (presence.DEFAULT, presence.EXECUTIONS, presence.HEALTH):
        presence.beat(presence.queue_of(role), now=timezone.now())
    host_lives()


def test_workers_count_as_seen_only_when_every_role_is_served() -> None:
    now = timezone.now()
    assert presence.unserved(now) == ["hosts", "default", "exec", "health"]
    presence.beat("coordinator", now=now)
    presence.beat("health", now=now)
    assert presence.unserved(now) == ["hosts", "exec"]
    assert readiness.faults(now)["workers"].startswith("No worker was seen lately for hosts, exec: run")
    everybody_works()
    assert presence.workers_seen(now)
    assert "workers" not in readiness.faults(now)
    assert not presence.workers_seen(now + presence.LATELY + timedelta(seconds=1))
    assert set(presence.last_seen()) == set(presence.queues()) == {"coordinator", "hosts", "exec", "health"}


def test_a_role_that_the_settings_leave_out_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WORKERS_BY_ROLE", {"hosts": 0, "default": 1, "exec": 0, "health": 0})
    presence.beat("coordinator", now=timezone.now())
    assert presence.workers_seen(timezone.now())


def test_a_host_counts_while_its_lease_goes_on() -> None:
    host_lives(seconds=-10)
    assert presence.HOSTS in presence.unserved(timezone.now())
    WorkerHost.objects.create(name="m/hosts", queue="hosts", pid=1, started_at=timezone.now(), beat_at=timezone.now())
    assert presence.HOSTS in presence.unserved(timezone.now()), "a worker that hosts nothing is no host"


def test_doctor_names_the_roles_that_nobody_serves() -> None:
    [none] = examination.workers(timezone.now())
    assert (none.level, none.text) == ("wrong", "No worker was seen lately.")
    presence.beat("coordinator", now=timezone.now())
    host_lives()
    [some] = examination.workers(timezone.now())
    assert some.text == "No worker was seen lately for exec, health."
    everybody_works()
    [served] = examination.workers(timezone.now())
    assert served.level == "ok"


def test_a_machine_that_went_away_is_forgotten_after_a_day_with_what_was_asked_of_its_hosts() -> None:
    before = timezone.now() - timedelta(days=2)
    presence.beat("exec", now=before)
    for key in (presence.own_queue("abc", 1), presence.HOSTS):
        OrmQ.objects.create(key=key, payload="-", lock=before)
    assert jobs.tidy() == 1
    assert not WorkerHost.objects.exists()
    assert [row.key for row in OrmQ.objects.all()] == [presence.HOSTS]


def test_a_machine_has_the_name_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MACHINE_NAME", "box-7")
    assert presence.machine() == "box-7"
    assert presence.own_queue("abc", 2) == "hosts-box-7-abc-2"
    assert presence.is_of_hosts("hosts-box-7-abc-2")
    assert not presence.is_of_hosts("hostsmen")


def test_a_slice_is_asked_for_when_no_host_lives_and_once() -> None:
    assert jobs.revive() is True
    assert jobs.revive() is False
    assert [row.key for row in OrmQ.objects.all()] == [presence.HOSTS]
    OrmQ.objects.all().delete()
    host_lives()
    assert jobs.revive() is False
