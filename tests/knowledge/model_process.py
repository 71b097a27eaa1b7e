"""The process that holds the model, run as `up` runs it: the socket is the test's, so that it outlives the process."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from knowledge.embedding import server

PATIENCE_S = 30


class ModelProcess:
    """`start`, `kill` and `start` again; `path` is where it is asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = server.listen(path)
        self.running: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        door = self.listener.fileno()
        command = [sys.executable, "-m", "knowledge.embedding.server", str(door), *options]
        self.running = subprocess.Popen(command, pass_fds=[door])
        return self.running

    def kill(self) -> None:
        """Ends it as a crash does: at once and without a word."""
        if self.running:
            self.running.kill()
            self.running.wait(PATIENCE_S)

    def libraries(self) -> str:
        """What the process has mapped into its memory."""
        assert self.running is not None
        return Path(f"/proc/{self.running.pid}/maps").read_text()

    @contextmanager
    def client(self) -> Iterator["Client"]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(str(self.path))
            yield Client(connection)

    def close(self) -> None:
        self.kill()
        self.listener.close()


class Client:
    """Speaks to the process byte by byte."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.answers = connection.makefile("rb")

    def send(self, line: bytes) -> None:
        self.connection.sendall(line)

    def ask(self, text: str) -> None:
        self.send(json.dumps({"text": text}).encode() + b"\n")

    def hear(self) -> dict[str, Any]:
        """The next answer; empty when the connection is closed."""
        line = self.answers.readline()
        return dict(json.loads(line)) if line else {}


@contextmanager
def model_process(directory: Path) -> Iterator[ModelProcess]:
    made = ModelProcess(directory / f"model-{os.getpid()}.sock")
    try:
        yield made
    finally:
        made.close()
