"""Fitting what there is to say into a number of tokens, the most important first, and saying what was left out. Pure.

A token is reckoned as 3.5 bytes of JSON: models differ, and this errs on the long side for English and code.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

TOKENS_PER_BYTE = 2 / 7
FRAME = 40
"""Tokens of the answer around its sections."""
SECTION = 40
"""Tokens of a section's own frame, here and in the list of what was left out."""
ELLIPSIS = " …"


@dataclass
class Section:
    """What one part has to say, the most important first; at first it may take `share` of all tokens."""

    name: str
    items: list[Any]
    share: float
    kept: dict[int, Any] = field(default_factory=dict)

    @property
    def left(self) -> list[Any]:
        return [item for place, item in enumerate(self.items) if place not in self.kept]


def tokens_of(value: Any) -> int:
    """How many tokens a JSON value is reckoned as."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return int(len(text.encode()) * TOKENS_PER_BYTE) + 1


def cut(text: str, tokens: int) -> str:
    """The text, or as much of it as so many tokens hold, with a mark where it ends."""
    room = max(int(tokens / TOKENS_PER_BYTE), 0)
    if len(json.dumps(text, ensure_ascii=False).encode()) <= room:
        return text
    kept = text.encode()[: max(room - 8, 0)].decode(errors="ignore")
    while kept and len(json.dumps(kept, ensure_ascii=False).encode()) > room - 5:
        kept = kept[: len(kept) * 9 // 10]
    return kept + ELLIPSIS


def pack(sections: Iterable[Section], tokens: int) -> dict[str, Any]:
    """`{"tokens", "sections": [{"section", "items"}], "left_out": [{"section", "items", "tokens"}]}`."""
    filled = [section for section in sections if section.items]
    room = tokens - FRAME - SECTION * len(filled)
    free = room
    for whole in (False, True):
        for section in filled:
            free -= _fill(section, free if whole else min(free, int(room * section.share)))
    return {
        "tokens": tokens - max(free, 0),
        "sections": [
            {"section": each.name, "items": [each.kept[place] for place in sorted(each.kept)]}
            for each in filled
            if each.kept
        ],
        "left_out": [
            {"section": each.name, "items": len(each.left), "tokens": tokens_of(each.left)}
            for each in filled
            if each.left
        ],
    }


def _fill(section: Section, room: int) -> int:
    """Keeps what fits, in order; answers the tokens that it took."""
    taken = 0
    for place, item in enumerate(section.items):
        cost = tokens_of(item)
        if place not in section.kept and taken + cost <= room:
            section.kept[place] = item
            taken += cost
    return taken
