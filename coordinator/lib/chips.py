"""How a status looks: a word, an icon of its own shape, and a tone. Colour never tells it alone."""

from dataclasses import dataclass

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

TONES: dict[str, str] = {
    "working": "working running in_progress active alive",
    "done": "completed approved succeeded allow satisfied achieved on_track low enabled indexed",
    "waiting": "waiting waiting_for_input waiting_for_person warn warning paused starting draining at_risk",
    "blocked": "blocked escalate escalated crashed high",
    "failed": "failed error rejected block critical denied expired off_track parked dead",
    "review": "pending_review review pending_approval",
}
"""The statuses of each tone; every other status rests (`idle`)."""

TONE_OF = {status: tone for tone, statuses in TONES.items() for status in statuses.split()}
WORDS = {
    "pending_review": "In review",
    "in_progress": "In progress",
    "error": "Error",
    "waiting": "Needs an answer",
    "waiting_for_input": "Needs an answer",
}
ICONS = {"offline": "offline", "cancelled": "offline", "stopped": "offline", "paused": "pause", "revoked": "offline"}


@dataclass(frozen=True)
class Look:
    """`tone` is the CSS class, `icon` the symbol in icons.svg, `word` what a person reads."""

    tone: str
    icon: str
    word: str


def look(status: object) -> Look:
    """How this status looks; an unknown one rests and reads as it is written."""
    text = str(status)
    tone = TONE_OF.get(text, "idle")
    return Look(tone, ICONS.get(text, tone), WORDS.get(text, text.replace("_", " ").capitalize()))


def icon(name: str, css: str = "i") -> SafeString:
    """One symbol of the sprite; hidden from screen readers, since a word stands beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#i-{}"></use></svg>',
        css,
        static("coordinator/icons.svg"),
        name,
    )


def chip(status: object, word: str = "") -> SafeString:
    """The status as a pill with icon and word, the same in the admin and on the live pages."""
    seen = look(status)
    return format_html('<span class="chip t-{}">{}{}</span>', seen.tone, icon(seen.icon), word or seen.word)
