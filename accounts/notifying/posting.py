"""One POST to a receiver: within ten seconds in all, to the address that was judged, following no redirect."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import timedelta
from urllib.parse import SplitResult

from accounts.notifying import addresses
from accounts.notifying.addresses import Refused
from accounts.notifying.outcome import Outcome

TIMEOUT_S = 10.0
MOST_BYTES = 1024
"""So much of an answer is read."""

GONE = 410

WORDS: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "The host's name could not be resolved: there is no such host, or the name service is away."),
    (ssl.SSLCertVerificationError, "The certificate of the receiver is not valid for this address."),
    (ssl.SSLError, "No TLS connection could be made: the receiver may not speak https there."),
    (ConnectionRefusedError, "The connection was refused: nothing listens at this address and port."),
    (ConnectionError, "The receiver closed the connection without an answer."),
    (OSError, "The receiver cannot be reached: no way leads to its network."),
    (UnicodeError, "This is no name of a host."),
    (http.client.HTTPException, "What the receiver answered is no HTTP."),
    (Exception, "The message could not be sent to this address."),
)
"""What is told of a failure, by the first class that fits."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool, within_s: float = TIMEOUT_S) -> Outcome:
    """Sends the body; whatever goes wrong is the outcome, never an exception."""
    began = time.monotonic()
    try:
        parts = addresses.parsed(url, private=private)
        status, said, asked = _exchange(parts, body, headers, private=private, deadline=began + within_s)
    except Refused as refusal:
        return Outcome(ok=False, said=str(refusal), took_ms=_ms(began))
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return Outcome(ok=False, said=_told(problem, began, within_s), took_ms=_ms(began))
    ok = 200 <= status < 300
    return Outcome(ok=ok, status=status, said=said, took_ms=_ms(began), gone=status == GONE, asked=asked)


def _exchange(
    parts: SplitResult, body: bytes, headers: Mapping[str, str], *, private: bool, deadline: float
) -> tuple[int, str, timedelta]:
    """The status, the beginning of the answer, and the pause that the receiver asks for."""
    port = parts.port or addresses.SCHEMES[parts.scheme]
    found = addresses.resolved(str(parts.hostname), port, private=private)
    with closing(http.client.HTTPConnection(str(parts.hostname), port)) as connection:
        connection.sock = _connected(parts, [(address, port) for address in found], deadline)
        with _cut_off(connection.sock, deadline):
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            said = answer.read(MOST_BYTES).decode("utf-8", "replace")
            if time.monotonic() >= deadline:
                raise TimeoutError
            return answer.status, said, _pause(answer.headers.get("Retry-After", ""))


def _connected(parts: SplitResult, targets: list[tuple[str, int]], deadline: float) -> socket.socket:
    held = _first(targets, deadline)
    if parts.scheme == "http":
        return held
    try:
        return ssl.create_default_context().wrap_socket(held, server_hostname=parts.hostname)
    except BaseException:
        held.close()
        raise


def _first(targets: list[tuple[str, int]], deadline: float) -> socket.socket:
    """A connection to the first that takes one; each but the last has its share of the time. Raises OSError."""
    *others, last = targets
    for target in others:
        with suppress(OSError):
            return socket.create_connection(target, timeout=_left(deadline) / len(targets))
    return socket.create_connection(last, timeout=_left(deadline))


def _left(deadline: float) -> float:
    return max(0.1, deadline - time.monotonic())


class _cut_off:  # reads as a statement
    """Ends the exchange at the deadline, however slowly the receiver drips: a timeout of a socket is for each read."""

    def __init__(self, held: socket.socket, deadline: float) -> None:
        self.timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._end, [held])
        self.timer.daemon = True

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *raised: object) -> None:
        self.timer.cancel()

    @staticmethod
    def _end(held: socket.socket) -> None:
        with suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)


def _pause(header: str) -> timedelta:
    """The seconds of a `Retry-After`; none when it is a date or nothing."""
    known = header.isascii() and header.isdigit() and len(header) < 7
    return timedelta(seconds=int(header)) if known else timedelta()


def _told(problem: Exception, began: float, within_s: float) -> str:
    if isinstance(problem, TimeoutError) or time.monotonic() - began >= within_s:
        return f"No answer within {within_s:g} s."
    return next(said for kinds, said in WORDS if isinstance(problem, kinds))


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
