"""Shares of submitters: slower, never less."""

import pytest

from accredit.node.http.handling.rate_limit import BURST_SECONDS, PAYERS, WAIT_SECONDS, Pace
from accredit.registry.errors import BusyError


def test_a_minutes_share_goes_through_at_once_and_more_has_to_wait() -> None:
    pace = Pace(60)
    assert pace.delay("a", int(BURST_SECONDS), 1000.0) == 0.0
    assert pace.delay("a", 5, 1000.0) == 5.0
    assert pace.delay("b", 5, 1000.0) == 0.0, "another address has its own share"
    with pytest.raises(BusyError) as refused:
        pace.delay("a", int(WAIT_SECONDS), 1000.0)
    assert refused.value.code == "rate_limited"
    assert pace.delay("a", 1, 1000.0) == 6.0, "what was refused is not counted"
    assert pace.delay("a", 1, 2000.0) == 0.0, "time mends it"


def test_addresses_are_forgotten_the_oldest_first() -> None:
    pace = Pace(60)
    pace.delay("first", 60, 0.0)
    for number in range(PAYERS):
        pace.delay(str(number), 1, 0.0)
    assert pace.delay("first", 60, 0.0) == 0.0
