"""Copies of an erased text in what was made of it: reports, reviews, decisions, runs, remembered answers."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import product
from typing import Any

from django.db import connection
from django.db.models import BinaryField, Model, Q

from accounts.models import ApiToken, Delivery, RememberedAnswer, Session, User
from agents.models import Activity, Agent
from knowledge.models import Document, LexemeStat
from knowledge.services import indexing, ingesting
from missions.models import (
    Advisory,
    Execution,
    ExecutionOutput,
    GitHubIssue,
    Mission,
    MissionProcess,
    Report,
    Review,
    Task,
)
from missions.services import erasing_output
from policies.models import Approval, Decision, PolicyRevision, Waiver
from sprints.models import Sprint
from traceability.bodies import ERASED
from traceability.events import Actor
from traceability.models import Entry, KeyResult, Objective, Requirement

Texts = Mapping[type[Model], tuple[str, ...]]
DOCUMENTS = "knowledge_document"

MADE: Texts = {
    Report: ("outputs", "logs"),
    Review: ("comment",),
    Execution: ("prompt", "output", "failure_detail"),
    Advisory: ("message", "evidence"),
    MissionProcess: ("last_error",),
    Decision: ("input", "matched"),
    Approval: ("action", "summary", "reason", "remark", "comment"),
    Activity: ("context",),
    Agent: ("status_reason", "health_reason"),
}
"""What the product makes of what it is told, and where a copy may stand in it."""

PASSING: Texts = {RememberedAnswer: ("headers", "body"), Delivery: ("answer",)}
"""What is kept for a while only, whoever it is about."""

TOLD: Texts = {
    Mission: ("goal", "description"),
    Task: ("objective", "description", "acceptance_criteria", "outputs"),
    GitHubIssue: ("title", "body"),
    Objective: ("title", "description", "owner"),
    KeyResult: ("title",),
    Requirement: ("title", "description"),
    Sprint: ("name", "goal"),
    PolicyRevision: ("change_note",),
    Waiver: ("reason",),
    Agent: ("name", "status_reason", "health_reason"),
    User: ("name",),
    ApiToken: ("name",),
    Session: ("user_agent",),
}
"""What people and agents wrote: looked through when a text shall be nowhere."""


def replace(text: str, about: Entry | None, *, actor: Actor, now: datetime) -> Counter[str]:
    """Replaces the text in the rows that are about the same mission or agent as an entry; in all rows without one.

    Counts the rows by table.
    """
    places = [*MADE.items(), *PASSING.items(), *(TOLD.items() if about is None else ())]
    copies: Counter[str] = Counter()
    for model, columns in places:
        rows = model._default_manager.filter(Q() if model in PASSING else _about(model, about))
        found = rows.filter(pk__in=_ids(model, columns, text))
        for row in found.order_by("pk").only(*columns):
            changed = {name: without(getattr(row, name), text) for name in columns}
            copies[model._meta.db_table] += model._default_manager.filter(pk=row.pk).update(**changed)
    if chunks := erasing_output.replace(Execution.objects.filter(_about(Execution, about)), forms(text)):
        copies[ExecutionOutput._meta.db_table] += chunks
    if about is None:
        copies += _documents(text, actor, now)
    return copies


def forget_stems(text: str, copies: Mapping[str, int]) -> None:
    """Counts the stems of words anew where documents held the text, or a stem still does: a word may be the text."""
    if DOCUMENTS in copies or _ids(LexemeStat, ("lexeme",), text):
        indexing.refresh_lexemes()


def left(text: str) -> list[str]:
    """Where in the whole database the text still stands, each as `table.column`."""
    with connection.cursor() as cursor:
        columns = _columns(cursor).items()
        return [f"{table}.{name}" for table, names in columns for name in names if _count(cursor, table, [name], text)]


def standing(text: str) -> dict[str, int]:
    """How many rows of which table hold the text, in the whole database."""
    with connection.cursor() as cursor:
        counts = {table: _count(cursor, table, names, text) for table, names in _columns(cursor).items()}
    return {table: count for table, count in counts.items() if count}


def without(value: Any, text: str) -> Any:
    """The value with every occurrence of the text replaced, also in names and in JSON that is kept as text."""
    if isinstance(value, str):
        for form in forms(text):
            value = value.replace(form, ERASED)
        return value
    if isinstance(value, (bytes, memoryview)):
        found = bytes(value)
        for form in forms(text):
            found = found.replace(form.encode(), ERASED.encode())
        return found
    if isinstance(value, dict):
        return {without(name, text): without(inner, text) for name, inner in value.items()}
    return [without(inner, text) for inner in value] if isinstance(value, list) else value


def forms(text: str) -> list[str]:
    """The text as it stands by itself, and within JSON; the longest first."""
    escaped = {text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]}
    return sorted(escaped, key=len, reverse=True)


def _about(model: type[Model], about: Entry | None) -> Q:
    names = {field.name for field in model._meta.fields} | {field.attname for field in model._meta.fields}
    if about is None:
        return Q()
    if about.mission_id is not None:
        if "mission_id" in names:
            return Q(mission_id=about.mission_id)
        return Q(task__mission_id=about.mission_id) if "task" in names else Q(pk__in=[])
    if about.agent_id is not None and model is Agent:
        return Q(pk=about.agent_id)
    return Q(agent_id=about.agent_id) if about.agent_id is not None and "agent_id" in names else Q(pk__in=[])


def _ids(model: type[Model], columns: tuple[str, ...], text: str) -> list[Any]:
    tests, values = [], []
    for name in columns:
        field = model._meta.get_field(name)
        for form in forms(text):
            binary = isinstance(field, BinaryField)
            column = f'"{name}"'
            tests.append(f"position(%s::bytea IN {column}) > 0" if binary else f"strpos({column}::text, %s) > 0")
            values.append(form.encode() if binary else form)
    pk = model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{pk}" FROM "{model._meta.db_table}" WHERE {" OR ".join(tests)}', values)
        return [each for (each,) in cursor.fetchall()]


def _columns(cursor: Any) -> dict[str, list[str]]:
    """Every table of ours with its columns that may hold a text."""
    cursor.execute(
        "SELECT table_name::text, array_agg(column_name::text ORDER BY column_name::text)"
        " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
        " AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'ARRAY', 'bytea') GROUP BY 1 ORDER BY 1"
    )
    return dict(cursor.fetchall())


def _count(cursor: Any, table: str, columns: list[str], text: str) -> int:
    """In how many rows one of the columns holds a form of the text."""
    tests, given = [], []
    for column, form in product(columns, forms(text)):
        shown = f'"{column}"::text'
        tests.append(f"strpos({shown}, %s) > 0 OR strpos({shown}, encode(%s::bytea, 'hex')) > 0")
        given += [form, form.encode()]
    cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {" OR ".join(tests)}', given)
    return int(cursor.fetchone()[0])


def _documents(text: str, actor: Actor, now: datetime) -> Counter[str]:
    """Documents that hold the text get another one through their service, with new passages."""
    held = Document.objects.active().filter(pk__in=_ids(Document, ("title", "content", "metadata"), text))
    for document in held.order_by("pk"):
        changes = {name: without(getattr(document, name), text) for name in ("title", "content", "metadata")}
        ingesting.revise_document(document, changes, expected=None, actor=actor, now=now)
    return Counter({DOCUMENTS: len(held)}) if held else Counter()
