"""Where messages may be sent: web addresses, never into this machine's own network unless the operator allows it.

A host's name is resolved once, each of its addresses is judged, and only judged ones are connected to, so that
a name cannot mean another address between the judgement and the connection.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

SCHEMES = {"https": 443, "http": 80}
LONGEST = 2000
CARRIES_IPV4 = ip_network("64:ff9b::/96")
"""NAT64: the last 32 bits are the IPv4 address that is meant."""

Address = IPv4Address | IPv6Address


class Refused(Exception):
    """The address may not be sent to; the text says why."""


def parsed(url: str, *, private: bool) -> SplitResult:
    """The parts of a web address that may be sent to, as far as can be told without asking anybody. Raises Refused."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as odd:
        raise Refused("This is no web address.") from odd
    if len(url) > LONGEST or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise Refused(f"A web address is at most {LONGEST} characters of ASCII, without spaces.")
    if parts.scheme not in SCHEMES or not host or port == 0:
        raise Refused("Give a web address such as https://hooks.example.org/coordinator.")
    if parts.username is not None or parts.password is not None:
        raise Refused("An address must not hold a user name or a password.")
    if parts.scheme == "http" and not private:
        raise Refused("Only https addresses are sent to.")
    if (literal := _literal(host)) is not None:
        judge(literal, private=private)
    return parts


def resolved(host: str, port: int, *, private: bool) -> list[str]:
    """The addresses to connect to, the best first. Raises Refused when any address of the host is inner, OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    for address in addresses:
        judge(ip_address(address.partition("%")[0]), private=private)
    return list(dict.fromkeys(addresses))


def judge(address: Address, *, private: bool) -> None:
    """Raises Refused for an address that is not of the public internet; with `private`, only for senseless ones."""
    meant = _meant(address)
    if meant.is_multicast or meant.is_unspecified or meant.is_link_local:
        raise Refused(f"{address} is never sent to, whatever the settings: it is link-local, multicast or unspecified.")
    if not private and not meant.is_global:
        raise Refused(f"{address} is an inner address; an operator may allow those with NOTIFY_PRIVATE_ADDRESSES.")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, if it carries one."""
    if isinstance(address, IPv4Address):
        return address
    if address in CARRIES_IPV4:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
