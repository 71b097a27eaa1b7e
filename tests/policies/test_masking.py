"""No record keeps a secret: neither under a name that says so, nor inside a text."""

from typing import Any

import pytest
from django.utils import timezone

from agents.models import Activity
from coordinator.lib.masking import MASKED, hides, masked, without_secrets
from missions.lifecycle import TaskStatus
from missions.models import Report
from missions.services import reporting
from missions.services.reporting import Caller, Filing
from policies.models import Decision
from tests.factories import client_of, person
from tests.missions import world
from traceability.events import SYSTEM
from traceability.models import Entry

KEY = "sk-" + "Ab1" * 10
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl"
BLOCK = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
IN_TEXTS = [
    (f"curl -H 'Authorization: Bearer {KEY}' https://x.example", "curl -H 'Authorization: [masked]' https://x.example"),
    ("OPENAI_API_KEY=hunter2 make", "OPENAI_API_KEY=[masked] make"),
    ("psql postgresql://ada:hunter2@db/x", "psql postgresql://[masked]@db/x"),
    ('deploy --password="hunter 2" --now', "deploy --password=[masked] --now"),
    ("https://x.example/?token=hunter2&page=2", "https://x.example/?token=[masked]&page=2"),
    (f"said {JWT} and went", "said [masked] and went"),
    (f"wrote\n{BLOCK}\ndone", "wrote\n[masked]\ndone"),
    ("ghp_" + "a1" * 18, "[masked]"),
]
HARMLESS = [
    "git push origin main", "max_tokens=900", "split the token parser", "https://x.example/a:b", "a task-key"
]  # fmt: skip


@pytest.mark.parametrize(("text", "kept"), IN_TEXTS)
def test_a_secret_inside_a_text_is_masked_and_the_rest_stays(text: str, kept: str) -> None:
    assert without_secrets(text) == kept
    assert masked({"command": [text]}) == {"command": [kept]}
    assert hides(kept)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


def test_counts_under_a_name_that_sounds_secret_stay() -> None:
    counts = {"tokens": {"input": 900, "output": 20}, "token_limits": [1, 2], "cookie": ""}
    assert masked(counts) == counts
    assert masked({"tokens": {"input": "hidden"}}) == {"tokens": MASKED}


@pytest.mark.django_db
def test_a_decision_keeps_no_secret_of_a_command() -> None:
    action = {"action_type": "shell", "command": f"curl -H 'Authorization: Bearer {KEY}' https://x.example"}
    asked = client_of(person("operator")).post("/api/policies/evaluate", {"action": action}, format="json")
    assert asked.status_code == 200
    kept = Decision.objects.latest("pk")
    assert KEY not in kept.input + str(kept.matched) + asked.content.decode()
    assert "curl" in kept.input


@pytest.mark.django_db
def test_an_activity_keeps_and_answers_no_secret() -> None:
    agent, client = world.agent(), client_of(person("operator"))
    said: dict[str, Any] = {
        "event": "error",
        "context": {"api_key": "hunter2", "error": f"Refused: {KEY}", "tokens": 7},
    }
    told = client.post(f"/api/agents/{agent.key}/activity", said, format="json").content.decode()
    told += client.get(f"/api/agents/{agent.key}/activity").content.decode()
    told += client.get(f"/api/agents/{agent.key}").content.decode()
    told += "".join(Entry.objects.values_list("canonical", flat=True))
    assert "hunter2" not in told
    assert KEY not in told
    assert Activity.objects.latest("pk").context == {"api_key": MASKED, "error": "Refused: [masked]", "tokens": 7}


@pytest.mark.django_db
def test_the_logs_of_a_report_keep_no_secret() -> None:
    task = world.task()
    caller = Caller(user=person(), agent=None, is_agent=False)
    filing = Filing(status=TaskStatus.IN_PROGRESS, logs=({"message": f"export API_KEY={KEY}", "level": "info"},))
    reporting.file_report(task, filing, caller=caller, expected=None, actor=SYSTEM, now=timezone.now())
    assert Report.objects.latest("pk").logs == [{"message": "export API_KEY=[masked]", "level": "info"}]
    assert KEY not in "".join(Entry.objects.values_list("canonical", flat=True))
