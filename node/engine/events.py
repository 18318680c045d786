"""The events of an engine and the effects it requests: the vocabulary of `engine.Engine.handle`.

The shell or the simulator sends events and carries out effects, in the given order. All are frozen facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from accredit.gossip.protocol import events
from accredit.gossip.protocol.events import FrameAnswered, Peer, SendFailed, Ticked
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject
from accredit.registry.errors import AccreditError, StorageError
from accredit.registry.statement import Statement, Unverified
from accredit.registry.transparency.state_note import StateNote

from .quorum_state import KeptNote, Part

Submittable = bytes | Unverified
"""A submitted statement: its bytes, or what they say where somebody has read them already."""

# ------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """Somebody submits statements to this node; `SubmissionReply` with the same token answers."""

    token: int
    said: tuple[Submittable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameArrived:
    """A peer posted a frame; `ReplyFrame` with the same token answers, at once."""

    token: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteArrived:
    """Another node posted a cosigned state note; `ReplyNote` with the same token answers, at once."""

    token: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """The statements of the last `Append` are stored, and a checkpoint over `size` entries is signed and stored.

    Attributes:
        checkpoint: the signed note, for peers; empty if it is not to be shown.
    """

    size: int
    checkpoint: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendFailed:
    """None of the statements of the last `Append` is stored."""

    error: StorageError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictArrived:
    """Another node, or a part of this one, reports that a key contradicts itself: `data` is a
    `registry.transparency.equivocation` file."""

    data: bytes


Event = (
    Submitted
    | FrameArrived
    | NoteArrived
    | ConflictArrived
    | FrameAnswered
    | SendFailed
    | Appended
    | AppendFailed
    | Ticked
)

# ------------------------------------------------------------------------------------------------------ effects


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionResult:
    """The result of one submitted statement.

    Attributes:
        id: None if the bytes are not a statement.
        status: `logged` now; `known` before; `waiting` for the statement that introduces its key, kept for a while in
            memory only; `refused`.
        index: its place in the log; None unless logged or known.
        error: why it is waiting or refused.
    """

    id: bytes | None
    status: str
    index: int | None = None
    error: AccreditError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Store these, in this order; then report `Appended` or `AppendFailed`. The next `Append` comes only after that."""

    statements: tuple[Statement, ...]
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionReply:
    """Answer `Submitted`: one result for each statement, in the order submitted."""

    token: int
    results: tuple[SubmissionResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFrame:
    """Answer `FrameArrived`: 200 and a frame, or another status and the error."""

    token: int
    status: int
    data: bytes = b""
    error: AccreditError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyNote:
    """Answer `NoteArrived`: taken in, or the error."""

    token: int
    error: AccreditError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepNote:
    """Keep this as the last state cosigned, durably, before any `TellNote` after it is carried out."""

    text: str
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class TellNote:
    """Post this cosigned note to these nodes, whether or not it arrives. Then report `NoteArrived` with it.

    A node counts its own cosignature when it arrives, like those of others; by then it is stored.
    """

    peers: tuple[Peer, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteStands:
    """This note has a quorum; store it in place of the one before, and bring the noted map up to it.

    Attributes:
        state: what the note says.
        statements_root: the other half of the state root, 32 bytes.
        changed: the new records that differ from the state noted before; None: the record is removed.
        committed: ids of statements to which the root newly commits (True), or no longer commits (False).
    """

    kept: KeptNote
    state: StateNote
    statements_root: bytes
    changed: Mapping[Subject, Record | None]
    committed: Mapping[bytes, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepConflict:
    """Store this new, checked proof that a key contradicts itself."""

    data: bytes


SendFrame = events.Send
"""Post a frame to a peer; then report `FrameAnswered` or `SendFailed` with its exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The changes by folding the log's first `size` entries.

    Attributes:
        time: seconds since 1970.
        records: types and ids of the records changed, made or gone.
        took_effect, ceased: statements.
    """

    size: int
    time: int
    records: tuple[tuple[str, str], ...]
    took_effect: tuple[Statement, ...]
    ceased: tuple[Statement, ...]


Effect = (
    Append
    | SubmissionReply
    | ReplyFrame
    | ReplyNote
    | SendFrame
    | KeepNote
    | TellNote
    | NoteStands
    | KeepConflict
    | Changed
)
