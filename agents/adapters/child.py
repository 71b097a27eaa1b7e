"""An agent's program as a child: its own process group and directory, its prompt on stdin, its output as it comes."""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from agents.adapters.base import AdapterProblem, Failure
from coordinator.lib.leash import die_with_parent

GRACE_S = 1.0
CHUNK = 65536
LONGEST_COMPLAINT = 8000
LONGEST_UNHEARD = 65536


class Child:
    """A running program. It dies with its worker; its whole group is ended with it."""

    def __init__(self, command: Sequence[str], *, stdin: str, directory: Path, environment: Mapping[str, str]) -> None:
        with tempfile.TemporaryFile() as prompt:
            prompt.write(stdin.encode())
            prompt.seek(0)
            try:
                self.process = subprocess.Popen(
                    command,
                    stdin=prompt,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=directory,
                    env=dict(environment),
                    process_group=0,
                    preexec_fn=die_with_parent,
                )
            except OSError as problem:
                raise AdapterProblem(Failure.NOT_INSTALLED, f"{command[0]} cannot be run: {problem}.") from problem
        self.group = self.process.pid
        self.complaint = self.unheard = b""
        self.kill_at: float | None = None
        self.selector = selectors.DefaultSelector()
        for pipe, name in ((self.process.stdout, "out"), (self.process.stderr, "err")):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self.selector.register(pipe, selectors.EVENT_READ, name)

    @property
    def exit_code(self) -> int | None:
        """Its exit code once it has ended; negative when a signal ended it."""
        return self.process.poll()

    def read(self, wait_s: float) -> bytes:
        """What it wrote on stdout, waiting for news up to `wait_s`; what it wrote on stderr is kept in `complaint`."""
        if self.kill_at is not None and time.monotonic() >= self.kill_at:
            self._signal(signal.SIGKILL)
        if not self.selector.get_map():
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(wait_s)
            return b""
        parts = [self._take(key) for key, _ in self.selector.select(wait_s)]
        return b"".join(parts)

    def complaints(self, *, whole_lines: bool) -> bytes:
        """What it wrote on stderr since the last call, without the line that it is still at with `whole_lines`."""
        end = self.unheard.rfind(b"\n") + 1 if whole_lines else len(self.unheard)
        new, self.unheard = self.unheard[:end], self.unheard[end:]
        return new

    def rest(self) -> bytes:
        """What is still in its pipe after its end; whoever of its group lives on is ended."""
        self._signal(signal.SIGKILL)
        parts, end = [], time.monotonic() + GRACE_S
        while self.selector.get_map() and time.monotonic() < end:
            parts.append(self.read(0.05))
        return b"".join(parts)

    def stop(self) -> None:
        """Asks the group to end, and ends it after a moment."""
        if self.kill_at is None:
            self.kill_at = time.monotonic() + GRACE_S
            self._signal(signal.SIGTERM)

    def close(self) -> None:
        """Ends the group at once and lets go of its pipes."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.selector.close()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _take(self, key: selectors.SelectorKey) -> bytes:
        try:
            part = os.read(key.fd, CHUNK)
        except BlockingIOError:
            return b""
        if not part:
            self.selector.unregister(key.fileobj)
        if key.data == "err":
            self.complaint = (self.complaint + part)[-LONGEST_COMPLAINT:]
            self.unheard = (self.unheard + part)[-LONGEST_UNHEARD:]
            return b""
        return part

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.group, number)
