"""What the operators' tests stand on."""

from tests.realtime.test_presence import redis
from tests.running.agents_at_hand import claude

__all__ = ["claude", "redis"]
