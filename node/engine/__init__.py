"""A whole node without input and output, and what it is made of. Pure: told the time and handed randomness.

    engine       the one door: `Engine.handle(event, now=…) -> [effect]`; `happenings` are its events and effects
    submissions, pending     who waits for what, and what waits for its place in the log
    logview, members         the log as gossip sees it; the nodes as the fold knows them
    notary, cosigning, noted the three sets of state notes; what a quorum stands by, its records and its map
    ledger, caught           what logs and signers put their names to, and who contradicted himself
    image        what engines of one ecosystem may share at their start

The trio shell around it (`node.runtime.runtime`) and the simulator drive it alike; they import its words from here.
"""

from accredit.gossip.events import FrameAnswered, SendFailed, Ticked

from .engine import STORAGE_PAUSE, TICK, Engine
from .events import (
    Append,
    Appended,
    AppendFailed,
    Changed,
    ConflictArrived,
    Effect,
    Event,
    FrameArrived,
    KeepConflict,
    KeepNote,
    NoteArrived,
    NoteStands,
    ReplyFrame,
    ReplyNote,
    SendFrame,
    SubmissionReply,
    SubmissionResult,
    Submitted,
    TellNote,
)

__all__ = (
    "STORAGE_PAUSE",
    "TICK",
    "Append",
    "AppendFailed",
    "Appended",
    "Changed",
    "ConflictArrived",
    "Effect",
    "Engine",
    "Event",
    "FrameAnswered",
    "FrameArrived",
    "KeepConflict",
    "KeepNote",
    "NoteArrived",
    "NoteStands",
    "ReplyFrame",
    "ReplyNote",
    "SendFailed",
    "SendFrame",
    "SubmissionReply",
    "SubmissionResult",
    "Submitted",
    "TellNote",
    "Ticked",
)
