"""The courier: takes what is due to one endpoint, sends it, and says how it went, one message after another."""

import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Delivery, Endpoint
from accounts.notifying import frames, mailing, posting, signing, wording
from accounts.notifying.outcome import Outcome
from accounts.services import sending_notifications as sending

SLICE = timedelta(seconds=5)
"""So long one job sends; then other jobs get their turn."""

JSON = {"Content-Type": "application/json", "User-Agent": "coordinator-notifications"}


def deliver(
    endpoint_id: int,
    *,
    clock: Callable[[], datetime] = timezone.now,
    chance: Callable[[], float] = random.random,
) -> int:
    """Sends to one endpoint until nothing is due, an attempt fails or the slice is over; answers how many were sent."""
    end, sent = clock() + SLICE, 0
    while parcel := sending.claim(endpoint_id, now=clock()):
        outcome = send(parcel.endpoint, parcel.deliveries, now=clock())
        settled = sending.settle(parcel, outcome, now=clock(), chance=chance())
        if not (settled and outcome.ok):
            return sent
        sent += len(parcel.deliveries)
        if clock() >= end:
            sending.call(endpoint_id)
            return sent
    return sent


def deliver_test(delivery_id: int, *, clock: Callable[[], datetime] = timezone.now) -> bool:
    """Sends a test, once; answers whether it was taken."""
    delivery = sending.begin_test(delivery_id, now=clock())
    if delivery is None:
        return False
    outcome = send(delivery.endpoint, [delivery], now=clock())
    sending.end_test(delivery, outcome, now=clock())
    return outcome.ok


def send(endpoint: Endpoint, deliveries: list[Delivery], *, now: datetime) -> Outcome:
    """One message with these deliveries, by the way of the endpoint."""
    return WAYS[Endpoint.Kind(endpoint.kind)](endpoint, deliveries, now)


def _webhook(endpoint: Endpoint, deliveries: list[Delivery], now: datetime) -> Outcome:
    delivery, body = deliveries[0], _body(frames.frames_of(deliveries)[0])
    timestamp = int(now.timestamp())
    signatures = [
        signing.signature(
            signing.secret(settings.SECRET_KEY, endpoint.uuid, version), delivery.message_id, timestamp, body
        )
        for version in signing.versions_in_use(endpoint.secret_version, endpoint.rotated_at, now)
    ]
    headers = {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
    return _post(endpoint, body, headers)


def _slack(endpoint: Endpoint, deliveries: list[Delivery], now: datetime) -> Outcome:
    text = wording.slack(frames.frames_of(deliveries), settings.PUBLIC_URL)
    return _post(endpoint, _body({"text": text}), {})


def _mail(endpoint: Endpoint, deliveries: list[Delivery], now: datetime) -> Outcome:
    told = frames.frames_of(deliveries)
    return mailing.send(
        to=endpoint.owner.email,
        subject=wording.subject(told),
        text=wording.mail(told, settings.PUBLIC_URL),
        message_id=deliveries[0].message_id,
        sender=settings.EMAIL_FROM,
    )


WAYS: dict[Endpoint.Kind, Callable[[Endpoint, list[Delivery], datetime], Outcome]] = {
    Endpoint.Kind.WEBHOOK: _webhook,
    Endpoint.Kind.SLACK: _slack,
    Endpoint.Kind.EMAIL: _mail,
}


def _post(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> Outcome:
    return posting.post(endpoint.address, body, {**JSON, **headers}, private=settings.NOTIFY_PRIVATE_ADDRESSES)


def _body(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str).encode()
