"""Signing in with a password, and ending sessions."""

from datetime import datetime, timedelta

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.db.models import QuerySet

from accounts.events import SessionClosed, SessionOpened, SessionRevoked
from accounts.models import FailedSignIn, Session, User
from accounts.sessions import SessionStore, digest
from coordinator.lib.errors import Refusal, TooMany
from traceability import ledger
from traceability.events import Actor, Subject

BACKEND = "accounts.auth.EmailBackend"
WINDOW = timedelta(minutes=15)
MOST_BY_PAIR = 10
MOST_BY_EMAIL = 100
MOST_BY_ADDRESS = 50
MOST_BY_ADDRESS_IN_ALL = 500
"""Failures within the window: of one e-mail from one address, of one e-mail from anywhere, of one address. The first
is the smallest, so that a stranger who guesses cannot lock the owner out. The address's own limit stops only e-mails
that failed themselves, known or not; who fails beside others behind the same address does not lock them out. Beyond the
last, only who is signed in from there already may sign in from there."""


class WrongPassword(Refusal):
    """The e-mail or the password is wrong."""

    status = 401


def check_password(email: str, password: str, *, ip: str | None, now: datetime) -> User:
    """The active person with this e-mail and password. Raises WrongPassword, TooMany.

    The attempt counts as failed before the password is looked at, so that many at once cannot slip through.
    """
    attempt = FailedSignIn.objects.create(email=email[:254].lower(), ip=ip or "", at=now)
    try:
        _refuse_guessing(attempt, now)
    except TooMany:
        attempt.delete()
        raise
    user = _matching(email, password)
    if user is None:
        raise WrongPassword
    FailedSignIn.objects.filter(email=attempt.email, ip=attempt.ip).delete()
    return user


def open_session(
    user: User, *, ip: str | None, user_agent: str, now: datetime, request_id: str | None = None
) -> tuple[Session, str]:
    """A session for a client without cookies, and its bearer token, shown this once."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = BACKEND
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    data = dict(store.items())
    with ledger.writing():
        store.create()
        store.update(data)
        store.save()
        User.objects.filter(pk=user.pk).update(last_login=now)
        key = str(store.session_key)
        row = describe_session(key, ip=ip, user_agent=user_agent, now=now, request_id=request_id)
    return row, key


def describe_session(
    key: str, *, ip: str | None, user_agent: str, now: datetime, request_id: str | None = None
) -> Session:
    """Notes from where somebody signed in with this new session, and tells it."""
    with ledger.writing():
        row = Session.objects.select_related("user").get(session_key=digest(key))
        row.ip, row.user_agent, row.last_seen_at = ip, user_agent.replace("\x00", "")[:300], now
        row.save(update_fields=["ip", "user_agent", "last_seen_at"])
        told = SessionOpened(subject=_subject(row), account=_email(row), ip=ip)
        ledger.record(told, actor=_owner(row, request_id), at=now)
    return row


def close_session(row: Session, *, now: datetime, request_id: str | None = None) -> None:
    """Tells that somebody signed out; the engine has deleted the row."""
    with ledger.writing():
        told = SessionClosed(subject=_subject(row), account=_email(row))
        ledger.record(told, actor=_owner(row, request_id), at=now)


def revoke_session(row: Session, *, actor: Actor, now: datetime) -> None:
    """Ends a session at once, wherever it is open; ending it again changes nothing."""
    with ledger.writing():
        told = SessionRevoked(subject=_subject(row), account=_email(row))
        gone, _ = Session.objects.filter(pk=row.pk).delete()
        if gone:
            ledger.record(told, actor=actor, at=now)


def purge(*, now: datetime) -> int:
    """Deletes expired sessions and old failures; answers how many rows went."""
    gone, _ = Session.objects.filter(expire_date__lte=now).delete()
    failures, _ = FailedSignIn.objects.filter(at__lt=now - WINDOW).delete()
    return gone + failures


def _refuse_guessing(attempt: FailedSignIn, now: datetime) -> None:
    recent = FailedSignIn.objects.filter(at__gt=now - WINDOW).order_by("-at", "-pk")
    of_email = recent.filter(email=attempt.email)
    limits = [(of_email.filter(ip=attempt.ip), MOST_BY_PAIR), (of_email, MOST_BY_EMAIL)]
    if attempt.ip:
        limits += _limits_of_address(recent.filter(ip=attempt.ip), attempt, now)
    for failures, most in limits:
        times = list(failures.values_list("at", flat=True)[: most + 1])
        if len(times) > most:
            wait = int((times[-1] + WINDOW - now).total_seconds()) + 1
            minutes = -(-wait // 60)
            raise TooMany(f"Too many failed sign-ins; try again in {minutes} min.", retry_after_s=wait)


def _limits_of_address(
    failures: QuerySet[FailedSignIn], attempt: FailedSignIn, now: datetime
) -> list[tuple[QuerySet[FailedSignIn], int]]:
    """Tells an e-mail with an account from one without only to who is behind the same address as its owner."""
    if failures.filter(email=attempt.email).exclude(pk=attempt.pk).exists():
        return [(failures, MOST_BY_ADDRESS)]
    if Session.objects.live(now).filter(user__email__iexact=attempt.email, ip=attempt.ip).exists():
        return []
    return [(failures, MOST_BY_ADDRESS_IN_ALL)]


def _matching(email: str, password: str) -> User | None:
    """The active person whose password this is; as slow for an unknown e-mail as for a known one."""
    user = User.objects.people().knowing_role().filter(email__iexact=email.strip()).order_by("pk").first()
    if user is None:
        make_password(password)
        return None
    return user if user.check_password(password) and user.is_active else None


def _subject(row: Session) -> Subject:
    return Subject("session", row.pk, f"session-{row.pk}")


def _email(row: Session) -> str:
    return row.user.email if row.user else ""


def _owner(row: Session, request_id: str | None) -> Actor:
    return Actor("person", row.user_id, _email(row), request_id=request_id)
