"""The state map: one set, one root; and no proof says what is not so."""

import doctest
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.errors import DecodeError, RefusedError, StorageError
from accredit.registry.transparency import state_map as map_module
from accredit.registry.transparency.state_map import Elsewhere, StateMap, Trie
from accredit.registry.transparency.state_trie import (
    EMPTY,
    Prefixes,
    ProvedTops,
    bulk_root,
    check_proof,
    state_root,
    subtree_hash,
)
from tests.strategies.state_maps import (
    ABSENT,
    PUBLISHED,
    UNIVERSE,
    Changes,
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
from tests.strategies.written import elsewhere

BUCKETS = [2, 3, 16]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_every_small_map_has_the_root_of_the_definition_and_proves_every_key(bucket: int) -> None:
    for pairs in subsets():
        trie: StateMap = Trie(pairs.items(), bucket_leaves=bucket)
        root = trie.root()
        assert root == definition(pairs) == bulk_root(sorted(pairs.items()))
        assert len(trie) == len(pairs)

        for key in UNIVERSE + ABSENT:
            assert trie.get(key) == pairs.get(key)
            assert check_proof(root, key, trie.prove(key)) == pairs.get(key)


def test_what_a_proof_of_any_map_says_of_any_other_map_is_true_or_refused() -> None:
    """Proofs are taken elsewhere on purpose: another root, another key, another set."""
    maps = [pairs for pairs in subsets() if len(pairs) in (0, 1, 2, 6, 7)]
    tries = [Trie(pairs.items()) for pairs in maps]
    # No proof is fit for two keys that must be told apart: collect all there are, each once.
    proofs = sorted(
        {trie.prove(key) for trie in tries for key in (*UNIVERSE, ABSENT[0])}, key=lambda each: (len(each), each)
    )
    for pairs, trie in list(zip(maps, tries, strict=True))[::7]:
        for key in (UNIVERSE[0], UNIVERSE[4], UNIVERSE[6], ABSENT[0]):
            for proof in proofs:
                assert accepted(trie.root(), key, proof) in (None, (pairs.get(key),))


def test_a_proof_whose_upper_end_was_seen_before_is_refused_for_every_byte_that_differs() -> None:
    pairs = {sha256(bytes([high, low])).digest(): bytes([high] * 32) for high in range(8) for low in range(256)}
    trie, tops, empty = Trie(pairs.items()), ProvedTops(), ProvedTops()
    root = trie.root()
    asked = sorted(pairs)[:40] + [sha256(bytes([number])).digest() for number in range(40)]
    for key in asked * 2:
        assert check_proof(root, key, trie.prove(key), tops=tops) == pairs.get(key)
    assert tops._held != empty._held
    for key in asked[:2]:
        proof = trie.prove(key)
        for at in range(len(proof)):
            changed = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
            assert accepted(root, key, changed) is None
            with pytest.raises((DecodeError, RefusedError)):
                check_proof(root, key, changed, tops=tops)


# ------------------------------------------------------------------------------------ the same set, the same root


@given(changes_made, st.sampled_from(BUCKETS), st.integers(1, 20))
def test_the_root_follows_the_set_through_any_changes(made: Changes, bucket: int, pause: int) -> None:
    """Whatever was set and removed before, and whenever the root was asked for between, which fills its caches."""
    trie, pairs = Trie(bucket_leaves=bucket), Pairs()
    for count, (number, value) in enumerate(made):
        key = key_at(number)
        if value is None:
            trie.set(key, None)
            pairs.pop(key, None)
        else:
            trie.set(key, bytes([value]) * 32)
            pairs[key] = bytes([value]) * 32
        if count % pause == 0:
            assert trie.root() == definition(pairs)

    assert trie.root() == definition(pairs) == bulk_root(sorted(pairs.items()))
    assert list(trie.items()) == sorted(pairs.items())
    assert len(trie) == len(pairs)
    for number in range(31):
        key = key_at(number)
        assert trie.get(key) == pairs.get(key)
        assert check_proof(trie.root(), key, trie.prove(key)) == pairs.get(key)


@given(st.permutations(range(25)), st.sets(st.integers(0, 24)), st.sampled_from(BUCKETS))
def test_order_of_insertion_and_deletion_leaves_no_trace(order: list[int], gone: set[int], bucket: int) -> None:
    trie = Trie(bucket_leaves=bucket)
    for number in order:
        trie.set(key_at(number), value_of(key_at(number)))
    for number in order:
        if number in gone:
            trie.set(key_at(number), None)
    rest = {key_at(number): value_of(key_at(number)) for number in range(25) if number not in gone}

    assert trie.root() == Trie(rest.items()).root() == definition(rest)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_thousands_of_keys_come_and_go(bucket: int) -> None:
    first, second = random_pairs(1_500), random_pairs(1_500, start=1_500)
    trie = Trie(first.items(), bucket_leaves=bucket)
    assert trie.root() == definition(first)

    for key, value in second.items():
        trie.set(key, value)
    assert trie.root() == definition(first | second)
    assert list(trie.items()) == sorted((first | second).items())

    for key in first:
        trie.set(key, None)
    assert trie.root() == bulk_root(sorted(second.items()))

    for key in second:
        trie.set(key, None)
    assert (trie.root(), len(trie), list(trie.items())) == (EMPTY, 0, [])


def test_a_change_that_changes_nothing_keeps_the_root() -> None:
    pairs = random_pairs(100)
    trie = Trie(pairs.items())
    root = trie.root()
    for key, value in pairs.items():
        trie.set(key, value)
    trie.set(ABSENT[0], None)

    assert trie.root() == root
    assert len(trie) == 100


def test_another_value_under_one_key_is_another_root() -> None:
    trie = Trie(random_pairs(20).items())
    before, key = trie.root(), next(iter(random_pairs(1)))
    trie.set(key, bytes(32))

    assert trie.root() != before
    assert trie.get(key) == bytes(32)
    assert len(trie) == 20


def test_pairs_out_of_order_or_twice_are_our_mistake() -> None:
    items = sorted(random_pairs(3).items())
    for wrong in (items[::-1], [items[0], items[0]], [items[0], (items[0][0], bytes(32))]):
        with pytest.raises(AssertionError):
            bulk_root(wrong)
    with pytest.raises(AssertionError):
        Trie([items[0], (items[0][0], bytes(32))])


# ------------------------------------------------------------------------------------ published roots


@pytest.mark.parametrize(("numbers", "root"), PUBLISHED)
def test_with_prefixes_00_and_01_roots_are_the_published_ones(numbers: list[int], root: str) -> None:
    """The sparse Merkle tree test specification of Celestia and Fuel (Apache-2.0): inputs and roots."""
    prefixes = Prefixes(leaf=b"\x00", node=b"\x01")
    trie = Trie(prefixes=prefixes, bucket_leaves=2)
    for key, value in published(numbers):
        trie.set(key, value)

    assert trie.root().hex() == bulk_root(sorted(published(numbers)), prefixes).hex() == root
    for key, value in published(numbers):
        assert check_proof(trie.root(), key, trie.prove(key), prefixes) == value


def test_published_interleaved_updates_and_deletions() -> None:
    trie = Trie(prefixes=Prefixes(leaf=b"\x00", node=b"\x01"), bucket_leaves=2)
    for start in range(0, 30, 10):
        for key, value in published(range(start, start + 10)):
            trie.set(key, value)
        for key, _ in published(range(start + 5, start + 15)):
            trie.set(key, None)

    assert trie.root().hex() == "7e6643325042cfe0fc76626c043b97062af51c7e9fc56665f12b479034bce326"


def test_our_own_prefixes_give_our_own_roots() -> None:
    left, right = bits("0"), bits("1")
    leaf_left = sha256(b"\x02" + left + value_of(left)).digest()
    leaf_right = sha256(b"\x02" + right + value_of(right)).digest()
    both = Trie([(left, value_of(left)), (right, value_of(right))])

    assert both.root() == sha256(b"\x03" + leaf_left + leaf_right).digest()
    assert Trie().root() == EMPTY == bytes(32)
    assert state_root(both.root(), EMPTY) == sha256(b"\x04" + both.root() + bytes(32)).digest()


# ------------------------------------------------------------------------------------ proofs, byte by byte


def test_the_bytes_of_proofs() -> None:
    left, right, deep = bits("0"), bits("1"), bits("001")
    leaf = {key: sha256(b"\x02" + key + value_of(key)).digest() for key in (left, right, deep)}
    one = Trie([(left, value_of(left))])
    three = Trie((key, value_of(key)) for key in leaf)

    assert Trie().prove(left) == bytes(2)
    assert one.prove(left) == bytes(2) + value_of(left)
    assert one.prove(right) == bytes(2) + left + value_of(left)
    # 000... and 001... part at the third bit; beside them 01... is empty, and above stands 1...
    assert three.prove(left) == b"\x00\x03" + b"\xa0" + leaf[right] + leaf[deep] + value_of(left)
    assert three.prove(bits("0001")) == b"\x00\x03" + b"\xa0" + leaf[right] + leaf[deep] + left + value_of(left)
    below = sha256(b"\x03" + sha256(b"\x03" + leaf[left] + leaf[deep]).digest() + EMPTY).digest()
    assert below == sha256(b"\x03" + definition({left: value_of(left), deep: value_of(deep)}, 2) + EMPTY).digest()
    assert three.prove(bits("01")) == b"\x00\x02" + b"\xc0" + leaf[right] + definition(
        {left: value_of(left), deep: value_of(deep)}, 2
    )
    assert three.prove(right) == b"\x00\x01" + b"\x80" + below + value_of(right)


def sample() -> tuple[Trie, Pairs]:
    pairs = random_pairs(40) | {key: value_of(key) for key in UNIVERSE}
    return Trie(pairs.items(), bucket_leaves=3), pairs


SAMPLE, SAMPLE_PAIRS = sample()
# Present: shallow, and 256 nodes deep. Absent: beside another leaf, and in an empty slot.
QUERIES = [next(iter(random_pairs(1))), UNIVERSE[6], bits("1" * 250), sha256(b"absent").digest(), *ABSENT[:2]]


def test_queries_meet_every_end_of_a_path() -> None:
    terminals = set()
    for key in QUERIES:
        proof = SAMPLE.prove(key)
        depth = int.from_bytes(proof[:2], "big")
        start = 2 + (depth + 7) // 8
        terminals.add(len(proof) - start - 32 * int.from_bytes(proof[2:start], "big").bit_count())
    assert terminals == {0, 32, 64}


@pytest.mark.parametrize("key", QUERIES)
def test_no_byte_of_a_proof_can_be_changed_dropped_or_added(key: bytes) -> None:
    root, proof = SAMPLE.root(), SAMPLE.prove(key)
    assert accepted(root, key, proof) == (SAMPLE_PAIRS.get(key),)

    for at in range(len(proof)):
        for change in (0x01, 0x02, 0x10, 0x80, 0xFF):
            altered = proof[:at] + bytes([proof[at] ^ change]) + proof[at + 1 :]
            assert accepted(root, key, altered) is None, (at, change)
        assert accepted(root, key, proof[:at]) is None
        assert accepted(root, key, proof[:at] + proof[at + 1 :]) is None
        assert accepted(root, key, proof[:at] + b"\x00" + proof[at:]) is None
    for surplus in (b"\x00", bytes(32), bytes(64), proof):
        assert accepted(root, key, proof + surplus) is None


@pytest.mark.parametrize("key", QUERIES)
def test_siblings_reordered_dropped_doubled_or_emptied_are_refused(key: bytes) -> None:
    root, proof = SAMPLE.root(), SAMPLE.prove(key)
    siblings, terminal = parts(proof)
    assert joined(siblings, terminal) == proof

    for at, sibling in enumerate(siblings):
        for wrong in (
            [*siblings[:at], *siblings[at + 1 :]],
            [*siblings[:at], sibling, *siblings[at:]],
            [*siblings[:at], EMPTY, *siblings[at:]],
            [*siblings[:at], sha256(sibling).digest(), *siblings[at + 1 :]],
        ):
            assert wrong == siblings or accepted(root, key, joined(wrong, terminal)) is None
    assert accepted(root, key, joined(siblings[::-1], terminal)) is None


@pytest.mark.parametrize("key", [*list(SAMPLE_PAIRS)[:3], *UNIVERSE])
def test_absence_of_a_present_key_cannot_be_proved(key: bytes) -> None:
    """Every part of the true path, cut at every depth, under every end that means absence."""
    root = SAMPLE.root()
    siblings, value = parts(SAMPLE.prove(key))
    others = [other + SAMPLE_PAIRS[other] for other in SAMPLE_PAIRS]
    for depth in {*range(min(len(siblings), 12)), len(siblings) - 1, len(siblings)}:
        for terminal in (b"", key + value, key + bytes(32), *others):
            assert accepted(root, key, joined(siblings[:depth], terminal)) is None


@pytest.mark.parametrize("key", QUERIES[2:])
def test_presence_of_an_absent_key_cannot_be_proved(key: bytes) -> None:
    root = SAMPLE.root()
    siblings, terminal = parts(SAMPLE.prove(key))
    for depth in {*range(min(len(siblings), 12)), len(siblings)}:
        for value in (
            EMPTY,
            root,
            terminal[-32:].rjust(32, b"\x00"),
            *siblings[-12:],
            *list(SAMPLE_PAIRS.values())[:5],
        ):
            assert accepted(root, key, joined(siblings[:depth], value)) is None


def test_a_leaf_of_another_path_is_no_proof_of_absence() -> None:
    """Elsewhere the leaf shown was compared with the key for equality, and not for being on its path."""
    key, other = UNIVERSE[3], UNIVERSE[0]
    proof = SAMPLE.prove(other).removesuffix(SAMPLE_PAIRS[other]) + other + SAMPLE_PAIRS[other]

    with pytest.raises(RefusedError) as caught:
        check_proof(SAMPLE.root(), key, proof)
    assert caught.value.code == "proof_off_path"


def test_a_proof_under_an_older_or_newer_root_is_refused() -> None:
    trie = Trie(random_pairs(50).items())
    key = next(iter(random_pairs(1)))
    before, proof = trie.root(), trie.prove(key)
    trie.set(ABSENT[0], bytes(32))

    assert accepted(before, key, proof) == (random_pairs(1)[key],)
    with pytest.raises(RefusedError) as caught:
        check_proof(trie.root(), key, proof)
    assert caught.value.code == "proof_other_root"


def test_a_removed_record_is_proved_absent_and_no_longer_present() -> None:
    trie = Trie(random_pairs(50).items())
    key = next(iter(random_pairs(1)))
    old = trie.prove(key)
    trie.set(key, None)

    assert check_proof(trie.root(), key, trie.prove(key)) is None
    assert accepted(trie.root(), key, old) is None


def test_leaves_are_not_nodes() -> None:
    """Both hash 64 bytes: without the prefixes, the two children of a node would pass for a key and its value."""
    pairs = {bits("0"): value_of(bits("0")), bits("1"): value_of(bits("1"))}
    left, right = (definition({key: value}) for key, value in pairs.items())
    trie = Trie(pairs.items())

    assert accepted(trie.root(), left, bytes(2) + right) is None
    with pytest.raises(AssertionError):
        Prefixes(leaf=b"\x02", node=b"\x02")


@pytest.mark.parametrize(
    ("proof", "where"),
    [
        (b"", "depth"),
        (b"\x00", "depth"),
        (b"\x00\x01", "depth"),
        (b"\x01\x01" + bytes(32) + b"\x80" + bytes(32), "depth"),
        (b"\xff\xff" + bytes(8192), "depth"),
        (b"\x00\x01\xc0" + bytes(32), "bitmap"),
        (b"\x00\x01\x00", "bitmap"),
        (b"\x00\x02\x80" + b"\x01" * 32, "bitmap"),
        (b"\x00\x01\x80" + bytes(31), "terminal"),
        (b"\x00\x00" + bytes(31), "terminal"),
        (b"\x00\x00" + bytes(96), "terminal"),
        (b"\x00\x01\x80" + bytes(32), "siblings"),
    ],
)
def test_bytes_that_are_no_proof_are_refused(proof: bytes, where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        check_proof(EMPTY, bits("0"), proof)
    assert caught.value.where == where


@given(
    st.binary(max_size=200) | st.builds(lambda depth, rest: bytes([0, depth]) + rest, st.integers(0, 9), st.binary())
)
def test_any_bytes_prove_the_truth_or_nothing(proof: bytes) -> None:
    for key in QUERIES[:3]:
        assert accepted(SAMPLE.root(), key, proof) in (None, (SAMPLE_PAIRS.get(key),))


def test_the_example_in_the_docstring_runs() -> None:
    result = doctest.testmod(map_module)

    assert result.attempted > 0
    assert result.failed == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(range(40)), st.none() | st.integers(0, 2)), max_size=80))
