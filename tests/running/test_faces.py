"""How runs are seen and started elsewhere than over the API: in the admin, on the pages, by monitors."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from missions import execution_times
from missions.execution_times import BOUNDS_S
from missions.models import Execution
from missions.services import executing, running
from tests.factories import person
from tests.missions import world
from tests.running.runs import fresh, queued, task_for
from tests.running.taken import ended, out, taken
from traceability.events import SYSTEM

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")


def act(client: Client, noun: str, action: str, *ids: int) -> str:
    """The messages of the page after an admin action."""
    address = reverse(f"admin:missions_{noun}_changelist")
    answer = client.post(address, {"action": action, "_selected_action": ids}, follow=True)
    return " ".join(str(each) for each in answer.context["messages"])


def test_tasks_are_handed_to_their_adapters_by_an_action_and_refusals_are_told(client: Client) -> None:
    client.force_login(person("operator"))
    able, unable = task_for(), world.task()
    told = act(client, "task", "execute", able.pk, unable.pk)
    assert "1 handed over." in told
    assert "no agent" in told
    execution = Execution.objects.get()
    assert execution.task_id == able.pk
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())


def test_who_may_only_look_is_offered_no_action(client: Client) -> None:
    client.force_login(person("viewer"))
    task = task_for()
    client.post(reverse("admin:missions_task_changelist"), {"action": "execute", "_selected_action": [task.pk]})
    assert not Execution.objects.exists()


def test_the_admin_shows_what_a_run_puts_out_while_it_runs(client: Client) -> None:
    client.force_login(person("operator"))
    begun = taken(queued())
    running.renew(begun, output=[out("<b>half</b>\n")], now=timezone.now())
    address = reverse("admin:missions_execution_change", args=[begun.pk])
    assert "&lt;b&gt;half&lt;/b&gt;" in client.get(address).content.decode()
    ended(begun, output=[out("whole\n")])
    assert "whole" in client.get(address).content.decode()


@pytest.mark.parametrize("address", ["/operations", "/admin/missions/execution/"])
def test_a_list_of_runs_costs_the_same_however_many_there_are(address: str, client: Client) -> None:
    client.force_login(person("operator"))

    def cost() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    ended(taken(queued()))
    begun = [taken(queued())]
    before = cost()
    begun += [taken(queued()) for _ in range(4)]
    assert cost() == before
    for each in begun:
        ended(each)


def test_the_operations_page_tells_of_attempts_signs_of_life_and_how_long_it_took(client: Client) -> None:
    client.force_login(person("viewer"))
    now = timezone.now()
    ended(taken(queued(), now), "timed_out", detail="It was too slow.", now=now + timedelta(seconds=4.2))
    page = client.get("/operations").content.decode()
    assert "timed out: It was too slow." in page
    assert "4.2 s" in page


def test_the_page_says_why_a_run_waits(client: Client) -> None:
    client.force_login(person("viewer"))
    agent = world.agent(adapter_module="openai", adapter_config={"limit": 1, "max_attempts": 2})
    first, second = (
        executing.request_execution(world.task(agent=agent), actor=SYSTEM, now=timezone.now()) for _ in range(2)
    )
    begun = taken(first)
    assert running.renew(begun, now=timezone.now())
    Execution.objects.filter(pk=second.pk).update(woken_at=None)
    assert "have a place" in client.get(f"/tasks/{second.task.key}").content.decode()
    ended(begun, "crashed")
    assert "It is tried again" in client.get(f"/tasks/{first.task.key}").content.decode()
    for each in (first, second):
        executing.cancel(each, actor=SYSTEM, now=timezone.now())
    assert fresh(second).state == "cancelled"


def test_monitors_read_how_long_runs_took_by_adapter_and_outcome() -> None:
    now = timezone.now()
    for seconds, failure in ((0.5, ""), (20, ""), (20, "crashed")):
        ended(taken(queued(), now), failure, now=now + timedelta(seconds=seconds))
    taken(queued())
    crashed, succeeded = execution_times.histograms()
    assert (crashed.adapter, crashed.outcome, crashed.count, crashed.total_s) == ("claude_code", "crashed", 1, 20)
    assert (succeeded.outcome, succeeded.count, succeeded.total_s) == ("succeeded", 2, 20.5)
    assert succeeded.within == {bound: 1 if bound < 20 else 2 for bound in BOUNDS_S}
