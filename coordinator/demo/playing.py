"""Playing the day: the stage, six agents and two people at once, the evening; and an orderly end when it is cut."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress

import requests

from coordinator.demo import evening, library, script, stage
from coordinator.demo.agent import Agent
from coordinator.demo.api import Api, Refused, Unreachable
from coordinator.demo.cast import AGENTS, PEOPLE
from coordinator.demo.day import Day
from coordinator.demo.history import NoHistory
from coordinator.demo.person import Person
from coordinator.demo.stage import NotOurs, Stage
from coordinator.demo.telling import CutShort, Narrator, Pace

BEATS = 48
"""About how many beats of waiting one agent's day has."""

LATEST_S = 180
"""How much longer than planned a day may last before it is cut short."""


class CannotPlay(Exception):
    """The demo cannot be played; the text says why and what to do."""


def play(url: str, token: str, *, minutes: float, write: Callable[[str], object]) -> bool:
    """Plays one day, `minutes` long (0: as fast as the server); true when the records are in order afterwards.

    Raises CannotPlay, and KeyboardInterrupt after everything that was held has been given back.
    """
    admin = Api(url, token)
    narrator = Narrator(write)
    try:
        _greet(admin, narrator)
        return _play(admin, narrator, Pace(minutes * 60 / BEATS), minutes * 60 + LATEST_S)
    except (Refused, Unreachable, NotOurs, NoHistory) as problem:
        raise CannotPlay(f"The demo stopped: {problem}") from problem
    finally:
        admin.close()


def _greet(admin: Api, narrator: Narrator) -> None:
    """Raises CannotPlay when nobody is there, or the token is not an admin's."""
    try:
        me = admin.get("/me")
    except Unreachable as silence:
        raise CannotPlay(
            f"{silence} Start it with `python manage.py up`, or name another address with --url."
        ) from silence
    except Refused as refusal:
        if refusal.status != requests.codes.unauthorized:
            raise CannotPlay(f"{admin.url} is no Coordinator: {refusal}") from refusal
        raise CannotPlay(
            f"{admin.url} does not know this token: give an admin's with --token, or the path of its data directory in "
            "COORDINATOR_DATA."
        ) from refusal
    if "accounts:admin" not in me["scopes"]:
        raise CannotPlay(f"The token of {me['email']} may not make accounts: the demo needs an admin's token.")
    narrator.say("admin", f"is {me['email']} at {admin.url}")


def _play(admin: Api, narrator: Narrator, pace: Pace, longest_s: float) -> bool:
    stand = Stage(admin, narrator)
    callers: dict[str, Api] = {}
    try:
        narrator.title("Morning: the stage is set")
        callers = stand.enter()
        day = Day(script.write(stage.open_run(callers["maya"])), narrator, pace)
        with _orderly(callers["maya"], day):
            return _play_day(callers, day, longest_s)
    finally:
        _leave(stand, callers)


def _play_day(callers: dict[str, Api], day: Day, longest_s: float) -> bool:
    stage.plan(callers["maya"], day.script, day.narrator)
    documents = library.shelve(callers["tomas"], day.script, day.narrator)
    day.narrator.title("The day: six agents and two people at work")
    _work(callers, day, longest_s)
    day.narrator.title("Evening")
    evening.leave_for_a_person(callers, day)
    evening.close_the_books(callers, day)
    evening.look_up(callers, day, documents)
    evening.read_advice(callers, day)
    good = evening.check_the_records(callers["maya"], day)
    evening.show_the_pages(callers["maya"].url, day)
    return good


@contextmanager
def _orderly(maya: Api, day: Day) -> Iterator[None]:
    """The missions of a day that was cut short do not run on."""
    played = False
    try:
        yield
        played = True
    finally:
        if not played:
            for mission in day.script.missions:
                _put_away(maya, mission)


def _put_away(maya: Api, mission: str) -> None:
    """Pauses it, or cancels what had not begun; one that is not there or has ended stays as it is."""
    for step in ("pause", "cancel"):
        with suppress(Refused, Unreachable):
            maya.post(f"/missions/{mission}/{step}")
            return


def _leave(stand: Stage, callers: dict[str, Api]) -> None:
    """The tokens of the day end, whatever happened; what cannot be revoked now expires by itself."""
    with suppress(Unreachable, Refused):
        stand.leave()
    for caller in callers.values():
        caller.close()


def _work(callers: dict[str, Api], day: Day, longest_s: float) -> None:
    """Everybody at once; when one fails or somebody stops the day, all put down what they hold."""
    lives = [Agent(part, callers[part.agent_id], day).live for part in AGENTS]
    lives += [Person(part, callers[part.who], day).live for part in PEOPLE]
    ended = False
    with ThreadPoolExecutor(len(lives)) as crew:
        acts = [crew.submit(live) for live in lives]
        try:
            ended = not wait(acts, timeout=longest_s, return_when=FIRST_EXCEPTION).not_done
        finally:
            day.cut_short(unless=ended)
    _raise_first(acts)
    if not ended:
        raise CannotPlay("The day did not end: somebody still had work to do. See which tasks are open.")


def _raise_first(acts: list[Future[None]]) -> None:
    """Raises what went wrong first, not what was cut short because of it."""
    failures = [failure for act in acts if (failure := act.exception()) is not None]
    for failure in sorted(failures, key=lambda each: isinstance(each, CutShort)):
        if not isinstance(failure, CutShort):
            raise failure
