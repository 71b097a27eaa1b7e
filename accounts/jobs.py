"""What the queue calls: safe to run twice."""

from django.utils import timezone

from accounts.services import remembering, signing_in


def purge() -> int:
    """Deletes expired sessions, old failed sign-ins and answers older than a day; answers how many rows went."""
    now = timezone.now()
    return remembering.forget(now=now) + signing_in.purge(now=now)
