"""Checkpoints are sent to a place outside, in order, until it has accepted each."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.utils import timezone

from coordinator.lib.refs import Ref
from tests.traceability.shelf import fixed, shelf
from traceability import publishing
from traceability.models import Checkpoint

__all__ = ["fixed", "shelf"]
pytestmark = [pytest.mark.django_db, pytest.mark.breaks_history]


class Outside(ThreadingHTTPServer):
    """A place that keeps what it accepts; `answers` are its next status codes, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept: list[tuple[str, str]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/notes"


class _Handler(BaseHTTPRequestHandler):
    server: Outside

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        code = self.server.answers.pop(0) if self.server.answers else 204
        if code < 300:
            self.server.kept.append((self.headers["Content-Type"], text))
        self.send_response(code)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def outside() -> Iterator[Outside]:
    with Outside() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_note_is_sent_once_and_in_order(fixed: Ref, outside: Outside) -> None:
    assert publishing.send_waiting(outside.url, timezone.now) == 3
    assert publishing.send_waiting(outside.url, timezone.now) == 0
    notes = Checkpoint.objects.order_by("n").values_list("note", flat=True)
    assert outside.kept == [("text/plain; charset=utf-8", note) for note in notes]
    assert not Checkpoint.objects.filter(published_at=None).exists()


@pytest.mark.parametrize("refusal", [500, 302, 404])
def test_what_was_not_accepted_waits_and_is_sent_next_time(fixed: Ref, outside: Outside, refusal: int) -> None:
    outside.answers = [200, refusal]
    assert publishing.send_waiting(outside.url, timezone.now) == 1
    assert list(Checkpoint.objects.unsent().values_list("n", flat=True)) == [2, 3]
    assert publishing.send_waiting(outside.url, timezone.now) == 2


def test_a_place_that_is_away_loses_nothing(fixed: Ref, outside: Outside) -> None:
    url = outside.url
    assert publishing.send_waiting("http://127.0.0.1:9/", timezone.now) == 0
    assert publishing.send_waiting(url, timezone.now) == 3
