"""Times as people and protocols write them: RFC 3339 in UTC. Inside, a time is seconds since 1970, negative before.

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
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d{1,12})?(?:[Zz]|\+00:00)", re.ASCII
)


@lru_cache(maxsize=4096)
def text(time: int) -> str:
    """RFC 3339 §5.6 with `Z`; times beyond the calendar (years 1 to 9999) are shown as its ends."""
    moment = _EPOCH + timedelta(seconds=min(max(time, TIME_MIN), TIME_MAX))
    return moment.replace(tzinfo=None).isoformat() + "Z"


def day(time: int) -> str:
    """The date of a time that begins a day, the whole time of any other: what a sentence should say."""
    written = text(time)
    return written[:10] if written.endswith("T00:00:00Z") else written


def parse(written: str, *, where: str = "") -> int:
    """Seconds of an RFC 3339 time in UTC; fractions of a second are dropped.

    Raises:
        DecodeError: not such a time, or one that the calendar does not have.
    """
    match = _INSTANT.fullmatch(written)
    try:
        if match is None:
            raise ValueError("not of this form")
        year, month, date, hour, minute, second = map(int, match.groups())
        moment = datetime(year, month, date, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise DecodeError(
            "bad_time",
            f"{written[:40]!r} is not a time in UTC ({error}).",
            where=where,
            hint="Write it like 2015-05-20T00:00:00Z (RFC 3339).",
        ) from None
    # Whole days and seconds: a float would lose seconds far from 1970.
    passed = moment - _EPOCH
    return passed.days * 86_400 + passed.seconds
