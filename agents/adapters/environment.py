"""What a run may see of the workers' environment: a short list, and the secrets that its adapter declares."""

import os
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from agents.adapters.base import AdapterProblem, Failure, Work
from agents.secrets import REFERENCE, is_reference

PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip


def for_child(work: Work, *names: str) -> dict[str, str]:
    """The environment of a run's process: the short list, `names` where they are set, and the run's own marks."""
    found = {name: os.environ[name] for name in (*PASSED, *names) if os.environ.get(name)}
    found["TMPDIR"] = str(work.directory)
    found["COORDINATOR_EXECUTION"] = work.marker
    found["COORDINATOR_EXECUTION_KEY"] = work.key
    tags = ",".join(f"coordinator.{name}={quote(value, safe='')}" for name, value in sorted(work.tags.items()))
    return {**found, "OTEL_RESOURCE_ATTRIBUTES": tags}


def secret(config: Mapping[str, Any], option: str, declared: Sequence[str]) -> str | None:
    """The secret that `option` refers to, or None when the configuration names none. Raises AdapterProblem.

    It may name a declared variable, or one such as `OPENAI_API_KEY_TEAM_A` that begins with a declared name.
    """
    given = config.get(option)
    if given is None:
        return None
    if not is_reference(given):
        detail = f'{option} must name an environment variable, as {{"env": "{declared[0]}"}}.'
        raise AdapterProblem(Failure.MISCONFIGURED, detail)
    name = given["env"] if isinstance(given, dict) else given.removeprefix(REFERENCE)
    if not any(name == each or name.startswith(f"{each}_") for each in declared):
        detail = f"{option} may name {' or '.join(declared)}, or one of these with _ and more; not {name}."
        raise AdapterProblem(Failure.MISCONFIGURED, detail)
    if not (value := os.environ.get(name)):
        raise AdapterProblem(Failure.NOT_LOGGED_IN, f"{name} is not set in the workers' environment.")
    return value
