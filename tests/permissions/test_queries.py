"""No query is dropped in silence: every address that is read refuses a parameter that it does not have."""

import pytest
from rest_framework.test import APIClient

from tests.permissions.rows import Row, read
from tests.permissions.test_api import SERVER
from tests.permissions.world import World

READ = [row for row in read() if row.verb == "GET" and row.address not in SERVER and row.statuses["admin"] == 200]


def test_all_addresses_that_are_read_are_tried() -> None:
    assert len(READ) > 40


@pytest.mark.parametrize("row", READ, ids=lambda row: row.address)
def test_an_unknown_parameter_is_refused(world: World, row: Row) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {world.tokens['admin']}")
    answer = client.get(f"{row.address.format(**world.names)}?nosuch=1")
    assert answer.status_code == 400, answer.content
    assert "nosuch" in answer.json()["detail"]
