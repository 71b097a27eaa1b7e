"""BERT's uncased WordPiece tokenizer in plain Python.

Source: `BertTokenizer` of Devlin et al., "BERT", 2018 (github.com/google-research/bert, tokenization.py). The
vocabulary beside this file is the one of all-MiniLM-L6-v2, 30,522 entries in id order.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

VOCABULARY = Path(__file__).with_name("vocab.txt")
LONGEST_WORD = 100
CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class _Spacing(dict[int, str]):
    """A `str.translate` table: spaces around what stands alone, nothing for what is not text."""

    def __missing__(self, code: int) -> str:
        self[code] = spaced = _spaced(chr(code))
        return spaced


def _spaced(character: str) -> str:
    category = unicodedata.category(character)
    code = ord(character)
    if character.isspace():
        return " "
    if category[0] == "C" or category == "Mn" or code == 0xFFFD:
        return ""
    is_ascii_sign = code < 128 and not character.isalnum()
    if is_ascii_sign or category[0] == "P" or any(low <= code <= high for low, high in CJK):
        return f" {character} "
    return character


class WordPiece:
    """Splits text into ids of the vocabulary.

    `encode(text, longest)` gives at most `longest` ids, beginning with [CLS] and ending with [SEP].
    """

    def __init__(self, vocabulary: Path = VOCABULARY) -> None:
        words = vocabulary.read_text(encoding="utf-8").split("\n")
        self.ids = {word: number for number, word in enumerate(words) if word}
        self.unknown, self.start, self.end = self.ids["[UNK]"], self.ids["[CLS]"], self.ids["[SEP]"]
        self._spacing = _Spacing()
        self._pieces = lru_cache(maxsize=32_768)(self._split)

    def encode(self, text: str, longest: int) -> list[int]:
        found = [self.start]
        for word in unicodedata.normalize("NFD", text).translate(self._spacing).lower().split():
            found += self._pieces(word)
            if len(found) >= longest - 1:
                break
        return [*found[: longest - 1], self.end]

    def _split(self, word: str) -> tuple[int, ...]:
        """The longest pieces from the left, or [UNK] for the whole word when some part is in no piece."""
        if len(word) > LONGEST_WORD:
            return (self.unknown,)
        found: list[int] = []
        at = 0
        while at < len(word):
            prefix = "##" if at else ""
            end = next((end for end in range(len(word), at, -1) if prefix + word[at:end] in self.ids), 0)
            if not end:
                return (self.unknown,)
            found.append(self.ids[prefix + word[at:end]])
            at = end
        return tuple(found)
