"""Times as people and protocols write them: RFC 3339. Inside, a time is seconds since 1970 UTC, negative before.

>>> text(1_432_080_000), day(1_432_080_000), parse("2015-05-20T00:00:00Z")
('2015-05-20T00:00:00Z', '2015-05-20', 1432080000)
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from ..errors import DecodeError
from ..limits import TIME_MAX, TIME_MIN

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,12})?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@lru_cache(maxsize=4096)
def text(time: int) -> str:
    """RFC 3339 §5.6 with `Z`; times beyond the calendar (years 1 to 9999) are shown as its ends."""
    moment = _EPOCH + timedelta(seconds=min(max(time, TIME_MIN), TIME_MAX))
    return moment.replace(tzinfo=None).isoformat() + "Z"


@lru_cache(maxsize=4096)
def day(time: int) -> str:
    """Return a time for a sentence: the date alone if the time begins a day, else the whole time."""
    written = text(time)
    return written[:10] if written.endswith("T00:00:00Z") else written


PRECISIONS: Final = ("year", "month")
"""The precisions of a date that is not known to the day."""


def about(time: int, precision: str) -> str:
    """Return a date known to its year or month only, for a sentence: `about 1987`, `about 1987-05`."""
    return f"about {text(time)[: 4 if precision == 'year' else 7]}"


def next_period(time: int, precision: str) -> int | None:
    """Return the first second after the year or month that begins at `time`; None if `time` does not begin one.

    >>> next_period(parse("1987-01-01T00:00:00Z"), "year") == parse("1988-01-01T00:00:00Z")
    True
    """
    year, month, rest = int(text(time)[:4]), int(text(time)[5:7]), text(time)[8:]
    if rest != "01T00:00:00Z" or (precision == "year" and month != 1):
        return None
    year, month = (year + 1, 1) if precision == "year" or month == 12 else (year, month + 1)
    return TIME_MAX + 1 if year > 9999 else parse(f"{year:04}-{month:02}-01T00:00:00Z")


def parse(written: str, *, where: str = "") -> int:
    """Return the seconds of an RFC 3339 time in UTC (`Z`, or +00:00); fractions of a second are dropped.

    Raises:
        DecodeError: not such a time, not in the calendar, or with another offset; the hint then gives the same instant
            in UTC.
    """
    time = instant(written, where=where)
    if not written.endswith(("Z", "z", "+00:00")):
        raise DecodeError(
            "bad_time", f"{written!r} is not in UTC.", where=where, hint=f"Write it in UTC: {text(time)}."
        )
    return time


def instant(written: str, *, where: str = "", days: bool = False) -> int:
    """Return the seconds of an RFC 3339 time with any offset; fractions are dropped, a leap second is the one before.

    Args:
        days: accept a date alone too, as the start of that day in UTC.

    Raises:
        DecodeError: not such a time, or one that the calendar does not have.
    """
    if days and _DAY.fullmatch(written):
        written = f"{written}T00:00:00Z"
    try:
        return _seconds(written)
    except ValueError as error:
        example = "2015-05-20T00:00:00Z (RFC 3339)"
        raise DecodeError(
            "bad_time",
            f"{written[:40]!r} is not a time ({error}).",
            where=where,
            hint=f"Write it like 2015-05-20 or {example}." if days else f"Write it like {example}.",
        ) from None


@lru_cache(maxsize=4096)  # who asks about many credentials asks about few days
def _seconds(written: str) -> int:
    match = _INSTANT.fullmatch(written)
    if match is None:
        raise ValueError("wrong form")
    year, month, date, hour, minute, second = map(int, match.groups()[:6])
    sign, hours, minutes = match.groups()[6:]
    if second == 60 and minute == 59:
        second = 59  # RFC 3339 §5.7; POSIX time has no name for it
    ahead = 0 if sign is None else int(f"{sign}1") * _offset(int(hours), int(minutes))
    # Whole days and seconds: a float would lose seconds far from 1970.
    passed = datetime(year, month, date, hour, minute, second, tzinfo=UTC) - _EPOCH
    return min(max(passed.days * 86_400 + passed.seconds - ahead, TIME_MIN), TIME_MAX)


def _offset(hours: int, minutes: int) -> int:
    if hours > 23 or minutes > 59:
        raise ValueError("no such offset")
    return hours * 3_600 + minutes * 60
