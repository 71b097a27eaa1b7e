"""A text that must go is nowhere afterwards, history stays whole, and replay still equals the rows."""

import io
import json
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from coordinator import embedded
from coordinator.lib.errors import Invalid
from knowledge.services import indexing
from missions import replay
from missions.lifecycle import TaskStatus
from missions.models import Mission, Report, Review, Task
from missions.services import erasing
from missions.services.erasing import StandsInTheChain
from policies.models import Decision
from sprints.services import opening
from tests.factories import client_of, person
from tests.knowledge import documents
from tests.missions import world
from tests.missions.leak import NAME, SAID, order, say, spread
from traceability import verifying
from traceability.events import SYSTEM
from traceability.models import Entry


def dump(address: str) -> str:
    program = embedded.binaries(Path(settings.COORDINATOR_DATA)) / "pg_dump"
    return subprocess.run([program, address], capture_output=True, text=True, check=True).stdout


def test_a_text_that_leaked_is_in_no_table_afterwards(committed_db: str) -> None:
    row = spread()
    assert len(erasing.left(NAME)) >= 8
    before = Entry.objects.count()
    erased = erasing.erase_text(NAME, order())
    assert erasing.left(NAME) == []
    found = dump(committed_db)
    for form in (NAME, "Quirke", json.dumps(NAME)[1:-1], NAME.encode().hex()):
        assert form not in found, form
    assert Entry.objects.count() == before + len(erased.entries)
    proof = verifying.verify()
    assert proof.findings == ()
    assert {(each.kind, each.stream) for each in proof.remarks} >= {("erased", f"mission:{row.mission_id}")}
    assert replay.partings([row.mission_id]) == {}
    row.refresh_from_db()
    assert (row.description, row.acceptance_criteria) == ("[erased]", ["[erased]"])
    assert row.outputs["branch"] == "work/1"


def test_texts_of_one_entry_are_erased_with_their_copies_in_the_same_mission(committed_db: str) -> None:
    row, other = spread(), world.task(description=SAID)
    entry = Entry.objects.get(kind="task.created", task_id=row.pk)
    erased = erasing.erase(entry, ["fields.description"], order())
    assert set(erased.entries) > {entry.pk}
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.description, other.description) == ("[erased]", SAID)
    assert not Report.objects.filter(task=row, logs__icontains=SAID).exists()
    assert Review.objects.get(task=row).comment == "[erased]"
    assert replay.partings([row.mission_id, other.mission_id]) == {}
    assert verifying.verify().findings == ()


def test_a_short_value_goes_from_its_own_field_alone(committed_db: str) -> None:
    row = world.task(description="ada", objective="ada wrote")
    entry = Entry.objects.get(kind="task.created", task_id=row.pk)
    version = row.version
    erasing.erase(entry, ["fields.description"], order())
    row.refresh_from_db()
    assert (row.description, row.objective, row.version) == ("[erased]", "ada wrote", version + 1)
    assert entry.data["fields"]["description"] == "ada", "the entry that was read before"
    assert Entry.objects.get(pk=entry.pk).data["fields"]["description"] == "[erased]"


def test_what_was_written_since_stays(committed_db: str) -> None:
    row = world.task(description="The first words of it")
    client = client_of(person("operator"))
    assert client.patch(f"/api/tasks/{row.key}", {"description": "Others"}, format="json").status_code == 200
    erasing.erase(Entry.objects.get(kind="task.created", task_id=row.pk), ["fields.description"], order())
    row.refresh_from_db()
    assert row.description == "Others"


def test_a_row_outside_missions_loses_the_value_that_it_still_has(committed_db: str) -> None:
    now = timezone.now()
    sprint = opening.create_sprint(
        name="With Ada", goal="Call Ada at home", start_date=now.date(), end_date=now.date(), actor=SYSTEM, now=now
    )
    entry = Entry.objects.get(kind="sprint.created", subject_id=sprint.pk)
    erasing.erase(entry, ["fields.goal"], order())
    sprint.refresh_from_db()
    assert (sprint.name, sprint.goal, sprint.version) == ("With Ada", "[erased]", 2)


def test_one_output_goes_and_the_others_stay(committed_db: str) -> None:
    row = spread()
    entry = Entry.objects.filter(kind="task.reported", task_id=row.pk, body__contains='"outputs.notes"').get()
    erasing.erase(entry, ["outputs.notes"], order())
    row.refresh_from_db()
    assert row.outputs["notes"] == "[erased]"
    assert row.outputs["branch"] == "work/1"
    assert replay.partings([row.mission_id]) == {}


def test_outputs_of_odd_names_go_as_a_whole(committed_db: str) -> None:
    row = world.task()
    client = client_of(person("operator"))
    say(client, row, {"status": "in_progress", "outputs": {"odd.name": SAID, "$": 1}})
    say(client, row, {"outputs": {"branch": "work/1"}})
    erasing.erase(Entry.objects.filter(kind="task.reported", task_id=row.pk).earliest("pk"), ["outputs"], order())
    row.refresh_from_db()
    assert row.outputs == {"branch": "work/1"}
    assert erasing.left(NAME) == []


@pytest.mark.parametrize("paths", [[], ["percent"], ["outputs.nothing"], ["fields"]])
@pytest.mark.django_db
def test_what_cannot_be_erased_is_refused(paths: list[str]) -> None:
    row = world.task()
    entry = Entry.objects.get(kind="task.created", task_id=row.pk)
    with pytest.raises(Invalid) as refused:
        erasing.erase(entry, paths, order())
    assert "It holds fields.objective" in refused.value.detail
    with pytest.raises(Invalid, match="Say why"):
        order(" ")


