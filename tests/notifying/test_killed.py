"""Real workers, one of them killed in the middle of sending: the message comes again by the same id, none is lost."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Endpoint
from accounts.services import keeping_notifications as keeping
from tests.faults.crew import Workers
from tests.notifying.receiver import Receiver
from tests.notifying.world import endpoint, happen
from tests.running.agents_at_hand import until


@pytest.fixture
def workers(committed_db: str, tmp_path: Path) -> Iterator[Workers]:
    """A `manage.py workers` that may send to the loopback, and knows the secret key of these tests."""
    environment = {
        "DATABASE_URL": committed_db,
        "COORDINATOR_DATA": str(tmp_path),
        "EXECUTIONS": "1",
        "NOTIFY_PRIVATE_ADDRESSES": "1",
        "SECRET_KEY": settings.SECRET_KEY,
    }
    running = Workers(tmp_path, environment)
    try:
        running.wait_until_seen()
        yield running
    finally:
        running.end()


def test_a_message_whose_sender_is_killed_comes_again_by_the_same_id(workers: Workers, receiver: Receiver) -> None:
    receiver.hold = threading.Event()
    place = endpoint(receiver.url)
    secret = keeping.secret_of(place) or ""
    entries = happen(2)
    assert receiver.arrived.wait(20), workers.log.read_text()
    os.kill(workers.worker(settings.Q_CLUSTER["name"]), signal.SIGKILL)
    receiver.hold.set()
    until(lambda: Endpoint.objects.get(pk=place.pk).claimed_until is not None, within_s=5)
    Endpoint.objects.filter(pk=place.pk).update(claimed_until=None, called_at=None)
    until(lambda: not place.deliveries.waiting().exists(), within_s=30)
    assert receiver.ids == [entries[0], *entries]
    assert receiver.got[0].message_id == receiver.got[1].message_id
    assert receiver.got[0].body == receiver.got[1].body
    assert all(got.is_signed_with(secret) for got in receiver.got)
