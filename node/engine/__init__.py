"""A whole node without input and output, and its parts. Pure: the time and random numbers arrive as arguments.

    engine            the one door: `Engine.handle(event, now=…) -> [effect]`; `events` has its events and effects
    submissions       who waits for which statement; `append_queue`: what waits for its place in the log
    log_index         the log as gossip sees it; `roster`: the nodes as the fold knows them
    notary            the three sets of state notes: a machine of its own, with `notary_events` and `notary_phases`
    quorum_state      what a quorum stands by: its records and its map
    head_ledger       what logs and signers put their names to; `equivocations`: who contradicted himself
    image             what engines of one ecosystem may share at their start

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
