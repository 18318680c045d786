"""The events of a notary, the effects it requests, and its memory: the vocabulary of `notary.Notary`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from accredit.governance.encoded_records import Picked
from accredit.governance.fold import Fold
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject
from accredit.registry.statement import Statement
from accredit.registry.transparency.signed_note import VerifierKey
from accredit.registry.transparency.state_note import OpenedState, StateNote


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementsHeld:
    """The held set grew by these."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Somebody's message."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """Time has passed."""


Event = StatementsHeld | Arrived | Ticked


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Store this text durably, in place of the one before.

    Attributes:
        without: ids in the live set that its set lacks.
    """

    text: str
    without: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Send this message to every node, this one among them: hand it back as `Arrived`."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A quorum stands by a newer state, or more of the signers do.

    Attributes:
        state, statements_root: what the note says, and one half of its root.
        changed: records that differ from those of the state noted before.
        committed: ids of statements to which the root binds and did not before (True), or the other way round (False).
        without: ids in the live set that its set lacks.
    """

    note: bytes
    state: StateNote
    statements_root: bytes
    changed: Mapping[Subject, Record | None]
    committed: Mapping[bytes, bool]
    without: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradicts:
    """A signer has cosigned two roots of one count: the proof, a `registry.transparency.equivocation` file."""

    conflict: bytes


Effect = Keep | Tell | Stands | Contradicts

# --------------------------------------------------------------------------------------------------------- views


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerView:
    """What this node has seen of a signer.

    Attributes:
        name: its node name.
        count, time: of its newest cosignature: statements, seconds since 1970. None: never seen.
        cosigned: when it cosigned the newest noted text, seconds since 1970; None: it did not.
        is_missing: it has not cosigned the newest noted text within the last two periods.
    """

    name: str
    count: int | None
    time: int | None
    cosigned: int | None
    is_missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a quorum stands by.

    Attributes:
        note: with every cosignature gathered; None before the first quorum.
        state: what it says.
        statements_root: the other half of the state root, 32 bytes.
    """

    note: bytes | None = None
    state: StateNote | None = None
    statements_root: bytes = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class CosignedStep:
    """One cosigned set: its text, its statements' root, and what differs from the one before.

    Attributes:
        changed: the records that do. committed: the statements to which the root binds, as in `Stands`.
        ids: statements that are in its set and not in the one before.
    """

    state: StateNote
    statements_root: bytes
    changed: Picked
    committed: Mapping[bytes, bool]
    ids: tuple[bytes, ...]

    def settled(self) -> "CosignedStep":
        """Returns the same set as the one that others are compared with: nothing differs."""
        return replace(self, changed=Picked({}), committed={}, ids=())


def passed(steps: Sequence[CosignedStep]) -> tuple[Picked, dict[bytes, bool]]:
    """What differs after several steps, one after the other: records, and statements to which the root binds."""
    changed, committed = Picked({}), dict[bytes, bool]()
    for step in steps:
        changed |= step.changed
        committed |= step.committed
    return changed, committed


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A set offered: ids beyond the offerer's noted set, and until when it is waited for, ms."""

    state: StateNote
    ids: tuple[bytes, ...]
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotaryImage:
    """Where a notary stood, for others that begin there; see `Notary.image`."""

    held: Fold
    cosigned: Fold
    noted: Standing
    steps: tuple[CosignedStep, ...]
    behind: Mapping[bytes, Statement]
    beyond: tuple[bytes, ...]
    gathered: Mapping[str, Mapping[VerifierKey, OpenedState]]


def is_state(note: bytes) -> bool:
    """Whether a signed note is meant as a `registry.transparency.state_note`, by its first line; nothing is
    verified."""
    return note.partition(b"\n")[0].split(b"/")[-2:-1] == [b"state"]
