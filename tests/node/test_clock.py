"""The clock: what a drill with a wrong one needs, and that durations do not notice."""

import time

from accredit.node.clock import Clock, SystemClock


def test_a_clock_set_wrong_for_a_drill_is_wrong_by_just_that_and_can_be_set_right() -> None:
    clock = SystemClock(offset_seconds=-3600.0)
    told: Clock = clock
    assert abs(told.now() - (time.time() - 3600)) < 5
    clock.offset_seconds = 0.0
    assert abs(told.now() - time.time()) < 5


def test_durations_do_not_notice_that_the_clock_is_set() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.offset_seconds = -86_400.0
    assert 0 <= clock.monotonic() - before < 60
