"""`python -m tests.contract http://127.0.0.1:8000 TOKEN`: tries every promise, one line each; 1 when one is broken.

The token is an admin's. Nothing of what is there already is changed or counted on.
"""

import argparse
import sys

from websockets.exceptions import WebSocketException

from tests.contract.all import PROMISES
from tests.contract.client import Client, Promise

FAILURES = (AssertionError, LookupError, TypeError, ValueError, OSError, WebSocketException)
"""What a step raises when the server does not answer, or answers otherwise."""


def outcome(promise: Promise, api: Client) -> str:
    """`ok`, or what came instead."""
    try:
        promise.keep(api)
    except FAILURES as problem:
        return " ".join(f"{type(problem).__name__}: {problem}".split())
    return "ok"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("base", help="for instance http://127.0.0.1:8000")
    parser.add_argument("token", help="an admin's API token")
    given = parser.parse_args()
    api, broken = Client(given.base, given.token), 0
    for promise in PROMISES:
        came = outcome(promise, api)
        broken += came != "ok"
        sys.stdout.write(f"{promise.about:32} {promise.says}: {came}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(PROMISES) - broken} of {len(PROMISES)} promises kept\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
