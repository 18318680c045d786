"""`decide` over records that a quorum vouches for: from evidence, snapshots and buckets.

A quorum may err, or be of another version, and vouch for a record that no fold makes. Whoever asks is told so, about
the subject that the record is of; nothing falls over, and what else the same file holds is answered for as ever.
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
    """The decision on a query; `time` is the answerer's clock, seconds since 1970.

    Raises:
        CheckError: `record`: one that the decision reads is not of its type's shape. As `records.get` does, too.
    """
    try:
        return DECIDE[asked](query, records, time, ecosystem_id=ecosystem_id)
    except (LookupError, TypeError, ValueError, AttributeError, DecodeError) as error:
        message = f"A record that the answer rests on is not of its type's shape ({error!r})."
        raise CheckError(
            CheckResult.REFUTED, "record", message[:300], hint="Keep this file as evidence, and ask another node."
        ) from None
