"""The log's tree: every size to 70, every proof, every hash of it corrupted, left out, doubled or moved."""

import base64
import doctest
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.errors import RefusedError
from accredit.registry.transparency import merkle
from accredit.registry.transparency.merkle import (
    EMPTY_ROOT,
    SIZE_MAX,
    MemoryHashes,
    check_consistency,
    check_inclusion,
    leaf_hash,
    new_hashes,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root,
)
from tests.shared_data import shared_data

SIZES = 70
LEAVES = [leaf_hash(b"entry %d" % number) for number in range(SIZES)]


def definition(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 2.1 word by word, to compare with."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + definition(leaves[:split]) + definition(leaves[split:])).digest()


def filled(size: int) -> MemoryHashes:
    hashes = MemoryHashes()
    hashes.append(LEAVES[:size])
    return hashes


ROOTS = [definition(LEAVES[:size]) for size in range(SIZES + 1)]
HASHES = filled(SIZES)


def altered(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Yield everything one step away from a proof: a bit, a hash more, a hash less, two exchanged, a hash cut short."""
    for at, each in enumerate(proof):
        for position in (0, 31):
            flipped = bytearray(each)
            flipped[position] ^= 1
            yield [*proof[:at], bytes(flipped), *proof[at + 1 :]]
        yield [*proof[:at], each[:-1], *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[:at], each, *proof[at:]]
        if at:
            yield [*proof[: at - 1], each, proof[at - 1], *proof[at + 1 :]]
    yield [*proof, bytes(32)]


def refused(check: Callable[..., None], *arguments: object) -> bool:
    try:
        check(*arguments)
    except RefusedError:
        return True
    return False


def test_hashes_are_those_of_the_rfc() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    two = node_hash(leaf_hash(b""), leaf_hash(b"\x00"))
    assert two.hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"


def test_an_entry_that_looks_like_two_hashes_is_not_a_node() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def test_every_root_follows_the_definition() -> None:
    assert [root(size, HASHES) for size in range(SIZES + 1)] == ROOTS


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 64, SIZES])
def test_appending_in_batches_completes_the_same_subtrees(batch: int) -> None:
    hashes = MemoryHashes()
    for start in range(0, SIZES, batch):
        hashes.append(LEAVES[start : start + batch])
        assert len(hashes) == min(SIZES, start + batch)

        assert root(len(hashes), hashes) == ROOTS[len(hashes)]


def test_new_hashes_are_complete_subtrees_and_nothing_else() -> None:
    found = dict(new_hashes(5, LEAVES[5:8], filled(5)))

    assert sorted(found) == [(0, 5), (0, 6), (0, 7), (1, 2), (1, 3), (2, 1), (3, 0)]
    assert found[2, 1] == definition(LEAVES[4:8])
    assert found[3, 0] == ROOTS[8]
    assert new_hashes(5, [], filled(5)) == []


def test_a_subtree_that_is_not_complete_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        filled(5).read_hash(2, 1)


def test_every_leaf_of_every_tree_is_proved_and_no_alteration_passes() -> None:
    for size in range(1, SIZES + 1):
        for index in range(size):
            proof = prove_inclusion(index, size, HASHES)
            leaf, expected = LEAVES[index], ROOTS[size]
            check_inclusion(leaf, index, size, proof, expected)

            neighbour = LEAVES[index - 1] if size > 1 else bytes(32)
            assert refused(check_inclusion, neighbour, index, size, proof, expected)
            assert refused(check_inclusion, leaf, index, size, proof, ROOTS[size - 1])
            for wrong in altered(proof) if size <= 33 or index in (0, size - 1, size // 2) else ():
                assert refused(check_inclusion, leaf, index, size, wrong, expected), (index, size)


def test_a_proof_is_of_one_index_only() -> None:
    for size in range(1, 33):
        for index in range(size):
            proof = prove_inclusion(index, size, HASHES)
            for other in range(size):
                passes = not refused(check_inclusion, LEAVES[index], other, size, proof, ROOTS[size])

                assert passes == (other == index), (index, other, size)


def test_every_tree_is_proved_to_continue_every_smaller_one_and_no_alteration_passes() -> None:
    for new in range(SIZES + 1):
        for old in range(new + 1):
            proof = prove_consistency(old, new, HASHES)
            check_consistency(old, new, ROOTS[old], ROOTS[new], proof)

            if old:
                assert refused(check_consistency, old, new, ROOTS[old], ROOTS[new - 1], proof)
            assert refused(check_consistency, old, new, ROOTS[old - 1], ROOTS[new], proof)
            for wrong in altered(proof) if new <= 33 or old in (1, new - 1, new // 2) else ():
                assert refused(check_consistency, old, new, ROOTS[old], ROOTS[new], wrong), (old, new)


def test_a_rewritten_history_cannot_be_proved_consistent() -> None:
    """The danger the log exists for: entry 2 of 5 is exchanged, and every proof the forger can make fails."""
    rewritten = [*LEAVES[:2], leaf_hash(b"never said"), *LEAVES[3:9]]
    forged = MemoryHashes()
    forged.append(rewritten)

    for proof in (prove_consistency(5, 9, forged), prove_consistency(5, 9, HASHES)):
        assert refused(check_consistency, 5, 9, ROOTS[5], definition(rewritten), proof)


def test_the_empty_tree_begins_every_tree_without_a_proof_and_has_one_root() -> None:
    check_consistency(0, 9, EMPTY_ROOT, ROOTS[9], [])
    with pytest.raises(RefusedError, match="the same size"):
        check_consistency(0, 9, ROOTS[1], ROOTS[9], [])
    with pytest.raises(RefusedError, match="0") as caught:
        check_consistency(0, 9, EMPTY_ROOT, ROOTS[9], [ROOTS[1]])
    assert caught.value.code == "proof_length"


def test_two_roots_of_one_size_are_not_consistent() -> None:
    with pytest.raises(RefusedError) as caught:
        check_consistency(4, 4, ROOTS[4], ROOTS[5], [])
    assert caught.value.code == "consistency_refused"


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (5, 5), (-1, 5), (0, SIZE_MAX + 1)])
def test_a_leaf_that_cannot_exist_is_refused(index: int, size: int) -> None:
    with pytest.raises(RefusedError, match="no leaf"):
        prove_inclusion(index, size, HASHES)
    with pytest.raises(RefusedError, match="no leaf"):
        check_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(5, 4), (-1, 4), (1, SIZE_MAX + 1)])
def test_sizes_out_of_order_are_refused(old: int, new: int) -> None:
    with pytest.raises(RefusedError, match="cannot grow"):
        prove_consistency(old, new, HASHES)
    with pytest.raises(RefusedError, match="cannot grow"):
        check_consistency(old, new, ROOTS[1], ROOTS[1], [])


class Uniform:
    """A log that has one entry again and again, so that it can be as large as the format allows."""

    def __init__(self) -> None:
        self.levels = [LEAVES[0]]
        for _ in range(63):
            self.levels.append(node_hash(self.levels[-1], self.levels[-1]))

    def read_hash(self, level: int, index: int) -> bytes:
        assert (index + 1) << level <= SIZE_MAX
        return self.levels[level]


@given(st.integers(1, SIZE_MAX), st.data())
def test_logs_of_any_size_are_proved(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    whole = root(size, Uniform())

    check_inclusion(LEAVES[0], index, size, prove_inclusion(index, size, Uniform()), whole)
    check_consistency(index, size, root(index, Uniform()), whole, prove_consistency(index, size, Uniform()))


def test_a_leaf_or_root_of_no_bytes_is_refused_even_where_nothing_is_hashed() -> None:
    for wrong in (b"", LEAVES[0][:-1], LEAVES[0] + b"\x00"):
        with pytest.raises(RefusedError) as caught:
            check_inclusion(wrong, 0, 1, [], wrong)
        assert caught.value.code == "hash_length"
        with pytest.raises(RefusedError) as caught:
            check_consistency(4, 4, wrong, wrong, [])
        assert caught.value.code == "hash_length"
    with pytest.raises(RefusedError) as caught:
        check_inclusion(LEAVES[0], 0, 2, [LEAVES[1][:-1]], ROOTS[2])
    assert caught.value.code == "hash_length"


def test_published_reference_tree() -> None:
    tree = json.loads(shared_data("merkle", "reference_tree.json").read_text())
    hashes = MemoryHashes()
    hashes.append(leaf_hash(bytes.fromhex(leaf)) for leaf in tree["leaves_hex"])

    assert [root(size, hashes).hex() for size in range(len(hashes) + 1)] == tree["roots_hex_by_size"]


def test_published_inclusion_vectors() -> None:
    paths = sorted(shared_data("merkle", "inclusion").rglob("*.json"))
    assert len(paths) > 90
    for path in paths:
        vector = json.loads(path.read_text())
        leaf, expected = base64.b64decode(vector["leafHash"] or ""), base64.b64decode(vector["root"] or "")
        proof = [base64.b64decode(each) for each in vector["proof"] or []]
        fails = refused(check_inclusion, leaf, vector["leafIdx"], vector["treeSize"], proof, expected)

        assert fails == vector["wantErr"], path


def test_the_example_in_the_docstring_runs() -> None:
    result = doctest.testmod(merkle)

    assert result.attempted > 0
    assert result.failed == 0