def test_branches_go_their_own_ways_and_none_notices_another(changes: list[tuple[int, int, int | None]]) -> None:
    """Also a branch of a branch, in the middle of changes, and whatever was hashed before."""
    maps = [Trie(bucket_leaves=2)]
    plain: list[dict[bytes, bytes]] = [{}]
    for which, key, value in changes:
        at = which % len(maps)
        name = sha256(bytes([key])).digest()
        if value == 2 and len(maps) < 4:
            maps.append(maps[at].branch())
            plain.append(dict(plain[at]))
        maps[at].set(name, None if value is None else bytes([value]) * 32)
        plain[at].pop(name, None)
        if value is not None:
            plain[at][name] = bytes([value]) * 32
        if key % 3 == 0:
            maps[at].root()
    for map, expected in zip(maps, plain, strict=True):
        assert dict(map.items()) == expected
        assert len(map) == len(expected)
        assert map.root() == Trie(expected.items()).root()
        for name in expected:
            assert check_proof(map.root(), name, map.prove(name)) == expected[name]


# ------------------------------------------------------------------------------------------------ kept elsewhere


@given(
    st.lists(st.integers(0, 40), max_size=40, unique=True),
    st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 2), st.booleans()), max_size=40),
    st.integers(1, 5),
)
def test_a_map_kept_elsewhere_is_changed_as_one_in_memory_is(
    numbers: list[int], changes: list[tuple[int, int | None, bool]], bucket: int
) -> None:
    """Whenever it is looked at, which is when what waits is done; a branch of it goes its own way."""
    pairs = {key_at(number): value_of(key_at(number)) for number in numbers}
    kept, plain = Trie.standing_on(elsewhere(pairs, bucket=bucket)), Trie(pairs.items())
    for number, value, is_looked_at in changes:
        for trie in (kept, plain):
            trie.set(key_at(number), None if value is None else bytes([value]) * 32)
        if is_looked_at:
            assert (len(kept), kept.root()) == (len(plain), plain.root())
    branch = kept.branch()
    branch.set(UNIVERSE[0], bytes([9]) * 32)
    assert branch.get(UNIVERSE[0]) == bytes([9]) * 32
    assert kept.root() == plain.root()
    assert list(kept.items()) == list(plain.items())
    for number in range(41):
        key = key_at(number)
        assert kept.get(key) == plain.get(key)
        assert kept.prove(key) == plain.prove(key)


