"""The fields of the admin's forms: a line for each text, a key for each row."""

import pytest

from missions.admin.forms import Keys, Lines
from missions.models import Task
from tests.missions import world


def test_a_list_of_texts_is_a_line_each() -> None:
    field = Lines(required=False)
    assert field.prepare_value(["a", "b"]) == "a\nb"
    assert field.clean("a\r\n \nb ") == ["a", "b"]
    assert not field.has_changed(["a", "b"], "a\nb\n")


@pytest.mark.django_db
def test_rows_are_named_by_key_or_id() -> None:
    one, other = world.task(), world.task()
    field = Keys(Task)
    assert field.clean(f"{one.key}, {other.pk}") == [one, other]
    assert field.prepare_value([one, other]) == f"{one.key}, {other.key}"
    assert not field.has_changed([one, other], f"{other.key} {one.key}")
    assert field.has_changed([one], "nothing")
