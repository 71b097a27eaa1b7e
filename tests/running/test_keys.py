"""An execution is known by its key: whatever is sent twice is done once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import RememberedAnswer
from missions import jobs
from missions.models import Execution
from tests.factories import client_of, person, unique
from tests.running.agents_at_hand import FakeClaude
from tests.running.runs import task_for

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")


def test_the_same_key_answers_the_same_execution_also_when_it_has_ended(claude: FakeClaude) -> None:
    task, operator, key = task_for(), client_of(person("operator")), unique("key")
    first = operator.post(f"/api/tasks/{task.key}/execute", {"key": key}, format="json")
    again = operator.post(f"/api/tasks/{task.key}/execute", {"key": key}, format="json")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["key"] == key
    assert first.json() == again.json()
    jobs.run_execution(first.json()["id"])
    later = operator.post(f"/api/tasks/{task.key}/execute", {"key": key, "max_attempts": 3}, format="json")
    assert (later.status_code, later.json()["id"], later.json()["state"]) == (200, first.json()["id"], "succeeded")
    assert len(claude.runs) == 1
    assert claude.runs[0]["environment"]["COORDINATOR_EXECUTION_KEY"] == key


def test_a_key_of_another_task_is_refused() -> None:
    operator, key = client_of(person("operator")), unique("key")
    assert operator.post(f"/api/tasks/{task_for().key}/execute", {"key": key}, format="json").status_code == 202
    answer = operator.post(f"/api/tasks/{task_for().key}/execute", {"key": key}, format="json")
    assert answer.status_code == 409
    assert key in answer.json()["detail"]
    assert Execution.objects.count() == 1


def test_the_header_is_a_key_of_its_account_and_holds_longer_than_the_answer_is_remembered() -> None:
    task, one, other = task_for(), person("operator"), person("operator")
    header = {"Idempotency-Key": "once"}
    first = client_of(one).post(f"/api/tasks/{task.key}/execute", headers=header)
    assert first.status_code == 202
    assert client_of(one).post(f"/api/tasks/{task.key}/execute", headers=header).headers["Idempotent-Replayed"]
    RememberedAnswer.objects.update(created_at=timezone.now() - timedelta(days=2))
    RememberedAnswer.objects.all().delete()
    late = client_of(one).post(f"/api/tasks/{task.key}/execute", headers=header)
    assert (late.status_code, late.json()["id"]) == (200, first.json()["id"])
    assert client_of(other).post(f"/api/tasks/{task_for().key}/execute", headers=header).status_code == 202


def test_a_body_cannot_name_the_key_that_stands_for_a_header() -> None:
    task, one, other = task_for(), person("operator"), client_of(person("operator"))
    for key in (f"account-{one.pk}:once", "account-0:"):
        refused = other.post(f"/api/tasks/{task.key}/execute", {"key": key}, format="json")
        assert (refused.status_code, list(refused.json()["errors"])) == (422, ["key"])
    taken = other.post(f"/api/tasks/{task.key}/execute", {"key": "account-5"}, format="json")
    assert taken.status_code == 202
    late = client_of(one).post(f"/api/tasks/{task_for().key}/execute", headers={"Idempotency-Key": "once"})
    assert (late.status_code, late.json()["key"]) == (202, f"account-{one.pk}:once")


def test_an_execution_without_a_key_is_given_one() -> None:
    operator = client_of(person("operator"))
    keys = {operator.post(f"/api/tasks/{task_for().key}/execute").json()["key"] for _ in range(3)}
    assert len(keys) == 3
    assert all(keys)


@pytest.mark.parametrize("tasks", [1, 2])
def test_many_requests_with_one_key_at_the_same_time_make_one_execution(tasks: int) -> None:
    key, token = unique("key"), person("operator")
    addresses = [f"/api/tasks/{task_for().key}/execute" for _ in range(tasks)] * (6 // tasks)

    def ask(address: str) -> int:
        try:
            return client_of(token).post(address, {"key": key}, format="json").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(ask, addresses))
    assert answers == ([200] * 5 + [202] if tasks == 1 else [200, 200, 202, 409, 409, 409])
    assert Execution.objects.filter(key=key).count() == 1