def test_what_is_kept_elsewhere_is_read_only_where_a_question_leads() -> None:
    pairs, read = random_pairs(300), list[str]()
    trie = Trie.standing_on(elsewhere(pairs, read=read))
    assert (len(trie), trie.root()) == (300, Trie(pairs.items()).root())
    assert not read, "the number and the root are known"
    trie.set(key_at(20), value_of(key_at(20)))
    assert not read, "a change waits until somebody asks"
    trie.root()
    path = format(int.from_bytes(key_at(20), "big"), "0256b")
    assert read
    assert len(read) < 20
    assert all(path.startswith(one[:-1]) for one in read if one), "the path of the key, and what stands beside it"


def test_an_empty_map_kept_elsewhere_is_the_empty_map() -> None:
    trie = Trie.standing_on(elsewhere({}))
    assert (len(trie), trie.root(), list(trie.items())) == (0, EMPTY, [])
    assert check_proof(EMPTY, UNIVERSE[0], trie.prove(UNIVERSE[0])) is None


def test_what_is_stored_elsewhere_is_read_once_by_all_branches_of_a_map() -> None:
    pairs = [(bytes([number]) * 32, bytes(32)) for number in range(3)]
    read: list[bytes] = []

    def leaves() -> bytes:
        read.append(b"".join(key + value for key, value in pairs))
        return read[-1]

    whole = Trie.standing_on(Elsewhere(count=len(pairs), hash=Trie(pairs).root(), depth=0, read=leaves))
    one, other = whole.branch(), whole.branch()
    assert one.root() == Trie(pairs).root()
    assert not read
    more = (b"\xff" * 32, bytes(32))
    one.set(*more)
    assert one.root() == Trie([*pairs, more]).root()
    assert other.get(pairs[1][0]) == bytes(32)
    assert len(read) == 1


