"""Bodies of a real web process: one that is too large is refused while it arrives, not after it was written down."""

import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import requests

MIB = 1024 * 1024
SOON_S = 10


def sent(served: str, head: str, body: bytes = b"") -> tuple[str, bytes]:
    """The status line and body of the answer to a request that is never finished."""
    where = urlsplit(served)
    with socket.create_connection((where.hostname, where.port), timeout=SOON_S) as held:
        held.sendall(f"{head}\r\nHost: {where.netloc}\r\nX-Request-Id: big-1\r\n".encode())
        with suppress(ConnectionError):
            held.sendall(body)
        answer = b""
        while b"}" not in answer and (more := held.recv(65536)):
            answer += more
    top, _, rest = answer.partition(b"\r\n\r\n")
    assert b"x-request-id: big-1" in top.lower()
    return top.decode().splitlines()[0], rest


def chunks(size: int) -> bytes:
    """A chunked body of this size whose end does not come."""
    piece = b"10000\r\n" + b"\0" * 65536 + b"\r\n"
    return b"Transfer-Encoding: chunked\r\n\r\n" + piece * (size // 65536)


@pytest.mark.parametrize("path", ["/healthz", "/api/me", "/admin/login/", "/nowhere"])
def test_a_body_without_a_length_is_refused_at_the_limit_and_not_kept(served: str, path: str) -> None:
    status, body = sent(served, f"POST {path} HTTP/1.1", chunks(2 * MIB))
    assert "413" in status
    assert b'"status":413' in body


def test_a_body_declared_too_large_is_refused_before_it_comes(served: str) -> None:
    status, body = sent(served, "POST /healthz HTTP/1.1", f"Content-Length: {600 * MIB}\r\n\r\n".encode())
    assert "413" in status
    assert b'"status":413' in body


def test_documents_have_their_own_limit(served: str) -> None:
    status, _ = sent(served, "POST /api/knowledge/documents HTTP/1.1", chunks(11 * MIB))
    assert "413" in status
    answer = requests.post(f"{served}/api/knowledge/documents", data=(b"x" * MIB for _ in range(9)), timeout=SOON_S)
    assert answer.status_code == 401


def test_a_body_within_the_limit_passes_with_and_without_a_length(served: str) -> None:
    for body in (b"x" * MIB, (b"x" * 1024 for _ in range(1024))):
        answer = requests.post(f"{served}/api/missions", data=body, timeout=SOON_S)
        assert answer.status_code == 401
