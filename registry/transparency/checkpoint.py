"""Checkpoints, which state a log's content, and the proofs based on them: C2SP tlog-checkpoint and tlog-proof.

    checkpoint text   <origin> LF <size, decimal> LF <base64 root> LF     no further lines
    log proof         c2sp.org/tlog-proof@v1 LF
                      extra <base64> LF                                   may be missing; authenticated by nothing
                      index <n> LF
                      <base64 hash> LF                                    0 to 63; the leaf's sibling first
                      LF
                      <checkpoint, a signed note, verbatim>

A log signs its checkpoints (key type 01) with a key that has the origin as its name, and witnesses cosign them. A state
note has the same three lines: its size is the number of accepted statements. Numbers have no sign and no leading zeros,
and base64 is canonical. Extension lines are refused, because cosigners make no claim on them.

    >>> from accredit.registry.encoding.ed25519 import KeyPair
    >>> signer = KeyPair(bytes(32))
    >>> log = VerifierKey(name="log.example/1", type=KeyType.ED25519, public=signer.public_key)
    >>> data = sign_note(Checkpoint(origin=log.name, size=0, root=EMPTY_ROOT).encode(), log.name, signer)
    >>> open_checkpoint(data, log).checkpoint.size
    0

It does not say how old a cosignature may be, or how many suffice: the verifier's trust policy does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..errors import DecodeError, RefusedError
from .merkle import HASH_BYTES, SIZE_MAX, check_inclusion
from .signed_note import Note, VerifiedSignature, VerifierKey, decode_base64, decode_text, encode_base64, open_note

PROOF_HASHES_MAX: Final = 63  # the depth of the largest log

_PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The text of a checkpoint; also that of a state note, whose size is the number of accepted statements.

    Args:
        origin: the name of the log; not empty, one line.
        size: number of leaves.
        root: 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        assert self.origin
        assert "\n" not in self.origin
        assert 0 <= self.size <= SIZE_MAX
        assert len(self.root) == HASH_BYTES

    def encode(self) -> str:
        """Return the note text."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def decode(cls, text: str) -> "Checkpoint":
        """Read a note text; `encode` gives the same text back.

        Raises:
            DecodeError: it is not a checkpoint, or carries extension lines: cosigners make no claim on those.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise DecodeError("checkpoint_lines", "A checkpoint must have exactly three lines: origin, size and root.")
        root = decode_base64(lines[2], "root")
        if len(root) != HASH_BYTES:
            raise DecodeError("checkpoint_root", f"A root must have {HASH_BYTES} bytes, not {len(root)}.", where="root")
        return cls(origin=lines[0], size=_decode_number(lines[1], "size"), root=root)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCheckpoint:
    """A checkpoint that its log signed: only `open_checkpoint` makes one.

    Args:
        checkpoint: what was signed.
        cosignatures: those of known witnesses, each by another key; the caller's policy says how many suffice.
        note: the whole note, to be passed on.
    """

    checkpoint: Checkpoint
    cosignatures: tuple[VerifiedSignature, ...]
    note: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """A tlog-proof file, unverified: an entry's place in a log, under a checkpoint.

    Args:
        index: of the entry.
        hashes: inclusion proof, the leaf's sibling first.
        checkpoint: the note, verbatim.
        extra: extra data that nothing authenticates.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Return the file's bytes."""
        assert 0 <= self.index <= SIZE_MAX
        assert self.extra != b"", "no extra data is None"
        lines = [_PROOF_HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines.extend(encode_base64(each) for each in self.hashes)
        return "".join(line + "\n" for line in [*lines, ""]).encode() + self.checkpoint

    @classmethod
    def decode(cls, data: bytes) -> "LogProof":
        """Read a file; `encode` gives the same bytes back. The checkpoint in it is not read yet.

        Raises:
            DecodeError: it breaks a rule of the format.
        """
        # The first empty line ends the proof; those of the note come later.
        head, separator, checkpoint = data.partition(b"\n\n")
        if not separator:
            raise DecodeError(
                "proof_form",
                "A log proof must have a header, an index, hashes, an empty line and a checkpoint.",
                where="proof",
            )
        header, *lines = decode_text(head, "proof").split("\n")
        if header != _PROOF_HEADER:
            raise DecodeError("proof_header", f"A log proof must begin with {_PROOF_HEADER}.", where="proof")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "), "proof.extra")
        if not lines or not lines[0].startswith("index "):
            raise DecodeError("proof_index", "The line with the index is missing.", where="proof.index")
        index = _decode_number(lines.pop(0).removeprefix("index "), "proof.index")
        hashes = tuple(decode_base64(line, "proof.hashes") for line in lines)
        if len(hashes) > PROOF_HASHES_MAX or any(len(each) != HASH_BYTES for each in hashes):
            raise DecodeError(
                "proof_hashes", f"A proof must have at most 63 hashes of {HASH_BYTES} bytes.", where="proof.hashes"
            )
        return cls(index=index, hashes=hashes, checkpoint=checkpoint, extra=extra)


def open_checkpoint(data: bytes, log: VerifierKey, witnesses: Iterable[VerifierKey] = ()) -> OpenedCheckpoint:
    """Verify that a checkpoint is signed by its log, whose key has the origin as its name. tlog-checkpoint.

    Raises:
        DecodeError: it is not a note, or its text not a checkpoint.
        RefusedError: the log did not sign it, it is of another origin, or see `open_note`.
    """
    opened = open_note(data, [log, *witnesses])
    checkpoint = Checkpoint.decode(opened.text)
    if all(each.key != log for each in opened.signatures):
        raise RefusedError(
            "unsigned_by_log", f"The log {log.name} did not sign this checkpoint.", hint="Fetch it from the log itself."
        )
    if checkpoint.origin != log.name:
        raise RefusedError(
            "wrong_origin",
            f"The checkpoint belongs to the log {checkpoint.origin}, not to {log.name}.",
            hint="Use the key of that log.",
        )
    cosignatures = tuple(each for each in opened.signatures if each.key != log)
    return OpenedCheckpoint(checkpoint=checkpoint, cosignatures=cosignatures, note=opened.note)


def check_log_proof(
    proof: LogProof, leaf: bytes, log: VerifierKey, witnesses: Iterable[VerifierKey] = ()
) -> OpenedCheckpoint:
    """Check that `leaf` (the entry's hash) is in the log; return the checkpoint, whose cosigners the caller counts.

    Raises:
        DecodeError, RefusedError: as `open_checkpoint` and `merkle.check_inclusion`.
    """
    opened = open_checkpoint(proof.checkpoint, log, witnesses)
    check_inclusion(leaf, proof.index, opened.checkpoint.size, proof.hashes, opened.checkpoint.root)
    return opened


def _decode_number(text: str, where: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > SIZE_MAX:
        raise DecodeError("number", "This is not a number in decimal digits without leading zeros.", where=where)
    return int(text)
