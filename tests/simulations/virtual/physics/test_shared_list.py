"""What hosts share stays the same for all, whatever one of them does to its own."""

import pytest

from accredit.simulations.virtual.physics.shared_list import SharedList

BASE = (1, 2, 3)


def test_it_is_a_sequence_like_any_other() -> None:
    log = SharedList(BASE, [4, 5])
    assert list(log) == [1, 2, 3, 4, 5]
    assert [log[index] for index in range(5)] == list(log)
    assert [log[-index] for index in range(1, 6)] == [5, 4, 3, 2, 1]
    for start in range(-1, 7):
        for stop in range(-1, 7):
            assert log[start:stop] == list(log)[start:stop]
    assert log[::-1] == [5, 4, 3, 2, 1]
    for index in (5, -6):
        with pytest.raises(IndexError):
            log[index]


def test_what_is_added_is_its_own() -> None:
    log = SharedList(BASE)
    log.append(4)
    log.extend([5, 6])
    log.insert(3, 0)
    log.insert(-1, 9)
    assert log.base is BASE
    assert log.own == [0, 4, 5, 9, 6]


@pytest.mark.parametrize("change", ["set", "delete", "insert", "delete the last"])
def test_whoever_changes_what_is_shared_has_a_copy(change: str) -> None:
    log, other = SharedList(BASE, [4]), SharedList(BASE)
    if change == "set":
        log[0] = 7
        assert list(log) == [7, 2, 3, 4]
    elif change == "delete":
        del log[1]
        assert list(log) == [1, 3, 4]
    elif change == "insert":
        log.insert(0, 0)
        assert list(log) == [0, 1, 2, 3, 4]
    else:
        del log[-1]
        assert list(log) == [1, 2, 3]
    assert log.base == ()
    assert list(other) == [1, 2, 3]
