"""What a run puts out appears on the open page of its task while it runs."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import expect

from missions.models import Execution
from missions.services import running
from tests.browser.conftest import House, Visitor
from tests.browser.test_live import live
from tests.factories import unique
from tests.running.taken import ended, out, taken

pytestmark = pytest.mark.xdist_group("browser")

Elsewhere = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def elsewhere(house: House, django_db_blocker: Any) -> Iterator[Elsewhere]:
    """Does something in a thread of its own, as a worker would: the browser's library keeps this one."""
    with django_db_blocker.unblock(), ThreadPoolExecutor(1) as worker:
        yield lambda do: worker.submit(do).result(15)
        worker.submit(lambda: connection.close()).result(15)


def test_the_output_of_a_run_appears_while_it_runs(operator: Visitor, house: House, elsewhere: Elsewhere) -> None:
    house.call("POST", "/agents", {"agent_id": (agent := unique("runner")), "adapter_module": "claude_code"})
    mission = house.call("GET", "/missions?status=active&page_size=1")["results"][0]["mission_id"]
    house.call(
        "POST", f"/missions/{mission}/tasks", {"task_id": (key := unique("run")), "objective": "Run it", "agent": agent}
    )
    execution = house.call("POST", f"/tasks/{key}/execute", {"max_attempts": 2})["id"]
    page = live(operator.open(f"/tasks/{key}"))
    run = page.locator(f"#run-{execution}")
    expect(run).to_contain_text("No output.")
    begun = elsewhere(lambda: taken(Execution.objects.get(pk=execution)))
    expect(run).to_contain_text("attempt 1 of 2")
    for line in ("I begin to read.", "I have read it all."):
        elsewhere(partial(running.renew, begun, output=[out(f"{line}\n")], now=timezone.now()))
        expect(run).to_contain_text(line)
    elsewhere(lambda: ended(begun, "crashed", detail="The program fell."))
    expect(run).to_contain_text("crashed: The program fell.")
    expect(run).to_contain_text("It is tried again")
    assert page.evaluate("window.notReloaded") is True
    assert operator.errors == []
    house.call("POST", f"/executions/{execution}/cancel")
    shown = house.call("GET", f"/executions/{execution}/output")
    assert (shown["ended"], shown["results"][0]["text"]) == (True, "I begin to read.\n")
