"""Answers remembered for a repeated `Idempotency-Key`: in the transaction of the change itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.models import RememberedAnswer, User
from coordinator.lib.errors import Conflict, Invalid

REMEMBERED_FOR = timedelta(hours=24)


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
        raise StillRunning("Try again in a second to get its answer.")
    first = RememberedAnswer.objects.filter(owner=asking.owner, key=asking.key).first()
    if first is None or first.created_at <= now - REMEMBERED_FOR:
        return None
    if first.request_digest != asking.digest:
        raise OtherRequest({"Idempotency-Key": ["It was used for another request; use a new key for a new request."]})
    return first


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
