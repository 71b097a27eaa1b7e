"""What executions put out, read from its chunks."""

from collections.abc import Iterable
from itertools import pairwise

from missions.models import ExecutionOutput

PAGE = 50
LEFT_OUT = "[{:,} characters are left out here]\n"


def chunks(execution_id: int, *, after: int = 0, at_most: int = PAGE) -> list[ExecutionOutput]:
    """The chunks after one, in their order; 1 statement."""
    rows = ExecutionOutput.objects.filter(execution_id=execution_id, seq__gt=after)
    return list(rows.order_by("seq")[:at_most])


def tail(execution_id: int, *, characters: int) -> str:
    """The end of what was put out, of about so many characters; 1 statement."""
    rows = ExecutionOutput.objects.filter(execution_id=execution_id).order_by("-seq")
    found: list[ExecutionOutput] = []
    for chunk in rows[:200]:
        found.append(chunk)
        if found[0].end - chunk.start >= characters:
            break
    return joined(found[::-1])[-characters:]


def whole(execution_id: int) -> str:
    """All that is kept, with a line where something was left out; 1 statement."""
    return joined(ExecutionOutput.objects.filter(execution_id=execution_id).order_by("seq"))


def joined(rows: Iterable[ExecutionOutput]) -> str:
    """The text of chunks that follow each other."""
    found = list(rows)
    texts = [found[0].text] if found else []
    for before, chunk in pairwise(found):
        gap = chunk.start - before.end
        texts += [LEFT_OUT.format(gap), chunk.text] if gap > 0 else [chunk.text]
    return "".join(texts)
