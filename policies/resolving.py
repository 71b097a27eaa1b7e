"""Finding whom an action is about: asked of a room above, which the settings name."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from policies.subjects import NOUNS, Subjects


def resolve(*, mission: object, task: object, agent: object, user: Any) -> Subjects:
    """The subjects that somebody names by id or key, found by the room that `SUBJECT_RESOLVER` names.

    Raises Invalid (there is no such thing), NotAllowed (an agent speaks for another).
    """
    finder = cast(Callable[..., Subjects], import_string(settings.SUBJECT_RESOLVER))
    return finder(mission=mission, task=task, agent=agent, user=user)


def strangers(scope: Any) -> list[str]:
    """A sentence, after its JSON pointer, for each object that a scope names and that does not exist.

    Asked of the room that `SCOPE_RESOLVER` names.
    """
    named = {noun: names for noun, names in scope.items() if noun in NOUNS} if isinstance(scope, dict) else {}
    if not named:
        return []
    finder = cast(Callable[..., dict[str, list[str]]], import_string(settings.SCOPE_RESOLVER))
    return [
        f"/{noun}/{_index(named[noun], name)}: There is no {noun} {name[:100]!r}."
        for noun, unknown in finder(named).items()
        for name in unknown
    ]


def _index(names: list[object], name: str) -> int:
    return [str(each) for each in names].index(name)
