"""The tree is that of RFC 6962, and a proof convinces of nothing but the leaf that it was made for."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from traceability import merkle

LEAVES = some.lists(some.binary(max_size=8), min_size=1, max_size=70)


def by_the_book(leaves: list[bytes]) -> bytes:
    """Section 2.1 of RFC 6962, word for word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + by_the_book(leaves[:half]) + by_the_book(leaves[half:])).digest()


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 34))
def test_the_root_is_that_of_the_standard(size: int) -> None:
    data = [bytes([number]) for number in range(size)]
    assert merkle.root([merkle.leaf(each) for each in data]) == by_the_book(data)


@given(LEAVES, some.data())
def test_a_proof_leads_from_its_leaf_to_the_root(data: list[bytes], draw: some.DataObject) -> None:
    leaves = [merkle.leaf(each) for each in data]
    index = draw.draw(some.integers(0, len(leaves) - 1))
    path = merkle.inclusion(leaves, index)
    assert merkle.root_by(leaves[index], index, len(leaves), path) == merkle.root(leaves)


@given(some.integers(2, 70), some.data())
def test_a_forged_proof_leads_elsewhere(size: int, draw: some.DataObject) -> None:
    leaves = [merkle.leaf(bytes([number])) for number in range(size)]
    index = draw.draw(some.integers(0, size - 1))
    path, root = merkle.inclusion(leaves, index), merkle.root(leaves)
    forged = merkle.leaf(b"forged")
    assert merkle.root_by(forged, index, size, path) != root
    assert merkle.root_by(leaves[index], (index + 1) % size, size, path) != root
    assert merkle.root_by(leaves[index], index, size, [*path, forged]) is None
    assert merkle.root_by(leaves[index], index, size, path[:-1]) is None
    at = draw.draw(some.integers(0, len(path) - 1))
    assert merkle.root_by(leaves[index], index, size, [*path[:at], forged, *path[at + 1 :]]) != root
