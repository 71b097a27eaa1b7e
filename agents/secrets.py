"""Where an adapter's configuration may hold no secret: only the name of the environment variable that does. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from coordinator.lib.masking import SECRET_VALUE

ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
SECRET_KEY = re.compile(
    r"secret|passw|token|api[_-]?key|private[_-]?key|access[_-]?key|credential|authori[sz]ation|bearer|cookie",
    re.IGNORECASE,
)
REFERENCE = "env:"
ADVICE = 'name the environment variable that holds it, as {"env": "NAME"} or "env:NAME"'


def held_in(config: Any, path: str = "") -> Iterator[str]:
    """The paths of values that look like secrets, for instance `openai.api_key`."""
    if isinstance(config, dict):
        for key, value in config.items():
            where = f"{path}.{key}".lstrip(".")
            if is_secret(str(key), value):
                yield where
            elif not is_reference(value):
                yield from held_in(value, where)
    elif isinstance(config, list):
        for index, value in enumerate(config):
            yield from held_in(value, f"{path}.{index}".lstrip("."))
    elif isinstance(config, str) and SECRET_VALUE.search(config):
        yield path


def is_secret(key: str, value: Any) -> bool:
    """Whether a key that sounds like a secret holds one: text that is no reference. A count (`max_tokens`) is none."""
    if not SECRET_KEY.search(key) or is_reference(value):
        return False
    if isinstance(value, str):
        return bool(value) and not (key.lower().endswith("_env") and ENVIRONMENT_NAME.match(value))
    return isinstance(value, list) and any(isinstance(each, str) and not is_reference(each) for each in value)


def is_reference(value: Any) -> bool:
    """Whether this is `{"env": "NAME"}` or `"env:NAME"`."""
    if isinstance(value, dict):
        name = value.get("env") if set(value) == {"env"} else None
    else:
        name = value.removeprefix(REFERENCE) if isinstance(value, str) and value.startswith(REFERENCE) else None
    return isinstance(name, str) and ENVIRONMENT_NAME.match(name) is not None
