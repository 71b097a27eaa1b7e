"""Every page, with nothing and with a company at work: it opens, and no template asks the database."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from knowledge.models import Document
from tests.browser import world
from tests.factories import person

pytestmark = pytest.mark.django_db

ADDRESSES = (
    "/", "/?scope=mine", "/?scope=sprint-14", "/missions", "/missions?status=active&owner=me&stuck=1&q=check", "/tasks",
    "/tasks?ready=1&q=a&status=pending", "/approvals", "/agents", "/agents?status=working&capability=git&q=a",
    "/sprints", "/objectives", "/requirements", "/requirements?gap=1&priority=p0&status=approved&q=REQ",
    "/traceability", "/traceability?gaps=1", "/policies", "/policies?q=push&status=active", "/decisions",
    "/decisions?outcome=block&action=git", "/knowledge", "/knowledge?kind=note", "/knowledge?q=retry+a+webhook",
    "/trace", "/trace?event=task&q=amber", "/trace?before=50", "/usage", "/usage?span=month", "/operations", "/records",
    "/notifications",
)  # fmt: skip
ROWS = (
    "/missions/checkout", "/missions/checkout?tab=timeline", "/missions/checkout?tab=timeline&window=all",
    "/missions/checkout?tab=replay", "/missions/checkout?tab=replay&seq=60&with_seq=20",
    "/missions/checkout?tab=replay&at=1&with=x&seq=-1", "/missions/checkout?tab=replay&at=99999999999999999999",
    "/missions/checkout?tab=cost", "/missions/checkout?tab=people", "/missions/checkout?tab=requirements",
    "/missions/checkout?tab=trace", "/agents/amber", "/sprints/sprint-14", "/requirements/REQ-111",
    "/policies/no-force-push",
)  # fmt: skip
MOST_QUERIES = 22


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(person("viewer"))
    return client


class Asked:
    """Counts statements, and names those that a template asked."""

    def __init__(self) -> None:
        self.count = 0
        self.by_template: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        if asker() == "template":
            self.by_template.append(sql)
        return execute(sql, params, many, context)


def asker() -> str:
    """Who is nearest above the statement: a reader of the dashboard, or a template."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if "/django/template/" in name:
            return "template"
        if "/coordinator/dashboard/" in name or "/coordinator/lib/" in name:
            return "reader"
        frame = frame.f_back
    return "other"


@contextmanager
def watched() -> Iterator[Asked]:
    asked = Asked()
    with connection.execute_wrapper(asked):
        yield asked


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_opens_when_there_is_nothing_yet(viewer: Client, address: str) -> None:
    assert viewer.get(address).status_code == 200


def test_every_page_of_a_company_at_work_opens_with_few_queries_and_none_from_a_template(viewer: Client) -> None:
    made = world.build(timezone.now())
    task = made.missions[0].tasks.order_by("pk")[0]
    document = "/knowledge/" + Document.objects.order_by("pk")[0].key
    viewer.get("/trace")
    for address in (*ADDRESSES, *ROWS, f"/tasks/{task.key}", f"/tasks/{task.pk}", document):
        with watched() as asked:
            assert viewer.get(address).status_code == 200, address
        assert not asked.by_template or address == "/records", (address, asked.by_template)
        assert asked.count <= MOST_QUERIES, (address, asked.count)
