"""The events of the gossip machine, and the effects it requests from its driver.

Events are things that happened, effects are requests: `Machine.handle(event, now=…) -> [effect]`. The owner (the
engine, below it the trio shell or the simulator) carries effects out and reports back with further events: every
`Send` is answered by one `FrameAnswered` or `SendFailed` that names the same exchange, or, where that got lost too,
given up by the machine itself after `GossipConfig.exchange`. Every `FrameReceived` is answered by one `Reply` or
`Refuse` with the same token: at once, and as the first effect; save that a poll's may be an effect of a later event, at
most `GossipConfig.poll_hold` later. Where nobody waits for it any more, it is dropped without a word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from accredit.registry.errors import AccreditError
from accredit.registry.statement import Unverified


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another node, as its node record says.

    Attributes:
        name: the node's name, for people and for the shell's connections.
        url: where it listens, without `/gossip`.
        public: the 32-byte public key it signs frames with.
        operator: who runs it; empty where that is not known: then it counts as an operator of its own.
    """

    name: str
    url: str
    public: bytes
    operator: str = ""


class Held(Protocol):
    """What the machine may know of the statements that this node has logged."""

    def __contains__(self, id: object, /) -> bool:
        """Whether the statement is logged."""
        ...

    def size(self) -> int:
        """Entries in the log."""
        ...

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        """Ids of the entries from `start` to before `stop`, in the order of the log; fewer at its end."""
        ...

    def items(self) -> Iterable[tuple[int, bytes]]:
        """`iat` and id of every entry, in any order."""
        ...

    def raw(self, id: bytes) -> bytes | None:
        """The whole encoding of a logged statement; None where it is not held."""
        ...

    def root(self) -> tuple[bytes, int]:
        """Root and number of the committed statements."""
        ...

    def conflicts(self) -> Sequence[bytes]:
        """The conflicts kept, checked, at most 256, the oldest first; none is ever dropped."""
        ...

    def notes(self) -> Sequence[bytes]:
        """Signed notes worth telling, at most 4 KiB each: our own newest checkpoint, the newest note that a quorum
        stands by, then some of others' checkpoints."""
        ...


# ------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReceived:
    """Somebody posted `data`; `token` is whatever the owner needs to answer."""

    token: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameAnswered:
    """The peer answered our frame, with an HTTP status and a body."""

    exchange: int
    status: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailed:
    """Our frame could not be delivered, or no answer came; `reason` is for people."""

    exchange: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One statement that is now in our log, at `index`."""

    id: bytes
    index: int
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsLogged:
    """New statements were logged, wherever they came from; `Held` has them already."""

    statements: tuple[Logged, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsJudged:
    """What became of submitted statements of one sender, as far as they were not accepted.

    Attributes:
        sender: as in `Submit`.
        refused: ids of those that no honest node would send.
        postponed: ids of those that could not be stored just now: our trouble, not the sender's.
        waiting: those that cannot be judged yet.
    """

    sender: bytes
    refused: tuple[bytes, ...] = ()
    postponed: tuple[bytes, ...] = ()
    waiting: tuple[Unverified, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictsFound:
    """These are new, checked and kept: wherever they came from, everybody should have them. `Held` has them already."""

    conflicts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersChanged:
    """The nodes in force; replaces what was said before. A node that is not among them is silent.

    Where many machines share one list (simulations), it may be a `roster.Roster`, so that it is indexed once.
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
        sender: key id of the peer that sent them; empty for what came from this node's own submitters.
        statements: well-formed, signatures unchecked, none of them logged.
    """

    sender: bytes
    statements: tuple[Unverified, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuse:
    """Check these conflicts, which the peer with the key id `sender` sent; say which were new with `ConflictsFound`."""

    sender: bytes
    conflicts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The peer with the key id `sender` showed these signed notes: verify and compare them, if they are of use."""

    sender: bytes
    notes: tuple[bytes, ...]


Effect = Send | Reply | Refuse | Submit | Accuse | Heard

# --------------------------------------------------------------------------------------------------- statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerStatistics:
    """How one peer stands, as seen from here.

    Attributes:
        last_heard: milliseconds since 1970 of its last good frame; None before the first.
        in_sync: whether its root was ours when last compared; None before the first time.
        behind: statements that it counts and we do not, when it last said.
        lag: statements that we count and it does not, when it last said.
        queued: statements that wait to be sent to it.
        overflowed: statements that were announced to it because its queue was full.
        failures: exchanges that failed in a row.
        error: why the last one failed, for people; empty where it did not.
        is_mesh: whether statements are pushed to it as they come.
        why: why it is in the mesh, or not, for people.
        round_trip: of its last answer, ms; None before the first.
        firsts, duplicates: statements that it was the first to send us; that we had.
        strikes: promises it broke lately.
        distrusted_until: milliseconds since 1970 until which it is not listened to; None where it is.
        beacon: when it said what it holds, by its own clock, ms since 1970; None where it has not.
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
    """What the machine has seen.

    Attributes:
        peers: every other node in force, by name.
        counters: by word (sorted).
        waiting: statements of unknown keys.
        health: our own trouble, from 0 (none) to `GossipConfig.health_max`.
    """

    peers: tuple[PeerStatistics, ...]
    counters: tuple[tuple[str, int], ...]
    waiting: int
    health: int = 0
