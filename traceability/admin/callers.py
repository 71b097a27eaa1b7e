"""Who changes something in the admin, as the ledger names them."""

from typing import Any

from django.http import HttpRequest

from traceability.events import Actor


def actor_of(request: HttpRequest) -> Actor:
    """The ledger's actor: only people come to the admin."""
    user: Any = request.user
    return Actor("person", user.pk, str(user), request_id=getattr(request, "request_id", None))
