"""One web process: `python -m coordinator.web FD` serves HTTP and WebSocket on a socket that it inherited."""

import socket
import sys

import uvicorn

LONGEST_GOODBYE_S = 2


def main(descriptor: int) -> None:
    """Serves until SIGTERM; open sockets are told to come back (close code 1012)."""
    config = uvicorn.Config(
        "coordinator.asgi:application",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=64 * 1024,
        timeout_graceful_shutdown=LONGEST_GOODBYE_S,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
