"""A web process of the product on a free port, for tests that need real sockets."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests

PATIENCE_S = 30


@contextmanager
def serve(database_url: str, **environment: str) -> Iterator[str]:
    """Runs `python -m coordinator.web` against a database; gives its address, `http://127.0.0.1:PORT`."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator.web", str(listener.fileno())],
        env={**os.environ, **ENVIRONMENT, "DATABASE_URL": database_url, **environment},
        pass_fds=[listener.fileno()],
    )
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        listener.close()


ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "coordinator.settings", "DATABASE_POOL": "1"}


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(requests.Timeout, requests.ConnectionError):
            requests.get(f"{address}/healthz", timeout=1).raise_for_status()
            return
    raise RuntimeError(f"The web process does not serve; it ended with {process.poll()}.")
