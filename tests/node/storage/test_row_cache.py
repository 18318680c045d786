"""Rows in memory: nothing that was changed is lost sight of, nothing outdated is kept, and memory stays bounded."""

from collections.abc import Callable

from accredit.node.storage.row_cache import AT_ONCE, ROWS, RowCache

ABSENT = -1


class Table(RowCache[int, int]):
    """Over a table that is a dict, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(ABSENT)
        self.stored: dict[int, int] = {}
        self.asked: list[list[int]] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def _read(self, keys: list[int]) -> dict[int, int]:
        self.asked.append(keys)
        found = {key: self.stored[key] for key in keys if key in self.stored}
        self.meanwhile()
        return found


def test_a_change_is_seen_before_while_and_after_it_is_written() -> None:
    table = Table()
    table.stored[1] = 10
    assert table.get(1) == 10
    table.put(1, 11)
    assert table.get(1) == 11
    assert table.take() == {1: 11}
    assert table.get(1) == 11
    table.stored[1] = 11
    table.written()
    assert table.get(1) == 11
    assert table.take() == {}


def test_a_change_that_was_not_written_is_written_with_the_next() -> None:
    table = Table()
    table.put(1, 11)
    table.put(2, 12)
    table.take()
    table.put(2, 22)
    table.put_back()
    assert (table.get(1), table.get(2)) == (11, 22)
    assert table.take() == {1: 11, 2: 22}


def test_what_is_read_while_it_changes_is_not_kept() -> None:
    """A thread that reads is overtaken by one that changes and writes."""
    table = Table()
    table.stored[1] = 10

    def change() -> None:
        table.meanwhile = lambda: None
        table.put(1, 11)
        table.take()
        table.stored[1] = 11
        table.written()
        for key in range(2, 3 * ROWS):  # until nothing of it is in memory any more
            table.get(key)

    table.meanwhile = change
    table.get(1)
    assert table.get(1) == 11


def test_what_is_used_does_not_fill_the_memory() -> None:
    table = Table()
    for key in range(10 * ROWS):
        table.get(key)
    assert len(table._held) <= 2 * ROWS
    asked = len(table.asked)
    table.get(10 * ROWS - 1)
    assert len(table.asked) == asked, "what was used last is there"


def test_what_is_not_written_yet_is_kept_however_much_else_is_read() -> None:
    table = Table()
    for key in range(ROWS):
        table.put(-key, key)
    table.take()
    for key in range(ROWS):
        table.put(-ROWS - key, key)
    for key in range(1, 10 * ROWS):
        table.get(key)
    table.asked.clear()
    assert all(table.get(-key) == key and table.get(-ROWS - key) == key for key in range(ROWS))
    assert not table.asked, "all of it was in memory"


def test_what_is_read_before_others_write_and_kept_after_is_not_taken_for_new() -> None:
    """A look ahead began before a change was stored, and ends after; of the change nothing is in memory any more."""
    table = Table()
    table.stored[1] = 10
    table.put(1, 11)
    table.take()
    table._held.clear()

    def change() -> None:
        table.stored[1] = 11
        table.written()

    table.meanwhile = change
    table.look_ahead([1])
    table.meanwhile = lambda: None
    assert table.get(1) == 11


def test_many_are_read_with_few_questions_and_none_twice() -> None:
    table = Table()
    table.stored = {key: key * 2 for key in range(0, 1_000, 2)}
    table.put(3, 4)
    table.look_ahead([*range(1_000), *range(1_000)])
    assert len(table.asked) == -(-999 // AT_ONCE)
    assert [table.get(key) for key in (2, 3, 5)] == [4, 4, ABSENT]
    table.look_ahead(range(1_000))
    assert len(table.asked) == -(-999 // AT_ONCE)


def test_where_nothing_is_stored_nobody_looks() -> None:
    table = Table()
    table.is_empty = True
    table.look_ahead([1, 2])
    assert table.get(1) == ABSENT
    table.put(1, 5)
    table.take()
    table.written()
    table.get(3)
    assert table.asked == [[3]]


def test_what_is_forgotten_is_read_anew() -> None:
    table = Table()
    table.put(1, 5)
    table.get(2)
    table.forget()
    assert table.get(1) == table.get(2) == ABSENT
    table.keep({7: 8})
    assert table.get(7) == 8
    assert table.newer() == {}


def test_what_others_have_stored_is_read_anew_and_the_rest_stays() -> None:
    table = Table()
    table.stored = {1: 10, 2: 20}
    table.look_ahead([1, 2, 3])
    table.stored |= {1: 11, 3: 30}
    table.asked.clear()
    table.outdated([1, 3, 4])
    assert [table.get(key) for key in (1, 2, 3)] == [11, 20, 30]
    assert table.asked == [[1], [3]]


def test_what_is_read_while_others_store_it_is_not_kept() -> None:
    table = Table()
    table.stored[1] = 10

    def change() -> None:
        table.meanwhile = lambda: None
        table.stored[1] = 11
        table.outdated([1])

    table.meanwhile = change
    table.get(1)
    assert table.get(1) == 11
