"""The interfaces of the node for the HTTP side: small protocols that a query worker or a test can implement too.

A `ReadableNode` answers at once from held data; callers must not change its results. A `Writer` takes in statements and
frames, and may wait. An application made without a `Writer` serves the reads only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from accredit.governance.fold import Fold
from accredit.node.engine import ReplyFrame, SubmissionResult, Submittable
from accredit.node.engine.notary_events import SignerView, Standing
from accredit.node.engine.quorum_state import NotedMap
from accredit.node.storage.log_reader import Reader as LogReader
from accredit.node.telemetry import Metrics
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.witness import Refused


class Health(Protocol):
    """How the node is."""

    def status(self) -> Mapping[str, Any]:
        """Sizes, roots, peers, alarms: `GET /v1/status`."""
        ...

    def obstacles(self) -> Sequence[str]:
        """Why the node is not ready, each a sentence; empty when it is."""
        ...

    def stale(self) -> str | None:
        """Return a sentence if its view is older than its policy allows; else None."""
        ...

    def displaced(self) -> str | None:
        """Return a sentence if the other nodes ignore this one; else None."""
        ...

    def measure(self) -> None:
        """Update the gauges."""
        ...


class QuorumSource(Protocol):
    """The source of the noted state (`node.engine.notary.Notary`)."""

    @property
    def noted(self) -> Standing:
        """The newest noted state's note and roots."""
        ...

    def signers(self) -> Sequence[SignerView]:
        """What is known of each signer, by name."""
        ...


class ReadableNode(Protocol):
    """The read interface of a node."""

    @property
    def name(self) -> str:
        """Its name: the log's origin."""
        ...

    @property
    def url(self) -> str:
        """Its public address."""
        ...

    @property
    def version(self) -> str:
        """Of the software."""
        ...

    @property
    def ecosystem(self) -> bytes:
        """Id of the genesis statement."""
        ...

    @property
    def fold(self) -> Fold:
        """Records, standings, keys: settled, and free of waiting."""
        ...

    @property
    def as_of(self) -> object:
        """What `fold` is as of: no record has changed as long as this is equal; None: it is not known whether any
        has."""
        ...

    @property
    def notary(self) -> QuorumSource:
        """The newest state that a quorum stands by."""
        ...

    @property
    def noted(self) -> NotedMap:
        """The newest noted state, its records and its map."""
        ...

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """Proof that nodes contradicted themselves, the oldest first."""
        ...

    @property
    def log(self) -> LogReader:
        """The log and the feed of changes."""
        ...

    @property
    def health(self) -> Health:
        """How the node is."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Its figures."""
        ...

    def now(self) -> int:
        """Seconds since 1970."""
        ...


class Writer(Protocol):
    """The write interface of a node (`node.runtime.runtime.Runtime`)."""

    async def submit(self, said: Sequence[Submittable]) -> Sequence[SubmissionResult]:
        """Take statements in; return once the accepted ones are in the log, under a signed checkpoint.

        Raises:
            BusyError: `not_ready`: the node shuts down.
        """
        ...

    def urgent_key(self, said: Submittable) -> bytes | None:
        """The id of the key that signed `said`, if that is an urgent statement, new here, by a key known here."""
        ...

    async def gossip(self, frame: bytes) -> ReplyFrame:
        """Takes a peer's frame in; returns the answering frame, or the error and its status."""
        ...

    async def note(self, data: bytes) -> bytes:
        """Takes another node's cosignature of a state in; returns the newest note with a quorum, empty for none.

        Raises:
            InputError: it is malformed, or by no signer.
            NotYetError: no charter is in effect here yet.
            BusyError: `not_ready`: the node shuts down.
        """
        ...

    async def accuse(self, data: bytes) -> tuple[Conflict, bool]:
        """Take a conflict in; return the one kept against its key, and whether it is this new one.

        Raises:
            InputError: it proves nothing about a known node.
            BusyError: more are kept than there is room for.
            BusyError: `not_ready`: the node shuts down.
            StorageError: it cannot be kept.
        """
        ...


class WitnessDoor(Protocol):
    """The node as a witness of other nodes' logs (`node.witness.server.NodeWitness`)."""

    async def add_checkpoint(self, data: bytes) -> bytes | Refused:
        """Return cosignature lines, or the reason for a refusal."""
        ...

    async def checkpoint(self, hash: str) -> bytes | None:
        """The newest checkpoint cosigned of the log with this origin hash (hex); None if none ever was."""
        ...
