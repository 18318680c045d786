"""Runs `decide` over this node's records; a damaged record prevents only answers about its own subject.

A verifier that finds a damaged record refutes the file (`registry.evidence.deciding`). A node that finds one among its
own records has a damaged disk, or a fault: it says so in answers about that subject, answers all other questions, and
logs a line for its operator.
"""

import logging
from typing import Final

from accredit.node.telemetry import event as log_event
from accredit.registry.decision.decide import Sitting
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Decision, Reason, Verdict
from accredit.registry.domain.records import Records
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import AccreditError, StorageError
from accredit.registry.evidence.deciding import AUTHORIZATION, RECOGNITION, decide_over, decide_sitting
from accredit.registry.evidence.state_check import CheckError

__all__ = ("AUTHORIZATION", "RECOGNITION", "decide_held", "decide_held_together")

_log: Final = logging.getLogger(__name__)


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


def _damaged(query: Query, now: int, error: AccreditError) -> Decision:
    log_event(_log, logging.ERROR, "record damaged", entity=query.entity, code=error.code, reason=str(error))
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
