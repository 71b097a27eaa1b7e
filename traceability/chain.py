"""The links of a chain, as the database makes them."""

import hashlib


def first_link(installation: str, stream: str) -> bytes:
    """What stands before the first entry of a stream, unlike any other stream's or installation's."""
    return hashlib.sha256(f"coordinator-trace-v1{installation}{stream}".encode()).digest()


def link(before: bytes, stream: str, seq: int, recorded_at: str, text: str) -> bytes:
    """The hash of an entry: SHA-256 over 0x00, the hash before, stream, seq, time and canonical text."""
    told = f"{stream}\x1f{seq}\x1f{recorded_at}\x1f{text}".encode()
    return hashlib.sha256(b"\x00" + before + told).digest()
