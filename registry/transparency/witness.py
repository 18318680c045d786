"""Witnessing: a log shows each new checkpoint to witnesses, which cosign it if the log only grew. C2SP tlog-witness.

    request   old <size the witness has> LF
              <base64 hash> LF                 consistency proof from there, 0 to 63
              LF
              <checkpoint, a signed note, verbatim>

    answer    200 cosignature lines    400 malformed, or old > size       403 not signed by the log
              404 unknown origin       409 old is not what is held: `<held size> LF`, as text/x.tlog.size
              422 not consistent: another root for a size, or a proof that does not lead there

A witness works in this order: `open_request` (400, 404, 403), then `judge` against its newest checkpoint of that log
(400, 409, 422), then *store the accepted checkpoint durably*, then cosign and answer. The caller must lock from `judge`
until it has stored: if two requests were judged against the same size, only one may replace it.

    opened = open_request(data, log_of)                   Opened, or Refused
    verdict = judge(opened, held)                         Accepted, or Refused
    ... held becomes verdict.held, durably ...
    body = encode_signatures([cosign(opened.text, name, signer, time)])

An equal size is accepted too, and cosigned with a fresh time, because verifiers check the age of a cosignature. If a
refused checkpoint was signed by the log, the refusal carries what it shows. Two roots of one size are a `Conflict`,
which proves itself. A proof that fails is a trace only, because anybody may send a good checkpoint with a bad proof.

On the log's side `witnesses_of` chooses the witnesses and a `Witness` has the address of one; `AddCheckpoint.encode`,
`read_cosignature` and `read_size` write and read the messages.

    >>> Request.decode(b"old 0\\n\\nlog.example/1\\n0\\nAAAA\\n\\n-").checkpoint[:13]
    b'log.example/1'

It has no clock, storage or HTTP, and does not judge the age of cosignatures (`tlog_policy` and the verifier's policy
do). A checkpoint with extension lines is malformed, as in `checkpoint`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ..errors import DecodeError, InputError, RefusedError, RemoteError, without_frames
from .checkpoint import PROOF_HASHES_MAX, Checkpoint, open_checkpoint
from .equivocation import Conflict, conflict_of_checkpoints
from .merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MAX, check_consistency
from .signed_note import (
    KeyType,
    Note,
    Signature,
    VerifierKey,
    decode_base64,
    decode_signatures,
    decode_text,
    encode_base64,
    open_note,
)

WITNESSES: Final = 8
"""Nodes that witness one log. Design proofs.md."""

REQUEST_BYTES: Final = 128 * 1024
"""63 hashes, and a checkpoint with 16 of the longest signatures that exist (5 kB each, 7 as base64)."""

ANSWER_BYTES: Final = 64 * 1024
"""The largest answer of a witness: some cosignature lines."""

CLOCK_SECONDS: Final = 300
"""Seconds by which a fresh cosignature's time may differ from this clock. Design proofs.md: at most 5 minutes ahead."""

