"""The database lets a text be erased on record, and nothing else of what was said."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from missions.services import erasing
from tests.missions.leak import held_by_a_policy, order, spread
from traceability.models import Entry

UNTOLD = (
    "UPDATE missions_report SET logs = jsonb_set(logs, '{0,message}', '\"[erased]\"')",
    "UPDATE missions_review SET comment = '[erased]'",
    "UPDATE policies_decision SET input = '[erased]'",
    "UPDATE traceability_entry SET body = NULL WHERE body IS NOT NULL",
    "UPDATE policies_approval SET reason = '[erased]'",
)


@pytest.mark.parametrize("statement", UNTOLD)
def test_nothing_is_erased_untold(committed_db: str, statement: str) -> None:
    spread()
    held_by_a_policy()
    with pytest.raises(DatabaseError, match="without an entry that tells of it"):
        execute(statement)


OTHER = (
    "UPDATE missions_report SET logs = '[\"other\"]'",
    "UPDATE missions_report SET logs = '[\"all tests passed [erased]\"]'",
    'UPDATE missions_report SET outputs = \'{"summary": "all tests passed [erased]"}\'',
    "UPDATE missions_review SET comment = 'approved by QA [erased]'",
    'UPDATE policies_decision SET input = \'{"force": false, "branch": "[erased]"}\'',
    "UPDATE missions_report SET status = '[erased]'",
    "UPDATE missions_review SET comment = 'other'",
    "UPDATE missions_review SET approved = NOT approved",
    "UPDATE policies_decision SET outcome = 'allow [erased]'",
    "UPDATE policies_policyrevision SET description = '[erased]'",
    "UPDATE policies_approval SET action = '{}'",
    "UPDATE traceability_entry SET body = '{}' || body WHERE body IS NOT NULL",
    "UPDATE traceability_entry SET canonical = '[erased]'",
)


@pytest.mark.parametrize("statement", OTHER)
def test_an_erasure_changes_nothing_else(committed_db: str, statement: str) -> None:
    """Also within a transaction that erases something on record."""
    entry = Entry.objects.get(kind="task.created", task_id=spread().pk)
    held_by_a_policy()
    with pytest.raises(DatabaseError, match=r"append-only|stays so|json"):
        execute(statement, first=lambda: erasing.erase(entry, ["fields.objective"], order()))


def execute(statement: str, first: Callable[[], Any] = lambda: None) -> None:
    """One transaction with a statement past the services, and with what comes first."""
    with transaction.atomic(), connection.cursor() as cursor:
        first()
        cursor.execute(statement)
        assert cursor.rowcount > 0
