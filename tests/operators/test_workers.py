"""`manage.py workers`: what it is told to run, and what it does when something under it stands still."""

import signal
from pathlib import Path

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from missions.models import MissionHost, MissionProcess, WorkerHost
from missions.supervision import presence
from tests.missions import world
from tests.operators.running import Command, running
from tests.running.agents_at_hand import lives, until

ONLY_HOSTS = ("default=0", "exec=0", "health=0")


def living() -> list[MissionHost]:
    return list(MissionHost.objects.living_at(timezone.now()).order_by("pk"))


def held_by() -> set[int | None]:
    return set(MissionProcess.objects.filter(state="running").values_list("owner_id", flat=True))


def hosts(command: Command, count: int) -> list[MissionHost]:
    """The hosts, once so many live."""
    command.wait_for(lambda: len(living()) == count, 20)
    return living()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["hots=1"], "'hots=1': a role is one of hosts, default, exec and health; write exec=2."),
        (["exec=many"], "'exec=many': say how many, 0 to 64; write exec=2."),
        (["exec"], "'exec': say how many, 0 to 64; write exec=2."),
        (["exec=-1"], "'exec=-1': say how many, 0 to 64; write exec=2."),
        (["exec=65"], "'exec=65': say how many, 0 to 64; write exec=2."),
        (["hosts=0", "default=0", "exec=0", "health=0"], "There is nothing to run: every role has 0 workers."),
    ],
)
def test_a_word_that_says_no_role_and_number_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("workers", *words)
    assert str(refused.value) == told


def test_two_hosts_of_one_machine_share_the_missions_and_leave_within_seconds(
    committed_db: str, tmp_path: Path
) -> None:
    for _ in range(6):
        world.mission()
    with running(tmp_path, committed_db, "workers", "hosts=2", *ONLY_HOSTS) as command:
        first, second = hosts(command, 2)
        assert first.pid != second.pid
        command.wait_for(lambda: MissionProcess.objects.filter(owner=first).count() == 3, 10)
        command.wait_for(lambda: held_by() == {first.pk, second.pk}, 10)
        assert command.stop() == 0
    assert {host.state for host in MissionHost.objects.all()} == {"left"}
    assert held_by() == {None}, "they run on with the next host"
    assert not WorkerHost.objects.exclude(queue=presence.HOSTS).exists(), "the other roles were left out"


def test_a_host_that_stands_still_is_replaced(committed_db: str, tmp_path: Path) -> None:
    mission = world.mission()
    with running(tmp_path, committed_db, "workers", *ONLY_HOSTS) as command:
        [frozen] = hosts(command, 1)
        command.wait_for(lambda: held_by() == {frozen.pk}, 10)
        psutil.Process(frozen.pid).send_signal(signal.SIGSTOP)
        command.wait_for(lambda: any(host.pk != frozen.pk for host in living()), 20)
        command.wait_for(lambda: held_by() == {living()[-1].pk}, 10)
        assert "No slice moved" in command.log.read_text()
        assert not lives(frozen.pid)
    assert MissionProcess.objects.get(mission=mission).epoch == 2


def test_a_queue_in_which_nothing_moves_is_started_again(committed_db: str, tmp_path: Path) -> None:
    roles = ("hosts=0", "default=0", "exec=0", "health=1")
    with running(tmp_path, committed_db, "workers", *roles) as command:
        command.wait_for(lambda: WorkerHost.objects.filter(queue=presence.HEALTH).exists(), 20)
        guard = psutil.Process(WorkerHost.objects.get().pid)
        until(lambda: len(guard.children()) == 3)
        for each in guard.children():  # whoever takes messages is among them; workers and monitor rest anyway
            each.send_signal(signal.SIGSTOP)
        command.wait_for(lambda: WorkerHost.objects.get().pid != guard.pid, 20)
        assert "Nothing moved in the queue of health" in command.log.read_text()


def test_a_slice_whose_wake_up_was_lost_is_asked_for_again(committed_db: str, tmp_path: Path) -> None:
    with running(tmp_path, committed_db, "workers", *ONLY_HOSTS) as command:
        command.wait_for(lambda: OrmQ.objects.filter(key__startswith="hosts-").delete()[0] or living(), 20)
        hosts(command, 1)
