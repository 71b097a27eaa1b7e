"""No message goes to an inner address, whatever form it is written in and whatever its name resolves to."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from http.client import BadStatusLine
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from accounts.notifying import addresses, posting
from accounts.notifying.addresses import Refused
from tests.notifying.receiver import Receiver, listening

INNER = [
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]",
    "224.0.0.1", "240.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", INNER)
def test_an_inner_address_is_refused_when_it_is_given(host: str) -> None:
    with pytest.raises(Refused):
        addresses.parsed(f"https://{host}/hook", private=False)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "localhost", "127.1"])
def test_other_spellings_of_an_inner_address_are_refused_before_anything_is_sent(host: str) -> None:
    outcome = posting.post(f"https://{host}:9/hook", b"{}", {}, private=False)
    assert not outcome.ok
    assert "inner address" in outcome.said or "could not be resolved" in outcome.said
    with pytest.raises((Refused, OSError)):
        addresses.resolved(host, 9, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "ftp://example.org/", "http://example.org/", "https://", "https:///path", "https://a b.example/",
        "https://user:pass@example.org/", "https://example.org:0/", "https://example.org:99999/", "https://[::1/",
        "https://exämple.org/", "https://example.org/\r\nX: y", "https://example.org/" + "a" * 2000, "file:///etc/passwd",
    ],
)  # fmt: skip
def test_what_is_no_web_address_that_we_send_to_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        addresses.parsed(url, private=False)


@pytest.mark.parametrize("url", ["https://hooks.example.org/x?y=1", "https://example.org:8443", "https://8.8.8.8/"])
def test_a_public_https_address_is_taken(url: str) -> None:
    assert addresses.parsed(url, private=False).geturl() == url


@pytest.mark.parametrize("host", ["169.254.169.254", "224.0.0.1", "0.0.0.0", "[fe80::1]"])
def test_some_addresses_are_refused_whatever_the_settings_say(host: str) -> None:
    for private in (True, False):
        with pytest.raises(Refused, match="whatever the settings") as refused:
            addresses.parsed(f"https://{host}/hook", private=private)
        assert "NOTIFY_PRIVATE_ADDRESSES" not in str(refused.value)


def test_a_host_that_is_nowhere_is_told_in_plain_words() -> None:
    outcome = posting.post("https://no-such-host.invalid/hook", b"{}", {}, private=False)
    assert not outcome.ok
    assert outcome.said.startswith("The host's name could not be resolved")


@pytest.mark.parametrize(
    "problem", [OSError(101, "x"), ConnectionResetError(), BadStatusLine("?"), ValueError(), ssl.SSLError()]
)
def test_no_failure_is_told_by_the_name_of_its_class(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*asked: Any, **options: Any) -> None:
        raise problem

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    said = posting.post("https://hooks.example.org/", b"{}", {}, private=False).said
    assert said.endswith(".")
    assert "Error" not in said
    assert "Errno" not in said


def test_a_name_that_means_an_inner_address_too_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that says two addresses; it stands for a name server of somebody else."""

    def two(*args: Any, **options: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.7", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with pytest.raises(Refused, match=r"10\.0\.0\.7"):
        addresses.resolved("rebinding.example", 443, private=False)


def test_a_name_is_asked_for_once_so_that_it_cannot_change_its_meaning(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = [], socket.getaddrinfo

    def first_ours(host: Any, *args: Any, **options: Any) -> Any:
        if host == "rebinding.example":
            asked.append(host)
            return real("127.0.0.1", *args, **options)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", first_ours)
    url = receiver.url.replace("127.0.0.1", "rebinding.example")
    assert posting.post(url, b"{}", {}, private=True).ok
    assert asked == ["rebinding.example"]
    assert receiver.got[0].headers["host"].startswith("rebinding.example:")


def test_the_next_address_of_a_name_is_tried_when_one_takes_no_connection(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine without IPv6 whose receiver has both."""
    real = socket.getaddrinfo

    def both(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host == "both.example":
            return [*real("127.0.0.2", port, *args, **options), *real("127.0.0.1", port, *args, **options)]
        return real(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", both)
    assert posting.post(receiver.url.replace("127.0.0.1", "both.example"), b"{}", {}, private=True).ok


def test_a_receiver_that_does_not_listen_is_a_failure_that_says_so(receiver: Receiver) -> None:
    receiver.stop()
    outcome = posting.post(receiver.url, b"{}", {}, private=True)
    assert (outcome.ok, outcome.status) == (False, None)
    assert "refused" in outcome.said


def test_an_answer_that_is_not_http_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not posting.post(f"https://127.0.0.1:{port}/", b"{}", {}, private=True, within_s=0.5).ok


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `localhost` and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_certificate_is_checked_against_the_name_in_the_address(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with listening(tls=context) as receiver:
        named = f"https://localhost:{receiver.port}/hook"
        unknown = posting.post(named, b"{}", {}, private=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        known = posting.post(named, b"{}", {}, private=True)
        other = posting.post(named.replace("localhost", "127.0.0.1"), b"{}", {}, private=True)
    assert (unknown.ok, known.ok, other.ok) == (False, True, False)
    assert "certificate" in unknown.said.lower()
    assert len(receiver.got) == 1
