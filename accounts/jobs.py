"""What the queue calls: safe to run twice."""

from datetime import timedelta

from django.utils import timezone

from accounts.notifying import courier
from accounts.services import remembering, routing_notifications, sending_notifications, signing_in

PATIENCE_S = 12.0
"""So long a job waits for a slow writer of the ledger; longer than the database lets one write."""

KEPT = timedelta(days=30)
"""How long deliveries of which nothing more becomes are kept."""


def purge() -> int:
    """Deletes expired sessions, old failed sign-ins, old answers and old deliveries; answers how many rows went."""
    now = timezone.now()
    gone = remembering.forget(now=now) + signing_in.purge(now=now)
    return gone + sending_notifications.forget(before=now - KEPT)


def notify() -> int:
    """Routes what the ledger holds and calls senders for what is due; answers how many were called."""
    now = timezone.now()
    routing_notifications.route(now=now, patience_s=PATIENCE_S)
    return sending_notifications.call_due(now=now)


def deliver(endpoint_id: int) -> int:
    """Sends what is due to one endpoint; answers how many deliveries were sent."""
    return courier.deliver(endpoint_id)


def deliver_test(delivery_id: int) -> bool:
    """Sends a test, once; answers whether it was taken."""
    return courier.deliver_test(delivery_id)
