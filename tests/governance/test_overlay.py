"""A branch of a mapping is like a copy of it, and the base never notices."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.index.overlay import Layered, inner, keys_in_parts, pour

KEYS = st.integers(0, 5)
BASES = st.dictionaries(KEYS, st.integers(0, 3))
ACTS = st.lists(st.tuples(st.sampled_from(["set", "pop", "setdefault", "branch"]), KEYS, st.integers(0, 3)))


def same(branch: Layered[int, int], plain: dict[int, int]) -> None:
    assert dict(branch) == plain
    assert len(branch) == len(plain)
    assert bool(branch) == bool(plain)
    assert sorted(branch.items()) == sorted(plain.items())
    assert sorted(key for part in keys_in_parts(branch) for key in part) == sorted(plain)
    assert {key: branch.get(key, "none") for key in range(6)} == {key: plain.get(key, "none") for key in range(6)}
    assert [key in branch for key in range(6)] == [key in plain for key in range(6)]


@given(base=BASES, acts=ACTS)
def test_whatever_is_done_to_a_branch_it_is_like_a_dict_and_no_base_changes(base: Any, acts: Any) -> None:
    branch: Layered[int, int] = Layered(base)
    plain = dict(base)
    below: list[tuple[Any, dict[int, int]]] = [(base, dict(base))]
    for act, key, value in acts:
        match act:
            case "set":
                branch[key] = plain[key] = value
            case "pop":
                assert branch.pop(key, "none") == plain.pop(key, "none")
            case "setdefault":
                assert branch.setdefault(key, value) == plain.setdefault(key, value)
            case _:
                below.append((branch, dict(plain)))
                branch = Layered(branch)
        same(branch, plain)
    for mapping, before in below:
        assert dict(mapping) == before


def test_what_is_not_there_is_no_key() -> None:
    branch = Layered({"a": 1})
    del branch["a"]
    for key in ("a", "b"):
        with pytest.raises(KeyError):
            branch[key]
        with pytest.raises(KeyError):
            del branch[key]
    branch["c"] = 2
    branch["a"] = 3
    assert list(branch) == ["a", "c"]
    del branch["a"]
    assert list(branch.own()) == ["c"]
    del branch["c"]
    assert dict(branch) == {}


class _Asked(dict[str, int]):
    """Says when somebody reads what it does not have, at the cost of an error through every layer above it."""

    def __missing__(self, key: str) -> int:
        raise AssertionError(f"{key} is not there, and was read all the same")


def test_removing_what_is_not_there_raises_no_error_in_the_layers_below() -> None:
    branch = Layered(Layered(_Asked(a=1)))
    assert branch.pop("b", None) is None
    assert branch.pop("a") == 1
    assert branch.pop("a", 7) == 7
    with pytest.raises(KeyError, match="a"):
        branch.pop("a")
    assert len(branch) == 0


def test_a_mapping_within_is_opened_without_touching_the_bases() -> None:
    base: dict[str, Any] = {}
    inner(base, "a")[1] = "one"
    branch: Layered[str, Any] = Layered(base)
    inner(branch, "a")[2] = "two"
    inner(branch, "a")[3] = "three"
    inner(branch, "b")[4] = "four"
    assert base == {"a": {1: "one"}}
    assert dict(branch["a"]) == {1: "one", 2: "two", 3: "three"}
    assert branch["b"] == {4: "four"}


@given(base=BASES, acts=ACTS)
def test_what_is_poured_makes_the_base_what_the_branch_was_and_leaves_branches_as_they_were(
    base: Any, acts: Any
) -> None:
    branch: Layered[int, int] = Layered(base)
    for act, key, value in acts:
        if act == "pop":
            branch.pop(key, None)
        else:
            branch[key] = value
    above: Layered[int, int] = Layered(branch)
    above[5] = 9
    plain, over = dict(branch), dict(above)
    pour(branch)
    assert base == plain
    same(branch, plain)
    same(above, over)
    assert list(branch.own()) == []


def test_a_mapping_within_is_poured_where_it_belongs() -> None:
    lowest: dict[str, Any] = {"a": {1: "one"}}
    base: Layered[str, Any] = Layered(lowest)
    branch: Layered[str, Any] = Layered(base)
    inner(branch, "a")[2] = "two"
    inner(branch, "b")[3] = "three"
    pour(branch)
    assert lowest == {"a": {1: "one"}}
    assert {key: dict(value) for key, value in base.items()} == {"a": {1: "one", 2: "two"}, "b": {3: "three"}}


class _InParts(dict[str, int]):
    """A mapping that is read key by key."""

    def keys_in_parts(self) -> Iterator[Sequence[str]]:
        for key in [*self]:
            yield [key] if key in self else []


def test_no_key_is_missed_that_moves_down_while_the_keys_are_read() -> None:
    base = _InParts({"a": 1, "b": 2, "c": 3})
    branch = Layered(base)
    del branch["b"]
    branch["d"] = 4
    parts = keys_in_parts(branch)
    found = [*next(parts), *next(parts)]
    pour(branch)
    base["e"] = 5
    found += [key for part in parts for key in part]
    assert sorted(found) in (["a", "c", "d"], ["a", "c", "d", "e"])
