"""The events of the gossip machine, and the effects it requests from its driver.

An event reports something that happened, an effect requests an action: `Machine.handle(event, now=…) -> [effect]`. The
owner (the engine, driven by the trio shell or the simulator) carries effects out and reports back with further events.
It answers every `Send` by one `FrameAnswered` or `SendFailed` with the same exchange; if that is lost too, the machine
gives up after `GossipConfig.exchange`. The machine answers every `FrameReceived` by one `Reply` or `Refuse` with the
same token, as its first effect. Only the answer to a poll may be an effect of a later event, at most
`GossipConfig.poll_hold` later. The owner silently drops an answer for which nobody waits any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from accredit.registry.errors import AccreditError
from accredit.registry.statement import Unverified


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another node, as its node record describes it.

    Attributes:
        name: the node's name, for people and for the shell's connections.
        url: its address, without `/gossip`.
        public: the 32-byte public key it signs frames with.
        operator: its operator; if unknown it is empty, and the node counts as run by an operator of its own.
    """

    name: str
    url: str
    public: bytes
    operator: str = ""


class Held(Protocol):
    """The machine's view of the statements that this node has logged."""

    def __contains__(self, id: object, /) -> bool:
        """Return whether the statement is logged."""
        ...

    def size(self) -> int:
        """Return the number of entries in the log."""
        ...

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        """Return the ids of the entries from `start` to before `stop`, in the order of the log; fewer at its end."""
        ...

    def items(self) -> Iterable[tuple[int, bytes]]:
        """Return `iat` and id of every entry, in any order."""
        ...

    def raw(self, id: bytes) -> bytes | None:
        """Return the whole encoding of a logged statement; None if it is not held."""
        ...

    def root(self) -> tuple[bytes, int]:
        """Return root and number of the committed statements."""
        ...

    def conflicts(self) -> Sequence[bytes]:
        """Return the conflicts kept, at most 256, all checked, the oldest first; a conflict is never dropped."""
        ...

    def notes(self) -> Sequence[bytes]:
        """Return signed notes to send, at most 4 KiB each: this node's newest checkpoint, the newest state note with a
        quorum, then some checkpoints of other nodes."""
        ...


# ------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReceived:
    """A request with `data` arrived; the owner needs `token` to answer it."""

    token: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameAnswered:
    """The peer answered this node's frame, with an HTTP status and a body."""

    exchange: int
    status: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailed:
    """This node's frame could not be delivered, or no answer came; `reason` is for people."""

    exchange: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One statement that is now in this node's log, at `index`."""

    id: bytes
    index: int
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsLogged:
    """New statements from any source were logged; `Held` has them already."""

    statements: tuple[Logged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsJudged:
    """The submitted statements of one sender that were not accepted.

    Attributes:
        sender: as in `Submit`.
        refused: ids of statements that no honest node would send.
        postponed: ids of statements that could not be stored now, because of this node's trouble, not the sender's.
        waiting: statements that cannot be judged yet.
    """

    sender: bytes
    refused: tuple[bytes, ...] = ()
    postponed: tuple[bytes, ...] = ()
    waiting: tuple[Unverified, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictsFound:
    """New conflicts from any source were checked and kept, and should go to all nodes. `Held` has them already."""

    conflicts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersChanged:
    """The nodes in force, which replace the list before. A node that is not among them is silent.

    If many machines share one list (in simulations), it may be a `roster.Roster`, so that it is indexed once.
    """

    peers: Sequence[Peer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """Time has passed: `Machine.next_wakeup` was reached."""


Event = (
    FrameReceived
    | FrameAnswered
    | SendFailed
    | StatementsLogged
    | StatementsJudged
    | ConflictsFound
    | PeersChanged
    | Ticked
)

# ------------------------------------------------------------------------------------------------------ effects


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Post `data` to `url` + `/gossip` of the peer called `peer`, and wait `timeout` ms for the answer."""

    exchange: int
    peer: str
    url: str
    data: bytes
    timeout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer the received frame `token` with 200 and `data`, a frame."""

    token: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer the received frame `token` with an HTTP status and the text of `error`."""

    token: int
    status: int
    error: AccreditError


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Judge these statements, in this order; report those not accepted with `StatementsJudged`.

    Attributes:
        sender: key id of the peer that sent them; empty for statements from this node's own submitters.
        statements: well-formed, signatures unchecked, none of them logged.
    """

    sender: bytes
    statements: tuple[Unverified, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuse:
    """Check these conflicts from the peer with the key id `sender`; report the new ones with `ConflictsFound`."""

    sender: bytes
    conflicts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Verify and compare these signed notes from the peer with the key id `sender`, if they are useful."""

    sender: bytes
    notes: tuple[bytes, ...]


Effect = Send | Reply | Refuse | Submit | Accuse | Heard

# --------------------------------------------------------------------------------------------------- statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerStatistics:
    """The state of one peer, as this node sees it.

    Attributes:
        last_heard: milliseconds since 1970 of its last good frame; None before the first.
        in_sync: whether its root equalled this node's when last compared; None before the first comparison.
        behind: by how many statements it was ahead when it last told its count.
        lag: by how many statements it was behind when it last told its count.
        queued: statements that wait to be sent to it.
        overflowed: statements that were announced to it because its queue was full.
        failures: exchanges that failed in a row.
        error: why the last one failed, for people; empty if it did not.
        is_mesh: whether statements are pushed to it as they arrive.
        why: why it is in the mesh or not, for people.
        round_trip: of its last answer, ms; None before the first.
        firsts, duplicates: statements that it was the first to send; statements that were already held.
        strikes: promises that it broke recently.
        distrusted_until: milliseconds since 1970 until which it is ignored; None if it is not ignored.
        beacon: when it sent its last beacon, by its own clock, ms since 1970; None before the first.
    """

    name: str
    url: str
    last_heard: int | None
    in_sync: bool | None
    behind: int
    queued: int
    overflowed: int
    failures: int
    error: str
    lag: int = 0
    is_mesh: bool = False
    why: str = ""
    round_trip: int | None = None
    firsts: int = 0
    duplicates: int = 0
    strikes: int = 0
    distrusted_until: int | None = None
    beacon: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Statistics of the machine.

    Attributes:
        peers: every other node in force, by name.
        counters: by word (sorted).
        waiting: statements of unknown keys.
        health: this node's own trouble, from 0 (no trouble) to `GossipConfig.health_max`.
    """

    peers: tuple[PeerStatistics, ...]
    counters: tuple[tuple[str, int], ...]
    waiting: int
    health: int = 0
