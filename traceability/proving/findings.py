"""What a check of the record finds, and the answer that is made of it."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

REMARKS = frozenset({"erased"})
"""What is lawful, and said all the same."""

HIDING = frozenset({"archive_missing"})
"""What hides entries from a check: nobody can say that the record is whole."""

UNCHECKED = frozenset({"archive_missing", "notes_missing", "keys_missing"})
"""What could not be checked: no proof of a change, and none that there was none."""

WORDS = {
    "content_modified": "The text, time or hash of this entry was changed.",
    "column_mismatch": "A column of this entry was changed.",
    "payload_modified": "A text that stands beside this entry was changed or removed unlawfully.",
    "erased_still_there": "A text of this entry is told as erased, and it is still there or was put back.",
    "missing": "Entries were removed from here.",
    "duplicate": "A second entry stands under this number.",
    "reordered": "This entry was moved to another place.",
    "non_canonical": "The text of this entry is not in the form that the ledger writes.",
    "head_mismatch": "The stream's head and its last entry do not belong together.",
    "tail_truncated": "The end of this stream was removed.",
    "stream_deleted": "This whole stream was removed.",
    "rewritten_before_checkpoint": "The stream was written anew after a checkpoint had fixed it.",
    "bad_signature": "A checkpoint was not signed by a key that may sign.",
    "checkpoint_gap": "A checkpoint is missing or was changed.",
    "archive_modified": "The file of archived entries was changed.",
    "archive_mismatch": "What is said to stand in a file is not what the ledger tells of it.",
    "erased": "Texts of this entry were erased, and the erasure is on record.",
    "archive_missing": "The file of archived entries is not here.",
    "notes_missing": "There are no checkpoints here to compare with.",
    "keys_missing": "The public keys of the checkpoints are not here.",
}
"""Each kind in a sentence that everybody understands."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and exactly where. `last_good` is the last checkpoint that fixed this stream before the place."""

    stream: str
    seq: int
    kind: str
    detail: str
    entry: int | None = None
    expected: str | None = None
    found: str | None = None
    last_good: int | None = None

    def as_data(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "seq": self.seq,
            "entry": self.entry,
            "kind": self.kind,
            "detail": self.detail,
            "expected": self.expected,
            "found": self.found,
            "last_good_checkpoint": self.last_good,
        }

    @property
    def sentence(self) -> str:
        return WORDS[self.kind]

    def __str__(self) -> str:
        told = f"{self.stream}#{self.seq} {self.kind}: {self.detail}"
        return f"{told} (last good checkpoint: {self.last_good})" if self.last_good else told


@dataclass(frozen=True)
class Notes:
    """Which checkpoints a check compared with: how many, and the newest one's number and time."""

    checked: int = 0
    newest: int | None = None
    at: str | None = None

    def as_data(self) -> dict[str, Any]:
        return {"checked": self.checked, "newest": self.newest, "at": self.at}


@dataclass(frozen=True)
class Proof:
    """The answer: `findings` are changes of the record, `remarks` are lawful, `unchecked` is what nobody can say."""

    entries: int
    heads: dict[str, str]
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()
    unchecked: tuple[Finding, ...] = ()
    notes: Notes = field(default_factory=Notes)

    def as_data(self) -> dict[str, Any]:
        """The contract's answer `{"valid", "entries", "head", "first_bad"}`, and everything else that was found."""
        return {
            "valid": self.whole,
            "entries": self.entries,
            "head": self.head,
            "first_bad": self.findings[0].as_data() if self.findings else None,
            "findings": [each.as_data() for each in self.findings],
            "remarks": [each.as_data() for each in self.remarks],
            "unchecked": [each.as_data() for each in self.unchecked],
            "checkpoints": self.notes.as_data(),
        }

    @property
    def whole(self) -> bool:
        """Nothing was found, and no entry is out of sight."""
        return not self.findings and not any(each.kind in HIDING for each in self.unchecked)

    @property
    def head(self) -> str:
        """The one stream's hash; over several, the hash of all heads in the order of their names."""
        if len(self.heads) == 1:
            return next(iter(self.heads.values()))
        joined = "".join(f"{stream}={head}\n" for stream, head in sorted(self.heads.items()))
        return hashlib.sha256(joined.encode()).hexdigest()
