"""What the queue calls: safe to run twice."""

from django.utils import timezone

from accounts.middleware import REMEMBERED_FOR
from accounts.models import RememberedAnswer
from accounts.services import signing_in


def purge() -> int:
    """Deletes expired sessions, old failed sign-ins and answers older than a day."""
    now = timezone.now()
    gone, _ = RememberedAnswer.objects.filter(created_at__lt=now - REMEMBERED_FOR).delete()
    return gone + signing_in.purge(now=now)
