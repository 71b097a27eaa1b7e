"""Schemathesis over the whole OpenAPI schema: whatever is sent, the answer is one that the schema tells of."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from coordinator.wsgi import application
from tests.fuzz.operations import Operation, document, operations
from tests.permissions.world import World

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 8
"""Of each operation; half of them name things that exist."""

SCHEMA = schemathesis.openapi.from_dict(document())
SCHEMA.app = application
OURS = {(each.row.verb, each.row.route): each for each in operations()}
CASES = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]


@pytest.fixture(autouse=True, scope="module")
def one_connection() -> Iterator[None]:
    """The server's handler does not close the connection, which holds the world's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_every_operation_is_tried() -> None:
    assert len(CASES) == len(OURS)


def ours(operation: Any) -> Operation:
    route = "/".join("{}" if part.startswith("{") else part for part in operation.path.split("/"))
    return OURS[operation.method.upper(), route]


@pytest.mark.parametrize("operation", CASES, ids=lambda each: each.label)
def test_every_answer_is_one_that_the_schema_tells_of(world: World, operation: Any) -> None:
    known = ours(operation)
    checks = CHECKS[1:] if operation.path == "/api/stream" else CHECKS  # 503 here: the stream needs ASGI

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), exists=st.booleans())
    def run(case: Any, exists: bool) -> None:
        if exists and case.path_parameters:
            case.path_parameters = named(operation.path, known.address(world.names))
        with transaction.atomic():
            case.call_and_validate(headers={"Authorization": f"Bearer {world.tokens['admin']}"}, checks=checks)
            transaction.set_rollback(True)

    run()


def named(path: str, address: str) -> dict[str, str]:
    """The parameters with which the path becomes the address."""
    pairs = zip(path.split("/"), address.split("/"), strict=True)
    return {part[1:-1]: value for part, value in pairs if part.startswith("{")}
