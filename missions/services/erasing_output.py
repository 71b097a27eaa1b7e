"""Erasing a text from what runs put out, also where it begins in one chunk and ends in another."""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import StrIndex

from missions import outputs
from missions.models import Execution, ExecutionOutput
from traceability.bodies import ERASED


def replace(executions: "QuerySet[Execution]", forms: Sequence[str]) -> int:
    """Replaces every form of the text in the chunks of these executions; answers how many chunks changed.

    Each stream of an execution is read as one text. The output of those that have ended is put together anew.
    """
    holding, changed = _holding(executions, forms), 0
    for execution_id, stream in holding:
        rows = ExecutionOutput.objects.filter(execution_id=execution_id, stream=stream).order_by("seq")
        chunks = list(rows.select_for_update())
        for chunk, text in zip(chunks, without([chunk.text for chunk in chunks], forms), strict=True):
            if text != chunk.text:
                changed += ExecutionOutput.objects.filter(pk=chunk.pk).update(text=text)
    for execution in executions.filter(pk__in={each for each, _ in holding}).exclude(state__in=Execution.OPEN):
        Execution.objects.filter(pk=execution.pk).update(output=outputs.whole(execution.pk))
    return changed


def without(texts: Sequence[str], forms: Sequence[str]) -> list[str]:
    """The parts of one text with every form in it replaced, each in the part where it begins."""
    found = list(texts)
    for form in forms:
        spans = [match.span() for match in re.finditer(re.escape(form), "".join(found))]
        found = _cut(found, spans) if spans else found
    return found


def _holding(executions: "QuerySet[Execution]", forms: Sequence[str]) -> list[tuple[int, str]]:
    rows: Any = ExecutionOutput.objects.filter(execution__in=executions.values("pk")).order_by()
    wholes = rows.values("execution_id", "stream").annotate(whole=StringAgg("text", "", order_by="seq"))
    tests = {f"at_{number}": StrIndex("whole", Value(form)) for number, form in enumerate(forms)}
    wanted = Q()
    for name in tests:
        wanted |= Q(**{f"{name}__gt": 0})
    return list(wholes.annotate(**tests).filter(wanted).values_list("execution_id", "stream"))


def _cut(texts: Sequence[str], spans: Sequence[tuple[int, int]]) -> list[str]:
    found, start = [], 0
    for text in texts:
        end = start + len(text)
        kept, at = "", start
        for first, last in spans:
            if last > start and first < end:
                kept += text[at - start : max(first, start) - start] + (ERASED if first >= start else "")
                at = min(last, end)
        found.append(kept + text[at - start :])
        start = end
    return found
