"""Runs `decide` over records that a quorum vouches for: from evidence, snapshots and buckets.

A quorum may err, or run another version, and vouch for a record that no fold makes. A question about the subject of
such a record gets an error that says so; all other questions over the same file are answered as usual.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ..decision.decide import Sitting, decide, decide_recognition
from ..decision.query import Query
from ..decision.verdict import Decision
from ..domain.record_types import Record
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


class StateSitting:
    """Decides question after question on records of one state, each through a `Records` of its own.

    What the questions share is worked out once. Yet each reads from its own records all that its answer rests on,
    just as `decide_over` does, because these are what is proved, or was.

    Args:
        ecosystem_id: the charter's id.
    """

    def __init__(self, ecosystem_id: CanonicalId) -> None:
        self._ecosystem_id = ecosystem_id
        self._door = _Door()
        self._sitting: Sitting | None = None

    def decide(self, query: Query, records: Records, time: int, *, asked: str = AUTHORIZATION) -> Decision:
        """Return what `decide_over` does, which also reads the same records."""
        if asked != AUTHORIZATION or not Sitting.reads_again(query, self._ecosystem_id):
            return decide_over(query, records, time, ecosystem_id=self._ecosystem_id, asked=asked)
        sitting, self._sitting = self._sitting, None
        if sitting is None or sitting.now != time:
            sitting = Sitting(self._door, time, ecosystem_id=self._ecosystem_id, is_watched=True)
        self._door.records = records
        decision = decide_sitting(query, sitting)
        self._sitting = sitting  # not if it was cut short
        return decision


class _Door:
    """The records of the question that is being decided."""

    __slots__ = ("records",)

    records: Records

    def get(self, type: str, id: str) -> Record | None:
        """See `Records`."""
        return self.records.get(type, id)


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
