"""Reading settings from the environment. Needs no Django."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    return text(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    return int(text(name, str(default)))


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(url: str) -> dict[str, Any]:
    """The Django database dict of a `postgresql://user:password@host:port/name?option=value` address."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    made = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "coordinator",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or query.pop("port", "")),
        "OPTIONS": query,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
    if flag("DATABASE_POOL"):
        pool(made)
    return made


def pool(database: dict[str, Any]) -> None:
    """Gives a database dict a pool of connections, as ASGI needs it: without one each request opens its own."""
    size = {"min_size": 1, "max_size": number("DATABASE_POOL_SIZE", 10), "timeout": 10}
    database["OPTIONS"] = {**database["OPTIONS"], "pool": size}
    database["CONN_MAX_AGE"] = 0


def secret_key(data: Path) -> str:
    """`SECRET_KEY` of the environment, else the one that `manage.py up` keeps in the data directory."""
    kept = data / "secret.key"
    if value := text("SECRET_KEY"):
        return value
    return kept.read_text().strip() if kept.is_file() and os.access(kept, os.R_OK) else secrets.token_urlsafe(48)
