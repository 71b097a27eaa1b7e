"""Whose secret this is, read in one statement. Every request pays for it, so it goes around the ORM's query building
(0.2 ms of CPU against 1.9 ms, measured).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import User

COLUMNS = tuple(field.attname for field in User._meta.concrete_fields if field.attname != "password")
OWNER = f"""{", ".join(f"u.{column}" for column in COLUMNS)}, ARRAY(
    SELECT g.name FROM auth_group AS g JOIN accounts_user_groups AS m ON m.group_id = g.id WHERE m.user_id = u.id)"""
TOKEN = f"""
SELECT {OWNER}, t.id, t.last_used_at, t.prefix, t.scopes, t.expires_at
FROM accounts_apitoken AS t JOIN accounts_user AS u ON u.id = t.user_id
WHERE u.is_active AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
"""
SESSION = f"""
SELECT {OWNER}, s.id, s.last_seen_at, '', NULL, NULL::timestamptz
FROM accounts_session AS s JOIN accounts_user AS u ON u.id = s.user_id
WHERE u.is_active AND s.expire_date > %(now)s
"""


@dataclass(frozen=True)
class Held:
    """A live token or session: its owner, its id, when it was last used; of a token also its scopes and its end."""

    user: User
    id: int
    used_at: datetime | None
    prefix: str
    scopes: frozenset[str] | None
    expires_at: datetime | None


def token_by_digest(digest: str, now: datetime) -> Held | None:
    return _read(f"{TOKEN} AND t.digest = %(key)s", digest, now)


def token_by_id(pk: int, now: datetime) -> Held | None:
    return _read(f"{TOKEN} AND t.id = %(key)s", pk, now)


def session_by_digest(digest: str, now: datetime) -> Held | None:
    return _read(f"{SESSION} AND s.session_key = %(key)s", digest, now)


def session_by_id(pk: int, now: datetime) -> Held | None:
    return _read(f"{SESSION} AND s.id = %(key)s", pk, now)


def _read(statement: str, key: str | int, now: datetime) -> Held | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"key": key, "now": now})
        row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        return None
    *owner, groups, pk, used_at, prefix, scopes, expires_at = row
    user = User.from_db("default", COLUMNS, owner)
    user.__dict__["group_names"] = groups
    return Held(user, pk, used_at, prefix, None if scopes is None else frozenset(scopes), expires_at)
