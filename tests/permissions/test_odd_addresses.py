"""Addresses of the admin that nobody should type: no page falls over, and none tells of a row that it hides."""

import pytest
from django.test import Client

from tests.factories import person

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(person(role))
    return client


@pytest.mark.parametrize("key", ["x", "0", "999999999", "%00", "_5Fx", "9" * 40])
@pytest.mark.parametrize("table", ["missions/task", "missions/mission", "accounts/user", "traceability/entry"])
def test_the_history_of_no_row_is_missing(table: str, key: str) -> None:
    assert signed_in("admin").get(f"/admin/{table}/{key}/history/").status_code in {302, 404}


def test_the_history_of_a_hidden_row_is_missing_too() -> None:
    hidden = person("admin")
    address = f"/admin/accounts/user/{hidden.pk}/history/"
    assert signed_in("operator").get(address).status_code == 404
    found = signed_in("admin").get(address)
    assert (found.status_code, hidden.email in found["Location"]) == (302, True)


@pytest.mark.parametrize("query", ["status__exact=%00", "q=%00", "p=%00", "mission__id__exact=%00", "nothing=%00"])
def test_a_filter_that_no_column_can_hold_is_no_fault(query: str) -> None:
    answer = signed_in("admin").get(f"/admin/missions/task/?{query}")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/missions/task/?e=1")
