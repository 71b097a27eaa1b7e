"""A look at what is new reads what is new and nothing else, whatever the length of the ledger."""

import psycopg
import pytest

from traceability import snapshots

WRITERS = "9000000000:9000000009:9000000000,9000000003"
"""A snapshot at which two transactions were writing."""


@pytest.mark.parametrize("condition", ["xid = ANY", "xid >= "])
def test_news_and_what_was_being_written_are_looked_up_in_the_index(committed_db: str, condition: str) -> None:
    """A join with those who were writing would read the whole ledger whenever anybody was."""
    with psycopg.connect(committed_db) as held:
        held.execute("SET enable_seqscan = off")
        plan = held.execute(f"EXPLAIN {snapshots.news('id, stream')}", {"cursor": WRITERS}).fetchall()
    assert any("Index Cond" in line and condition in line for (line,) in plan)
