"""The trace over the API: everything that happened, oldest first, by every filter of the contract, never writable."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from coordinator.lib.refs import Ref, Subject
from missions.services import planning as work
from tests.factories import client_of, person, service
from tests.traceability.conftest import new_mission, note
from tests.traceability.plans import BY, CHANGE, mission, task
from traceability import checkpoints
from traceability.api.trace import one_at_a_time
from traceability.events import Actor
from traceability.models import Entry
from traceability.services import checkpointing

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


@pytest.fixture
def viewer() -> APIClient:
    return client_of(person("viewer"))


def texts(client: APIClient, query: str = "") -> list[Any]:
    answer = client.get(f"/api/trace?event=note&{query}")
    assert answer.status_code == 200, answer.content
    return [each["data"]["text"] for each in answer.json()["results"]]


def test_an_entry_is_shown_whole(viewer: APIClient) -> None:
    about = new_mission()
    actor = Actor("agent", 9, "coder@agents.example.org", on_behalf_of="coder", request_id="r-1")
    note(about, {"share": 0.5}, actor=actor, task=Ref(3, "t-3"), subject=Subject("policy", 2, "p-2"))
    stored = Entry.objects.latest("pk")
    told = viewer.get(f"/api/trace?mission={about.key[2:]}").json()["results"]
    assert told == [
        {
            "id": stored.pk,
            "stream": f"mission:{about.id}",
            "seq": 1,
            "event": "note.taken",
            "schema": 1,
            "actor": {"kind": "agent", "id": 9, "name": "coder@agents.example.org"},
            "on_behalf_of": "coder",
            "request_id": "r-1",
            "mission": about.key,
            "task": "t-3",
            "agent": None,
            "subject": {"type": "policy", "id": 2, "key": "p-2"},
            "data": {"text": {"share": 0.5}},
            "occurred_at": "2026-06-01T12:00:00Z",
            "recorded_at": stored.recorded_at.isoformat().replace("+00:00", "Z"),
            "hash": bytes(stored.hash).hex(),
        }
    ]


def test_the_oldest_comes_first_page_by_page(viewer: APIClient) -> None:
    about = new_mission()
    for number in range(5):
        note(about, number)
    found: list[Any] = []
    address = f"/api/trace?event=note&mission={about.id}&page_size=2"
    while address:
        page = viewer.get(address).json()
        found += [each["data"]["text"] for each in page["results"]]
        address = page["next"]
    assert found == [0, 1, 2, 3, 4]


def test_each_filter_narrows(viewer: APIClient) -> None:
    one, other = new_mission(), new_mission()
    ada = Actor("person", 1, "ada@example.org")
    note(one, "a", task=Ref(71, "t-71"), agent=Ref(81, "a-81"))
    note(other, "b", actor=ada)
    assert texts(viewer, f"mission={one.id}") == texts(viewer, "task=71") == texts(viewer, "agent=81") == ["a"]
    assert texts(viewer, "actor=ada@example.org") == ["b"]
    middle = Entry.objects.latest("pk").recorded_at.isoformat().replace("+00:00", "Z")
    assert texts(viewer, f"before={middle}") == ["a"]
    assert texts(viewer, f"after={middle}") == ["b"]
    assert texts(viewer, "task=99999999999999999999") == []
    later = (timezone.now() + timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert texts(viewer, f"after={later}") == []


def test_events_are_named_by_kind_or_noun_or_several(viewer: APIClient) -> None:
    client = viewer
    note(new_mission())
    task(mission())

    def kinds(names: str) -> set[str]:
        return {each["event"] for each in client.get(f"/api/trace?event={names}").json()["results"]}

    assert kinds("note.taken") == kinds("note") == {"note.taken"}
    assert kinds("note,mission.created") == {"note.taken", "mission.created"}
    assert kinds("task.moved") == kinds("advisory") == set()


def test_a_kind_that_the_code_has_forgotten_is_still_found_in_the_ledger(viewer: APIClient) -> None:
    about = new_mission()
    note(about)
    tamper(["UPDATE traceability_entry SET kind = 'past.kept' WHERE mission_id = %s"], about)
    told = viewer.get("/api/trace?event=past.kept").json()["results"]
    assert [each["mission"] for each in told] == [about.key]


def test_a_key_finds_exactly_what_it_names(viewer: APIClient) -> None:
    of = mission()
    named = task(of, task_id="t-1")
    task(of, task_id="t-12", objective='"key":"t-1"', depends_on=[named])
    work.revise_task(named, objective="New", **CHANGE)

    def found(query: str) -> list[tuple[str, str | None]]:
        told = viewer.get(f"/api/trace?{query}").json()["results"]
        return [(each["event"], each["task"]) for each in told]

    assert found("task=t-1") == [("task.created", "t-1"), ("task.updated", "t-1")]
    assert found(f"mission={of.key}")[0] == ("mission.created", None)
    assert found("task=none") == found("agent=t-1") == found("mission=t-1") == []


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "after=yesterday",
        "before=2026-06-01T12:00:00",
        "page_size=501",
        "cursor=abc",
        "task=%00",
        "event=nope.nope",
        "event=not",
        "event=task,",
        "event=%00",
    ],
)
def test_an_unknown_filter_or_value_is_400(viewer: APIClient, query: str) -> None:
    answer = viewer.get(f"/api/trace?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["task=a'b", "task=%25", "agent=%22", "mission=%C3%BC", "actor=%27%3B--"])
def test_odd_keys_find_nothing(viewer: APIClient, query: str) -> None:
    note()
    assert viewer.get(f"/api/trace?{query}").json()["results"] == []


@pytest.mark.parametrize("path", ["/api/trace", "/api/trace/verify"])
def test_the_trace_is_only_read(path: str) -> None:
    admin = client_of(person("admin"))
    for verb in ("post", "put", "patch", "delete"):
        assert getattr(admin, verb)(path, {}, format="json").status_code == 405
    assert APIClient().get(path).status_code == 401
    assert client_of(person("admin"), ["tasks:read"]).get(path).status_code == 403
    for account in (person("viewer"), service()):
        assert client_of(account).get(path).status_code == 200


def test_the_check_says_valid_or_names_the_first_bad_entry(viewer: APIClient) -> None:
    about = new_mission()
    note(about)
    note(about)
    good = viewer.get("/api/trace/verify").json()
    assert (good["valid"], good["first_bad"], good["entries"]) == (True, None, Entry.objects.count())
    assert len(good["head"]) == 64
    tamper(["UPDATE traceability_entry SET task_id = 5 WHERE mission_id = %s AND seq = 2"], about)
    bad = viewer.get("/api/trace/verify").json()
    assert bad["valid"] is False
    assert {"stream": f"mission:{about.id}", "seq": 2, "kind": "column_mismatch"}.items() <= bad["first_bad"].items()


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"refs":[]}', '{"refs":{"task":1}}'])
def test_a_tampered_text_does_not_break_the_list(viewer: APIClient, text: str) -> None:
    about = new_mission()
    note(about)
    tamper([f"UPDATE traceability_entry SET canonical = '{text}' WHERE mission_id = %s"], about)
    told = viewer.get(f"/api/trace?mission={about.id}")
    assert told.status_code == 200
    assert told.json()["results"][0]["data"] is None


def tamper(statements: Iterable[str], about: Ref) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE traceability_entry DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement, [about.id])
        cursor.execute("ALTER TABLE traceability_entry ENABLE TRIGGER USER")


def test_the_list_costs_one_statement_beside_the_token(viewer: APIClient, django_assert_num_queries: Any) -> None:
    viewer.get("/api/trace")
    for _ in range(6):
        note(new_mission())
    with django_assert_num_queries(2):
        assert len(viewer.get("/api/trace").json()["results"]) == 6


def test_what_happens_to_accounts_is_read_by_who_administers_them() -> None:
    kinds = {}
    for role in ("viewer", "operator", "admin"):
        client = client_of(person(role))
        kinds[role] = {each["event"] for each in client.get("/api/trace?event=account,token").json()["results"]}
    assert kinds == {"viewer": set(), "operator": set(), "admin": {"account.created", "token.issued"}}


def test_a_token_for_the_trace_alone_reads_all_that_is_no_account() -> None:
    client = client_of(person("admin"), {"trace:read"})
    mission()
    assert [each["event"] for each in client.get("/api/trace").json()["results"]] == ["mission.created"]


def test_a_mission_has_its_own_trace_and_check(viewer: APIClient) -> None:
    of, other = mission(), mission()
    task(of, task_id="t-1")
    task(other)
    told = viewer.get(f"/api/missions/{of.key}/trace").json()["results"]
    assert [each["event"] for each in told] == ["mission.created", "task.created"]
    assert {each["mission"] for each in told} == {of.key}
    assert [each["seq"] for each in told] == [1, 2]
    by_task = viewer.get(f"/api/missions/{of.pk}/trace?task=t-1&event=task").json()["results"]
    assert [each["task"] for each in by_task] == ["t-1"]
    assert viewer.get(f"/api/missions/{of.key}/trace?mission=1").status_code == 400
    assert viewer.get("/api/missions/none/trace").status_code == 404
    checked = viewer.get(f"/api/missions/{of.key}/trace/verify").json()
    assert (checked["valid"], checked["entries"]) == (True, 2)
    assert checked["head"] == told[-1]["hash"]


def test_every_entry_of_a_request_carries_its_id() -> None:
    operator = client_of(person("operator"))
    operator.post("/api/objectives", {"title": "A"}, format="json", headers={"X-Request-Id": "mine-1"})
    assert operator.get("/api/trace?event=objective").json()["results"][0]["request_id"] == "mine-1"
    assert BY["actor"].request_id is None


def test_one_at_a_time_verifies_and_the_others_are_asked_to_come_back(viewer: APIClient) -> None:
    paths = ("/api/trace/verify", f"/api/missions/{mission().key}/trace/verify")
    with one_at_a_time():
        for path in paths:
            answer = viewer.get(path)
            assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert [viewer.get(path).status_code for path in paths] == [200, 200]


def test_the_newest_checkpoint_is_for_whoever_wants_to_keep_it(tmp_path: Path, settings: Any) -> None:
    settings.CHECKPOINT_DIR, settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoints", tmp_path / "checkpoint.key"
    client = client_of(person("viewer"))
    assert client.get("/api/trace/checkpoint").status_code == 404
    note(new_mission())
    checkpointing.take(checkpoints.here(), checkpoints.keyring(), now=timezone.now())
    told = client.get("/api/trace/checkpoint").json()
    assert told["note"] == checkpoints.note_file(checkpoints.here(), 1).read_text()
    assert (told["n"], told["keys"]) == (1, [str(key) for key in checkpoints.keys_in(checkpoints.here())])
    proof = client.get("/api/trace/verify").json()
    assert (proof["valid"], proof["checkpoints"]["newest"], proof["unchecked"]) == (True, 1, [])
    assert client_of(person("viewer"), ["missions:read"]).get("/api/trace/checkpoint").status_code == 403
