"""What routing costs, and that each entry is routed once and in order, whoever routes and writes at the same time."""

import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Endpoint
from accounts.services import routing_notifications as routing
from tests.missions import world
from tests.notifying.receiver import Receiver
from tests.notifying.world import Clock, endpoint, happen, work
from traceability import settling

ANYWHERE = "https://hooks.example.org/coordinator"


def told_to(place: Endpoint) -> list[str]:
    """The events that were routed to it, in the order of the entries."""
    routing.route(now=timezone.now())
    return [each.event for each in place.deliveries.in_turn()]


@pytest.mark.django_db
def test_routing_without_endpoints_is_one_query() -> None:
    happen(1)
    with CaptureQueriesContext(connection) as asked:
        assert routing.route(now=timezone.now()) == 0
    assert len(asked) == 1


@pytest.mark.django_db
def test_routing_without_news_is_three_queries() -> None:
    endpoint(ANYWHERE)
    routing.route(now=timezone.now())
    with CaptureQueriesContext(connection) as asked:
        assert routing.route(now=timezone.now()) == 0
    assert len(asked) == 3


@pytest.mark.django_db
def test_routing_costs_the_same_whatever_the_number_of_endpoints() -> None:
    endpoint(ANYWHERE)
    routing.route(now=timezone.now())
    happen(2)
    with CaptureQueriesContext(connection) as few:
        assert routing.route(now=timezone.now()) == 2
    for _ in range(5):
        endpoint(ANYWHERE)
    routing.route(now=timezone.now())
    happen(2)
    with CaptureQueriesContext(connection) as many:
        assert routing.route(now=timezone.now()) == 12
    assert len(many) == len(few)


def test_two_who_route_at_once_route_each_entry_once(committed_db: str) -> None:
    place = endpoint(ANYWHERE)
    routing.route(now=timezone.now())
    entries = happen(40)
    start = threading.Barrier(4)
    made: list[int] = []

    def run() -> None:
        start.wait()
        made.append(routing.route(now=timezone.now()))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 40
    assert [each.entry for each in place.deliveries.in_turn()] == entries


def test_nothing_is_routed_past_an_entry_that_is_not_committed_yet(committed_db: str) -> None:
    place, mission = endpoint(ANYWHERE), world.mission()
    routing.route(now=timezone.now())
    reached, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            happen(1, world.mission())
            reached.set()
            go_on.wait(8)
        connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    assert reached.wait(8)
    later = happen(1, mission)
    assert settling.settled(patience_s=0.05) is None
    assert told_to(place) == []
    go_on.set()
    slow.join()
    assert told_to(place) == ["task.created", "task.created"]
    assert [each.entry for each in place.deliveries.in_turn()][1] == later[0]


def test_two_senders_at_once_send_each_message_once(committed_db: str, receiver: Receiver, clock: Clock) -> None:
    place = endpoint(receiver.url)
    entries = happen(12)
    routing.route(now=clock())
    start = threading.Barrier(3)

    def run() -> None:
        start.wait()
        work(place, clock)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while work(place, clock):
        pass
    assert receiver.ids == entries
