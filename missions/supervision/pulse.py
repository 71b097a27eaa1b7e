"""Signs of life of one pool's processes, in memory that they share: `workers` gives each pool its own before it forks.

Elsewhere nobody looks at them.
"""

from missions.supervision.shared import Flag, Pulse


class Signs:
    """When each part of a pool last showed life, and whether its guard found that nothing moves."""

    def __init__(self) -> None:
        self.guard, self.taker, self.queue, self.slice = Pulse(), Pulse(), Pulse(), Pulse()
        self.stuck = Flag()


_signs = Signs()


def use(signs: Signs) -> None:
    """From now on this process, and those that it forks, show their life here."""
    global _signs
    _signs = signs


def beat() -> None:
    """Says that the slice of this worker moves."""
    _signs.slice.beat()


def looked(*, answered: bool) -> None:
    """Says that somebody looked for messages, and whether the queue answered."""
    _signs.taker.beat()
    if answered:
        _signs.queue.beat()
