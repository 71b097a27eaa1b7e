"""Hosts in this process, stepped turn by turn, on a database of the test alone."""

from collections.abc import Callable, Iterator

import pytest

from missions.supervision import drain, slices
from missions.supervision.host import Host


@pytest.fixture
def new_host(committed_db: str) -> Iterator[Callable[[str], Host]]:
    """Makes hosts of machines; all of them end with the test."""
    made: list[Host] = []

    def make(machine: str = "here") -> Host:
        made.append(Host(machine))
        return made[-1]

    yield make
    for each in made:
        each.lose()


@pytest.fixture
def own_chain() -> Iterator[None]:
    """Slices of this test alone."""
    slices.forget()
    yield
    slices.forget()
    drain.clear()
