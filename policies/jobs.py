"""What the queue calls: safe to run twice."""

from django.utils import timezone

from policies.services import escalating
from traceability.events import SYSTEM


def expire_approvals() -> int:
    """Rejects every approval whose deadline has passed; answers how many."""
    return escalating.expire(actor=SYSTEM, now=timezone.now())
