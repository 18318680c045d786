"""The events of a notary, the effects it requests, and its memory: the vocabulary of `notary.Notary`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from accredit.governance.fold import Fold
from accredit.governance.records.encoded_records import Picked
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
    """Send this message to every node, and also back to this one as `Arrived`."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A newer state has a quorum, or more signers have cosigned the noted state.

    Attributes:
        state, statements_root: what the note says, and one half of its root.
        changed: the records that differ from the state noted before.
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
    """A signer, as this node sees it.

    Attributes:
        name: its node name.
        count, time: of its newest cosignature: statements, seconds since 1970. None: never seen.
        cosigned: when it cosigned the newest noted text, seconds since 1970; None: it did not.
        is_missing: whether it has not cosigned the newest noted text within the last two periods.
    """

    name: str
    count: int | None
    time: int | None
    cosigned: int | None
    is_missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The noted state.

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
    """One cosigned set: its text, its statements' root, and the differences from the one before.

    Attributes:
        changed: the records that differ. committed: statements to which the root newly or no longer commits, as in
            `Stands`.
        ids: statements that are in its set and not in the one before.
    """

    state: StateNote
    statements_root: bytes
    changed: Picked
    committed: Mapping[bytes, bool]
    ids: tuple[bytes, ...]

    def settled(self) -> "CosignedStep":
        """Return the same set as a base for comparison, without differences."""
        return replace(self, changed=Picked({}), committed={}, ids=())


def passed(steps: Sequence[CosignedStep]) -> tuple[Picked, dict[bytes, bool]]:
    """Return the differences over several consecutive steps: records, and statements to which the root commits."""
    changed, committed = Picked({}), dict[bytes, bool]()
    for step in steps:
        changed |= step.changed
        committed |= step.committed
    return changed, committed


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An offered set: ids beyond the offerer's noted set, and until when it is considered, ms."""

    state: StateNote
    ids: tuple[bytes, ...]
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotaryImage:
    """The state of a notary, with which others begin; see `Notary.image`."""

    held: Fold
    cosigned: Fold
    noted: Standing
    steps: tuple[CosignedStep, ...]
    behind: Mapping[bytes, Statement]
    beyond: tuple[bytes, ...]
    gathered: Mapping[str, Mapping[VerifierKey, OpenedState]]


def is_state(note: bytes) -> bool:
    """Return whether a signed note's first line is that of a state note; nothing is verified."""
    return note.partition(b"\n")[0].split(b"/")[-2:-1] == [b"state"]
