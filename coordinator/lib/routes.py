"""One line of a URL table: a path and what each verb does there."""

from typing import Any

from django.urls import URLPattern, path


def route(address: str, view: Any, name: str, **verbs: str) -> URLPattern:
    """`route("missions", MissionView, "missions", get="list", post="create")`."""
    made: URLPattern = path(address, view.as_view(verbs), name=name)
    return made
