"""Real work to play: what packages on this machine and this repository say of their own past, read at run time."""

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEPRECATION = re.compile(r"RemovedInDjango(\d)(\d)Warning\Z")
RELEASE = re.compile(r"^(\d+\.\d+\.\d+)\n-+\n(.*?)(?=^\d+\.\d+\.\d+\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
BULLET = re.compile(r"^\* (.+?)(?=^\* |\Z)", re.MULTILINE | re.DOTALL)
LINES = re.compile(r"(\d+) (insertion|deletion|file)")
FEWEST_COMMITS = 8
LONGEST_TITLE = 300


class NoHistory(Exception):
    """What is installed here tells too little of its past to play it."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that was done: `group` is the release or part that it belongs to, `facts` what is known of it."""

    title: str
    source: str
    group: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Text:
    """Something worth keeping as a document, in Markdown."""

    title: str
    content: str
    source: str


def bcrypt_releases() -> dict[str, list[Change]]:
    """The changes of each release in bcrypt's own changelog, oldest release first."""
    text = importlib.metadata.distribution("bcrypt").read_text("METADATA") or ""
    releases = [(version, _bullets(body)) for version, body in RELEASE.findall(text[text.find("Changelog") :])]
    return {
        version: [
            Change(title=each, group=version, source=f"bcrypt's changelog, {version}", facts={"release": version})
            for each in bullets
        ]
        for version, bullets in reversed(releases)
        if bullets
    }


def django_deprecations() -> list[Change]:
    """Each deprecation that the installed Django warns of, for the release that removes it next."""
    root = _package("django")
    read = [each for path in _sources(root) for each in _deprecations(path, root.parent)]
    unique = {each.title: each for each in reversed(read)}
    changes = [unique[title] for title in sorted(unique, key=lambda title: unique[title].source)]
    nearest = min((each.group for each in changes), default="")
    return [each for each in changes if each.group == nearest]


def own_changes(root: Path = ROOT) -> list[Change]:
    """This repository's commits, oldest first; without a history, what each module says it is."""
    commits = list(_commits(root))
    return commits if len(commits) >= FEWEST_COMMITS else list(_modules(root))


def release_notes() -> list[Text]:
    """bcrypt's releases as documents."""
    return [
        Text(
            title=f"bcrypt {version}",
            content=f"# bcrypt {version}\n\n" + "\n".join(f"- {each.title}" for each in changes),
            source="bcrypt's changelog",
        )
        for version, changes in bcrypt_releases().items()
    ]


def django_docstrings(changes: list[Change]) -> list[Text]:
    """What the classes and functions of the changed files say they are."""
    root = _package("django").parent
    told = {name: _docstrings(root / name) for name in dict.fromkeys(each.facts["file"] for each in changes)}
    return [
        Text(title=f"What {name} holds", content=f"# {name}\n\n{text}", source=name)
        for name, text in told.items()
        if len(text) > 200
    ]


def own_documents(root: Path = ROOT) -> list[Text]:
    """This repository's README, guides and decisions; without them, the docstrings of its modules."""
    paths = [*root.glob("README.md"), *sorted((root / "docs").rglob("*.md"))]
    written = [(path, text) for path in paths if (text := path.read_text(errors="replace").strip())]
    if written:
        return [
            Text(title=_heading(path, text), content=text, source=str(path.relative_to(root))) for path, text in written
        ]
    listed = "\n".join(f"- {each.title}" for each in _modules(root))
    return [Text(title="What each module is", content=f"# What each module is\n\n{listed}", source="docstrings")]


def _bullets(body: str) -> list[str]:
    return [_plain(each) for each in BULLET.findall(body)]


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())[:LONGEST_TITLE]


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _sources(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*.py")) if "locale" not in path.parts)


def _deprecations(path: Path, root: Path) -> Iterator[Change]:
    source = path.read_bytes()
    if b"RemovedInDjango" not in source:
        return
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        named = [*call.args, *(keyword.value for keyword in call.keywords)]
        release = next((found for each in named if (found := DEPRECATION.match(getattr(each, "id", "")))), None)
        message = call.args[0]
        if release and isinstance(message, ast.Constant) and isinstance(message.value, str):
            file = str(path.relative_to(root))
            yield Change(
                title=_plain(message.value),
                source=f"{file}, line {call.lineno}",
                group=".".join(release.groups()),
                facts={"file": file, "line": call.lineno},
            )


def _commits(root: Path) -> Iterator[Change]:
    command = [
        "git",
        "-C",
        str(root),
        "log",
        "--no-merges",
        "-n",
        "60",
        "--shortstat",
        "--format=%x1e%h%x1f%as%x1f%s%x1f",
    ]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return
    for record in reversed(told.split("\x1e")[1:]):
        commit, day, subject, counts = record.split("\x1f")
        sizes = {f"{noun}s": int(number) for number, noun in LINES.findall(counts)}
        yield Change(title=_plain(subject), group=day, source=f"commit {commit}", facts={"commit": commit, **sizes})


def _modules(root: Path) -> Iterator[Change]:
    for path in sorted((root / "coordinator").rglob("*.py")):
        name, text = str(path.relative_to(root)), ast.get_docstring(ast.parse(path.read_text()))
        if text:
            yield Change(title=_plain(text.splitlines()[0]), group=path.parent.name, source=name, facts={"file": name})


def _docstrings(path: Path) -> str:
    tree = ast.parse(path.read_text())
    documented = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    told = ((node.name, ast.get_docstring(node)) for node in ast.walk(tree) if isinstance(node, documented))
    return "\n\n".join(f"## {name}\n\n{text}" for name, text in told if text and len(text) > 60)[:20_000]


def _heading(path: Path, text: str) -> str:
    first = text.splitlines()[0]
    return first.lstrip("# ").strip()[:LONGEST_TITLE] if first.startswith("#") else path.stem
