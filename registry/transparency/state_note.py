"""State notes name the set of statements, and so the records, that a quorum of signers holds.

    <ecosystem name>/<genesis id, hex>/state/<fold version> LF
    <number of accepted statements> LF
    <base64 state root> LF

The text is a checkpoint of three lines with the same strict form (`checkpoint`); signers cosign it (`signed_note`, key
type 04, each with its `state` key). All signers that hold the same set write the same text, so cosignatures of several
copies add up (`combine`).

* A **quorum** of n signers is floor(2n/3) + 1: any two quorums share an honest signer while fewer than a third are
  dishonest.
* A cosignature is **fresh** while its time is at most `max_age` ago, and at most `AHEAD_MAX` ahead of the reader's
  clock. Only fresh ones count, one for each signer, so a single signer that cosigns an old note again cannot make it
  fresh.
* The name is for people and may change; the genesis id says which ecosystem it is. White space in it becomes single
  spaces, because a charter's name may hold a line break and a note's line may not.

    >>> state = StateNote(name="Example", ecosystem=bytes(32), fold=1, count=7, root=bytes(32))
    >>> StateNote.decode(state.encode()) == state, quorum(4)
    (True, 3)

A note does not say who the signers are: the verifier's trust policy does (`evidence.trust_policy`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..encoding.ed25519 import Signer
from ..errors import DecodeError, RefusedError
from ..limits import NAME_CHARS
from .checkpoint import Checkpoint
from .merkle import HASH_BYTES, SIZE_MAX
from .signed_note import KeyType, Note, OpenedNote, Signature, VerifiedSignature, VerifierKey, cosign, open_note

AHEAD_MAX: Final = 300
"""Seconds that a cosignature may be ahead of the reader's clock (design `proofs.md`)."""

FOLD_MAX: Final = 2**16
"""The highest version of the fold that a charter can name."""

_ORIGIN: Final = re.compile(rf"(.{{1,{NAME_CHARS}}})/([0-9a-f]{{64}})/state/([1-9][0-9]{{0,4}})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateNote:
    """The text of a state note.

    Attributes:
        name: of the ecosystem, without white space but single spaces inside.
        ecosystem: the genesis statement's id, 32 bytes.
        fold: version of the fold that made the records.
        count: number of accepted statements; it only grows, whereas the number of committed ones may fall.
        root: state root over records and statements, 32 bytes.
    """

    name: str
    ecosystem: bytes
    fold: int
    count: int
    root: bytes

    def __post_init__(self) -> None:
        assert 1 <= len(self.name) <= NAME_CHARS
        assert self.name == one_line(self.name)
        assert len(self.ecosystem) == len(self.root) == HASH_BYTES
        assert 1 <= self.fold <= FOLD_MAX
        assert 0 <= self.count <= SIZE_MAX

    @property
    def origin(self) -> str:
        """The first line."""
        return f"{self.name}/{self.ecosystem.hex()}/state/{self.fold}"

    def encode(self) -> str:
        """The note text."""
        return Checkpoint(origin=self.origin, size=self.count, root=self.root).encode()

    @classmethod
    def decode(cls, text: str) -> "StateNote":
        """Reads a note text; `encode` gives the same text back.

        Raises:
            DecodeError: it is not a state note.
        """
        checkpoint = Checkpoint.decode(text)
        match = _ORIGIN.fullmatch(checkpoint.origin)
        if match is None or match[1] != one_line(match[1]) or int(match[3]) > FOLD_MAX:
            raise DecodeError(
                "state_note",
                "A state note must begin with <ecosystem name>/<genesis id>/state/<fold version>.",
                where="origin",
                hint="A log's checkpoint is not a state note; fetch the note from /v1/state-note.",
            )
        return cls(
            name=match[1],
            ecosystem=bytes.fromhex(match[2]),
            fold=int(match[3]),
            count=checkpoint.size,
            root=checkpoint.root,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedState:
    """A state note that known signers cosigned: only `open_state` makes one.

    Attributes:
        state: what was cosigned.
        cosignatures: of known signers, each by another key; the reader's policy says how many suffice, and how old they
            may be.
        note: the whole note, lines of unknown keys included.
    """

    state: StateNote
    cosignatures: tuple[VerifiedSignature, ...]
    note: Note


def one_line(name: str) -> str:
    """Return an ecosystem's name as a note spells it: no white space except single spaces inside."""
    return " ".join(name.split())


def quorum(signers: int) -> int:
    """Return how many of `signers` make a quorum: floor(2n/3) + 1."""
    assert signers > 0
    return 2 * signers // 3 + 1


def signer_key(name: str, public: bytes) -> VerifierKey:
    """Return the key that checks a node's cosignatures on state notes.

    Raises:
        DecodeError: the name is not a key name, or the key is not usable.
    """
    return VerifierKey(name=name, type=KeyType.COSIGNATURE_V1, public=public)


def cosign_state(state: StateNote, name: str, signer: Signer, time: int) -> Signature:
    """Return the cosignature of a signer that holds exactly this state, at `time` in seconds since 1970."""
    return cosign(state.encode(), name, signer, time)


def open_state(data: bytes, signers: Iterable[VerifierKey]) -> OpenedState:
    """Verify a state note against the known signers.

    Raises:
        DecodeError: it is not a note, or its text no state note.
        RefusedError: no known signer cosigned it, or the line of one is wrong or there twice.
    """
    opened: OpenedNote = open_note(data, signers)
    state = StateNote.decode(opened.text)
    return OpenedState(state=state, cosignatures=opened.signatures, note=opened.note)


def combine(copies: Sequence[OpenedState], now: int) -> bytes:
    """Return one note with every known signer's newest cosignature from several copies of one text.

    Lines of unknown keys and lines dated ahead of the clock are left out: one of the latter would replace a good line.

    Raises:
        RefusedError: the copies have different texts, or no line is left.
    """
    newest: dict[tuple[str, bytes], tuple[int, Signature]] = {}
    for copy in copies:
        if copy.note.text != copies[0].note.text:
            raise RefusedError("other_text", "Cosignatures of different states cannot be combined.")
        times = _times(copy)
        for line in copy.note.signatures:
            which = (line.name, line.key_id)
            time = times.get(which)
            if time is not None and time <= now + AHEAD_MAX and (which not in newest or newest[which][0] < time):
                newest[which] = time, line
    if not newest:
        raise RefusedError("unsigned", "No copy of this note has a valid cosignature.")
    lines = tuple(newest[which][1] for which in sorted(newest))
    return Note(text=copies[0].note.text, signatures=lines).encode()


def fresh(opened: OpenedState, now: int, max_age: int) -> tuple[VerifiedSignature, ...]:
    """Return the cosignatures that count at `now`: at most `max_age` seconds old, at most `AHEAD_MAX` ahead."""
    return tuple(
        one for one in opened.cosignatures if one.time is not None and now - max_age <= one.time <= now + AHEAD_MAX
    )


def missing(opened: OpenedState, signers: Iterable[VerifierKey], now: int, max_age: int) -> tuple[VerifierKey, ...]:
    """Return the signers without a fresh cosignature on the note, in the order given."""
    there = {one.key for one in fresh(opened, now, max_age)}
    return tuple(key for key in signers if key not in there)


def _times(opened: OpenedState) -> Mapping[tuple[str, bytes], int]:
    return {(one.key.name, one.key.key_id): one.time for one in opened.cosignatures if one.time is not None}
