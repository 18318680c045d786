"""One story book for every implementation of the state map: one set, one root, one proof, byte for byte."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_trie import EMPTY, Prefixes, bulk_root, check_proof
from tests.strategies.searching import examples
from tests.strategies.state_maps import (
    ABSENT,
    KEEPERS,
    PUBLISHED,
    UNIVERSE,
    Changes,
    Keeper,
    Pairs,
    accepted,
    bits,
    changes_made,
    definition,
    joined,
    key_at,
    parts,
    published,
    random_pairs,
    subsets,
    value_of,
)

ZERO_ONE = Prefixes(leaf=b"\x00", node=b"\x01")


@pytest.fixture(params=list(KEEPERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def keeper(name: str, tmp_path: Path) -> Iterator[Keeper]:
    made = KEEPERS[name](tmp_path, Prefixes())
    yield made
    made.close()


def check_same(keeper: Keeper, pairs: Pairs, asked: list[bytes], prefixes: Prefixes | None = None) -> None:
    """That the map is of these pairs, and says of these keys what the map in memory says."""
    prefixes = prefixes or Prefixes()
    reference = Trie(pairs.items(), prefixes=prefixes)
    root = keeper.map.root()
    assert root == reference.root()
    assert len(keeper.map) == len(pairs)
    for key in asked:
        proof = keeper.map.prove(key)
        assert keeper.map.get(key) == pairs.get(key)
        assert proof == reference.prove(key)
        assert check_proof(root, key, proof, prefixes) == pairs.get(key)


def clustered(count: int, random: Random) -> Pairs:
    """Keys ground to begin alike, as somebody would who wants one bucket to be large."""
    start = bytes.fromhex("abcdef0123")
    return {(key := start + random.randbytes(27)): value_of(key) for _ in range(count)}


# --------------------------------------------------------------------------------------------- one set, one root


def test_every_small_map_is_the_same_in_every_form(keeper: Keeper) -> None:
    """All subsets, reached from one another by what differs, so that nodes come and go at every depth."""
    before: Pairs = {}
    for pairs in subsets():
        keeper.change({**dict.fromkeys(before), **pairs})
        before = pairs
        assert keeper.map.root() == definition(pairs)
        check_same(keeper, pairs, UNIVERSE + ABSENT)
        assert list(keeper.map.items()) == sorted(pairs.items())


def test_every_small_map_made_at_once_is_the_same(keeper: Keeper) -> None:
    for pairs in subsets():
        keeper.replace(pairs)
        check_same(keeper, pairs, UNIVERSE[::3] + ABSENT[:1])


@given(
    name=st.sampled_from(list(KEEPERS)),
    made=changes_made,
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=5),
    seed=st.integers(0, 3),
)
@examples(50)
def test_whatever_the_batches_and_restarts_the_root_follows_the_set(
    tmp_path_factory: pytest.TempPathFactory, name: str, made: Changes, sizes: list[int], seed: int
) -> None:
    keeper, pairs, random = KEEPERS[name](tmp_path_factory.mktemp("maps"), Prefixes()), Pairs(), Random(seed)
    waiting = list(made)
    while waiting:
        size = sizes[len(waiting) % len(sizes)]
        batch = {key_at(n): None if value is None else bytes([value]) * 32 for n, value in waiting[:size]}
        del waiting[:size]
        keeper.change(batch)
        pairs = {key: value for key, value in {**pairs, **batch}.items() if value is not None}
        if random.random() < 0.3:
            keeper.reopen()
        check_same(keeper, pairs, [key_at(random.randrange(31)) for _ in range(3)])
    assert list(keeper.map.items()) == sorted(pairs.items())
    keeper.close()


def test_thousands_of_keys_come_and_go(keeper: Keeper) -> None:
    random = Random(5)
    first, second = random_pairs(1_500), random_pairs(1_500, start=1_500)
    crowd = clustered(300, random)
    asked = [*random.sample([*first, *second, *crowd], 12), *ABSENT]
    keeper.change(dict(first))
    check_same(keeper, first, asked)
    keeper.change({**second, **crowd})
    check_same(keeper, first | second | crowd, asked)
    keeper.reopen()
    keeper.change(dict.fromkeys([*first, *list(crowd)[:-2]]))
    rest = second | dict(list(crowd.items())[-2:])
    check_same(keeper, rest, asked)
    for key in list(rest)[:20]:
        keeper.change({key: bytes(32), ABSENT[0]: None})
        rest[key] = bytes(32)
    check_same(keeper, rest, asked)
    keeper.change(dict.fromkeys(rest))
    check_same(keeper, {}, asked)
    assert keeper.map.root() == EMPTY


def test_a_change_that_changes_nothing_changes_nothing(keeper: Keeper) -> None:
    pairs = random_pairs(100)
    keeper.change(dict(pairs))
    root = keeper.map.root()
    keeper.change({**pairs, ABSENT[0]: None})
    keeper.change({})
    assert keeper.map.root() == root == bulk_root(sorted(pairs.items()))
    assert len(keeper.map) == 100


# --------------------------------------------------------------------------------------------- published vectors


@pytest.mark.parametrize(("numbers", "root"), PUBLISHED)
def test_with_prefixes_00_and_01_roots_are_the_published_ones(
    name: str, tmp_path: Path, numbers: list[int], root: str
) -> None:
    keeper, leaves = KEEPERS[name](tmp_path, ZERO_ONE), published(numbers)
    for key, value in leaves:
        keeper.change({key: value})
    assert keeper.map.root().hex() == root
    keeper.replace(dict(leaves))
    assert keeper.map.root().hex() == root
    check_same(keeper, dict(leaves), [key for key, _ in published(range(0, 30, 4))], ZERO_ONE)
    keeper.close()


def test_published_interleaved_updates_and_deletions(name: str, tmp_path: Path) -> None:
    keeper = KEEPERS[name](tmp_path, ZERO_ONE)
    for start in range(0, 30, 10):
        keeper.change(dict(published(range(start, start + 10))))
        keeper.change({key: None for key, _ in published(range(start + 5, start + 15))})
    assert keeper.map.root().hex() == "7e6643325042cfe0fc76626c043b97062af51c7e9fc56665f12b479034bce326"
    keeper.close()


# ---------------------------------------------------------------------------------------------- what proofs prove


SAMPLE = {**random_pairs(40), **{key: value_of(key) for key in UNIVERSE}}
PRESENT = [next(iter(SAMPLE)), UNIVERSE[3], UNIVERSE[6]]
MISSING = [bits("1" * 250), ABSENT[0], ABSENT[1], next(iter(random_pairs(1, start=999)))]


@pytest.mark.parametrize("key", PRESENT + MISSING, ids=lambda key: key.hex()[:4])
def test_no_field_of_a_proof_can_be_changed(keeper: Keeper, key: bytes) -> None:
    keeper.change(dict(SAMPLE))
    root, proof = keeper.map.root(), keeper.map.prove(key)
    assert accepted(root, key, proof) == (SAMPLE.get(key),)
    for at in range(len(proof)):
        for change in (0x01, 0x80):
            altered = proof[:at] + bytes([proof[at] ^ change]) + proof[at + 1 :]
            assert accepted(root, key, altered) is None, (at, change)
    siblings, terminal = parts(proof)
    for at, sibling in enumerate(siblings[:12]):
        for wrong in (
            [*siblings[:at], *siblings[at + 1 :]],
            [*siblings[:at], sibling, *siblings[at:]],
            [*siblings[:at], EMPTY, *siblings[at + 1 :]],
        ):
            assert wrong == siblings or accepted(root, key, joined(wrong, terminal)) is None
    for other in (b"", terminal[:-1], terminal + b"\x00", bytes(32), bytes(64), key + bytes(32)):
        assert other == terminal or accepted(root, key, joined(siblings, other)) is None


def test_absence_of_a_present_key_cannot_be_proved(keeper: Keeper) -> None:
    keeper.change(dict(SAMPLE))
    root, ends = keeper.map.root(), [b"", *(parts(keeper.map.prove(key))[1] for key in MISSING)]
    for key in PRESENT:
        siblings, value = parts(keeper.map.prove(key))
        others = [other + SAMPLE[other] for other in list(SAMPLE)[::7]]
        for depth in {*range(min(len(siblings), 10)), len(siblings) - 1, len(siblings)}:
            for terminal in (*ends, key + value, key + bytes(32), *others):
                said = accepted(root, key, joined(siblings[:depth], terminal))
                assert said in (None, (value,)), (depth, terminal)


def test_presence_of_an_absent_key_cannot_be_proved(keeper: Keeper) -> None:
    keeper.change(dict(SAMPLE))
    root = keeper.map.root()
    for key in MISSING:
        siblings, _ = parts(keeper.map.prove(key))
        for depth in {*range(min(len(siblings), 10)), len(siblings)}:
            for value in (EMPTY, root, *siblings[-8:], *list(SAMPLE.values())[::9]):
                assert accepted(root, key, joined(siblings[:depth], value)) is None


def test_a_removed_key_is_proved_absent_and_its_old_proof_is_refused(keeper: Keeper) -> None:
    keeper.change(dict(SAMPLE))
    for key in PRESENT:
        old = keeper.map.prove(key)
        keeper.change({key: None})
        assert check_proof(keeper.map.root(), key, keeper.map.prove(key)) is None
        assert accepted(keeper.map.root(), key, old) is None
