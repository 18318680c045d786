"""Conflicts: two notes signed by one key that cannot both be true, in a small file that proves itself.

    conflict = {
      "v": 1,
      "kind": "checkpoints" / "state_notes",
      "key": vkey of the accused,
      "first": note bstr, "second": note bstr,     with the accused's line only; in order of size, then of text
      ? "entry": [index, [leaf bstr32, [path]], [leaf bstr32, [path]]]
    }

A key can contradict itself in three ways:

* a log signs two checkpoints of one size with different roots;
* a log signs checkpoints of two sizes that have different entries at one index (`entry`: a leaf under each root). In a
  log that only grew they would be equal;
* a signer cosigns two state notes of one ecosystem, fold and count with different roots.

`check` needs nothing but the file, and returns the accused key. The reader compares the public key with those of known
nodes; nobody signs the name beside a cosigner's key.

Two statements of one key with the same number need no such file, because both are in the set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..encoding import schema
from ..encoding.cbor import decode, encode
from ..errors import DecodeError, RefusedError
from .checkpoint import Checkpoint, open_checkpoint
from .merkle import SIZE_MAX, check_inclusion
from .signed_note import KeyType, Note, VerifierKey
from .state_note import open_state

CHECKPOINTS: Final = "checkpoints"
STATE_NOTES: Final = "state_notes"
CONFLICT_BYTES: Final = 16 * 1024
"""Two notes of some 500 bytes and two paths of 2 kB."""

_NOTE_BYTES: Final = 4 * 1024
_PATH_MAX: Final = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One index with different leaves under two roots; paths as of `merkle.prove_inclusion`."""

    index: int
    first_leaf: bytes
    first_path: tuple[bytes, ...]
    second_leaf: bytes
    second_path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A conflict; it is verified if `check` or one of the two makers returned it.

    Attributes:
        kind: `CHECKPOINTS` or `STATE_NOTES`.
        key: the accused's.
        first, second: the notes, with the accused's line only.
        entry: present if the checkpoints have different sizes.
    """

    kind: str
    key: VerifierKey
    first: bytes
    second: bytes
    entry: Entry | None = None

    def encode(self) -> bytes:
        """The file."""
        value: dict[str, Any] = {
            "v": 1,
            "kind": self.kind,
            "key": self.key.encode(),
            "first": self.first,
            "second": self.second,
        }
        if (entry := self.entry) is not None:
            sides = [[entry.first_leaf, list(entry.first_path)], [entry.second_leaf, list(entry.second_path)]]
            value["entry"] = [entry.index, *sides]
        return encode(value)


def _bytes(value: Any, path: str) -> None:
    if type(value) is not bytes or len(value) > _NOTE_BYTES:
        raise schema.wrong(path, f"a note of at most {_NOTE_BYTES} bytes")


def _side(value: Any, path: str) -> None:
    if type(value) is not list or len(value) != 2 or type(value[1]) is not list or len(value[1]) > _PATH_MAX:
        raise schema.wrong(path, f"a leaf and a path of at most {_PATH_MAX} hashes")
    for one in (value[0], *value[1]):
        schema.digest(one, path)


def _entry(value: Any, path: str) -> None:
    if type(value) is not list or len(value) != 3:
        raise schema.wrong(path, "an index and two leaves with their paths")
    schema.integer(0, SIZE_MAX)(value[0], path)
    _side(value[1], path)
    _side(value[2], path)


_FORM: Final = schema.members(
    {
        "v": schema.integer(1, 1),
        "kind": schema.one_of(CHECKPOINTS, STATE_NOTES),
        "key": schema.text(512),
        "first": _bytes,
        "second": _bytes,
    },
    {"entry": _entry},
)


def check(data: bytes) -> Conflict:
    """Check a conflict file: one key signed both notes, and both cannot be true.

    Raises:
        DecodeError: it is not a conflict file.
        RefusedError: it proves nothing; the code says why.
    """
    value = decode(data, what="the conflict", max_bytes=CONFLICT_BYTES)
    _FORM(value, "conflict")
    if "ext" in value:
        raise schema.wrong("conflict", "no other members")
    entry = None
    if "entry" in value:
        index, (first_leaf, first_path), (second_leaf, second_path) = value["entry"]
        entry = Entry(
            index=index,
            first_leaf=first_leaf,
            first_path=tuple(first_path),
            second_leaf=second_leaf,
            second_path=tuple(second_path),
        )
    conflict = Conflict(
        kind=value["kind"],
        key=VerifierKey.decode(value["key"]),
        first=value["first"],
        second=value["second"],
        entry=entry,
    )
    return _verified(conflict)


def conflict_of_checkpoints(one: bytes, other: bytes, log: VerifierKey, entry: Entry | None = None) -> Conflict:
    """The conflict between two checkpoints of one log.

    Args:
        entry: its `first` side belongs to `one`; needed where the sizes differ.

    Raises:
        DecodeError, RefusedError: the log did not sign both, or they do not contradict each other.
    """
    opened = [open_checkpoint(note, log) for note in (one, other)]
    notes = [_trimmed(each.note, log) for each in opened]
    if _order(opened[1].checkpoint) < _order(opened[0].checkpoint):
        notes.reverse()
        if entry is not None:
            entry = Entry(
                index=entry.index,
                first_leaf=entry.second_leaf,
                first_path=entry.second_path,
                second_leaf=entry.first_leaf,
                second_path=entry.first_path,
            )
    return _verified(Conflict(kind=CHECKPOINTS, key=log, first=notes[0], second=notes[1], entry=entry))


def conflict_of_states(one: bytes, other: bytes, signer: VerifierKey) -> Conflict:
    """The conflict between two state notes that one signer cosigned.

    Raises:
        DecodeError, RefusedError: the signer did not cosign both, or they do not contradict each other.
    """
    opened = [open_state(note, [signer]) for note in (one, other)]
    opened.sort(key=lambda each: _order(Checkpoint.decode(each.note.text)))
    first, second = (_trimmed(each.note, signer) for each in opened)
    return _verified(Conflict(kind=STATE_NOTES, key=signer, first=first, second=second))


def _trimmed(note: Note, key: VerifierKey) -> bytes:
    lines = tuple(line for line in note.signatures if (line.name, line.key_id) == (key.name, key.key_id))
    return Note(text=note.text, signatures=lines).encode()


def _order(checkpoint: Checkpoint) -> tuple[int, str]:
    return checkpoint.size, checkpoint.encode()


def _verified(conflict: Conflict) -> Conflict:
    if conflict.kind == CHECKPOINTS:
        first, second = _checkpoints(conflict)
    else:
        first, second = _states(conflict)
    if not _order(first) < _order(second):
        raise DecodeError("conflict_order", "expected the notes sorted by size, then by text.", where="first")
    _require_one_line(conflict.first, conflict.second)
    if first.size == second.size:
        if first.root == second.root or conflict.entry is not None:
            raise _no_conflict("The notes do not contradict each other.")
    elif conflict.entry is None:
        raise _no_conflict("The notes have different sizes, and no differing entry is shown.")
    else:
        _check_entry(conflict.entry, first, second)
    return conflict


def _checkpoints(conflict: Conflict) -> Sequence[Checkpoint]:
    if conflict.key.type != KeyType.ED25519:
        raise _no_conflict("A witness may cosign whatever a log shows it; the fault is the log's.")
    return [open_checkpoint(note, conflict.key).checkpoint for note in (conflict.first, conflict.second)]


def _states(conflict: Conflict) -> Sequence[Checkpoint]:
    if conflict.key.type != KeyType.COSIGNATURE_V1:
        raise _no_conflict("State notes must be cosigned with a key of type 04.")
    one, other = (open_state(note, [conflict.key]).state for note in (conflict.first, conflict.second))
    if (one.ecosystem, one.fold, one.count) != (other.ecosystem, other.fold, other.count):
        raise _no_conflict("The notes differ in ecosystem, fold version or count, so they cannot be compared.")
    return [Checkpoint.decode(state.encode()) for state in (one, other)]


def _require_one_line(*notes: bytes) -> None:
    if any(len(Note.decode(note).signatures) != 1 for note in notes):
        raise DecodeError("conflict_lines", "expected only the signature line of the accused.", where="first")


def _check_entry(entry: Entry, first: Checkpoint, second: Checkpoint) -> None:
    if entry.first_leaf == entry.second_leaf:
        raise _no_conflict("The entry is the same in both logs.")
    check_inclusion(entry.first_leaf, entry.index, first.size, entry.first_path, first.root)
    check_inclusion(entry.second_leaf, entry.index, second.size, entry.second_path, second.root)


def _no_conflict(message: str) -> RefusedError:
    return RefusedError("no_conflict", message, hint="This does not prove that anybody lied.")