@pytest.mark.parametrize("count", [1, 3, 300])
def test_what_is_stored_elsewhere_and_was_changed_there_is_not_built_upon(count: int) -> None:
    pairs = {sha256(bytes([number % 256, number // 256])).digest(): bytes(32) for number in range(count)}
    stored = elsewhere(pairs)
    changed = elsewhere(pairs | {min(pairs): b"x" * 32})
    trie = Trie.standing_on(Elsewhere(count=count, hash=stored.hash, depth=0, read=changed.read))
    trie.set(max(pairs), b"y" * 32)
    with pytest.raises(StorageError, match="does not lead to its hash"):
        trie.root()
    assert Trie.standing_on(stored).root() == Trie(pairs.items()).root()


@pytest.mark.parametrize("count", [0, 1, 3, 12, 300])
def test_a_part_of_a_map_has_the_hash_of_its_leaves_wherever_it_is_stored(count: int) -> None:
    pairs = random_pairs(count) | {key: bytes(32) for key in UNIVERSE[: count % 5]}
    added = random_pairs(20, start=1_000)
    plain, leaves = Trie(pairs.items()), b"".join(key + value for key, value in sorted(pairs.items()))
    at_once = Elsewhere(count=len(pairs), hash=plain.root(), depth=0, read=lambda: leaves)
    for trie in (plain, Trie.standing_on(elsewhere(pairs)), Trie.standing_on(at_once)):
        for key, value in added.items():
            trie.set(key, value)
        for path in ("", "0", "8", "80", "ff", "a1b", "f" * 64):
            below = {key: value for key, value in (pairs | added).items() if key.hex().startswith(path)}
            assert trie.hash_at(path) == subtree_hash(sorted(below.items()), 4 * len(path))