_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """The request that a log sends.

    Args:
        old: size of the checkpoint that the witness holds, to the log's knowledge; 0 at first.
        proof: consistency proof from there, as `merkle.prove_consistency` gives it.
        checkpoint: the note, verbatim; not read yet.
    """

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """The body."""
        assert 0 <= self.old <= SIZE_MAX
        assert len(self.proof) <= PROOF_HASHES_MAX
        lines = [f"old {self.old}", *map(encode_base64, self.proof), ""]
        return "".join(line + "\n" for line in lines).encode() + self.checkpoint

    @classmethod
    def decode(cls, data: bytes) -> "AddCheckpoint":
        """Read a body; `encode` gives the same bytes back.

        Raises:
            DecodeError: it breaks a rule of the format.
        """
        if len(data) > REQUEST_BYTES:
            raise DecodeError("too_large", f"a request may have at most {REQUEST_BYTES} bytes.")
        # The first empty line ends the proof; those of the note come later.
        head, separator, checkpoint = data.partition(b"\n\n")
        if not separator:
            raise DecodeError(
                "witness_request",
                "a request must be an old size, hashes, an empty line and a checkpoint, each line ending in LF.",
            )
        first, *lines = decode_text(head, "proof").split("\n")
        if not first.startswith("old "):
            raise DecodeError("witness_request", "the first line must be `old` and a size.", where="old")
        old = _read_size(first.removeprefix("old "), "old")
        if len(lines) > PROOF_HASHES_MAX:
            raise DecodeError("proof_hashes", f"a proof may have at most {PROOF_HASHES_MAX} hashes.", where="proof")
        proof = tuple(decode_base64(line, "proof") for line in lines)
        if any(len(each) != HASH_BYTES for each in proof):
            raise DecodeError("proof_hashes", f"every hash must have {HASH_BYTES} bytes.", where="proof")
        return cls(old=old, proof=proof, checkpoint=checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A log's entry for one of its witnesses.

    Attributes:
        key: of its cosignatures.
        url: submission prefix, and monitoring prefix too; without a slash at the end.
    """

    key: VerifierKey
    url: str

    @classmethod
    def decode(cls, line: str) -> "Witness":
        """Read a line of the configuration: a vkey of type 04, a space, an address.

        Raises:
            InputError: `bad_witness`, or the vkey is malformed.
        """
        vkey, _, url = line.partition(" ")
        key = VerifierKey.decode(vkey)
        if key.type != KeyType.COSIGNATURE_V1 or not url.startswith(("https://", "http://")) or len(url.split()) != 1:
            raise InputError(
                "bad_witness",
                f"{line[:80]!r} does not describe a witness.",
                hint="Write the vkey of its cosignatures (type 04), a space, and its address.",
            )
        return cls(key=key, url=url.rstrip("/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedHead:
    """The newest checkpoint that a witness has kept of a log.

    Args:
        size, root: of it.
        note: the checkpoint with its log's signature alone; None for a log never seen.
    """

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: bytes | None = None

    @classmethod
    def decode(cls, note: bytes) -> "WitnessedHead":
        """Read a stored note, which was verified before it was stored.

        Raises:
            DecodeError: it is no checkpoint.
        """
        checkpoint = Checkpoint.decode(Note.decode(note).text)
        return cls(size=checkpoint.size, root=checkpoint.root, note=note)


NOTHING: Final = WitnessedHead()
"""The head of a log never seen: the empty tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refusal, and what it shows.

    Attributes:
        status: the HTTP status.
        error: the reason in words; for 409 the body is `encode_size(size)` instead.
        size: the size held, for 409.
        conflict: two roots of one size, signed by the log.
        trace: a checkpoint that the log signed without a proof of consistency, for a person to look at.
    """

    status: int
    error: InputError
    size: int | None = None
    conflict: Conflict | None = None
    trace: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A request whose checkpoint its log signed: only `open_request` makes one.

    Attributes:
        log: the key that verified it.
        held: the head to store if it is accepted.
    """

    log: VerifierKey
    old: int
    proof: tuple[bytes, ...]
    held: WitnessedHead
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An accepted checkpoint; cosign it once `held` is stored durably."""

    held: WitnessedHead


def open_request(data: bytes, log_of: Callable[[str], VerifierKey | None]) -> Opened | Refused:
    """Read a request and verify the log's signature.

    Args:
        log_of: gives the key trusted for an origin; None for an origin that is not witnessed here.
    """
    try:
        request = AddCheckpoint.decode(data)
        note = Note.decode(request.checkpoint)
        origin = Checkpoint.decode(note.text).origin
    except InputError as error:
        return Refused(status=400, error=without_frames(error))
    log = log_of(origin)
    if log is None:
        return Refused(
            status=404,
            error=RefusedError(
                "unknown_log",
                f"This node does not witness the log {origin[:80]!r}.",
                hint="GET /v1/ecosystem lists the nodes it witnesses.",
            ),
        )
    try:
        checkpoint = open_checkpoint(request.checkpoint, log).checkpoint
    except InputError as error:
        return Refused(status=403, error=without_frames(error))
    held = WitnessedHead(size=checkpoint.size, root=checkpoint.root, note=signed_only(request.checkpoint, log))
    return Opened(log=log, old=request.old, proof=request.proof, held=held, text=note.text)


def judge(opened: Opened, held: WitnessedHead) -> Accepted | Refused:
    """Judge whether the checkpoint continues the one held for its log."""
    new = opened.held
    conflict = _conflict(opened, held)
    if opened.old > new.size:
        error = RefusedError(
            "old_above_size",
            f"The old size {opened.old} is above the checkpoint's {new.size}.",
            hint="Send a checkpoint at least as large as the old size (C2SP tlog-witness).",
        )
        return Refused(status=400, error=error, conflict=conflict)
    if opened.old != held.size:
        error = RefusedError("other_size", f"The newest checkpoint held here has {held.size} entries.")
        return Refused(status=409, error=error, size=held.size, conflict=conflict)
    try:
        if new.size == 0 and new.root != EMPTY_ROOT:
            raise RefusedError("consistency_refused", "This is not the root of an empty log.")
        check_consistency(opened.old, new.size, held.root, new.root, opened.proof)
    except RefusedError as error:
        return Refused(status=422, error=without_frames(error), conflict=conflict, trace=new.note)
    # An equal text may carry another signature of the log; the stored note then stays the same.
    return Accepted(held=held if held.note is not None and held.size == new.size else new)


def signed_only(checkpoint: bytes, log: VerifierKey) -> bytes:
    """Return the checkpoint with only its log's signature."""
    note = Note.decode(checkpoint)
    lines = tuple(line for line in note.signatures if (line.name, line.key_id) == (log.name, log.key_id))
    return Note(text=note.text, signatures=lines).encode()


def encode_size(size: int) -> bytes:
    """Return the body of a 409."""
    return f"{size}\n".encode()


def read_size(body: bytes) -> int:
    """Read the size that a 409 names; the inverse of `encode_size`.

    Raises:
        RemoteError: it names none.
    """
    try:
        text = decode_text(body[:32], "size")
        if not text.endswith("\n"):
            raise DecodeError("number", "The newline is missing.", where="size")
        return _read_size(text[:-1], "size")
    except DecodeError as error:
        raise RemoteError("bad_witness", f"The witness did not state the size it holds: {error.message}") from error


def read_cosignature(body: bytes, text: str, witness: VerifierKey, now: int) -> Signature:
    """Return the witness's own line from a 200.

    Args:
        text: of the checkpoint that was submitted.
        now: seconds since 1970.

    Raises:
        RemoteError: the lines have no good cosignature by exactly this key, or its time is not current.
    """
    try:
        opened = open_note(Note(text=text, signatures=decode_signatures(body)).encode(), [witness])
    except InputError as error:
        raise RemoteError("bad_cosignature", f"{witness.name} answered without a valid cosignature: {error}") from error
    time = opened.signatures[0].time
    if time is None or abs(time - now) > CLOCK_SECONDS:
        raise RemoteError(
            "clock_differs",
            f"{witness.name} dated its cosignature {time}, but the time here is {now}.",
            hint="Check the clocks of both machines.",
        )
    own = (witness.name, witness.key_id)
    return next(line for line in opened.note.signatures if (line.name, line.key_id) == own)


def origin_hash(origin: str) -> str:
    """Return the name of a log in a witness's paths: 64 lower-case hex digits."""
    return sha256(origin.encode()).hexdigest()


def witnesses_of(origin: str, names: Iterable[str], count: int = WITNESSES) -> list[str]:
    """Return the nodes that witness a log: the first ones by SHA-256(origin || name); in a small network all.

    The log's own node is not among them, because its own signature would add nothing.
    """
    others = {name for name in names if name != origin}
    return sorted(others, key=lambda name: sha256((origin + name).encode()).digest())[:count]


def _conflict(opened: Opened, held: WitnessedHead) -> Conflict | None:
    """Return the conflict, if these are two roots of one size."""
    new = opened.held
    if held.note is None or new.note is None or new.size != held.size or new.root == held.root:
        return None
    try:
        return conflict_of_checkpoints(held.note, new.note, opened.log)
    except InputError:  # the log has another key by now, so one key has not contradicted itself; still refused
        return None


def _read_size(text: str, where: str) -> int:
    if not _SIZE.fullmatch(text) or int(text) > SIZE_MAX:
        raise DecodeError("number", "a size must be decimal digits without leading zeros.", where=where)
    return int(text)
