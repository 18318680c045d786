"""A node's log as gossip sees it: what is stored is read where it lies, and read once."""

from collections.abc import Sequence

import pytest

from accredit.governance.fold import Fold
from accredit.node.engine import log_index
from accredit.node.engine.log_index import LogView
from accredit.registry.statement import Statement
from tests.strategies.network import A, B, founded, issuer_body


class Stored:
    """A stored log that tells which statements were read from it."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._statements = statements
        self.read: list[int] = []

    def index_of(self, id: bytes) -> int | None:
        raise AssertionError(f"nobody asks where {id.hex()} is")

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        return [each.id for each in self._statements[start:stop]]

    def entries(self, start: int, stop: int) -> Sequence[bytes]:
        self.read += range(start, stop)
        return [each.raw for each in self._statements[start:stop]]


def test_a_long_log_is_compared_again_and_again_and_each_statement_is_decoded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_index, "_PAGE", 2)
    town = founded(A, B)
    for number in range(4):
        town.says(A, "issuer.register", issuer_body(number))
    said, fold = town.said, Fold(town.eco)
    stored = Stored(said)
    view = LogView(fold, stored)
    for each in said[:-1]:
        view.add(each)
    expected = [(each.iat, each.id) for each in said]
    assert list(view.items()) == expected[:-1], "all of it in memory"
    assert stored.read == []
    for size in (3, 3, len(said) - 1):
        view.read_on(size)
        assert list(view.items()) == expected[:-1]
        assert stored.read == list(range(size)), "once each"
    view.add(said[-1])
    assert list(view.items()) == expected
    assert stored.read == list(range(len(said) - 1)), "the newest is in memory"
