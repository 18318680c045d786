"""Derives a node's answers again from the bytes of its log: statements, records, the map, the note, its snapshot.

    found = derive(genesis_id, entries, checkpoint, note, snapshot)

It trusts none of the node's own claims. It checks in this order, so that the first thing that does not fit is the
cause:

1. every entry is a statement that this ecosystem can accept there, signature included;
2. the entries lead to the root of the signed checkpoint;
3. the statements that the state note counts lead to its root, and its charter's signers cosigned it;
4. the records, encoded, are the snapshot that is served, byte for byte.

Fetch the note and the snapshot before the checkpoint, so that the log contains all their statements. A noted set need
not be the beginning of this node's log; if it is not, 3 and 4 cannot be compared, and the result says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from accredit.governance.authority.admission import Admission
from accredit.governance.fold import Fold
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import Subject, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.counts import many
from accredit.registry.errors import AccreditError, RefusedError
from accredit.registry.evidence.snapshot import encode_snapshot
from accredit.registry.statement import decode
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote, open_state, quorum, signer_key
from accredit.registry.transparency.tiles import check_entries

if TYPE_CHECKING:
    pass

_EVIDENCE: Final = "Do not rely on this node; keep the data it served as evidence."


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """The result of a derivation.

    Attributes:
        statements: in the log. records, records_root: what they come to.
        state: the noted state; None where there is none.
        cosigned: how many of its signers; 0 where it was not compared.
    """

    statements: int
    records: int
    records_root: bytes
    state: StateNote | None
    cosigned: int

    @property
    def is_compared(self) -> bool:
        """Whether note and snapshot were compared."""
        return self.cosigned > 0


class _Noted:
    """Keeps the fold as of the moment when it has as many statements as the note counts."""

    def __init__(self, fold: Fold, state: StateNote | None) -> None:
        self._fold = fold
        self._state = state
        self.records: dict[Subject, Record] | None = None
        self.statements_root = b""

    def look(self) -> None:
        """After a statement has been added."""
        if self._state is None or len(self._fold) != self._state.count:
            return
        self._fold.settle()
        if self._fold.state_root() == self._state.root:
            self.records = dict(self._fold.items())
            self.statements_root = self._fold.statements_root()


def derive(ecosystem: bytes, entries: Iterator[bytes], checkpoint: Checkpoint, note: bytes, snapshot: bytes) -> Derived:
    """Derive everything; see the module.

    Args:
        ecosystem: id of the genesis statement.
        note, snapshot: as served; both empty where no quorum has cosigned a state yet.

    Raises:
        RefusedError: something does not fit; names the first.
        DecodeError: it is not a state note.
    """
    state = StateNote.decode(Note.decode(note).text) if note else None
    admission, fold = Admission(ecosystem), Fold(ecosystem)
    noted = _Noted(fold, state)

    def accepted() -> Iterator[bytes]:
        for number, raw in enumerate(entries):
            try:
                statement = admission.admit(decode(raw))
            except AccreditError as error:
                message = f"Entry {number} of the log is one that no node would accept: {error.message}"
                raise RefusedError("entry_not_acceptable", message, hint=_EVIDENCE) from error
            admission.add(statement)
            fold.add(statement)
            noted.look()
            yield raw

    check_entries(accepted(), checkpoint.size, checkpoint.root)
    fold.settle()
    cosigned = 0
    if state is not None and noted.records is not None:
        cosigned = _check_cosigned(note, fold)
        _check_snapshot(snapshot, noted.records, noted.statements_root)
    elif state is not None and state.count >= len(fold):
        over = many(state.count, "statement")
        message = f"Its {many(len(fold), 'statement', 'does', 'do')} not lead to the state in the note over {over}."
        raise RefusedError("state_root", message, hint=_EVIDENCE)
    records = sum(1 for _ in fold.items())
    return Derived(
        statements=checkpoint.size, records=records, records_root=fold.records_root(), state=state, cosigned=cosigned
    )


def _check_cosigned(note: bytes, fold: Fold) -> int:
    """Return how many of the charter's signers cosigned; by the newest charter, they must be a quorum."""
    signers = () if fold.charter is None else fold.charter.body["signers"]
    keys = [signer_key(one["name"], one["keys"]["state"]) for one in fold.nodes() if one["name"] in signers]
    count = len(open_state(note, keys).cosignatures)
    if count < quorum(len(keys)):
        message = f"Only {count} of {many(len(keys), 'signer')} cosigned the state note, which is not a quorum."
        raise RefusedError("too_few_signers", message, hint="Ask again in a minute, or ask another node.")
    return count


def _check_snapshot(served: bytes, records: Mapping[Subject, Record], statements_root: bytes) -> None:
    raws = {subject: encode(record) for subject, record in records.items()}
    expected = encode_snapshot(raws.items(), statements_root=statements_root, note=b"")
    if served.startswith(expected):
        return
    at = next((at for at, (one, other) in enumerate(zip(served, expected, strict=False)) if one != other), len(served))
    raise RefusedError("snapshot_differs", f"{_place(at, len(expected), raws)} does not match the log.", hint=_EVIDENCE)


def _place(at: int, size: int, raws: dict[Subject, bytes]) -> str:
    """Return the part of a snapshot of these records at an offset."""
    end = size
    for kind, id in sorted(raws, key=lambda subject: record_key(*subject), reverse=True):
        end -= len(encode_snapshot([((kind, id), raws[kind, id])], statements_root=b"", note=b"")) - _EMPTY_BYTES
        if at >= end:
            return f"The {kind} record of {id} in the snapshot"
    return "The beginning of the snapshot"


_EMPTY_BYTES: Final = len(encode_snapshot([], statements_root=b"", note=b""))
