"""What the operators' tests stand on."""

from tests.hosting.conftest import new_host
from tests.realtime.test_presence import redis
from tests.running.agents_at_hand import claude

__all__ = ["claude", "new_host", "redis"]
