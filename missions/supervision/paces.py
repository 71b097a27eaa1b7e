"""At what pace a loop does its several things. Times are those of the machine's monotonic clock."""

import time


class Done(dict[str, float]):
    """When each thing was done last."""

    def mark(self, what: str) -> None:
        self[what] = time.monotonic()

    def is_due(self, what: str, every_s: float) -> bool:
        """Whether so long has passed since it was done last; then it counts as done now."""
        if self.left_s(what, every_s) > 0:
            return False
        self.mark(what)
        return True

    def left_s(self, what: str, every_s: float) -> float:
        """How long until it is due again; nothing or less: it is."""
        return self.get(what, float("-inf")) + every_s - time.monotonic()
