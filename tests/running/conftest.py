"""What the tests of running things stand on."""

from tests.running.agents_at_hand import claude

__all__ = ["claude"]
