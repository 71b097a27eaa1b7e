"""The check of the record: what it answers, and that its quick form and its parts find the same."""

import hashlib
from typing import Any

import pytest
from django.db import connection

from coordinator.lib.refs import Ref
from tests.traceability.conftest import AT, new_mission, note, stream_of
from tests.traceability.force import all_findings, append, by_force, change, findings, remove, told
from traceability import ledger, verifying
from traceability.events import SYSTEM, TextsErased
from traceability.models import Entry, StreamHead
from traceability.proving.walk import Place
from traceability.services import erasing_archived

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


@pytest.fixture
def mission() -> Ref:
    return told(5)


def test_an_untouched_chain_is_valid(mission: Ref) -> None:
    answer = verifying.verify(stream_of(mission)).as_data()
    head = StreamHead.objects.get(stream=stream_of(mission))
    assert answer == {
        "valid": True,
        "entries": 5,
        "head": bytes(head.hash).hex(),
        "first_bad": None,
        "findings": [],
        "remarks": [],
        "unchecked": [],
        "checkpoints": {"checked": 0, "newest": None, "at": None},
    }


def test_a_finding_tells_where_what_and_how(mission: Ref) -> None:
    change(mission, 4, "actor_name = 'eve'")
    entry = Entry.objects.get(stream=stream_of(mission), seq=4)
    assert verifying.verify().as_data()["first_bad"] == {
        "stream": stream_of(mission),
        "seq": 4,
        "entry": entry.pk,
        "kind": "column_mismatch",
        "detail": "actor_name differs from the text",
        "expected": "ada@example.org",
        "found": "eve",
        "last_good_checkpoint": None,
    }


def test_the_whole_ledger_names_the_first_bad_entry_of_any_stream(mission: Ref) -> None:
    assert verifying.verify().as_data()["valid"]
    note(new_mission())
    change(mission, 4, "actor_name = 'eve'")
    answer = verifying.verify().as_data()
    assert answer["valid"] is False
    assert (answer["first_bad"]["stream"], answer["first_bad"]["seq"]) == (stream_of(mission), 4)
    assert answer["entries"] == Entry.objects.count()


def test_the_head_of_all_streams_is_the_hash_of_their_heads(mission: Ref) -> None:
    note(new_mission())
    heads = StreamHead.objects.all()
    joined = "".join(sorted(f"{head.stream}={bytes(head.hash).hex()}\n" for head in heads))
    assert verifying.verify().head == hashlib.sha256(joined.encode()).hexdigest()


def test_a_stream_that_never_was_has_no_entries_and_no_findings() -> None:
    answer = verifying.verify("mission:0")
    assert (answer.entries, answer.findings) == (0, ())


def erase(mission: Ref, seq: int, *paths: str) -> None:
    entry = Entry.objects.get(stream=stream_of(mission), seq=seq)
    with ledger.writing():
        event = TextsErased(
            mission=mission, entry=entry.pk, of_stream=entry.stream, seq=seq, paths=list(paths), reason="by law"
        )
        ledger.record(event, actor=SYSTEM, at=AT)
        with connection.cursor() as cursor:
            cursor.execute("SELECT traceability_erase(%s, %s)", [entry.pk, list(paths)])


def test_a_lawful_erasure_is_no_finding_and_is_said(mission: Ref) -> None:
    erase(mission, 2, "text")
    answer = verifying.verify(stream_of(mission))
    assert answer.as_data()["valid"] is True
    assert [(each.seq, each.kind) for each in answer.remarks] == [(2, "erased")]
    erase(mission, 3, "text", "more.inner")
    assert [each.seq for each in verifying.verify(stream_of(mission)).remarks] == [2, 3]


def test_what_an_erasure_left_stays_fixed(mission: Ref) -> None:
    erase(mission, 2, "text")
    change(mission, 2, "body = replace(body, '0.25', '0.75')")
    assert findings(mission) == [(2, "payload_modified")]
    change(mission, 2, "body = NULL")
    assert findings(mission) == [(2, "payload_modified")]


def test_a_text_that_is_told_as_erased_and_still_there_is_found(mission: Ref) -> None:
    body = Entry.objects.get(stream=stream_of(mission), seq=2).body
    erase(mission, 2, "text")
    change(mission, 2, "body = %s", body)
    assert findings(mission) == [(2, "erased_still_there")]


