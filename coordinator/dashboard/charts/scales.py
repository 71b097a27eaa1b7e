"""Scales and paths: from values to places in a picture."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Maps `low..high` onto `start..end`; an empty range lies at the start."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high <= self.low:
            return self.start
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 2)


def round_steps(highest: float, about: int = 3) -> list[float]:
    """Readable marks from 0 up: steps of 1, 2 or 5 times a power of ten, the last at or above `highest`."""
    if highest <= 0:
        return [0, 1]
    rough = highest / about
    power = 1.0
    while power * 10 <= rough:
        power *= 10
    while power > rough:
        power /= 10
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    marks = [0.0]
    while marks[-1] < highest:
        marks.append(round(marks[-1] + step, 10))
    return marks


def line(points: Sequence[tuple[float, float]]) -> str:
    """The `d` of a path through the points."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if points else ""


def area(points: Sequence[tuple[float, float]], floor: float) -> str:
    """The `d` of the surface between the points and a floor."""
    if not points:
        return ""
    return f"{line(points)}L{points[-1][0]:g} {floor:g}L{points[0][0]:g} {floor:g}Z"
