"""The day's script: three missions made of real history, and what fate each task has. Nothing here talks to anybody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from coordinator.demo import history
from coordinator.demo.history import Change, NoHistory, Text

PICKED = 8
HUMAN_ONLY = "judgement"
"""A capability that no agent has: such a task is a person's."""


class Fate(StrEnum):
    """What happens to a task beside the plain way; what goes wrong goes wrong at the first attempt only."""

    PLAIN = "plain"
    CONTESTED = "contested"
    THIN = "handed in without evidence"
    STUCK = "blocked for a while"
    LAPSED = "its lease runs out"
    GIVEN_BACK = "given back"
    FAILS = "fails and stays so"
    WAITS = "still waits for review in the evening"
    BY_HAND = "done by a person"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One task of the script. `needs` are keys of other jobs."""

    key: str
    change: Change
    requirement: str
    capability: str = "python"
    needs: tuple[str, ...] = ()
    priority: int = 1
    fate: Fate = Fate.PLAIN

    @property
    def evidence(self) -> str:
        """How somebody could check it."""
        facts = self.change.facts
        if "commit" in facts:
            return f"git show --stat {facts['commit']}"
        if "file" in facts:
            return f"grep -n RemovedInDjango {facts['file']} finds nothing at line {facts.get('line', 1)}"
        return f"pip install bcrypt=={facts.get('release', '')} and python -m pytest tests"


@dataclass(frozen=True, kw_only=True)
class Need:
    """A requirement of a venture."""

    key: str
    title: str
    priority: str = "p1"
    horizon: str = "h1"


@dataclass(frozen=True, kw_only=True)
class Venture:
    """A mission, why it is there, what it must bring about, and what is known about it."""

    slug: str
    key: str
    goal: str
    objective: str
    result: str
    needs: tuple[Need, ...]
    jobs: tuple[Job, ...]
    documents: tuple[Text, ...]
    budget_usd: str
    settings: dict[str, Any] = field(default_factory=dict)
    question: str = ""


@dataclass(frozen=True, kw_only=True)
class Script:
    """One day. `run` tells its keys from those of other days."""

    run: str
    ventures: tuple[Venture, ...]

    @property
    def jobs(self) -> dict[str, Job]:
        return {job.key: job for venture in self.ventures for job in venture.jobs}

    @property
    def missions(self) -> dict[str, Venture]:
        return {venture.key: venture for venture in self.ventures}

    def of(self, slug: str) -> Venture:
        return next(venture for venture in self.ventures if venture.slug == slug)


def write(run: str) -> Script:
    """The script of one day, out of what is installed here."""
    return Script(run=run, ventures=(_bcrypt(run), _django(run), _coordinator(run)))


def _bcrypt(run: str) -> Venture:
    """The last two releases: the later one begins when the earlier one is out."""
    releases = list(history.bcrypt_releases().items())[-2:]
    if len(releases) < 2:
        raise NoHistory("The changelog of the installed bcrypt cannot be read.")
    key, jobs = f"bcrypt.{run}", list[Job]()
    for number, (version, changes) in enumerate(releases):
        before = (jobs[-1].key,) if jobs else ()
        jobs += _changes_of_release(key, changes, before, len(jobs), is_last=number == len(releases) - 1)
        published = Change(title=f"Publish bcrypt {version}", source="PyPI", group=version, facts={"release": version})
        needs = tuple(job.key for job in jobs if job.change.group == version)
        jobs.append(_job(key, len(jobs), published, f"{key}.need-2", capability="release", needs=needs, priority=2))
    return Venture(
        slug="bcrypt",
        key=key,
        goal=f"Bring bcrypt to {releases[-1][0]}",
        objective="Passwords are hashed by a library that refuses what it cannot keep safe",
        result="Changes that are released",
        needs=(
            Need(key=f"{key}.need-1", title="Every supported Python and platform gets a wheel"),
            Need(key=f"{key}.need-2", title="A release is published when all of its changes are in", priority="p0"),
            Need(key=f"{key}.need-3", title="No input is cut off silently", priority="p0"),
        ),
        jobs=tuple(jobs),
        documents=tuple(history.release_notes()[-6:]),
        budget_usd="40.00",
        settings={"review_required": True},
        question="a secret phrase that is too long is no longer shortened behind your back",
    )


def _changes_of_release(
    key: str, changes: Sequence[Change], before: tuple[str, ...], first: int, *, is_last: bool
) -> Iterator[Job]:
    for index, change in enumerate(changes):
        breaks = is_last and change is changes[-1]
        fate = Fate.CONTESTED if first + index == 0 else Fate.THIN if index == 2 else Fate.PLAIN
        yield _job(
            key,
            first + index,
            change,
            f"{key}.need-3" if breaks else f"{key}.need-1",
            capability="python" if fate == Fate.CONTESTED else _capability(change),
            needs=before,
            priority=3 if breaks else 1,
            fate=Fate.PLAIN if breaks else fate,
        )


def _capability(change: Change) -> str:
    return "rust" if "MSRV" in change.title else "packaging" if "wheel" in change.title else "python"


DJANGO_FATES = (Fate.PLAIN, Fate.LAPSED, Fate.THIN, Fate.STUCK, Fate.BY_HAND, Fate.PLAIN, Fate.FAILS, Fate.PLAIN)


def _django(run: str) -> Venture:
    found = history.django_deprecations()
    if len(found) < PICKED:
        raise NoHistory(f"The installed Django warns of {len(found)} deprecations; the demo needs {PICKED}.")
    picked = found[:: max(1, len(found) // PICKED)][:PICKED]
    key, version = f"django.{run}", picked[0].group
    return Venture(
        slug="django",
        key=key,
        goal=f"Take out of Django what {version} removes",
        objective="Nobody meets a removed function for the first time in production",
        result="Deprecated functions that are gone",
        needs=(
            Need(key=f"{key}.need-1", title="The ORM has no deprecated function left"),
            Need(key=f"{key}.need-2", title="Forms, URLs and the admin have no deprecated function left"),
            Need(key=f"{key}.need-3", title="The release notes name every removal", priority="p2", horizon="h2"),
        ),
        jobs=tuple(_django_job(key, index, change) for index, change in enumerate(picked)),
        documents=tuple(history.django_docstrings(picked)),
        budget_usd="25.00",
        settings={"review_required": True, "four_eyes": True},
        question="where in the world somebody's network address belongs",
    )


def _django_job(key: str, index: int, change: Change) -> Job:
    is_orm, fate = "/db/" in change.source, DJANGO_FATES[index]
    return _job(
        key,
        index,
        change,
        f"{key}.need-{1 if is_orm else 2}",
        capability=HUMAN_ONLY if fate == Fate.BY_HAND else "orm" if is_orm else "web",
        needs=(f"{key}.{index:02}",) if DJANGO_FATES[index - 1] == Fate.FAILS else (),
        fate=fate,
    )


OWN_FATES = (
    Fate.PLAIN, Fate.GIVEN_BACK, Fate.PLAIN, Fate.THIN, Fate.PLAIN, Fate.STUCK, Fate.PLAIN, Fate.WAITS,
)  # fmt: skip


def _coordinator(run: str) -> Venture:
    changes, key = history.own_changes()[:PICKED], f"coordinator.{run}"
    return Venture(
        slug="coordinator",
        key=key,
        goal="Build the Coordinator itself",
        objective="Whoever works with agents knows what they did and why",
        result="Changes that are in",
        needs=(
            Need(key=f"{key}.need-1", title="Everything that happens is on record", priority="p0"),
            Need(key=f"{key}.need-2", title="What is promised is proved by a test"),
        ),
        jobs=tuple(
            _job(
                key,
                index,
                change,
                f"{key}.need-{2 if 'rove' in change.title else 1}",
                needs=(f"{key}.{index:02}",) if index in {2, 4, 6} else (),
                fate=fate,
            )
            for index, (change, fate) in enumerate(zip(changes, OWN_FATES, strict=False))
        ),
        documents=tuple(history.own_documents()),
        budget_usd="3.00",
        settings={"review_required": True},
        question="how the product is configured from outside",
    )


def _job(mission: str, index: int, change: Change, requirement: str, **how: Any) -> Job:
    return Job(key=f"{mission}.{index + 1:02}", change=change, requirement=requirement, **how)
