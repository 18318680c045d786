"""Pauses after failures."""

import pytest

from accredit.gossip.protocol.backoff import pause_after


def test_a_pause_doubles_up_to_the_longest_however_often_it_failed() -> None:
    assert [pause_after(failures, 1_000, 60_000) for failures in (1, 2, 3, 6, 7, 10_000)] == [
        *(1_000, 2_000, 4_000, 32_000),
        *(60_000, 60_000),
    ]


@pytest.mark.parametrize("failures", [1, 5])
def test_a_pause_has_the_unit_that_it_is_given_in(failures: int) -> None:
    assert pause_after(failures, 0.5, 8.0) == 0.5 * 2.0 ** (failures - 1)
