"""Closing a mandate: what the delegate has said is named whole, and nobody forgets to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from accredit.cli.base import node_option
from accredit.cli.base.node_option import compared_heads, newest_of
from accredit.cli.commands.governance.proposals import mandates_to_close
from accredit.registry.errors import InputError, RefusedError

A, B = "http://a.example", "http://b.example"
KEY, OTHER = "11" * 32, "22" * 32
DAY = 86_400
NOW = 1_767_225_600  # 2026-01-01


def head(key: str, seq: int, id: str) -> dict[str, Any]:
    return {"key": key, "seq": seq, "id": id}


class Node:
    def __init__(self, heads: list[dict[str, Any]], urls: list[str]) -> None:
        self._heads, self._urls = heads, urls

    def heads(self) -> dict[str, Any]:
        return {"heads": self._heads}

    def ecosystem(self) -> dict[str, Any]:
        return {"nodes": [{"url": url} for url in self._urls]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Node]:
    nodes: dict[str, Node] = {}

    @contextmanager
    def connected(url: str) -> Iterator[Node]:
        yield nodes[url]

    monkeypatch.setattr(node_option, "connected", connected)
    return nodes


def test_one_node_cannot_leave_out_what_a_delegate_has_said(asked: dict[str, Node]) -> None:
    asked |= {A: Node([head(KEY, 3, "old"), head(OTHER, 9, "x")], [A, B]), B: Node([head(KEY, 5, "new")], [A, B])}
    assert compared_heads((A, B), [KEY]) == {KEY: "new"}
    assert compared_heads((B, A), [KEY]) == {KEY: "new"}
    with pytest.raises(InputError) as refused:
        compared_heads((A,), [KEY])
    assert refused.value.code == "one_node"
    assert f"--node {A} --node {B}" in str(refused.value.hint)
    with pytest.raises(InputError):
        compared_heads((A, A), [KEY])


def test_where_there_is_one_node_only_its_word_is_taken(asked: dict[str, Node]) -> None:
    asked[A] = Node([head(KEY, 3, "old")], [f"{A}/"])
    assert compared_heads((A,), [KEY]) == {KEY: "old"}


def test_two_histories_of_a_delegates_key_are_settled_before_its_mandate_is_closed(asked: dict[str, Node]) -> None:
    asked |= {A: Node([head(KEY, 3, "one")], [A, B]), B: Node([head(KEY, 3, "other")], [A, B])}
    with pytest.raises(RefusedError) as refused:
        compared_heads((A, B), [KEY])
    assert refused.value.code == "forked_key"
    assert "accredit keys compromise" in str(refused.value.hint)
    assert compared_heads((A, B), [OTHER]) == {}


def test_the_newest_of_all_that_nodes_name_counts() -> None:
    lists = [[head(KEY, 1, "a"), head(OTHER, 4, "b")], [head(KEY, 2, "c")], []]
    assert newest_of(lists) == {KEY: "c", OTHER: "b"}


def standing(via: str | None, by: str | None, until: str | None, **members: Any) -> dict[str, Any]:
    found = {"via": via, "name": f"mandate {via}", "parent": None, "withdrawn": None, "keys": [{"key": KEY}]}
    return (
        found
        | ({} if by is None else {"parent": {"by": by, "via": None}})
        | ({} if until is None else {"valid_until": until})
        | members
    )


RECORDS = [
    {"id": "did:web:board.example", "standings": [standing(None, None, None)]},
    {"id": "did:web:other.example", "standings": [standing(None, None, None, keys=[{"key": OTHER}])]},
    {
        "id": "did:web:deputy.example",
        "standings": [
            standing("ended", "did:web:board.example", "2025-12-01T00:00:00Z", keys=[]),
            standing("soon", "did:web:board.example", "2026-01-10T00:00:00Z", keys=[]),
            standing("later", "did:web:board.example", "2027-01-01T00:00:00Z", keys=[]),
            standing("endless", "did:web:board.example", None, keys=[]),
            standing("closed", "did:web:board.example", "2025-12-01T00:00:00Z", keys=[], withdrawn={"statement": "x"}),
            standing("foreign", "did:web:other.example", "2025-11-01T00:00:00Z", keys=[]),
        ],
    },
]


def test_an_inbox_reminds_of_mandates_that_ended_and_are_not_closed() -> None:
    found = mandates_to_close(RECORDS, NOW, authority="did:web:board.example")
    assert [(one["delegation"], one["has_ended"]) for one in found] == [("ended", True), ("soon", False)]
    assert found == mandates_to_close(RECORDS, NOW, key=bytes.fromhex(KEY))
    assert [one["delegation"] for one in mandates_to_close(RECORDS, NOW)] == ["foreign", "ended", "soon"]
    assert mandates_to_close(RECORDS, NOW - 60 * DAY, authority="did:web:board.example") == []
