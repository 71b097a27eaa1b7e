"""The product's settings, pointed at a data directory of this test run alone."""

import os
import tempfile
from pathlib import Path

for name in ("DATABASE_URL", "REDIS_URL", "API_RATE_LIMIT", "DEBUG", "ALLOWED_HOSTS", "HTTPS", "GITHUB_TOKEN"):
    os.environ.pop(name, None)

if "COORDINATOR_TEST_DATA" not in os.environ:
    os.environ["COORDINATOR_TEST_DATA"] = tempfile.mkdtemp(prefix="coordinator-tests-")
os.environ["COORDINATOR_DATA"] = os.environ["COORDINATOR_TEST_DATA"]
os.environ["SECRET_KEY"] = "for-tests-only"
os.environ["CHECKPOINTS"] = "0"
if address := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = address

from coordinator.settings import *  # noqa: E402, F403

TEST_DATA = Path(os.environ["COORDINATOR_TEST_DATA"])
(TEST_DATA / "static").mkdir(exist_ok=True)
PASSWORD_HASHERS = ["tests.hashers.FewRounds"]
DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c coordinator.longest_hold=0"  # noqa: F405
"""A test's own transaction may last as long as the test."""
