"""One web process: HTTP and WebSocket on a listening socket that it was given.

`up` forks it; `python -m coordinator.web FD` serves on an inherited file descriptor.
"""

import socket
import sys
import warnings

import uvicorn

LONGEST_GOODBYE_S = 2
LONGEST_MESSAGE = 64 * 1024


def serve(listener: socket.socket) -> None:
    """Serves until SIGTERM; open sockets are told to come back (close code 1012).

    Frames go out as they are: packing each anew for each socket costs more than it saves, and memory for each socket.
    """
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
    config = uvicorn.Config(
        "coordinator.asgi:application",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=LONGEST_GOODBYE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
