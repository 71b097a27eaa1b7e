"""What the tests of running things stand on."""

from tests.running.agents_at_hand import claude
from tests.running.runs import hanging, its_trace_tells_all

__all__ = ["claude", "hanging", "its_trace_tells_all"]