def test_an_empty_body_in_the_place_of_none_is_found(mission: Ref) -> None:
    erase(mission, 2, "text", "more.inner")
    assert findings(mission) == []
    change(mission, 2, "body = '{}'")
    assert findings(mission) == [(2, "payload_modified")]


def test_another_time_of_a_head_is_found(mission: Ref) -> None:
    by_force("UPDATE traceability_streamhead SET at = '2099-01-01' WHERE stream = %s", stream_of(mission))
    assert findings(mission) == [(5, "head_mismatch")]
    assert [each.seq for each in verifying.verify(fast=True).findings] == [5]


ODD = [
    '{"of_stream":"%s","seq":1,"paths":[1]}', '{"of_stream":"%s","seq":1,"paths":[["a"]]}',
    '{"of_stream":"%s","seq":1,"paths":"text"}', '{"of_stream":["%s"],"seq":1,"paths":[]}',
    '{"of_stream":"%s","seq":true,"paths":["text"]}', '{"seq":1}', "[]", '"%s"', "null",
]  # fmt: skip


@pytest.mark.parametrize("data", ODD)
def test_an_odd_telling_of_an_erasure_does_not_stop_the_check_and_makes_nothing_lawful(mission: Ref, data: str) -> None:
    append("trace.erased", f'{{"data":{data.replace("%s", stream_of(mission))}}}')
    change(mission, 1, "body = NULL")
    told_of = {(each.stream, each.kind) for each in all_findings()}
    assert told_of == {(stream_of(mission), "payload_modified"), ("org", "non_canonical")}
    assert erasing_archived.mend() == 0


@pytest.mark.parametrize(
    "text", ["", "no json", "[" * 900 + '"$"' + "]" * 900, '{"data":' * 500 + '{"$x":1}' + "}" * 500]
)
def test_an_entry_of_any_text_does_not_stop_the_check(mission: Ref, text: str) -> None:
    append("trace.erased", text)
    assert [(each.stream, each.kind) for each in all_findings()] == [("org", "non_canonical")]
    assert erasing_archived.mend() == 0


CHANGES: dict[str, Any] = {
    "text": lambda mission: change(mission, 3, "canonical = canonical || ' '"),
    "time": lambda mission: change(mission, 3, "recorded_at = recorded_at + interval '1 second'"),
    "hash": lambda mission: change(mission, 5, "hash = '\\x00'"),
    "middle": lambda mission: remove(mission, "seq = 3"),
    "first": lambda mission: remove(mission, "seq = 1"),
    "tail": lambda mission: remove(mission, "seq > 3"),
    "all": lambda mission: remove(mission),
    "number": lambda mission: change(mission, 5, "seq = 9"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_quick_check_names_what_was_done_to_the_chain_as_the_full_one_does(mission: Ref, name: str) -> None:
    note(new_mission())
    assert verifying.verify(fast=True).as_data() == verifying.verify().as_data()
    CHANGES[name](mission)
    quick = verifying.verify(fast=True)
    assert quick.findings == verifying.verify().findings
    assert [each.stream for each in quick.findings] == [stream_of(mission)]
    assert verifying.verify(stream_of(mission), fast=True).findings == quick.findings
    assert quick.entries == Entry.objects.count()


def test_a_check_goes_on_from_where_one_ended(mission: Ref) -> None:
    entry = Entry.objects.get(stream=stream_of(mission), seq=3)
    since = {stream_of(mission): Place(3, bytes(entry.hash))}
    answer = verifying.verify(since=since)
    assert (answer.entries, answer.findings) == (2, ())
    change(mission, 2, "actor_name = 'eve'")
    assert verifying.verify(since=since).findings == ()
    change(mission, 4, "actor_name = 'eve'")
    assert [each.seq for each in verifying.verify(since=since).findings] == [4]


def test_a_check_that_goes_on_from_a_hash_that_is_not_there_says_so(mission: Ref) -> None:
    since = {stream_of(mission): Place(3, bytes(32))}
    assert [(each.seq, each.kind) for each in verifying.verify(since=since).findings] == [(4, "content_modified")]
