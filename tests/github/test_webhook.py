"""Webhook deliveries: the signature over the raw body is the only credential."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from missions.models import GitHubIssue, Task
from tests.github.conftest import SECRET
from tests.github.server import REPOSITORY, Hub

pytestmark = pytest.mark.django_db


def signature(raw: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def deliver(raw: bytes, signed: str | None = None, event: str = "issues") -> Any:
    headers = {"X-Hub-Signature-256": signature(raw) if signed is None else signed, "X-GitHub-Event": event}
    return APIClient().post("/api/github/webhook", raw, content_type="application/json", headers=headers)


def delivery(number: int = 1, changed: str = "2026-11-02T00:00:00Z", **fields: Any) -> bytes:
    issue = {
        "number": number,
        "title": "Broken",
        "body": "It breaks.",
        "state": "open",
        "labels": [{"name": "bug"}],
        "user": {"login": "mona"},
        "html_url": "https://github.com/octo/hello/issues/1",
        "created_at": "2026-11-01T00:00:00Z",
        "updated_at": changed,
        **fields,
    }
    return json.dumps({"action": "opened", "issue": issue, "repository": {"full_name": REPOSITORY}}).encode()


def test_githubs_own_example_of_a_signature_fits() -> None:
    known = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature(b"Hello, World!") == f"sha256={known}"


def test_an_issue_that_is_delivered_becomes_a_task_once(hub: Hub) -> None:
    for changed in (1, 0):
        answer = deliver(delivery())
        assert (answer.status_code, answer.json()) == (200, {"received": "issues", "changed": changed})
    assert Task.objects.count() == 1
    assert GitHubIssue.objects.get().labels == ["bug"]


def test_an_older_delivery_changes_nothing(hub: Hub) -> None:
    deliver(delivery(title="New"))
    assert deliver(delivery(changed="2026-11-01T00:00:00Z", title="Old")).json()["changed"] == 0
    assert GitHubIssue.objects.get().title == "New"


@pytest.mark.parametrize(
    "signed", ["", "sha256=", "sha256=00", "sha1=00", signature(delivery(), "another secret"), "sha256=Grüße"]
)
def test_a_delivery_with_a_wrong_signature_stores_nothing(hub: Hub, signed: str) -> None:
    answer = deliver(delivery(), signed)
    assert answer.status_code == 401
    assert not GitHubIssue.objects.exists()


def test_without_a_secret_no_delivery_is_taken(hub: Hub, settings: Settings) -> None:
    settings.GITHUB_WEBHOOK_SECRET = ""
    raw = delivery()
    assert deliver(raw, signature(raw, "")).status_code == 401


def test_other_events_are_only_received(hub: Hub) -> None:
    assert deliver(b'{"zen": "Keep it logically awesome."}', event="ping").json() == {"received": "ping", "changed": 0}


def test_a_pull_request_is_no_issue(hub: Hub) -> None:
    assert deliver(delivery(pull_request={"url": "x"})).json()["changed"] == 0
    assert not GitHubIssue.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"issue": 5, "repository": {}}',
        delivery(number=0),
        delivery(number=2**40),
        delivery(updated_at="yesterday"),
        delivery(created_at=None),
        delivery().replace(b"octo/hello", b"../../etc"),
    ],
)
def test_a_delivery_that_makes_no_sense_is_refused(hub: Hub, raw: bytes) -> None:
    answer = deliver(raw)
    assert answer.status_code in {400, 422}
    assert answer["Content-Type"] == "application/problem+json"
    assert not GitHubIssue.objects.exists()
