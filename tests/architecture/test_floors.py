"""What no linter sees: relations that point up, files that grow, names that the house does not have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("coordinator", "missions", "agents", "sprints", "policies", "traceability", "knowledge", "accounts")
FLOORS = {
    "missions": 5, "agents": 4, "sprints": 4, "policies": 4, "knowledge": 4, "accounts": 3, "traceability": 2,
    "auth": 1, "contenttypes": 1,
}  # fmt: skip
LONGEST_FILE = 300
FOREIGN_NAMES = {"utils", "helpers", "misc", "common", "constants", "signals"}


def python_files() -> Iterator[Path]:
    for room in (*ROOMS, "tests", "benchmarks"):
        yield from (path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)


def relations() -> Iterator[tuple[type[models.Model], Any]]:
    for model in apps.get_models():
        if model._meta.app_label in ROOMS:
            yield from ((model, field) for field in model._meta.get_fields() if field.many_to_one or field.one_to_one)


def test_no_file_is_longer_than_a_screenful_of_screens() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in python_files() if (lines := _lines(path)) > LONGEST_FILE}
    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in python_files() if path.stem in FOREIGN_NAMES] == []


def test_no_relation_points_up_or_sideways() -> None:
    wrong = []
    for model, field in relations():
        here, there = model._meta.app_label, field.related_model._meta.app_label
        if not field.auto_created and here != there and FLOORS[there] >= FLOORS[here]:
            wrong.append(f"{model.__name__}.{field.name} -> {there}")
    assert wrong == []


def test_nothing_refers_to_the_ledger_by_foreign_key() -> None:
    assert [field for _, field in relations() if field.related_model.__name__ in {"Entry", "StreamHead"}] == []


def test_no_migration_has_a_made_up_name() -> None:
    assert [str(path) for room in ROOMS for path in (ROOT / room).rglob("migrations/*auto_*.py")] == []


@pytest.mark.parametrize("model", [each for each in apps.get_models() if each._meta.app_label in ROOMS])
def test_no_table_orders_itself_or_saves_in_a_way_of_its_own(model: type[models.Model]) -> None:
    assert not model._meta.ordering
    assert model.save in {models.Model.save, AbstractBaseUser.save}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
