"""Everything under a prefix: all small maps, all prefixes, and every field of every proof spoiled."""

import doctest
from collections.abc import Iterator
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.evidence import range_proof
from accredit.registry.evidence.range_proof import Prefix, check_prefix
from accredit.registry.transparency.state_map import Trie

Pairs = list[tuple[bytes, bytes]]
HEADS = range(8)
"""Keys differ in their first three bits, so that all maps of them can be tried."""


def key(head: int) -> bytes:
    return bytes([head << 5 | 7]) + bytes([head]) * 31


def value(head: int) -> bytes:
    return bytes([head + 1]) * 32


def small_maps() -> Iterator[Trie]:
    """All 256 of them."""
    for count in range(len(HEADS) + 1):
        for heads in combinations(HEADS, count):
            yield Trie([(key(head), value(head)) for head in heads])


def prefixes() -> list[Prefix]:
    """Every one of up to three bits, and some of more."""
    short = [Prefix.of(bytes([top]) + bytes(31), bits) for bits in range(4) for top in range(0, 256, 256 >> bits)]
    return [*short, *(Prefix.of(key(3), bits) for bits in (4, 8, 256))]


def under(trie: Trie, at: Prefix) -> Pairs:
    return [pair for pair in trie.items() if at.covers(pair[0])]


def is_refused(root: bytes, at: Prefix, leaves: Pairs, proof: bytes) -> bool:
    try:
        check_prefix(root, at, leaves, proof)
    except (DecodeError, RefusedError):
        return True
    return False


def test_of_every_small_map_what_is_under_every_prefix_is_proved() -> None:
    for trie in small_maps():
        for at in prefixes():
            check_prefix(trie.root(), at, under(trie, at), trie.prove(at.first))


def test_a_record_left_out_of_a_subtree_is_found() -> None:
    seen = 0
    for trie in small_maps():
        for at in prefixes():
            found, proof = under(trie, at), trie.prove(at.first)
            for left_out in range(len(found)):
                seen += 1
                assert is_refused(trie.root(), at, found[:left_out] + found[left_out + 1 :], proof)
    assert seen > 1_000


@pytest.mark.no_cover
def test_a_record_made_up_moved_doubled_or_altered_is_found() -> None:
    for trie in small_maps():
        for at in prefixes():
            found, proof, root = under(trie, at), trie.prove(at.first), trie.root()
            others = [(key(head), value(head)) for head in HEADS if trie.get(key(head)) is None]
            for other in others:
                assert is_refused(root, at, sorted([*found, other]), proof)
            if found:
                assert is_refused(root, at, [*found, found[-1]], proof)
                assert is_refused(root, at, [(found[0][0], bytes(32)), *found[1:]], proof)
                assert is_refused(root, at, [(found[0][0], found[0][1] + b"\0"), *found[1:]], proof)
                assert is_refused(root, at, [(found[0][0][:-1], found[0][1]), *found[1:]], proof)
            if len(found) > 1:
                assert is_refused(root, at, found[::-1], proof)


def test_what_is_under_another_prefix_is_not_taken_for_what_is_under_this_one() -> None:
    full = Trie([(key(head), value(head)) for head in HEADS])
    for at in prefixes():
        for other in prefixes():
            if under(full, at) != under(full, other):
                assert is_refused(full.root(), at, under(full, other), full.prove(at.first))
                assert is_refused(full.root(), at, under(full, other), full.prove(other.first))


def test_a_leaf_beside_the_prefix_is_not_under_it() -> None:
    """The path ends above the prefix, at a leaf that begins otherwise."""
    lone = Trie([(key(3), value(3))])
    beside = Prefix.of(bytes([0x50]) + bytes(31), 4)
    proof = lone.prove(beside.first)
    check_prefix(lone.root(), beside, [], proof)
    assert is_refused(lone.root(), beside, list(lone.items()), proof)
    above = Prefix.of(key(3), 3)
    check_prefix(lone.root(), above, list(lone.items()), lone.prove(above.first))
    assert is_refused(lone.root(), above, [], lone.prove(above.first))


@pytest.mark.no_cover
def test_every_changed_bit_of_a_proof_or_a_leaf_is_refused() -> None:
    trie = Trie([(key(head), value(head)) for head in (0, 1, 3, 4, 7)])
    for at in prefixes():
        found, proof, root = under(trie, at), trie.prove(at.first), trie.root()
        for mutated in mutations(proof):
            assert is_refused(root, at, found, mutated)
        for number, pair in enumerate(found):
            for mutated in mutations(pair[0] + pair[1]):
                changed = [*found[:number], (mutated[:32], mutated[32:]), *found[number + 1 :]]
                assert is_refused(root, at, sorted(changed), proof)
        assert is_refused(bytes(32), at, found, proof)


def mutations(data: bytes) -> Iterator[bytes]:
    for place in range(len(data)):
        for bit in range(8):
            yield data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
    for place in range(len(data)):
        yield data[:place]
    yield data + b"\0"


@given(st.lists(st.binary(min_size=2, max_size=2), unique=True, max_size=40), st.integers(0, 20), st.binary(min_size=3))
def test_in_any_map_exactly_what_is_there_is_proved(tops: list[bytes], bits: int, start: bytes) -> None:
    trie = Trie([(top + bytes(30), top * 16) for top in tops])
    at = Prefix.of(start[:3] + bytes(29), bits)
    found, proof = under(trie, at), trie.prove(at.first)
    check_prefix(trie.root(), at, found, proof)
    for number in range(len(found)):
        assert is_refused(trie.root(), at, found[:number] + found[number + 1 :], proof)


def test_a_prefix_is_followed_by_noughts() -> None:
    with pytest.raises(AssertionError):
        Prefix(first=bytes([255] * 32), bits=8)
    assert Prefix.of(bytes([255] * 32), 0) == Prefix(first=bytes(32), bits=0)
    assert Prefix.of(bytes([255] * 32), 12).last == bytes([255] * 32)


def test_the_example_in_the_docstring_runs() -> None:
    assert doctest.testmod(range_proof).failed == 0
