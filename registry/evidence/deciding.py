"""Runs `decide` over records that a quorum vouches for: from evidence, snapshots and buckets.

A quorum may err, or run another version, and vouch for a record that no fold makes. A question about the subject of
such a record gets an error that says so; all other questions over the same file are answered as usual.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ..decision.decide import decide, decide_recognition
from ..decision.query import Query
from ..decision.verdict import Decision
from ..domain.records import Records
from ..encoding.identifiers import CanonicalId
from ..errors import DecodeError
from .state_check import CheckError, CheckResult

AUTHORIZATION: Final = "authorization"
RECOGNITION: Final = "recognition"
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
    except (LookupError, TypeError, ValueError, AttributeError, DecodeError) as error:
        message = f"A record that the answer rests on is not of its type's shape ({error!r})."
        raise CheckError(
            CheckResult.REFUTED, "record", message[:300], hint="Keep this file as evidence, and ask another node."
        ) from None
