"""Runs `decide` over records that a quorum vouches for: from evidence, snapshots and buckets.

A quorum may err, or run another version, and vouch for a record that no fold makes. A question about the subject of
such a record gets an error that says so; all other questions over the same file are answered as usual.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ..decision.decide import Sitting, decide, decide_recognition
from ..decision.query import Query
from ..decision.verdict import Decision
from ..domain.records import Records
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from .state_check import CheckError, CheckResult

AUTHORIZATION: Final = "authorization"
RECOGNITION: Final = "recognition"
OF_BAD_SHAPE: Final = (LookupError, TypeError, ValueError, AttributeError, DecodeError)
"""What reading a record raises that does not have the shape of its type."""

DECIDE: Final[Mapping[str, Callable[..., Decision]]] = {AUTHORIZATION: decide, RECOGNITION: decide_recognition}


def decide_over(
    query: Query, records: Records, time: int, *, ecosystem_id: CanonicalId, asked: str = AUTHORIZATION
) -> Decision:
    """Return the decision on a query; `time` is the answerer's clock, seconds since 1970.

    Raises:
        CheckError: `record`: a record that the decision reads does not have the shape of its type; also as
            `records.get` raises it.
    """
    try:
        return DECIDE[asked](query, records, time, ecosystem_id=ecosystem_id)
    except OF_BAD_SHAPE as error:
        raise _bad_shape(error) from None


def decide_sitting(query: Query, sitting: Sitting) -> Decision:
    """Decide one query of many.

    Raises:
        CheckError: as for `decide_over`.
    """
    try:
        return sitting.decide(query)
    except OF_BAD_SHAPE as error:
        raise _bad_shape(error) from None


def _bad_shape(error: Exception) -> CheckError:
    message = f"A record that the answer rests on is not of its type's shape ({error!r})."
    return CheckError(
        CheckResult.REFUTED, "record", message[:300], hint="Keep this file as evidence, and ask another node."
    )
