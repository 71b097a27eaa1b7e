"""Reading settings from the environment. Needs no Django."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SECRET_FILE = "secret.key"


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    return text(name, "1" if default else "0").lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    """A whole number, not negative. Ends the process with a sentence when it is none."""
    given = text(name, str(default))
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise SystemExit(f"{name} must be a whole number, not {given[:50]!r}.")
    return int(given)


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


def data_directory() -> Path:
    """Where this installation keeps its files."""
    return Path(text("COORDINATOR_DATA", "~/.local/share/coordinator")).expanduser()


def secret_key(data: Path) -> str:
    """`SECRET_KEY` of the environment, else the one in the data directory, else one of this process alone."""
    kept = data / SECRET_FILE
    if value := text("SECRET_KEY"):
        return value
    return kept.read_text().strip() if kept.is_file() and os.access(kept, os.R_OK) else secrets.token_urlsafe(48)


def keep_secret(data: Path) -> None:
    """Makes the installation's secret key where there is none, before the settings read it.

    A directory that cannot be written is left to `up`, which says what to do.
    """
    with suppress(OSError):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (data / SECRET_FILE).exists():
            write_private(data / SECRET_FILE, secrets.token_urlsafe(48))


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read (mode 0600 from its first byte on)."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{text}\n")
