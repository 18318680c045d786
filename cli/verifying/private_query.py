"""`accredit query --private`: asks without revealing the issuer.

The node is told the first digits of the hash of the issuer's id, as few as leave an answer of bearable size, and sends
everything that begins so, with the proof that nothing was left out; and once more for the hash under which the id would
be another issuer's alias; and for that of each competency in the question. What is decided is decided here
(`registry.evidence.private_lookup`). The node learns that one of at least k issuers was asked about, and one of as many
competencies if any, and not for what.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from accredit.registry.decision.query import Query, spelled
from accredit.registry.decision.verdict import Decision
from accredit.registry.domain.records import record_key
from accredit.registry.errors import InputError
from accredit.registry.evidence.private_lookup import Bucket, BucketRecords, ask, open_bucket
from accredit.registry.evidence.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

DIGITS_MAX: Final = 8
"""Hexadecimal digits told at most: enough for buckets of sixteen among sixty thousand million."""


def ask_privately(
    client: "NodeClient", query: Query, policy: TrustPolicy, now: int
) -> tuple[Decision, tuple[BucketRecords, ...]]:
    """The decision, and the verified buckets that it rests on.

    Raises:
        CheckError, DecodeError: what the node sends does not hold, or says nothing about what is asked.
        RefusedError: a newer state was noted between one answer and the next.
        AccreditError: the node cannot be asked, or gives nothing.
    """
    id = spelled(query.entity)
    fetched = [_fetch(client.issuers_by_prefix, record_key(kind, id).hex()) for kind in ("issuer", "alias")]
    for competency in dict.fromkeys(query.competencies):
        fetched.append(_fetch(client.competencies_by_prefix, record_key("competency", competency).hex()))
    opened = tuple(open_bucket(Bucket.of(one), policy, now) for one in fetched)
    return ask(query, opened, policy, now), opened


def _fetch(by_prefix: Callable[[str], object], key: str) -> object:
    """The bucket under as few digits of a key as a node answers to."""
    for digits in range(1, DIGITS_MAX):
        try:
            return by_prefix(key[:digits])
        except InputError as error:
            if error.code != "too_many":
                raise
    return by_prefix(key[:DIGITS_MAX])
