"""What a person does in place on a page: each act is one POST, one scope, one call of the service the API calls too.

The page's script posts JSON and gets JSON; a browser without scripts posts a form and is sent back to its page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from rest_framework.exceptions import ParseError

from accounts.auth import actor_of
from coordinator.lib import versions
from coordinator.lib.errors import Conflict, Invalid, Malformed, NotAllowed, Refusal
from coordinator.lib.http import read_json
from coordinator.lib.models import numbered
from coordinator.lib.navigation import holds
from missions.github import merging
from missions.lifecycle import MissionStatus
from missions.models import Advisory, Mission, Task
from missions.services import answering, hosting, reviewing, steering
from policies.models import Approval
from policies.services import escalating
from traceability.events import Actor

LONGEST = 4000


@dataclass(frozen=True)
class Acting:
    """Who acts, when, what they said, and the version of what they saw (None: the page does not say)."""

    person: Any
    actor: Actor
    now: datetime
    comment: str
    expected: int | None = None


@dataclass(frozen=True)
class Act:
    """`do` gets the key in the address and the acting; it raises Refusal."""

    scope: str
    do: Callable[[str, Acting], Any]


def approve_task(key: str, acting: Acting) -> None:
    reviewing.approve(
        Task.objects.identified(key),
        comment=acting.comment,
        reviewer=acting.person,
        expected=acting.expected,
        merge=merging.merge,
        actor=acting.actor,
        now=acting.now,
    )


def reject_task(key: str, acting: Acting) -> None:
    if not acting.comment:
        raise Invalid({"comment": ["Say what should change."]})
    reviewing.reject(
        Task.objects.identified(key),
        comment=acting.comment,
        reviewer=acting.person,
        expected=acting.expected,
        actor=acting.actor,
        now=acting.now,
    )


def approve_held(key: str, acting: Acting) -> None:
    approval = numbered(Approval.objects.all(), key)
    escalating.approve(
        approval,
        person=acting.person,
        comment=acting.comment,
        expected=acting.expected,
        actor=acting.actor,
        now=acting.now,
    )


def reject_held(key: str, acting: Acting) -> None:
    approval = numbered(Approval.objects.all(), key)
    escalating.reject(
        approval,
        person=acting.person,
        comment=acting.comment,
        expected=acting.expected,
        actor=acting.actor,
        now=acting.now,
    )


def acknowledge(key: str, acting: Acting) -> None:
    advisory = numbered(Advisory.objects.all(), key)
    answering.acknowledge(advisory, person=acting.person, actor=acting.actor, now=acting.now)


def snooze(away: timedelta | None) -> Callable[[str, Acting], None]:
    """Puts an advisory off for so long; None takes it up again."""

    def do(key: str, acting: Acting) -> None:
        advisory = numbered(Advisory.objects.all(), key)
        until = None if away is None else acting.now + away
        answering.snooze(advisory, until=until, actor=acting.actor, now=acting.now)

    return do


def steer(after: MissionStatus) -> Callable[[str, Acting], None]:
    """Moves a mission to `after`."""

    def do(key: str, acting: Acting) -> None:
        mission = Mission.objects.identified(key)
        steering.move_mission(mission, after, expected=None, actor=acting.actor, now=acting.now)

    return do


def restart(key: str, acting: Acting) -> None:
    """Starts a mission's process again that crashed or was parked."""
    hosting.restart(Mission.objects.identified(key), actor=acting.actor, now=acting.now)


ON_TASK = {"approve": Act("tasks:review", approve_task), "reject": Act("tasks:review", reject_task)}
ON_APPROVAL = {"approve": Act("approvals:decide", approve_held), "reject": Act("approvals:decide", reject_held)}
ON_ADVISORY = {
    "acknowledge": Act("tasks:review", acknowledge),
    "snooze-hour": Act("tasks:review", snooze(timedelta(hours=1))),
    "snooze-day": Act("tasks:review", snooze(timedelta(days=1))),
    "snooze-week": Act("tasks:review", snooze(timedelta(days=7))),
    "take-up": Act("tasks:review", snooze(None)),
}
ON_MISSION = {
    "start": Act("missions:write", steer(MissionStatus.ACTIVE)),
    "pause": Act("missions:write", steer(MissionStatus.PAUSED)),
    "complete": Act("missions:write", steer(MissionStatus.COMPLETED)),
    "cancel": Act("missions:write", steer(MissionStatus.CANCELLED)),
    "restart": Act("missions:write", restart),
}


def acts(known: Mapping[str, Act]) -> Callable[..., HttpResponse]:
    """The view of one noun's acts: 401 when signed out, 403 without the scope, else what the service says."""

    def view(request: HttpRequest, key: str, verb: str) -> HttpResponse:
        act = known.get(verb)
        if act is None:
            raise Http404(verb)
        refused: Refusal | None = None
        try:
            act.do(key, acting_of(request, act.scope))
        except Refusal as refusal:
            refused = refusal
        except IntegrityError:
            refused = Conflict("Somebody else changed it at the same moment; nothing was saved. Look at it again.")
        if is_form(request) and not isinstance(refused, SignedOut):
            return sent_back(request, refused)
        return JsonResponse({"done": verb}) if refused is None else told(refused)

    view.acts = known  # type: ignore[attr-defined]
    return require_POST(view)


def is_form(request: HttpRequest) -> bool:
    return request.content_type == "application/x-www-form-urlencoded"


def sent_back(request: HttpRequest, refused: Refusal | None) -> HttpResponse:
    """To the page that the form stood on, which says what came of it."""
    if refused is None:
        messages.success(request, "Done.")
    else:
        messages.error(request, str(refused.detail))
    page = request.headers.get("Referer", "")
    fits = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(page if fits else "/")


def acting_of(request: HttpRequest, scope: str) -> Acting:
    """Who acts in this request. Raises NotAllowed, Malformed, Invalid."""
    if not request.user.is_authenticated:
        raise SignedOut
    if not holds(request.user, scope):
        raise NotAllowed("Your role may look at this, not decide it.")
    seen = versions.named_in(request.headers.get("If-Match", ""))
    comment = request.POST.get("comment", "") if is_form(request) else comment_of(request.body)
    return Acting(request.user, actor_of(request), timezone.now(), comment.strip()[:LONGEST], seen)


def comment_of(body: bytes) -> str:
    """The `comment` of a JSON body; empty without one."""
    try:
        said = read_json(body or b"{}")
    except ParseError as problem:
        raise Malformed("The body is not valid JSON.") from problem
    comment = said.get("comment", "") if isinstance(said, dict) else ""
    if not isinstance(comment, str) or len(comment) > LONGEST:
        raise Invalid({"comment": [f"A comment is text of at most {LONGEST} characters."]})
    return comment.strip()


class SignedOut(Refusal):
    """You are signed out; sign in again."""

    status = 401


def told(refusal: Refusal) -> JsonResponse:
    return JsonResponse({"title": refusal.title, "detail": refusal.detail}, status=refusal.status)
