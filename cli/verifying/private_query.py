"""`accredit query --private`: asks without revealing the issuer.

The node is told the first digits of the hash of the issuer's id, as few as leave an answer of bearable size, and sends
everything that begins so, with the proof that nothing was left out. The decision is made here
(`registry.evidence.private_lookup`). The node is told more only if the decision needs it: the digits of the hash of a
competency that is asked about, and, where no accreditation of the issuer's own decides it, of the hash under which the
id would be another issuer's alias. The node learns that one of at least k issuers was asked about, and one of as many
competencies if any, and not for what. Digits of two hashes of one id reveal more than those of one: an issuer that is
accredited for the question stays one of k, but for others the node may guess whether it knows the id.

From a store of published files (`node.clients.store_files`) the buckets are read as files, and no node answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from accredit.cli.base.node_option import connected
from accredit.registry.decision.query import Query, spelled
from accredit.registry.decision.verdict import Decision
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Records, record_key
from accredit.registry.errors import InputError, RemoteError
from accredit.registry.evidence.check import check_authority
from accredit.registry.evidence.deciding import decide_over
from accredit.registry.evidence.private_lookup import Bucket, BucketRecords, Buckets, open_bucket
from accredit.registry.evidence.published_map import MapRecords
from accredit.registry.evidence.state_check import CheckError, NotedState
from accredit.registry.evidence.trust_policy import TrustPolicy

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient
    from accredit.node.clients.store_files import StoreFiles

DIGITS_MAX: Final = 8
"""Hexadecimal digits told at most: enough for buckets of sixteen among sixty thousand million."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateAnswer:
    """The decision made here.

    Attributes:
        noted: the state it is of. records: what was proved of it.
    """

    decision: Decision
    noted: NotedState
    records: Records


def ask_place(place: str, query: Query, policy: TrustPolicy, now: int) -> PrivateAnswer:
    """Ask a node, or a store.

    Raises:
        CheckError, DecodeError: what is read does not hold, or says nothing about what is asked.
        RefusedError: a newer state was noted between one answer and the next.
        AccreditError: the place cannot be asked, or gives nothing.
    """
    from accredit.node.clients.outgoing import Outgoing
    from accredit.node.clients.store_files import is_store, open_store
    from accredit.node.clients.store_reading import is_published

    outgoing = Outgoing.from_environment()
    if not is_store(place):
        try:
            with connected(place) as client:
                decision, opened = ask_privately(client, query, policy, now)
                return PrivateAnswer(decision=decision, noted=opened[0].noted, records=Buckets(opened))
        except RemoteError as error:
            if error.code != "bad_answer" or not is_published(place, outgoing):
                raise
    with open_store(place, outgoing=outgoing) as files:
        return ask_store(files, query, policy, now)


def ask_store(files: "StoreFiles", query: Query, policy: TrustPolicy, now: int) -> PrivateAnswer:
    """Ask a store: read its state note, the map of that state, and the buckets that the decision needs.

    Raises:
        CheckError, RemoteError: as `ask_place`.
    """
    from accredit.node.clients.store_reading import fetch_bucket, open_state

    check_authority(query, policy)
    opened = open_state(files, policy, now)
    records = MapRecords(opened, partial(fetch_bucket, files))
    decision = decide_over(query, records, now, ecosystem_id=policy.charter)
    return PrivateAnswer(decision=decision, noted=opened.noted, records=records)


def ask_privately(
    client: "NodeClient", query: Query, policy: TrustPolicy, now: int
) -> tuple[Decision, tuple[BucketRecords, ...]]:
    """Return the decision, and the verified buckets that it rests on.

    Raises:
        CheckError, DecodeError: what the node sends does not hold, or says nothing about what is asked.
        RefusedError: a newer state was noted between one answer and the next.
        AccreditError: the node cannot be asked, or gives nothing.
    """
    check_authority(query, policy)
    records = _FetchedBuckets(client, query, policy, now)
    decision = decide_over(query, records, now, ecosystem_id=policy.charter)
    return decision, tuple(records.opened)


class _FetchedBuckets:
    """A `Records` over a node's buckets, which fetches a bucket when a decision needs it.

    Attributes:
        opened: what was fetched and verified, the issuer's bucket first.
    """

    def __init__(self, client: "NodeClient", query: Query, policy: TrustPolicy, now: int) -> None:
        self._policy, self._now = policy, now
        entity = spelled(query.entity)
        self._ways: dict[tuple[str, str], Callable[[str], object]] = {
            ("alias", entity): client.issuers_by_prefix,
            **{("competency", one): client.competencies_by_prefix for one in query.competencies},
        }
        self.opened = [self._open("issuer", entity, client.issuers_by_prefix)]

    def get(self, type: str, id: str) -> Record | None:
        """Return the record; None where a bucket proves that there is none.

        Raises:
            CheckError: no bucket proves anything about it, or what the node sends does not hold.
            RefusedError: a newer state was noted since the last bucket.
        """
        try:
            return Buckets(self.opened).get(type, id)
        except CheckError:
            way = self._ways.pop((type, id), None)
            if way is None:
                raise
        self.opened.append(self._open(type, id, way))
        return self.get(type, id)

    def _open(self, type: str, id: str, way: Callable[[str], object]) -> BucketRecords:
        return open_bucket(Bucket.of(_fetch(way, record_key(type, id).hex())), self._policy, self._now)


def _fetch(by_prefix: Callable[[str], object], key: str) -> object:
    """Return the bucket under the fewest digits of a key that a node answers to."""
    for digits in range(1, DIGITS_MAX):
        try:
            return by_prefix(key[:digits])
        except InputError as error:
            if error.code != "too_many":
                raise
    return by_prefix(key[:DIGITS_MAX])
