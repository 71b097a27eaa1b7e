"""Notifications in plain words: one name for a topic, which of two places it was, and when the next try comes."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.services import routing_notifications as routing
from coordinator.dashboard import notices
from coordinator.templatetags import look
from tests.factories import person
from tests.notifying.world import endpoint, happen

pytestmark = pytest.mark.django_db


def test_a_chip_calls_a_topic_as_the_form_does() -> None:
    words = dict(notices.choices(person("operator").scopes)["topics"])
    assert {name: notices.named(name) for name in words} == words
    assert notices.named("needs-you") == "What waits for a person"
    assert notices.named("mission:checkout") == "mission:checkout"


def test_two_places_on_one_host_differ_in_what_was_sent(client: Client) -> None:
    owner = person("operator")
    hook = endpoint("https://hooks.example.org/one", owner=owner)
    slack = endpoint("https://hooks.example.org/two", owner=owner, kind="slack")
    happen(1)
    routing.route(now=timezone.now())
    client.force_login(owner)
    sent = client.get("/notifications").content.decode().partition("What was sent")[2]
    assert f'Webhook <span class="quiet">https://hooks.example.org/…</span><p class="quiet mono">{hook.key}</p>' in sent
    assert f'Slack <span class="quiet">https://hooks.example.org/…</span><p class="quiet mono">{slack.key}</p>' in sent


@pytest.mark.parametrize(("minutes", "words"), [(-90, "now"), (0, "now"), (0.5, "now"), (14.5, "in 14 min")])
def test_the_next_try_is_now_or_in_some_minutes(minutes: float, words: str) -> None:
    assert f">{words}<" in look.soon(timezone.now() + timedelta(minutes=minutes))
