"""Webhook signatures as Standard Webhooks has them. Pure: the secrets are derived, and none is stored."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

PREFIX = "whsec_"
BOTH_FOR = timedelta(hours=24)
"""How long after a rotation messages carry the old secret's signature too."""


def secret(key: str, endpoint: UUID, version: int) -> bytes:
    """The 32 bytes of an endpoint's secret: HMAC-SHA256 of its name and version under the installation's key."""
    return hmac.digest(key.encode(), f"coordinator webhook\x1f{endpoint}\x1f{version}".encode(), "sha256")


def shown(raw: bytes) -> str:
    """A secret as its receiver keeps it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(raw).decode()


def versions_in_use(version: int, rotated_at: datetime | None, now: datetime) -> tuple[int, ...]:
    """The secrets to sign with now, the newest first."""
    both = version > 1 and rotated_at is not None and now < rotated_at + BOTH_FOR
    return (version, version - 1) if both else (version,)


def signature(raw: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`."""
    told = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(raw, told, hashlib.sha256).digest()).decode()}"
