"""Times in RFC 3339: an instant is an instant, however its offset is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.encoding.rfc3339 import instant, parse, text
from accredit.registry.errors import DecodeError
from accredit.registry.limits import TIME_MAX, TIME_MIN


@given(st.integers(TIME_MIN, TIME_MAX))
def test_every_time_comes_back(seconds: int) -> None:
    assert instant(text(seconds)) == seconds == parse(text(seconds))


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("2019-07-01T02:00:00+02:00", "2019-07-01T00:00:00Z"),
        ("2024-03-01T09:00:00-05:00", "2024-03-01T14:00:00Z"),
        ("2021-09-07t02:09:59.123+05:30", "2021-09-06T20:39:59Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("2015-05-20T00:00:00-00:00", "2015-05-20T00:00:00Z"),
        ("0001-01-01T00:00:00+10:00", "0001-01-01T00:00:00Z"),
    ],
)
def test_an_instant_is_an_instant_whatever_its_offset(written: str, same: str) -> None:
    assert text(instant(written)) == same


def test_where_only_utc_may_stand_the_hint_is_that_instant_in_utc() -> None:
    assert parse("2015-05-20T00:00:00+00:00") == parse("2015-05-20T00:00:00Z")
    with pytest.raises(DecodeError) as refused:
        parse("2015-05-20T01:00:00+02:00", where="context.time")
    assert refused.value.where == "context.time"
    assert "2015-05-19T23:00:00Z" in refused.value.hint


def test_a_date_is_the_start_of_its_day_and_only_where_dates_are_asked_for() -> None:
    assert instant("2015-05-20", days=True) == parse("2015-05-20T00:00:00Z")
    with pytest.raises(DecodeError, match="not a time"):
        instant("2015-05-20")


@pytest.mark.parametrize(
    "written",
    ["", "2015-05-20T00:00:00", "2015-02-30T00:00:00Z", "2015-5-2", "now", "²015-05-20", "2015-05-20T00:00:00+24:00",
     "2015-05-20T00:00:00+00:60", "2015-05-20T12:30:60Z", "2015-05-20T00:00:00+0200"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(DecodeError) as refused:
        instant(written, days=True, where="time")
    assert refused.value.where == "time"
    assert "2015-05-20" in refused.value.hint
