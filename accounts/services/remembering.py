"""Answers remembered for a repeated `Idempotency-Key`: in the transaction of the change, or after outward work."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from accounts.models import RememberedAnswer, User
from coordinator.lib.errors import Conflict, Invalid

REMEMBERED_FOR = timedelta(hours=24)
RESERVED_FOR = timedelta(minutes=10)
"""How long a reserved key counts as running; its request has ended by then, or its process."""

RUNNING = 0
"""The status of a reserved key: no answer yet."""

AGAIN = "Try again in a second to get its answer."


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""

    retry_after_s = 1


class OtherRequest(Invalid):
    """This Idempotency-Key was used for another request."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A request that may be repeated: whose it is, its key, and the digest of its method, address and body."""

    owner: User
    key: str
    digest: str


def recall(asking: Asking, *, now: datetime) -> RememberedAnswer | None:
    """The first answer, or None when this is the first request; call it inside the transaction of the change.

    It takes a lock that the transaction holds to its end. Raises StillRunning, OtherRequest.
    """
    if not _locked(asking):
        raise StillRunning(AGAIN)
    first = RememberedAnswer.objects.filter(owner=asking.owner, key=asking.key).first()
    if first is None or first.created_at <= now - REMEMBERED_FOR:
        return None
    if first.request_digest != asking.digest:
        raise OtherRequest({"Idempotency-Key": ["It was used for another request; use a new key for a new request."]})
    if first.status == RUNNING and first.created_at > now - RESERVED_FOR:
        raise StillRunning(AGAIN)
    return None if first.status == RUNNING else first


def reserve(asking: Asking, *, now: datetime) -> RememberedAnswer | None:
    """The first answer; or None, and then the key is this request's until `remember` or `release`.

    In a short transaction of its own: for what waits for other machines. Raises StillRunning, OtherRequest.
    """
    with transaction.atomic():
        first = recall(asking, now=now)
        if first is None:
            remember(asking, status=RUNNING, headers={}, body=b"", now=now)
    return first


def release(asking: Asking) -> None:
    """Gives a reserved key back, so that the request may be tried again."""
    RememberedAnswer.objects.filter(owner=asking.owner, key=asking.key, status=RUNNING).delete()


def remember(asking: Asking, *, status: int, headers: dict[str, str], body: bytes, now: datetime) -> None:
    """Keeps the answer; an older one of the same key, whose time is over, gives way."""
    RememberedAnswer.objects.update_or_create(
        owner=asking.owner,
        key=asking.key,
        defaults={
            "request_digest": asking.digest,
            "status": status,
            "headers": headers,
            "body": body,
            "created_at": now,
        },
    )


def forget(*, now: datetime) -> int:
    """Deletes the answers whose time is over; answers how many."""
    gone, _ = RememberedAnswer.objects.filter(created_at__lte=now - REMEMBERED_FOR).delete()
    return gone


def _locked(asking: Asking) -> bool:
    with connection.cursor() as cursor:
        named = f"{asking.owner.pk}\x1f{asking.key}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7))", [named])
        row = cursor.fetchone()
    return bool(row and row[0])
