"""Whether a failure is the database's: away, or it ended what took too long. Then nothing was changed."""

from django.db import InterfaceError, InternalError, OperationalError

ENDED = ("25P03", "25P04")
"""SQLSTATEs of a transaction that was idle, or lasted, for longer than it may."""


def is_outage(failure: BaseException) -> bool:
    return isinstance(failure, (OperationalError, InterfaceError)) or was_ended(failure)


def was_ended(failure: BaseException) -> bool:
    return isinstance(failure, InternalError) and getattr(failure.__cause__, "sqlstate", None) in ENDED


def told(failure: BaseException) -> str:
    """What its caller reads."""
    if was_ended(failure):
        return "This took longer than the database lets a change last; nothing was changed. Ask for less at a time."
    return "The database does not answer; nothing was changed. Try again in a moment."
