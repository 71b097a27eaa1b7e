"""Policies as YAML files for git: one policy a file, always in the same order, with comments where people like them.

What is read is plain JSON: no anchors, no tags, no times, and `yes` is a text. Every mistake names its file and line.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from coordinator.lib.keys import KEY_RULE, is_key
from policies import drafts
from policies.conditions.values import moment
from policies.models import FIELDS, usual_content
from policies.vocabulary import Mode, OnError, PolicyStatus
from traceability import canonical

KEY = "policy_id"
ORDER = (
    KEY, "description", "owner", "status", "mode", "scope", "conditions", "actions", "require", "priority", "on_error",
    "valid_from", "valid_until", "tests",
)  # fmt: skip
TIMES = ("valid_from", "valid_until")
TEXTS = {"description": 20_000, "owner": 200}
WORDS = {"status": PolicyStatus.words(), "mode": Mode.words(), "on_error": OnError.words()}
ENDINGS = {".yaml", ".yml"}
LARGEST = 1024 * 1024
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
ODD_ENDS = re.compile("[\r\x85\u2028\u2029]")
POINTED = re.compile(r"(/[^\s:]*): (.*)", re.DOTALL)
TAG = "tag:yaml.org,2002:"
PLAIN = {
    "bool": (re.compile(r"(true|false)\Z"), "tf"),
    "null": (re.compile(r"(null|~|)\Z"), ("n", "~", "")),
    "int": (re.compile(r"-?(0|[1-9][0-9]*)\Z"), "-0123456789"),
    "float": (re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z"), "-0123456789"),
}
READ: dict[str, Callable[[str], Any]] = {
    "bool": "true".__eq__,
    "null": lambda _: None,
    "int": int,
    "float": float,
}
"""What is no text although it stands without quotes, and how it may begin: the words of JSON."""


class Misread(Exception):
    """Files that hold no policy. `lines` are sentences, each after its file and line."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


class Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, "anchors are not read here", mark)
        return super().compose_node(parent, index)


class Dumper(yaml.SafeDumper):
    """Puts quotes around every text that some reader would take for something else."""

    yaml_implicit_resolvers = {first: list(known) for first, known in yaml.SafeDumper.yaml_implicit_resolvers.items()}

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Text of several lines as lines; what YAML takes for other ends of lines is escaped."""
    style = '"' if ODD_ENDS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(f"{TAG}str", text, style=style)


for name, (shape, firsts) in PLAIN.items():
    Loader.add_implicit_resolver(f"{TAG}{name}", shape, list(firsts))
    Dumper.add_implicit_resolver(f"{TAG}{name}", shape, list(firsts))
Dumper.add_representer(str, _written)


@dataclass(frozen=True)
class PolicyFile:
    """One policy as its file tells it. `places` are the lines of all values, by JSON pointer."""

    name: str
    key: str
    fields: dict[str, Any]
    places: dict[str, int] = field(default_factory=dict)

    def told(self, errors: Mapping[str, list[str]]) -> list[str]:
        """A service's mistakes, by fields, each after file and line."""
        return [self._told(name, text) for name, texts in errors.items() for text in texts]

    def _told(self, name: str, text: str) -> str:
        found = POINTED.match(text)
        pointer, said = (found[1], found[2]) if found else ("", text)
        place = f"/{name}{pointer.rstrip('/')}"
        known = place
        while known and known not in self.places:
            known = known.rpartition("/")[0]
        return f"{self.name}:{self.places.get(known, 1)}: {place[1:]}: {said}"