@pytest.mark.django_db
def test_a_text_in_the_chain_itself_is_told_and_nothing_is_half_erased() -> None:
    row = world.task(task_id="customer-4711-quirke", description="About customer-4711-quirke")
    with pytest.raises(StandsInTheChain, match="nobody can change"):
        erasing.erase_text("customer-4711-quirke", order())
    row.refresh_from_db()
    assert row.description == "About customer-4711-quirke"
    with pytest.raises(Invalid, match="8 characters"):
        erasing.erase_text("short", order())


def test_the_command_finds_what_leaked_and_erases_it(committed_db: str) -> None:
    row = spread()
    out = io.StringIO()
    call_command("trace_erase", "--find", NAME, stdout=out)
    assert f"mission:{row.mission_id}#" in out.getvalue()
    assert "outputs.contact" in out.getvalue()
    assert "Rows that hold it, which --all changes too: " in out.getvalue()
    for table in ("missions_task (1)", "missions_review (1)", "accounts_rememberedanswer ("):
        assert table in out.getvalue()
    with pytest.raises(CommandError, match="Say why"):
        call_command("trace_erase", "--find", NAME, "--all")
    call_command("trace_erase", "--find", NAME, "--all", "--reason", "It leaked.", stdout=io.StringIO())
    assert erasing.left(NAME) == []
    out = io.StringIO()
    call_command("trace_erase", "--find", NAME, stdout=out)
    assert out.getvalue() == "Nothing holds this text.\n"
    told = Entry.objects.filter(kind="trace.erased").latest("pk")
    assert told.data["reason"] == "It leaked."
    assert told.mission_id is None or told.stream == f"mission:{told.mission_id}"


def test_one_entry_is_erased_by_command(committed_db: str) -> None:
    row = world.task(description=SAID)
    entry = Entry.objects.get(kind="task.created", task_id=row.pk)
    out = io.StringIO()
    call_command("trace_erase", str(entry.pk), "--path", "fields.description", "--reason", "x", stdout=out)
    assert f"entry {entry.pk}: fields.description erased" in out.getvalue()
    for given in (
        [],
        ["--find", ""],
        ["--find", " "],
        ["1", "--find", "x"],
        ["999999", "--path", "a", "--reason", "x"],
    ):
        with pytest.raises(CommandError):
            call_command("trace_erase", *given)


@pytest.mark.django_db
def test_only_an_admin_erases_over_the_api() -> None:
    row = world.task(description=SAID)
    entry = Entry.objects.get(kind="task.created", task_id=row.pk)
    body = {"paths": ["fields.description"], "reason": "A name."}
    address = f"/api/trace/{entry.pk}/erase"
    assert client_of(person("operator")).post(address, body, format="json").status_code == 403
    admin = client_of(person("admin"))
    answer = admin.post(address, body, format="json", headers={"X-Request-Id": "erasing-1"})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["entries"] == [{"id": entry.pk, "paths": ["fields.description"]}]
    told = Entry.objects.get(kind="trace.erased", request_id="erasing-1")
    assert (told.stream, told.data["entry"], told.data["paths"]) == (entry.stream, entry.pk, ["fields.description"])
    assert admin.post(address, body, format="json").status_code == 422
    for wrong in ({**body, "reason": " "}, {**body, "paths": []}, {**body, "more": 1}, {"paths": ["x"]}):
        assert admin.post(address, wrong, format="json").status_code == 422
    assert admin.post("/api/trace/999999999/erase", body, format="json").status_code == 404


@pytest.mark.django_db
def test_an_admin_erases_from_the_list_of_entries(client: Client) -> None:
    row = world.mission(goal=SAID)
    entry = Entry.objects.get(kind="mission.created", mission_id=row.pk)
    chosen = {"action": "erase", "_selected_action": [entry.pk]}
    client.force_login(person("operator"))
    client.post("/admin/traceability/entry/", {**chosen, "reason": "A name."})
    assert Mission.objects.get(pk=row.pk).goal == SAID
    client.force_login(person("admin"))
    assert "Say why" in client.post("/admin/traceability/entry/", chosen, follow=True).content.decode()
    client.post("/admin/traceability/entry/", {**chosen, "reason": "A name."})
    assert Mission.objects.get(pk=row.pk).goal == "[erased]"


@pytest.mark.django_db
def test_the_input_of_a_decision_loses_the_text_and_keeps_its_digest() -> None:
    row = spread()
    hashes = dict(Decision.objects.values_list("pk", "input_hash"))
    erasing.erase_text(NAME, order())
    assert not Decision.objects.filter(input__contains="Quirke").exists()
    assert dict(Decision.objects.values_list("pk", "input_hash")) == hashes
    assert TaskStatus(Task.objects.get(pk=row.pk).status) == TaskStatus.COMPLETED


def test_a_word_of_a_document_is_erased_from_the_counted_stems_too(committed_db: str) -> None:
    documents.store("The key is zqxvkeypad and nothing else.")
    indexing.refresh_lexemes()
    out = io.StringIO()
    call_command("trace_erase", "--find", "zqxvkeypad", stdout=out)
    assert "knowledge_document (1)" in out.getvalue()
    assert "knowledge_lexemestat (1)" in out.getvalue()
    call_command("trace_erase", "--find", "zqxvkeypad", "--all", "--reason", "It leaked.", stdout=io.StringIO())
    assert erasing.left("zqxvkeypad") == []
