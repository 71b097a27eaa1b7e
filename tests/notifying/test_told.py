"""Whoever writes past the services, even the database's own tools: no notification comes, goes or is paused untold."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Endpoint
from accounts.services import keeping_notifications as keeping
from tests.notifying.world import endpoint
from traceability.events import SYSTEM

UNTOLD = [
    "UPDATE accounts_endpoint SET state = 'paused', due_at = NULL",
    "DELETE FROM accounts_endpoint",
    """INSERT INTO accounts_endpoint (version, created_at, updated_at, endpoint_id, owner_id, kind, address, topics,
        routes, state, paused_because, uuid, secret_version, "after", failures)
       SELECT 1, now(), now(), 'untold', owner_id, kind, address, topics, routes, 'active', '', gen_random_uuid(), 1, 0,
        0 FROM accounts_endpoint""",
]


@pytest.mark.parametrize("statement", UNTOLD, ids=["paused", "removed", "made"])
def test_a_change_without_its_entry_is_refused_at_the_commit(committed_db: str, statement: str) -> None:
    place = endpoint("https://hooks.example.org/")
    with pytest.raises(IntegrityError, match="without an entry"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(Endpoint.objects.values_list("pk", "state")) == [(place.pk, "active")]


def test_what_the_services_change_is_told_and_stands(committed_db: str) -> None:
    place = endpoint("https://hooks.example.org/")
    keeping.pause(place, actor=SYSTEM, now=timezone.now())
    keeping.resume(place, actor=SYSTEM, now=timezone.now())
    keeping.remove(place, actor=SYSTEM, now=timezone.now())
    assert not Endpoint.objects.exists()
