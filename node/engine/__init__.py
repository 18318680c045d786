"""A whole node without input and output, and its parts. Pure: the time and random numbers arrive as arguments.

    engine            the one entrance: `Engine.handle(event, now=…) -> [effect]`; `events` has its events and effects
    submissions       submitters and the statements for which they wait; `append_queue`: statements that wait to be
    logged log_index         the log as gossip sees it; `roster`: the nodes as the fold knows them notary            the
    three sets of state notes: a machine of its own, with `notary_events` and `notary_phases` quorum_state      the
    newest noted state: its records and its map head_ledger       the recent signatures of logs and signers;
    `equivocations`: keys that contradicted themselves image             the data that engines of one ecosystem can
    share at their start

The trio shell around it (`node.runtime.runtime`) and the simulator both drive it, and import its names from here.
"""

from accredit.gossip.protocol.events import FrameAnswered, SendFailed, Ticked

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
    Submittable,
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
    "Submittable",
    "Submitted",
    "TellNote",
    "Ticked",
)
