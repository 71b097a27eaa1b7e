"""Finding whom an action is about: asked of a room above, which the settings name."""

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from policies.subjects import Subjects


def resolve(*, mission: object, task: object, agent: object, user: Any) -> Subjects:
    """The subjects that somebody names by id or key, found by the room that `SUBJECT_RESOLVER` names.

    Raises Invalid (there is no such thing), NotAllowed (an agent speaks for another).
    """
    finder = cast(Callable[..., Subjects], import_string(settings.SUBJECT_RESOLVER))
    return finder(mission=mission, task=task, agent=agent, user=user)
