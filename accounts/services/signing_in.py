"""Signing in with a password, and ending sessions."""

from datetime import datetime, timedelta

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, authenticate
from django.db.models import Q

from accounts.events import SessionRevoked, SignedIn
from accounts.models import FailedSignIn, Session, User
from accounts.sessions import SessionStore, digest
from coordinator.lib.errors import Refusal, TooMany
from traceability import ledger
from traceability.events import Actor, Subject

WINDOW = timedelta(minutes=15)
MOST_BY_EMAIL = 10
MOST_BY_ADDRESS = 50


class WrongPassword(Refusal):
    """The e-mail or the password is wrong."""

    status = 401


def check_password(email: str, password: str, *, ip: str | None, now: datetime) -> User:
    """The account with this e-mail and password. Raises WrongPassword, TooMany (after 10 failures in 15 minutes)."""
    refuse_guessing(email, ip, now)
    user = authenticate(None, username=email, password=password)
    if not isinstance(user, User):
        FailedSignIn.objects.create(email=email[:254].lower(), ip=ip or "", at=now)
        raise WrongPassword
    FailedSignIn.objects.filter(email=email[:254].lower()).delete()
    return user


def refuse_guessing(email: str, ip: str | None, now: datetime) -> None:
    """Raises TooMany when this e-mail or this address failed too often lately."""
    recent = FailedSignIn.objects.filter(at__gt=now - WINDOW)
    by_email = recent.filter(email=email[:254].lower()).count()
    by_address = recent.filter(ip=ip).count() if ip else 0
    if by_email >= MOST_BY_EMAIL or by_address >= MOST_BY_ADDRESS:
        raise TooMany("Too many failed sign-ins; try again in 15 minutes.", retry_after_s=int(WINDOW.total_seconds()))


def open_session(user: User, *, ip: str | None, user_agent: str, now: datetime) -> tuple[Session, str]:
    """A session for a client without cookies, and its bearer token, shown this once."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "accounts.auth.EmailBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    with ledger.writing():
        store.create()
        key = str(store.session_key)
        row = Session.objects.get(session_key=digest(key))
        row.ip, row.user_agent = ip, user_agent[:300]
        row.save(update_fields=["ip", "user_agent"])
        actor = Actor("person", user.pk, user.email)
        ledger.record(SignedIn(subject=_subject(row), account=user.email, ip=ip), actor=actor, at=now)
    return row, key


def revoke_session(row: Session, *, actor: Actor, now: datetime) -> None:
    """Ends a session at once, wherever it is open."""
    with ledger.writing():
        account = row.user.email if row.user else ""
        told = SessionRevoked(subject=_subject(row), account=account)
        Session.objects.filter(pk=row.pk).delete()
        ledger.record(told, actor=actor, at=now)


def purge(*, now: datetime) -> int:
    """Deletes expired sessions and old failures; answers how many rows went."""
    gone, _ = Session.objects.filter(expire_date__lte=now).delete()
    failures, _ = FailedSignIn.objects.filter(Q(at__lt=now - WINDOW)).delete()
    return gone + failures


def _subject(row: Session) -> Subject:
    return Subject("session", row.pk, f"session-{row.pk}")
