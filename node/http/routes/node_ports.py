"""What the HTTP side may ask of the node: small protocols, so that a query worker or a test can stand behind them.

A `ReadableNode` answers from what is held, at once and without waiting; what it returns is not to be changed. A
`Writer` takes in what comes from outside and may wait. An application made without a `Writer` serves the reads only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from accredit.governance.fold import Fold
from accredit.node.engine import ReplyFrame, SubmissionResult
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
        """Why its view is older than policy allows, a sentence; None when it is not."""
        ...

    def displaced(self) -> str | None:
        """Why the others do not listen to this node any more, a sentence; None where they do."""
        ...

    def measure(self) -> None:
        """Brings the gauges up to date."""
        ...


class QuorumSource(Protocol):
    """What a quorum stands by (`node.engine.notary.Notary`)."""

    @property
    def noted(self) -> Standing:
        """The newest noted state's note and roots."""
        ...

    def signers(self) -> Sequence[SignerView]:
        """What is known of each signer, by name."""
        ...


class ReadableNode(Protocol):
    """A node that can be asked."""

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
    """The node's door for what comes from outside (`node.runtime.runtime.Runtime`)."""

    async def submit(self, raws: Sequence[bytes]) -> Sequence[SubmissionResult]:
        """Takes statements in; returns once those accepted are in the log, under a signed checkpoint.

        Raises:
            BusyError: `not_ready`: the node shuts down.
        """
        ...

    def urgent_key(self, raw: bytes) -> bytes | None:
        """The id of the key that signed `raw`, if that is an urgent statement, new here, by a key known here."""
        ...

    async def gossip(self, frame: bytes) -> ReplyFrame:
        """Takes a peer's frame in; returns the answering frame, or the error and its status."""
        ...

    async def note(self, data: bytes) -> bytes:
        """Takes another node's cosignature of a state in; returns the newest note with a quorum, empty for none.

        Raises:
            InputError: it is none, or of nobody who may.
            NotYetError: no charter is in effect here yet.
            BusyError: `not_ready`: the node shuts down.
        """
        ...

    async def accuse(self, data: bytes) -> tuple[Conflict, bool]:
        """Takes a conflict in: the one that is kept against its key then, and whether that is this one, just now.

        Raises:
            InputError: it proves nothing, or nothing about a node that is known here.
            BusyError: more are kept than there is room for.
            BusyError: `not_ready`: the node shuts down.
            StorageError: it cannot be kept.
        """
        ...


class WitnessDoor(Protocol):
    """The node as a witness of other nodes' logs (`node.witness.server.NodeWitness`)."""

    async def add_checkpoint(self, data: bytes) -> bytes | Refused:
        """Cosignature lines, or why there are none."""
        ...

    async def checkpoint(self, hash: str) -> bytes | None:
        """The newest checkpoint cosigned of the log with this origin hash (hex); None if none ever was."""
        ...