def found_in(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and those in the directories that are named, in order. Raises Misread."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.iterdir() if each.suffix in ENDINGS and each.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise Misread([f"{path}: There is no such file or directory."])
    return found


def read_all(paths: Iterable[Path]) -> list[PolicyFile]:
    """Every file. Raises Misread with the mistakes of all of them, and for a key that two files have."""
    found: dict[str, PolicyFile] = {}
    wrong: list[str] = []
    for path in found_in(paths):
        try:
            policy = read(path.read_bytes(), name=str(path))
        except Misread as mistakes:
            wrong += mistakes.lines
            continue
        if policy.key in found:
            wrong.append(f"{path}:1: {policy.key} stands in {found[policy.key].name} already.")
        found[policy.key] = policy
    if wrong:
        raise Misread(wrong)
    return list(found.values())


def read(text: bytes | str, *, name: str) -> PolicyFile:
    """One file's policy: its key and what it says. Raises Misread."""
    if len(text) > LARGEST:
        raise Misread([f"{name}:1: A file is at most {LARGEST} bytes long."])
    try:
        node = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as odd:
        line = odd.problem_mark.line + 1 if odd.problem_mark else 1
        raise Misread([f"{name}:{line}: Not YAML: {odd.problem or odd.context}."]) from odd
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as odd:
        raise Misread([f"{name}:1: Not YAML: {type(odd).__name__}."]) from odd
    reading = Reading(name)
    fields = reading.value(node, "") if isinstance(node, yaml.MappingNode) else None
    if not isinstance(fields, dict):
        raise Misread([f"{name}:1: A policy is an object; the first line may be `{KEY}: ...`."])
    policy = PolicyFile(name, str(fields.pop(KEY, "")), fields, reading.places)
    if wrong := reading.wrong or _mistakes(policy):
        raise Misread(wrong)
    return policy


@dataclass
class Reading:
    """The values of one file's nodes, with their lines."""

    name: str
    places: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def value(self, node: Any, at: str) -> Any:
        self.places[at] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self.members(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, f"{at}/{index}") for index, each in enumerate(node.value)]
        return self.scalar(node)

    def members(self, node: yaml.MappingNode, at: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in node.value:
            if key.tag != f"{TAG}str":
                self.refuse(key, "Names are texts.")
            elif key.value in found:
                self.refuse(key, f"{key.value!r} stands here twice.")
            else:
                found[key.value] = self.value(inner, f"{at}/{key.value.replace('~', '~0').replace('/', '~1')}")
        return found

    def scalar(self, node: Any) -> Any:
        kind = node.tag.removeprefix(TAG)
        if kind == "str" and UNSTORABLE.search(node.value):
            self.refuse(node, "Text must not contain NUL or half a character.")
        if kind == "str":
            return node.value
        if kind not in PLAIN or not PLAIN[kind][0].match(node.value):
            self.refuse(node, f"This is no plain JSON value: {node.tag[:50]} {node.value[:50]!r}.")
            return None
        return READ[kind](node.value)

    def refuse(self, node: Any, text: str) -> None:
        self.wrong.append(f"{self.name}:{node.start_mark.line + 1}: {text}")


def write(key: str, fields: Mapping[str, Any]) -> str:
    """The policy as its file: what has its usual value is left out."""
    usual = {**usual_content(), "on_error": drafts.usual_on_error(fields["actions"])}
    kept = {name: value for name, value in fields.items() if name in FIELDS and value != usual[name]}
    told: dict[str, Any] = {
        KEY: key,
        **kept,
        **{name: canonical.moment(kept[name]) for name in TIMES if kept.get(name)},
    }
    if isinstance(told.get("conditions"), dict):
        told["conditions"] = _type_first(told["conditions"])
    ordered = {name: told[name] for name in ORDER if name in told}
    return yaml.dump(ordered, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False)


def _type_first(conditions: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(conditions.items(), key=lambda line: (line[0] != "action_type", line[0])))


def _mistakes(policy: PolicyFile) -> list[str]:
    """What the services take for granted of a file's fields; times are read on the way."""
    fields = policy.fields
    found = {name: [f"There is no field {name[:100]!r} here."] for name in fields if name not in FIELDS}
    found |= {} if is_key(policy.key) else {KEY: [KEY_RULE]}
    for name in TIMES:
        given, fields[name] = fields.get(name), moment(fields.get(name))
        if given is not None and fields[name] is None:
            found[name] = ["This takes an RFC 3339 time with its zone."]
    return policy.told(found | _of_texts(fields))


def _of_texts(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    texts = {name: (fields.get(name, ""), longest) for name, longest in TEXTS.items()}
    found = {
        name: [f"This takes a text of at most {longest} characters."]
        for name, (given, longest) in texts.items()
        if not isinstance(given, str) or len(given) > longest
    }
    wrong = [name for name, words in WORDS.items() if fields.get(name, words[0]) not in words]
    return found | {name: [f"This takes one of {', '.join(WORDS[name])}."] for name in wrong}
