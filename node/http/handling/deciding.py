"""Runs `decide` over this node's records; a damaged record prevents only answers about its own subject.

    records = TurnRecords(fold)                          reads each record once, while nothing changes
    read_ahead(queries, records)                         what most of many queries need, with few questions to SQLite
    decide_held_together(query, sitting)                 each of them, at a `Sitting` over these records

A verifier that finds a damaged record refutes the file (`registry.evidence.deciding`). A node that finds one among its
own records has a damaged disk, or a fault: it says so in answers about that subject, answers all other questions, and
logs a line for its operator.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from accredit.governance.fold import Fold
from accredit.node.faults import tell
from accredit.registry.decision.decide import Sitting
from accredit.registry.decision.query import ISSUE, Query
from accredit.registry.decision.verdict import Decision, Reason, Verdict
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Records, Subject, issuer_in
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import AccreditError, StorageError
from accredit.registry.evidence.deciding import (
    AUTHORIZATION,
    OF_BAD_SHAPE,
    RECOGNITION,
    decide_over,
    decide_sitting,
)
from accredit.registry.evidence.state_check import CheckError

__all__ = ("AUTHORIZATION", "RECOGNITION", "TurnRecords", "decide_held", "decide_held_together", "read_ahead")

AHEAD: Final = 8
"""Accreditations of one issuer that are read ahead. Few issuers have more; and of 50 such issuers all stay in memory
until they are needed."""

REMEMBERED: Final = 1_024
"""Records that are remembered at a time, at most: some 3 KiB each. Fifty questions read some hundred. A guess."""

_UNREAD: Final[Any] = object()

_log: Final = logging.getLogger(__name__)


class TurnRecords:
    """The records of a fold, each looked up and decoded once for all questions of a turn.

    A fold changes in place, so whoever lets others have a turn makes a new one, unless it knows that nothing has
    changed (`moment.Moment.is_still`).
    """

    __slots__ = ("_fold", "_read")

    def __init__(self, fold: Fold) -> None:
        self._fold = fold
        self._read: dict[Subject, Record | None] = {}

    def get(self, type: str, id: str) -> Record | None:
        """See `Records`."""
        found: Record | None = self._read.get((type, id), _UNREAD)
        if found is _UNREAD:
            found = self._fold.get(type, id)
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            self._read[type, id] = found
        return found

    def expect(self, subjects: Iterable[Subject]) -> None:
        """See `Fold`."""
        self._fold.expect(subjects)


def decide_held(
    query: Query, records: Records, now: int, *, ecosystem_id: CanonicalId, asked: str = AUTHORIZATION
) -> Decision:
    """Decide on a query; `indeterminate` with the reason `state_damaged` where a record that it takes is damaged.

    Args:
        now: this node's clock, seconds since 1970.
        asked: `AUTHORIZATION` or `RECOGNITION`.
    """
    try:
        return decide_over(query, records, now, ecosystem_id=ecosystem_id, asked=asked)
    except (CheckError, StorageError) as error:
        return _damaged(query, now, error)


def decide_held_together(query: Query, sitting: Sitting) -> Decision:
    """Decide one query of many, as `decide_held` does."""
    try:
        return decide_sitting(query, sitting)
    except (CheckError, StorageError) as error:
        return _damaged(query, sitting.now, error)


def read_ahead(queries: Iterable[Query], records: TurnRecords) -> None:
    """Read what most of these queries need: the issuers' records together, then together what they lead to.

    Changes no answer. What cannot be read is left to whoever decides, who says so.

    Args:
        queries: their entities in canonical spelling.
    """
    ids = dict.fromkeys([CanonicalId(query.entity) for query in queries if query.action == ISSUE])
    with suppress(StorageError):
        records.expect([("issuer", id) for id in ids])
        records.expect([subject for id in ids for subject in _led_to(id, records)])


def _led_to(id: CanonicalId, records: Records) -> Iterator[Subject]:
    """Yield the records that a decision reads after an issuer's."""
    try:
        issuer = issuer_in(records, id)
        given = [] if issuer is None else [one.hex() for one, _ in issuer["accreditations"][:AHEAD]]
    except (*OF_BAD_SHAPE, StorageError):
        return
    if not given:
        yield "alias", id
    for one in given:
        yield "accreditation", one


def _damaged(query: Query, now: int, error: AccreditError) -> Decision:
    tell(_log, "record damaged", error, entity=query.entity)
    text = (
        f"This node's records about {query.entity} are damaged, so it cannot say. Ask another node; its operator finds"
        " out more with `accredit node audit`."
    )
    return Decision(
        verdict=Verdict.INDETERMINATE,
        reasons=(Reason(code="state_damaged", text=text),),
        time_evaluated=now,
        time_requested=query.time,
    )
