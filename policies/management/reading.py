"""What the commands on policies share: which policies they are about, from files or from the database."""

from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from coordinator.lib.commands import UNDONE
from coordinator.lib.errors import Invalid
from policies import bundles, files
from policies.engine import Rule
from policies.files import Misread
from policies.models import FIELDS, Policy
from policies.services import revising
from policies.starting import STARTERS
from policies.vocabulary import PolicyStatus


@dataclass(frozen=True)
class Named:
    """One policy that a command looks at; `stored` is None when it comes from a file."""

    place: str
    key: str
    content: dict[str, Any]
    stored: Policy | None = None

    @property
    def rule(self) -> Rule:
        pk, revision = (self.stored.pk, self.stored.version) if self.stored else (0, 0)
        return bundles.rule_of(self.content, policy=pk, key=self.key, revision=revision)


def add_sources(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, help="files of policies, or directories with such files")
    parser.add_argument("--all", action="store_true", help="all policies in the database that are not archived")
    parser.add_argument("--starters", action="store_true", help="the starters that come with the product")


def named_by(options: dict[str, Any], *, tried: bool = True) -> list[Named]:
    """The policies that the options name. Raises CommandError; without `tried`, the tests of files may fail."""
    paths = [*options["files"], *([STARTERS] if options["starters"] else [])]
    if not paths and not options["all"]:
        raise CommandError("Name files or directories, or give --all or --starters.", returncode=UNDONE)
    try:
        found = _from_files(paths, tried=tried)
    except Misread as wrong:
        raise CommandError(str(wrong), returncode=1) from wrong
    return found + (_stored() if options["all"] else [])


def _from_files(paths: Iterable[Path], *, tried: bool) -> list[Named]:
    found, wrong = [], list[str]()
    for each in files.read_all(paths):
        try:
            found.append(Named(each.name, each.key, revising.drafted(each.fields, tried=tried)))
        except Invalid as refused:
            wrong += each.told(refused.errors)
    if wrong:
        raise Misread(wrong)
    return found


def _stored() -> list[Named]:
    rows = Policy.objects.exclude(status=PolicyStatus.ARCHIVED).order_by("policy_id")
    return [Named(row.key, row.key, row.values_of(*FIELDS), row) for row in rows]
