"""A small SMTP server on the loopback that keeps what it is handed."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """`refusing` answers every mail with 451; `mails` are those that were taken."""

    port: int = 0
    refusing: bool = False
    mails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().strip().upper():
                if line == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    self._take()
                elif line == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                elif line.startswith(b"MAIL") and box.refusing:
                    self.wfile.write(b"451 not now\r\n")
                else:
                    self.wfile.write(b"250 ok\r\n")

        def _take(self) -> None:
            lines = []
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                lines.append(line)
            mail = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            box.mails.append(mail)
            self.wfile.write(b"250 taken\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield box
        finally:
            server.shutdown()
