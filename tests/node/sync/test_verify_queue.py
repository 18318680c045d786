"""A line of batches: in order, one ahead, and nothing after one that failed."""

from collections.abc import Sequence

import pytest

from accredit.node.ports import in_thread
from accredit.node.sync.verify_queue import WORTHWHILE, checking_line, workers_for
from accredit.registry.errors import RefusedError
from accredit.registry.statement import Statement


async def test_batches_are_taken_in_their_order_and_none_after_one_that_failed() -> None:
    taken: list[bytes] = []

    async def take(entries: Sequence[bytes | Statement]) -> None:
        assert all(isinstance(each, bytes) for each in entries)
        if b"bad" in entries:
            raise RefusedError("bad", "A bad entry.")
        taken.extend(each for each in entries if isinstance(each, bytes))

    async with checking_line(0, in_thread) as line:
        await line.put([b"1", b"2"], take)
        assert taken == [], "it is still being checked"
        await line.put([b"3"], take)
        await line.put([b"bad"], take)
        assert taken == [b"1", b"2", b"3"]
        with pytest.raises(RefusedError):
            await line.put([b"4"], take)
        await line.finish()
        assert taken == [b"1", b"2", b"3"]
        await line.put([b"5"], take)
        await line.finish()
    assert taken == [b"1", b"2", b"3", b"5"]


def test_processes_are_begun_only_for_what_is_worth_it() -> None:
    assert workers_for(WORTHWHILE - 1, 8) == 0
    assert workers_for(WORTHWHILE, 8) == 8
    assert workers_for(10**6, 1) == 0, "one core has nothing to gain"
