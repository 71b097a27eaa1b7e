"""Where the person who looks is told of what happens, what was sent there, and what they do about it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.models import Delivery, Endpoint, User
from accounts.notifying import naming
from accounts.services import keeping_notifications as keeping
from accounts.services import sending_notifications as sending
from coordinator.dashboard.acts import Act, Acting
from coordinator.lib.models import numbered
from traceability import topics

SHOWN = 30
SCOPE = "missions:read"
LOOKS = {
    "failing": "warning", "waiting": "queued", "delivered": "completed", "skipped": "cancelled", "failed": "failed",
}  # fmt: skip
"""The status whose chip each of our states looks like."""

WORDS = {naming.NEEDS_YOU: "What waits for a person"}


def places(person: User) -> Mapping[str, Any]:
    """Their endpoints, the oldest first; 1 statement."""
    rows = Endpoint.objects.of(person).select_related("owner").counting_waiting().order_by("pk")
    return {"places": [_place(each) for each in rows]}


def _place(endpoint: Endpoint) -> dict[str, Any]:
    seen = "paused" if endpoint.state == Endpoint.State.PAUSED else "failing" if endpoint.failures else "active"
    return {
        "endpoint": endpoint,
        "waiting": getattr(endpoint, "waiting", 0),
        "topics": [named(topic) for topic in endpoint.topics],
        "look": LOOKS.get(seen, seen),
        "word": seen.capitalize(),
    }


def named(topic: str) -> str:
    """A topic as the form calls it; a single thing by its own name."""
    return topic if ":" in topic else WORDS.get(topic, topic.capitalize())


def sent(person: User) -> Mapping[str, Any]:
    """What was sent to them last or waits to be, the latest first; 1 statement."""
    rows = Delivery.objects.filter(endpoint__owner=person).select_related("endpoint").order_by("-pk")
    return {
        "sent": [
            {
                "delivery": each,
                "topic": named(each.topic),
                "look": LOOKS[each.state],
                "word": each.get_state_display(),
            }
            for each in rows[:SHOWN]
        ]
    }


def choices(scopes: frozenset[str]) -> Mapping[str, Any]:
    """What may be chosen in the form: no statement."""
    known = [name for name, scope in topics.SCOPES.items() if scope in scopes and name not in naming.WITHOUT_ENTRIES]
    return {
        "topics": [(name, named(name)) for name in (naming.NEEDS_YOU, *sorted(known))],
        "mail": bool(settings.EMAIL_HOST),
    }


Change = Callable[..., Any]


def on_place(change: Change) -> Callable[[str, Acting], None]:
    """A change of one of the person's own endpoints, by the version that the page showed."""

    def do(key: str, acting: Acting) -> None:
        endpoint = Endpoint.objects.of(acting.person).select_related("owner").identified(key)
        change(endpoint, expected=acting.expected, actor=acting.actor, now=acting.now)

    return do


def on_delivery(change: Change) -> Callable[[str, Acting], None]:
    """A change of a delivery to the person."""

    def do(key: str, acting: Acting) -> None:
        mine = Delivery.objects.filter(endpoint__owner=acting.person).select_related("endpoint__owner")
        change(numbered(mine, key), actor=acting.actor, now=acting.now)

    return do


def _test(endpoint: Endpoint, *, expected: int | None, actor: Any, now: datetime) -> Delivery:
    return sending.test(endpoint, actor=actor, now=now)


ON_PLACE = {
    "pause": Act(SCOPE, on_place(keeping.pause)),
    "resume": Act(SCOPE, on_place(keeping.resume)),
    "remove": Act(SCOPE, on_place(keeping.remove)),
    "test": Act(SCOPE, on_place(_test)),
}
ON_DELIVERY = {"resend": Act(SCOPE, on_delivery(sending.resend)), "skip": Act(SCOPE, on_delivery(sending.skip))}
