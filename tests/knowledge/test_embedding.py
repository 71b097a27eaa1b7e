"""The bundled embedder and its tokenizer. The ids were made by Hugging Face's `tokenizers` for the same model."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.embedding.base import EmbedderUnavailable
from knowledge.embedding.minilm import MiniLM
from knowledge.embedding.wordpiece import WordPiece

IDS = {
    "Hello, world!": [101, 7592, 1010, 2088, 999, 102],
    "def claim_task(self, *, ttl_s: int = 900) -> Claim:": [
        101, 13366, 4366, 1035, 4708, 1006, 2969, 1010, 1008, 1010, 23746, 2140, 1035, 1055, 1024, 20014, 1027, 7706,
        1007, 1011, 1028, 4366, 1024, 102,
    ],
    "Ünïcode naïve İstanbul straße": [101, 27260, 15743, 9960, 2358, 27807, 102],
    "漢字 テスト": [101, 1904, 100, 1713, 30233, 30240, 102],
    "emoji 👩\u200d💻 costs 5€ → x²": [101, 7861, 29147, 2072, 100, 5366, 1019, 30102, 1585, 1060, 10701, 102],
    "a" * 101: [101, 100, 102],
    "zero\u200bwidth\xa0space\ttab": [101, 5717, 9148, 11927, 2232, 2686, 21628, 102],
    "": [101, 102],
}  # fmt: skip

ALONE = """
import sys

def refuse(event, args):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise OSError("there is no network")

sys.addaudithook(refuse)
from knowledge.embedding.minilm import MiniLM
print(len(MiniLM().embed_query("an agent without a network")))
"""


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("text", IDS)
def test_the_tokenizer_gives_the_ids_that_the_model_was_trained_with(text: str) -> None:
    assert WordPiece().encode(text, 256) == IDS[text]


def test_a_long_text_is_cut_and_still_ends_as_a_text_does() -> None:
    ids = WordPiece().encode("word " * 1000, 256)
    assert (len(ids), ids[0], ids[-1]) == (256, 101, 102)


def test_a_vector_has_384_numbers_and_length_one(minilm: MiniLM) -> None:
    vector = minilm.embed_query("Which agent holds the lease?")
    assert len(vector) == 384
    assert math.isclose(likeness(vector, vector), 1, abs_tol=1e-5)


def test_texts_that_mean_the_same_are_near_without_a_shared_word(minilm: MiniLM) -> None:
    asked = minilm.embed_query("the car will not start")
    near, far = minilm.embed_documents(["my vehicle's engine is dead", "bake the bread until golden"])
    assert likeness(asked, near) > 0.4
    assert likeness(asked, near) > likeness(asked, far) + 0.3


def test_the_same_text_always_has_the_same_vector(minilm: MiniLM) -> None:
    assert minilm.embed_query("same") == minilm.embed_documents(["other", "same"])[1]


def test_a_missing_model_is_told_and_not_looked_for_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="no model file"):
        MiniLM(tmp_path / "absent.onnx").embed_query("x")


def test_another_file_in_the_model_s_place_is_refused(tmp_path: Path) -> None:
    changed = tmp_path / "model.onnx"
    changed.write_bytes(b"not the model")
    with pytest.raises(EmbedderUnavailable, match="SHA-256"):
        MiniLM(changed).embed_query("x")


def test_it_works_without_a_network() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "384"
