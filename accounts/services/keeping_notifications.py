"""Endpoints: made, revised, paused, resumed and removed by their owner; each change is told to the ledger."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max

from accounts.auth import Credential
from accounts.models import Endpoint, User
from accounts.notifying import addresses, naming, signing
from accounts.notifying.addresses import Refused
from accounts.notifying.events import (
    EndpointCreated,
    EndpointPaused,
    EndpointRemoved,
    EndpointResumed,
    EndpointRevised,
    SecretRotated,
)
from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid
from traceability import ledger
from traceability.events import Actor
from traceability.models import Entry

MOST_ENDPOINTS = 20


class TooManyEndpoints(Conflict):
    """This account has as many notifications as it may have."""


class NoSecret(Conflict):
    """Only webhooks have a secret."""


@dataclass(frozen=True)
class Rights:
    """What an endpoint may hear: all that its owner may read (`scopes` None), or no more than one token."""

    scopes: list[str] | None
    token_id: int | None

    @classmethod
    def of(cls, credential: Credential) -> "Rights":
        """Of a sign-in: the owner's, as they are at each moment. Of a token: the token's, for as long as it lives."""
        if credential.token_id is None:
            return cls(None, None)
        return cls(sorted(credential.scopes), credential.token_id)


def create(
    *,
    kind: str,
    topics: list[str],
    by: Credential,
    actor: Actor,
    now: datetime,
    address: str = "",
    endpoint_id: str = "",
) -> Endpoint:
    """An endpoint of whoever calls, which hears what is told from now on. Raises Invalid, NotAllowed, Conflict."""
    where = _address(kind, address, by.user)
    named = naming.resolved(topics, by.scopes)
    rights = Rights.of(by)
    with ledger.writing():
        User.objects.select_for_update(no_key=True).get(pk=by.user.pk)
        _refuse_more(by.user, endpoint_id)
        endpoint = Endpoint.objects.create(
            endpoint_id=endpoint_id,
            owner=by.user,
            kind=kind,
            address=where,
            topics=list(named),
            routes=list(named.values()),
            scopes=rights.scopes,
            token_id=rights.token_id,
            after=Entry.objects.aggregate(newest=Max("pk"))["newest"] or 0,
            created_at=now,
            updated_at=now,
        )
        told = EndpointCreated(
            subject=endpoint.subject,
            account=by.user.email,
            channel=kind,
            address=endpoint.shown_address,
            topics=endpoint.topics,
        )
        ledger.record(told, actor=actor, at=now)
    return endpoint


def revise(
    endpoint: Endpoint,
    *,
    by: Credential,
    actor: Actor,
    now: datetime,
    expected: int | None = None,
    address: str | None = None,
    topics: list[str] | None = None,
) -> Endpoint:
    """Another address or other topics. Saved by its owner, it hears from then on what this credential may read.

    What waits to be sent goes to the new address, at once. Raises Stale, Invalid, NotAllowed.
    """
    changes: dict[str, Any] = {}
    if address is not None:
        changes["address"] = _address(endpoint.kind, address, endpoint.owner)
    if topics is not None:
        named = naming.resolved(topics, by.scopes)
        changes |= {"topics": list(named), "routes": list(named.values())}
    if by.user.pk == endpoint.owner_id:
        rights = Rights.of(by)
        changes |= {"scopes": rights.scopes, "token_id": rights.token_id}
    with ledger.writing():
        endpoint = locked(endpoint, expected)
        changed = versions.bump(endpoint, now=now, **changes)
        if changed:
            ledger.record(_revised(endpoint, changed), actor=actor, at=now)
        if "address" in changed and endpoint.state == Endpoint.State.ACTIVE:
            _start_afresh(endpoint, now)
    return endpoint


def remove(endpoint: Endpoint, *, actor: Actor, now: datetime, expected: int | None = None) -> None:
    """Ends it, and what waited for it with it. Raises Stale."""
    with ledger.writing():
        endpoint = locked(endpoint, expected)
        unsent = endpoint.deliveries.waiting().count()
        told = EndpointRemoved(subject=endpoint.subject, account=endpoint.owner.email, unsent=unsent)
        endpoint.delete()
        ledger.record(told, actor=actor, at=now)


def pause(
    endpoint: Endpoint, *, actor: Actor, now: datetime, expected: int | None = None, because: str = ""
) -> Endpoint:
    """Sends nothing more until it is resumed; what is told meanwhile waits. A repeat changes nothing. Raises Stale."""
    with ledger.writing():
        endpoint = locked(endpoint, expected)
        if endpoint.state == Endpoint.State.ACTIVE:
            record_pause(endpoint, because, automatic=False, actor=actor, now=now)
    return endpoint


def record_pause(endpoint: Endpoint, because: str, *, automatic: bool, actor: Actor, now: datetime) -> None:
    """Pauses the locked row, within the transaction of the caller."""
    paused = {"state": Endpoint.State.PAUSED, "paused_because": because[:300], "due_at": None}
    versions.bump(endpoint, now=now, **paused)
    told = EndpointPaused(
        subject=endpoint.subject, account=endpoint.owner.email, automatic=automatic, reason=because[:300]
    )
    ledger.record(told, actor=actor, at=now)


def resume(endpoint: Endpoint, *, actor: Actor, now: datetime, expected: int | None = None) -> Endpoint:
    """Sends on, what waited first; one that fails is tried at once. Raises Stale."""
    with ledger.writing():
        endpoint = locked(endpoint, expected)
        if endpoint.state == Endpoint.State.PAUSED:
            versions.bump(endpoint, now=now, state=Endpoint.State.ACTIVE, paused_because="")
            told = EndpointResumed(subject=endpoint.subject, account=endpoint.owner.email)
            ledger.record(told, actor=actor, at=now)
        _start_afresh(endpoint, now)
    return endpoint


def rotate(endpoint: Endpoint, *, actor: Actor, now: datetime, expected: int | None = None) -> Endpoint:
    """A new secret; for a day messages carry the signatures of both. Raises Stale, NoSecret."""
    if endpoint.kind != Endpoint.Kind.WEBHOOK:
        raise NoSecret
    with ledger.writing():
        endpoint = locked(endpoint, expected)
        versions.bump(endpoint, now=now, secret_version=endpoint.secret_version + 1, rotated_at=now)
        told = SecretRotated(
            subject=endpoint.subject, account=endpoint.owner.email, secret_version=endpoint.secret_version
        )
        ledger.record(told, actor=actor, at=now)
    return endpoint


def secret_of(endpoint: Endpoint) -> str | None:
    """The secret as its receiver keeps it; None for what is no webhook."""
    if endpoint.kind != Endpoint.Kind.WEBHOOK:
        return None
    return signing.shown(signing.secret(settings.SECRET_KEY, endpoint.uuid, endpoint.secret_version))


def locked(endpoint: Endpoint, expected: int | None = None) -> Endpoint:
    """The row as it stands, locked until the transaction ends, with its owner. Raises Missing, Stale."""
    rows = Endpoint.objects.select_for_update(of=("self",), no_key=True).select_related("owner")
    found: Endpoint = rows.identified(endpoint.pk)
    versions.require(found, expected)
    return found


def _start_afresh(endpoint: Endpoint, now: datetime) -> None:
    """What waits is tried now, and counts no failure of before."""
    Endpoint.objects.filter(pk=endpoint.pk).update(failures=0, failing_since=None, due_at=now)


def _address(kind: str, address: str, owner: User) -> str:
    """Raises Invalid."""
    if kind == Endpoint.Kind.EMAIL:
        return _mailbox(address, owner)
    try:
        addresses.parsed(address, private=settings.NOTIFY_PRIVATE_ADDRESSES)
    except Refused as refusal:
        raise Invalid({"address": [str(refusal)]}) from refusal
    return address


def _mailbox(address: str, owner: User) -> str:
    if owner.kind != User.Kind.PERSON:
        raise Invalid({"kind": ["A service account has no mailbox; give it a webhook."]})
    if not settings.EMAIL_HOST:
        raise Invalid({"kind": ["This installation sends no e-mail: its operator sets EMAIL_HOST and EMAIL_FROM."]})
    if address not in {"", owner.email}:
        raise Invalid({"address": [f"E-mails go to the account's own address alone, {owner.email}."]})
    return owner.email


def _refuse_more(owner: User, endpoint_id: str) -> None:
    if Endpoint.objects.of(owner).count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"An account has at most {MOST_ENDPOINTS} notifications; remove one.")
    if endpoint_id and Endpoint.objects.named(endpoint_id).exists():
        raise Conflict(f"There is a notification {endpoint_id!r} already.")


def _revised(endpoint: Endpoint, changed: dict[str, Any]) -> EndpointRevised:
    fields: dict[str, Any] = {name: changed[name] for name in ("topics", "scopes") if name in changed}
    if "address" in changed:
        fields["address"] = endpoint.shown_address
    return EndpointRevised(subject=endpoint.subject, account=endpoint.owner.email, fields=fields)
