"""Handles conflicts in a running node: anybody may submit one; each is kept once and shown to people.

    conflict, is_new = accuse(engine, handle, file)      what is kept against that key now, and whether this is it
    alarm(conflict)                                      a sentence for whoever looks after a node
    view(conflict)                                       what `GET /v1/conflicts` lists

A conflict (`registry.transparency.equivocation`) proves itself, so its source does not matter. It concerns an ecosystem
only if the accused key belongs to a node there, under that node's name. The engine keeps one of each kind against each
key; this module says why one was not kept.

It does not store or spread them (`persistence`, `engine` and gossip do), or judge whether to trust an accused node:
people and the policies of relying parties do.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

from accredit.governance.fold import Fold
from accredit.node.engine.events import ConflictArrived
from accredit.registry.domain.records import node_in
from accredit.registry.errors import AccreditError, BusyError, RefusedError
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import CHECKPOINTS, STATE_NOTES, Conflict, check
from accredit.registry.transparency.signed_note import Note

_WHAT: Final = {CHECKPOINTS: "checkpoints of its log", STATE_NOTES: "state notes"}


class Judge(Protocol):
    """The part of `engine.Engine` used here."""

    fold: Fold

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """Those kept."""
        ...


def accuse(judge: Judge, handle: Callable[[ConflictArrived], None], file: bytes) -> tuple[Conflict, bool]:
    """Submit a conflict to the engine; return the one kept against its key, and whether it is this new one.

    Args:
        handle: hands an event to the engine and does what it asks for.

    Raises:
        DecodeError: it is not a conflict file.
        RefusedError: it proves nothing, or nothing about a node that is known here.
        BusyError: more are kept than there is room for.
    """
    shown = check(file)
    is_known = _kept_against(shown, judge.conflicts) is not None
    handle(ConflictArrived(data=file))
    kept = _kept_against(shown, judge.conflicts)
    if kept is None:
        raise _why_not_kept(shown, judge.fold)
    return kept, not is_known


def digest(conflict: Conflict) -> bytes:
    """Return the name of a conflict: the SHA-256 of its file."""
    return sha256(conflict.encode()).digest()


def alarm(conflict: Conflict) -> str:
    """What has been proved, for people."""
    return (
        f"{conflict.key.name} signed two {_WHAT[conflict.kind]} that cannot both be true "
        f"(conflict {digest(conflict).hex()[:12]}, see accredit node conflicts)"
    )


def view(conflict: Conflict) -> dict[str, Any]:
    """What is told of a conflict besides its file; see `routes.conflicts.ConflictView`."""
    signed = [Checkpoint.decode(Note.decode(note).text) for note in (conflict.first, conflict.second)]
    return {
        "id": digest(conflict),
        "kind": conflict.kind,
        "name": conflict.key.name,
        "key": conflict.key.encode(),
        "origin": signed[0].origin,
        "signed": [{"size": one.size, "root": one.root} for one in signed],
    }


def _kept_against(shown: Conflict, kept: Sequence[Conflict]) -> Conflict | None:
    """The conflict of the same kind that is kept against the same key."""
    return next((one for one in kept if (one.kind, one.key.public) == (shown.kind, shown.key.public)), None)


def _why_not_kept(shown: Conflict, fold: Fold) -> AccreditError:
    node = node_in(fold, shown.key.name)
    if node is not None and shown.key.public in (node["keys"][role] for role in ("log", "witness", "state")):
        return BusyError(
            "overloaded", "this node has reached its limit of stored conflicts.", hint="Tell its operator."
        )
    return RefusedError(
        "not_a_nodes_key",
        f"the contradiction is real, but {shown.key.encode()} is not the key of a node known here.",
        hint="Show it to a node of the ecosystem that the key belongs to.",
    )
