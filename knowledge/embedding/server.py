"""The process that holds the bundled model for all the others: texts in, vectors out, on a Unix socket.

A line is a JSON object and gets a line back: `{"text": "..."}` is answered by `{"vector": [...]}`, or by
`{"error": "..."}` when the model cannot be used. A line that is no such object is told so and the connection closed.

`up` forks it; `python -m knowledge.embedding.server SOCKET` runs it alone. Needs no Django. The model is loaded at
the first text.
"""

import argparse
import asyncio
import json
import os
import socket
from asyncio import StreamReader, StreamWriter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from coordinator.lib import leash
from knowledge.embedding.base import Embedder, EmbedderUnavailable
from knowledge.embedding.minilm import MiniLM

LONGEST_LINE = 256 * 1024
"""Bytes of a line: room for every character that the model looks at, escaped."""
BACKLOG = 512
NO_TEXT = 'A line must be a JSON object with a "text".'


class Desk:
    """Serves many clients with one model. A client has one text in the queue at a time, so that a question waits for
    at most one text of each other client, however long their documents are.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")

    async def attend(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answers a client's lines in order, until it goes or sends what is no question."""
        try:
            while line := await reader.readline():
                writer.write(_line(await self._answer(_text_of(line))))
                await writer.drain()
        except (ValueError, RecursionError):
            writer.write(_line({"error": NO_TEXT}))
        except ConnectionError:
            pass  # The client has gone; it needs no answer.
        finally:
            writer.close()

    async def _answer(self, text: str) -> dict[str, Any]:
        try:
            vector = await asyncio.get_running_loop().run_in_executor(self.queue, self.embedder.embed_query, text)
        except EmbedderUnavailable as away:
            return {"error": str(away)}
        return {"vector": vector}


def listen(path: Path) -> socket.socket:
    """A listening socket at that path, for this user alone. One that was left behind there is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    return listener


def serve(listener: socket.socket, model: Path | None = None) -> None:
    """Serves until the process is ended; `model` is the file to use in place of the packaged one."""
    asyncio.run(_serve(listener, MiniLM(model)))


async def _serve(listener: socket.socket, embedder: Embedder) -> None:
    server = await asyncio.start_unix_server(Desk(embedder).attend, sock=listener, limit=LONGEST_LINE, backlog=BACKLOG)
    async with server:
        await server.serve_forever()


def _text_of(line: bytes) -> str:
    said = json.loads(line)
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        raise ValueError(NO_TEXT)
    return str(said["text"])


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m knowledge.embedding.server", description="Holds the model.")
    parser.add_argument("socket", help="where to listen: a path, or the number of an inherited file descriptor")
    parser.add_argument("--model", type=Path, help="the model file, when not that of the package")
    given = parser.parse_args()
    if given.socket.isdecimal():
        leash.die_with_parent()
        serve(socket.socket(fileno=int(given.socket)), given.model)
    else:
        serve(listen(Path(given.socket)), given.model)


if __name__ == "__main__":
    main()
