"""What a run puts out: seen in chunks while it runs, bounded, told to open pages, erased with all copies."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from missions import outputs
from missions.models import Execution, ExecutionOutput
from missions.services import erasing, erasing_output, executing, running
from missions.services.writing_output import LONGEST_CHUNK, LONGEST_OUTPUT, Piece, Stream
from missions.supervision.outlet import Outlet
from tests.factories import client_of, person, token_of
from tests.missions.leak import order
from tests.realtime.test_stream import heard, opened
from tests.running.agents_at_hand import until
from tests.running.runs import Hanging, fresh, queued
from tests.running.taken import ended, out, taken
from traceability.events import SYSTEM
from traceability.models import Entry

pytestmark = pytest.mark.usefixtures("its_trace_tells_all")


def put(begun: Execution, *texts: str) -> None:
    for text in texts:
        assert running.renew(begun, output=[out(text)], now=timezone.now())


def read(execution: Execution, after: int | None = None) -> dict[str, Any]:
    query = "" if after is None else f"?after={after}"
    answer = client_of(person("viewer")).get(f"/api/executions/{execution.pk}/output{query}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_reader_gets_each_chunk_once_and_learns_when_nothing_follows() -> None:
    begun = taken(queued())
    put(begun, "one\n", "two\n")
    first = read(begun)
    assert [each["text"] for each in first["results"]] == ["one\n", "two\n"]
    assert (first["after"], first["ended"], first["state"]) == (2, False, "running")
    assert read(begun, first["after"])["results"] == []
    ended(begun, output=[out("three\n"), Piece(Stream.ERR, "careful\n")])
    rest = read(begun, first["after"])
    assert [(each["seq"], each["stream"], each["text"]) for each in rest["results"]] == [
        (3, "out", "three\n"),
        (4, "err", "careful\n"),
    ]
    assert (rest["ended"], rest["state"]) == (True, "succeeded")
    assert read(begun, 4) == {"results": [], "after": 4, "ended": True, "state": "succeeded"}
    assert fresh(begun).output == "one\ntwo\nthree\ncareful\n"


def test_a_page_of_chunks_is_not_the_end_of_a_long_output() -> None:
    begun = taken(queued())
    ended(begun, output=[out("x" * LONGEST_CHUNK), *(Piece(stream, "y") for stream in (Stream.ERR, Stream.OUT) * 30)])
    first = read(begun)
    assert (len(first["results"]), first["ended"]) == (outputs.PAGE, False)
    assert read(begun, first["after"])["ended"] is True


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?before=2", "?after=99999999999"])
def test_a_query_that_is_not_understood_is_refused(query: str) -> None:
    execution = queued()
    assert client_of(person("viewer")).get(f"/api/executions/{execution.pk}/output{query}").status_code == 400
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())


def test_the_output_is_for_those_who_may_read_tasks() -> None:
    execution = queued()
    address = f"/api/executions/{execution.pk}/output"
    from_usage = client_of(person("admin"), scopes=["usage:read"])
    assert from_usage.get(address).status_code == 403
    assert client_of(person("viewer")).get("/api/executions/999999/output").status_code == 404


def test_of_very_much_the_first_and_the_last_part_stay_and_the_gap_is_told() -> None:
    begun = taken(queued())
    lines = [f"line {number:06}\n" for number in range(40_000)]
    for start in range(0, len(lines), 500):
        put(begun, "".join(lines[start : start + 500]))
    chunks = list(ExecutionOutput.objects.filter(execution=begun).order_by("seq"))
    assert sum(len(chunk.text) for chunk in chunks) <= LONGEST_OUTPUT
    assert sum(len(chunk.text) for chunk in chunks) > LONGEST_OUTPUT * 0.8
    ended(begun)
    output = fresh(begun).output
    assert output.startswith(lines[0])
    assert output.endswith(lines[-1])
    [told] = [line for line in output.splitlines() if "left out" in line]
    left_out = sum(map(len, lines)) - sum(len(chunk.text) for chunk in chunks)
    assert told == f"[{left_out:,} characters are left out here]"


def test_what_no_column_can_hold_is_put_out_all_the_same() -> None:
    begun = taken(queued())
    put(begun, "a\x00b\ud800c\n")
    ended(begun, output=[out("\x00")], detail="\x00why\ud800")
    assert fresh(begun).output == "ab?c\n"
    assert fresh(begun).failure_detail == "why?"


def test_a_worker_that_lost_its_fence_adds_nothing() -> None:
    begun = taken(queued())
    stale = fresh(begun)
    stale.fence -= 1
    assert running.renew(stale, output=[out("from the past")], now=timezone.now()) is False
    assert ExecutionOutput.objects.count() == 0
    ended(begun)


def test_a_renewal_costs_the_same_however_much_was_put_out_before() -> None:
    begun = taken(queued())
    put(begun, *(f"{number}\n" for number in range(50)))
    with CaptureQueriesContext(connection) as quiet:
        assert running.renew(begun, now=timezone.now())
    with CaptureQueriesContext(connection) as telling:
        put(begun, "more\n")
    assert (len(quiet), len(telling)) == (4, 6)
    ended(begun)


def test_an_outlet_keeps_the_order_and_of_very_much_the_last() -> None:
    outlet = Outlet()
    outlet.put(Stream.OUT, "a")
    outlet.put(Stream.OUT, "b")
    outlet.put(Stream.ERR, "c")
    outlet.put(Stream.ERR, "")
    assert outlet.take() == [Piece(Stream.OUT, "ab"), Piece(Stream.ERR, "c")]
    assert outlet.take() == []
    outlet.put(Stream.OUT, "x" * LONGEST_OUTPUT)
    outlet.put(Stream.ERR, "y" * 10)
    outlet.give_back([Piece(Stream.NOTE, "z" * 5)])
    first, last = outlet.take()
    assert (first.stream, len(first.text), first.lost, len(last.text)) == (Stream.OUT, LONGEST_OUTPUT - 10, 15, 10)


def test_what_was_lost_in_memory_is_told_as_left_out() -> None:
    begun = taken(queued())
    ended(begun, output=[out("begin\n"), Piece(Stream.ERR, "end\n", 1234)])
    assert fresh(begun).output == "begin\n[1,234 characters are left out here]\nend\n"


def test_the_page_of_a_task_shows_a_run_while_it_goes_on(client: Client) -> None:
    begun = taken(queued())
    put(begun, "I begin to read.\n")
    client.force_login(person("viewer"))
    address = f"/tasks/{begun.task.key}"
    assert "I begin to read." in client.get(address).content.decode()
    before = Entry.objects.count()
    put(begun, "I understand it.\n")
    region = client.get(address, headers={"X-Live": "runs="}).content.decode()
    assert "I understand it." in region
    assert Entry.objects.count() == before, "a chunk is no history"
    ended(begun, "crashed", detail="It went away.")
    assert "It went away." in client.get(address).content.decode()


def test_open_pages_are_told_that_a_run_put_something_out(hanging: Hanging, served: str) -> None:
    execution, future = hanging
    with opened(served, token_of(person("viewer")), "?topics=outputs") as held:
        assert heard(held)["event"] == "subscribed"
        begun = fresh(execution)
        running.note(begun, "A line of ours.", timezone.now())
        told = heard(held)
    assert (told["event"], list(told["data"]["tasks"])) == ("outputs", [str(execution.task_id)])
    executing.cancel(execution, actor=SYSTEM, now=timezone.now())
    until(future.done)


def test_a_text_that_begins_in_one_chunk_and_ends_in_another_is_erased() -> None:
    secret = "Nadja Sorokina of Perm"
    begun = taken(queued())
    put(begun, f"I ask {secret[:9]}", secret[9:] + f" and {secret}.\n", json.dumps({"who": secret}))
    open_one = taken(queued(objective="another"))
    put(open_one, secret[:4], secret[4:12], secret[12:] + " is away")
    ended(begun)
    erasing.erase_text(secret, order())
    assert secret not in fresh(begun).output
    assert fresh(begun).output == 'I ask [erased] and [erased].\n{"who": "[erased]"}'
    assert outputs.whole(open_one.pk) == "[erased] is away"
    assert erasing.left(secret) == []
    ended(open_one)
    assert "left out" not in fresh(open_one).output


def test_erasing_an_entrys_text_reaches_the_output_of_its_mission_alone() -> None:
    secret = "the address of Nadja Sorokina"
    here = taken(queued(description=secret))
    there = taken(queued())
    put(here, secret)
    put(there, secret)
    entry = Entry.objects.get(kind="task.created", task_id=here.task_id)
    erasing.erase(entry, ["fields.description"], order())
    assert (outputs.whole(here.pk), outputs.whole(there.pk)) == ("[erased]", secret)
    ended(here)
    ended(there)


@given(st.lists(st.text("abx", max_size=6), max_size=6), st.sampled_from(["ab", "aab", "x"]))
def test_erasing_parts_is_erasing_the_whole(texts: list[str], form: str) -> None:
    found = erasing_output.without(texts, [form])
    assert len(found) == len(texts)
    assert "".join(found) == "".join(texts).replace(form, "[erased]")
