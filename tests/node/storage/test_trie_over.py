"""A trie that stands on tables: whatever changes, its root is that of all pairs, and it reads what it needs only."""

from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.node.storage.sqlite import transaction
from accredit.node.storage.sqlite_trie import SqliteStateMap, trie_over
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_trie import Prefixes, check_proof, subtree_hash
from tests.strategies.state_maps import UNIVERSE, SqliteKeeper, key_at, random_pairs, value_of

changes = st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 2)), max_size=30)


@pytest.mark.parametrize("bucket", [1, 2, 24])
def test_it_goes_on_as_one_in_memory_does(tmp_path_factory: pytest.TempPathFactory, bucket: int) -> None:
    folder = tmp_path_factory.mktemp("maps")

    @given(st.lists(changes, max_size=5))
    def check(batches: list[list[tuple[int, int | None]]]) -> None:
        keeper = SqliteKeeper(folder, Prefixes(), bucket=bucket)
        plain = Trie()
        for batch in batches:
            trie, made = trie_over(lambda: keeper.map), {}
            assert (len(trie), trie.root()) == (len(plain), plain.root())
            for number, value in batch:
                key = key_at(number)
                made[key] = None if value is None else sha256(bytes([value])).digest()
                trie.set(key, made[key])
                plain.set(key, made[key])
                assert (len(trie), trie.root()) == (len(plain), plain.root())
            branch = trie.branch()
            keeper.change(made)  # what it stands on has moved: where it changed nothing, nothing was changed
            branch.set(UNIVERSE[0], value_of(UNIVERSE[0]))
            expected = plain.branch()
            expected.set(UNIVERSE[0], value_of(UNIVERSE[0]))
            assert branch.root() == expected.root()
            for path in ("", "0", "8", "80", "f", "00"):
                low, high = (bytes.fromhex(path.ljust(64, digit)) for digit in "0f")
                below = [(key, value) for key, value in plain.items() if low <= key <= high]
                assert trie.hash_at(path) == subtree_hash(below, 4 * len(path))
            assert list(trie.items()) == list(plain.items())
            assert all(trie.get(key_at(number)) == plain.get(key_at(number)) for number in range(41))
        keeper.close()

    check()


@pytest.mark.parametrize("bucket", [1, 4, 24])
def test_tables_that_are_told_the_hashes_are_those_that_compute_them(tmp_path: Path, bucket: int) -> None:
    """An audit makes the tables again, from the leaves alone."""
    random = Random(bucket)
    (tmp_path / "told").mkdir()
    told, plain = (
        SqliteKeeper(tmp_path / "told", Prefixes(), bucket=bucket),
        SqliteKeeper(tmp_path, Prefixes(), bucket=bucket),
    )
    crowd = {b"\xab\xcd\xef" + random.randbytes(29): bytes(32) for _ in range(60)}
    some, others = random_pairs(300), random_pairs(150, start=300)
    trie = trie_over(lambda: told.map)
    batches: list[dict[bytes, bytes | None]] = [
        {**some, **crowd},
        {**others},
        {**dict.fromkeys([*some][:280])},
        {**dict.fromkeys(crowd)},
        {**some},
        {**dict.fromkeys(others)},
    ]
    for number, batch in enumerate(batches):
        if number % 2:  # else it stands on what was there before the last batch
            trie = trie_over(lambda: told.map)
        for key, value in batch.items():
            trie.set(key, value)
        with transaction(told.writer):
            SqliteStateMap(told.writer, "records", bucket=bucket).update(batch, trie.branch())
        plain.change(batch)
        assert told.pages() == plain.pages()
        assert told.map.check() == plain.map.root() == trie.root()
    told.close()
    plain.close()


def test_it_proves_and_reads_little_of_a_large_map(tmp_path: Path) -> None:
    keeper, read = SqliteKeeper(tmp_path, Prefixes(), bucket=24), list[str]()
    pairs = random_pairs(5_000)
    keeper.replace(pairs)
    keeper.reader.set_trace_callback(read.append)
    trie, plain = trie_over(lambda: keeper.map), Trie(pairs.items())
    key = sha256(b"another").digest()
    trie.set(key, value_of(key))
    plain.set(key, value_of(key))
    assert trie.root() == plain.root()
    assert len(read) < 10, "a page a level"
    for asked in (key, *Random(1).sample([*pairs], 20)):
        assert trie.prove(asked) == plain.prove(asked)
        assert check_proof(plain.root(), asked, trie.prove(asked)) == plain.get(asked)
    keeper.close()


def test_what_is_taken_away_leaves_the_map_of_what_is_left(tmp_path: Path) -> None:
    pairs = random_pairs(300)
    keeper = SqliteKeeper(tmp_path, Prefixes(), bucket=24)
    keeper.replace(pairs)
    trie, plain = trie_over(partial(SqliteStateMap, keeper.reader, "records")), Trie(pairs.items())
    for key in Random(3).sample([*pairs], len(pairs)):
        trie.set(key, None)
        plain.set(key, None)
        assert (len(trie), trie.root()) == (len(plain), plain.root())
    keeper.close()
