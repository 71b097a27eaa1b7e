"""Issuing and revoking API tokens."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from accounts import roles
from accounts.auth import TOKEN_PREFIX
from accounts.events import TokenIssued, TokenRevoked
from accounts.models import ApiToken, User
from accounts.sessions import digest
from coordinator.lib.errors import Invalid
from traceability import ledger
from traceability.events import Actor, Subject


def issue(
    user: User,
    *,
    name: str,
    scopes: Iterable[str],
    actor: Actor,
    now: datetime,
    expires_at: datetime | None = None,
    within: frozenset[str] = roles.SCOPES,
    until: datetime | None = None,
    issued_by: User | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its plain text, which is shown this once.

    `within` are the scopes that the issuer holds, `until` is when the issuer's own token ends: a token holds no more
    than the one that issued it, and ends no later. Raises Invalid for a scope that is unknown, beyond the account's
    role or beyond the issuer's own, and for an end in the past or after `until`.
    """
    wanted, expires_at = sorted(set(scopes)), expires_at or until
    errors = {"scopes": _wrong_scopes(user, wanted, within), "expires_at": _wrong_end(expires_at, until, now)}
    if any(errors.values()):
        raise Invalid({field: problems for field, problems in errors.items() if problems})
    secret, prefix = _fresh_secret()
    with ledger.writing():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=prefix,
            digest=digest(secret),
            scopes=wanted,
            created_at=now,
            created_by=issued_by,
            expires_at=expires_at,
        )
        told = TokenIssued(
            subject=_subject(token), account=user.email, name=name, prefix=prefix, scopes=wanted, expires_at=expires_at
        )
        ledger.record(told, actor=actor, at=now)
    return token, secret


def revoke(token: ApiToken, *, actor: Actor, now: datetime) -> ApiToken:
    """Ends a token at once; revoking it again changes nothing."""
    with ledger.writing():
        token = ApiToken.objects.select_for_update(of=("self",)).select_related("user").get(pk=token.pk)
        if token.revoked_at is None:
            token.revoked_at = now
            token.save(update_fields=["revoked_at"])
            told = TokenRevoked(subject=_subject(token), account=token.user.email, prefix=token.prefix)
            ledger.record(told, actor=actor, at=now)
    return token


def _fresh_secret() -> tuple[str, str]:
    """A token `coord_PUBLIC_SECRET` (256 random bits after the public part) and its readable prefix."""
    prefix = f"{TOKEN_PREFIX}{secrets.token_hex(4)}"
    return f"{prefix}_{secrets.token_urlsafe(32)}", prefix


def _wrong_scopes(user: User, wanted: list[str], within: frozenset[str]) -> list[str]:
    problems: list[str] = []
    if not wanted:
        problems.append("Name at least one scope.")
    if unknown := [scope for scope in wanted if scope not in roles.SCOPES]:
        problems.append(f"There is no scope {unknown[0]!r}. Scopes: {', '.join(sorted(roles.SCOPES))}.")
    elif beyond := [scope for scope in wanted if scope not in user.scopes]:
        problems.append(f"The role of {user.email} does not hold {', '.join(beyond)}.")
    elif surplus := [scope for scope in wanted if scope not in within]:
        problems.append(f"You cannot give what you do not hold: {', '.join(surplus)}.")
    return problems


def _wrong_end(expires_at: datetime | None, until: datetime | None, now: datetime) -> list[str]:
    if expires_at is not None and expires_at <= now:
        return ["This time has passed."]
    if expires_at is not None and until is not None and expires_at > until:
        return [f"Your own token ends before, at {until.isoformat(timespec='seconds')}."]
    return []


def _subject(token: ApiToken) -> Subject:
    return Subject("token", token.pk, token.prefix)
