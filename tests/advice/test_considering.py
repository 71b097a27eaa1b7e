"""What a host does with its missions' advice: nothing where nothing differs, each thing once, never what it lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from missions.lifecycle import TaskStatus
from missions.models import Advisory, Mission, MissionProcess, Task
from missions.services import advising, claiming, hosting
from missions.standing.state import Standing
from missions.supervision import loading
from tests.advice import causes
from tests.advice.causes import LATER
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

SOON = timedelta(minutes=29)
STALLED = timedelta(minutes=30, seconds=1)


def standings(*missions: Mission) -> dict[int, Standing]:
    return {pk: server.standing for pk, server in loading.load([each.pk for each in missions]).items()}


def wrong(count: int) -> list[Mission]:
    """Missions with a stalled task each, and nothing else."""
    return [world.task(status=TaskStatus.IN_PROGRESS).mission for _ in range(count)]


def statements(of: dict[int, Standing], owner: int | None = None) -> int:
    with CaptureQueriesContext(connection) as seen:
        advising.consider(of, now=timezone.now() + STALLED, owner=owner)
    return len(seen)


@pytest.mark.django_db
def test_a_mission_where_nothing_is_wrong_is_not_asked_for() -> None:
    of = standings(*wrong(3))
    with CaptureQueriesContext(connection) as seen:
        looks = advising.consider(of, now=timezone.now() + SOON)
    assert len(seen) == 0
    for pk, standing in of.items():
        [work] = standing.tasks.values()
        assert looks[pk] == work.heard + 1800


@pytest.mark.django_db
@pytest.mark.parametrize("owned", [True, False])
def test_the_number_of_statements_does_not_grow_with_the_missions(owned: bool) -> None:
    missions = wrong(51)
    owner = causes.host().id if owned else None
    if owner:
        hosting.begin(hosting.Owner(owner, "here"), now=timezone.now(), most=100)
    one = statements(standings(missions[0]), owner)
    fifty = statements(standings(*missions[1:]), owner)
    assert Advisory.objects.count() == 51
    assert (one, fifty) == ((10, 10) if owned else (9, 9))
    assert statements(standings(*missions), owner) == 2, "what was heard of tasks that seem stalled, no more"


@pytest.mark.django_db
def test_a_lease_that_is_renewed_and_an_agent_at_its_task_are_signs_of_life() -> None:
    agent = world.agent()
    leased = world.task(agent=agent)
    claiming.claim(leased, agent, ttl_s=86_400, actor=SYSTEM, now=timezone.now())
    world.lead(leased, TaskStatus.IN_PROGRESS)
    heard, silent = causes.at_work(), causes.at_work()
    later = timezone.now() + STALLED
    claiming.renew(leased, agent, ttl_s=86_400, fence=None, actor=SYSTEM, now=later)
    causes.touch(heard, later)
    looks = advising.consider(standings(leased.mission, heard.mission, silent.mission), now=later)
    assert [each.task for each in Advisory.objects.all()] == [silent]
    assert looks[leased.mission_id] == looks[heard.mission_id] == later.timestamp() + 1800


@pytest.mark.django_db
def test_a_stalled_task_is_listened_for_though_nothing_tells_of_a_sign_of_life() -> None:
    task = causes.at_work()
    later = timezone.now() + STALLED
    looks = advising.consider(standings(task.mission), now=later)
    assert Advisory.objects.open().count() == 1
    assert looks[task.mission_id] == later.timestamp() + 60
    causes.touch(task, later)
    advising.consider(standings(task.mission), now=later + timedelta(seconds=60))
    assert Advisory.objects.open().count() == 0


@pytest.mark.django_db
def test_a_host_that_is_not_the_owner_any_more_opens_and_resolves_nothing() -> None:
    kept, lost = wrong(2)
    mine, other = causes.host(), causes.host("elsewhere")
    hosting.begin(mine, now=timezone.now(), most=10)
    MissionProcess.objects.filter(mission=lost).update(owner=other.id)
    advising.consider(standings(kept, lost), now=timezone.now() + STALLED, owner=mine.id)
    assert [each.mission for each in Advisory.objects.all()] == [kept]
    advising.consider(standings(kept, lost), now=timezone.now() + STALLED, owner=other.id)
    assert Advisory.objects.open().count() == 2
    world.lead(Task.objects.get(mission=lost), TaskStatus.PENDING)
    advising.consider(standings(lost), now=timezone.now() + STALLED, owner=mine.id)
    assert Advisory.objects.open().count() == 2
    advising.consider(standings(lost), now=timezone.now() + STALLED, owner=other.id)
    assert Advisory.objects.open().count() == 1


@pytest.mark.django_db
def test_a_standing_that_is_behind_its_stream_opens_nothing_twice_and_resolves_nothing_twice() -> None:
    [mission] = wrong(1)
    before = standings(mission)
    for _ in range(3):
        advising.consider(before, now=timezone.now() + STALLED)
    assert Advisory.objects.count() == 1
    told = standings(mission)
    for _ in range(3):
        advising.consider(told, now=timezone.now())
    assert Entry.objects.of_kind("advisory").count() == 2


@pytest.mark.django_db
def test_only_kinds_that_follow_from_a_standing_are_resolved_by_it() -> None:
    one = causes.at_work(path="a.py")
    causes.at_work(one.mission, path="a.py")
    assert advising.compare_files(now=timezone.now()) == (1, 0)
    advising.consider(standings(one.mission), now=timezone.now())
    assert advising.sweep(now=timezone.now()) == (0, 0)
    assert Advisory.objects.open().get().kind == "same_files"


def test_hosts_that_believe_in_the_same_mission_open_one_advisory_between_them(committed_db: str) -> None:
    missions = wrong(5)
    of, now = standings(*missions), timezone.now() + STALLED
    hosts = 6
    together = Barrier(hosts)

    def consider() -> None:
        together.wait()
        advising.consider(of, now=now)
        connections.close_all()

    with ThreadPoolExecutor(hosts) as pool:
        for each in [pool.submit(consider) for _ in range(hosts)]:
            each.result()
    assert Advisory.objects.count() == 5
    assert Entry.objects.filter(kind="advisory.opened").count() == 5
    resting = standings(*missions)
    together.reset()

    def resolve() -> None:
        together.wait()
        advising.consider(resting, now=timezone.now())
        connections.close_all()

    with ThreadPoolExecutor(hosts) as pool:
        for each in [pool.submit(resolve) for _ in range(hosts)]:
            each.result()
    assert Advisory.objects.open().count() == 0
    assert Entry.objects.filter(kind="advisory.resolved").count() == 5


def test_one_sweeps_at_a_time(committed_db: str) -> None:
    causes.silent()
    later = timezone.now() + LATER
    together = Barrier(4)

    def sweep() -> tuple[int, int]:
        together.wait()
        done = advising.sweep(now=later)
        connections.close_all()
        return done

    with ThreadPoolExecutor(4) as pool:
        done = [each.result() for each in [pool.submit(sweep) for _ in range(4)]]
    assert sorted(done)[-1] == (1, 0)
    assert sum(opened for opened, _ in done) == Advisory.objects.count() == 1


@pytest.mark.django_db
def test_a_sweep_asks_the_same_few_questions_whatever_there_is() -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert advising.sweep(now=timezone.now() + STALLED) == (0, 0)
        return len([each for each in seen if "SAVEPOINT" not in each["sql"]])

    def make() -> None:
        for cause in (causes.silent, causes.unserved, causes.crashing):
            cause()
        causes.revise(world.mission(), deadline=timezone.now())
        advising.sweep(now=timezone.now() + STALLED)

    make()
    before = asked()
    for _ in range(3):
        make()
    assert asked() == before == 6
