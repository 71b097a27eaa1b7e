"""A web process that can be killed and started again at the same address."""

import os
import socket
import subprocess
import sys

from tests import serving

PATIENCE_S = 10


class Web:
    """`python -m coordinator.web` on a listening socket that outlives it."""

    def __init__(self, database: str, **environment: str) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.listener.set_inheritable(True)
        self.port = self.listener.getsockname()[1]
        self.environment = {**os.environ, **serving.ENVIRONMENT, "DATABASE_URL": database, **environment}
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        number = self.listener.fileno()
        command = [sys.executable, "-m", "coordinator.web", str(number)]
        self.process = subprocess.Popen(command, env=self.environment, pass_fds=[number])

    def wait(self) -> "Web":
        """Returns when it serves."""
        serving._wait_for(self.address, self.process)
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def end(self) -> None:
        self.kill()
        self.listener.close()
