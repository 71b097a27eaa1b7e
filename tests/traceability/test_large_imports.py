"""A large import is one change: its guards look each entry up, and what the database ends leaves nothing behind."""

from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from tests.factories import client_of, person
from traceability.models import Entry, Requirement

ITEMS = 2000
LOOKED_UP = (
    "EXPLAIN (FORMAT TEXT) SELECT FROM traceability_entry WHERE xid = pg_current_xact_id() AND kind || '' = ANY"
    " ('{requirement.created}') AND subject_id = 7"
)


def carry_in(client: APIClient, count: int) -> Any:
    items = [{"type": "requirement", "id": f"R-{number}", "title": "A title"} for number in range(count)]
    return client.post("/api/traceability/import", {"items": items, "dry_run": False}, format="json")


@pytest.fixture
def operator(committed_db: str) -> APIClient:
    return client_of(person("operator"))


def test_thousands_of_rows_are_one_change_each_with_its_entry(operator: APIClient) -> None:
    answer = carry_in(operator, ITEMS)
    assert (answer.status_code, answer.json()["created"]) == (200, ITEMS)
    assert Entry.objects.of_kind("requirement.created").count() == ITEMS


def test_a_guard_finds_its_entry_by_an_index(operator: APIClient) -> None:
    carry_in(operator, 300)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname LIKE '%\\_told' AND prosrc LIKE '%TG_ARGV%'")
        assert all("AND entry.%I = %L::bigint" in source for (source,) in cursor.fetchall())
        cursor.execute(LOOKED_UP)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond: ((xid = pg_current_xact_id()) AND (subject_id = 7))" in plan


def test_what_lasts_too_long_is_told_and_nothing_of_it_stays(operator: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET coordinator.longest_hold = '30ms'")
    answer = carry_in(operator, 600)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert "nothing was changed" in answer.json()["detail"]
    connection.close()
    assert not Requirement.objects.exists()
    assert not Entry.objects.of_kind("requirement").exists()
