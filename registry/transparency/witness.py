"""Witnessing: a log shows each new checkpoint to others, who cosign it if it only grew. C2SP tlog-witness.

    request   old <size the witness has> LF
              <base64 hash> LF                 consistency proof from there, 0 to 63
              LF
              <checkpoint, a signed note, verbatim>

    answer    200 cosignature lines    400 malformed, or old > size       403 not signed by the log
              404 unknown origin       409 old is not what is held: `<held size> LF`, as text/x.tlog.size
              422 not consistent: another root for a size, or a proof that does not lead there

What a witness does, in this order: `open_request` (400, 404, 403), then `judge` against what it holds of that log (400,
409, 422), then *keep what was accepted durably*, then cosign and answer. Holding still between `judge` and keeping is
the caller's: a size that two requests were judged against may be replaced by one of them only.

    opened = open_request(data, log_of)                   Opened, or Refused
    verdict = judge(opened, held)                         Accepted, or Refused
    ... held becomes verdict.held, durably ...
    body = encode_signatures([cosign(opened.text, name, signer, time)])

An equal size is accepted too, and cosigned with a fresh time: verifiers ask how old a cosignature is. Refused requests
that the log had signed are returned with what they show: two roots of one size are a `Conflict`, which proves itself;
a proof that leads nowhere proves nothing, for anybody may send a good checkpoint with a bad proof, and is a trace only.

The log's side: `witnesses_of` says who witnesses a log, `Witness` where; `AddCheckpoint.encode`, `read_cosignature` and
`read_size` are its words.

    >>> Request.decode(b"old 0\\n\\nlog.example/1\\n0\\nAAAA\\n\\n-").checkpoint[:13]
    b'log.example/1'

What it does not do: clocks, storage, HTTP; nor judge the age of cosignatures (`tlog_policy` and the verifier's own).
Checkpoints with extension lines are malformed here, as in `checkpoint`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from ..errors import DecodeError, InputError, RefusedError, RemoteError
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
"""Of a witness: some cosignature lines."""

CLOCK_SECONDS: Final = 300
"""How far a fresh cosignature's time may be from ours. Design proofs.md: at most 5 minutes ahead."""

_SIZE: Final = re.compile("0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """What a log sends.

    Args:
        old: size of the checkpoint that the witness holds, as far as the log knows; 0 at first.
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
        """Reads a body; `encode` gives the same bytes back.

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
    """A witness, as a log knows it.

    Attributes:
        key: of its cosignatures.
        url: submission prefix, and monitoring prefix too; without a slash at the end.
    """

    key: VerifierKey
    url: str

    @classmethod
    def decode(cls, line: str) -> "Witness":
        """From a line of the configuration: a vkey of type 04, a space, an address.

        Raises:
            InputError: `bad_witness`, or the vkey is none.
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
        """From a note kept earlier, which was verified then.

        Raises:
            DecodeError: it is no checkpoint.
        """
        checkpoint = Checkpoint.decode(Note.decode(note).text)
        return cls(size=checkpoint.size, root=checkpoint.root, note=note)


NOTHING: Final = WitnessedHead()
"""Of a log never seen: the empty tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No cosignature.

    Attributes:
        status: of HTTP.
        error: why, in words; for 409 the body is `encode_size(size)` instead.
        size: what is held, for 409.
        conflict: two roots of one size, signed by the log.
        trace: a checkpoint that the log signed and that was not shown to be consistent: to be looked at.
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
        log: whose key verified it.
        held: what is to be held if it is accepted.
    """

    log: VerifierKey
    old: int
    proof: tuple[bytes, ...]
    held: WitnessedHead
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """May be cosigned, once `held` is kept durably."""

    held: WitnessedHead


def open_request(data: bytes, log_of: Callable[[str], VerifierKey | None]) -> Opened | Refused:
    """Reads a request and verifies the log's signature.

    Args:
        log_of: the key trusted for an origin; None for an origin that is not witnessed here.
    """
    try:
        request = AddCheckpoint.decode(data)
        note = Note.decode(request.checkpoint)
        origin = Checkpoint.decode(note.text).origin
    except InputError as error:
        return Refused(status=400, error=error)
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
        return Refused(status=403, error=error)
    held = WitnessedHead(size=checkpoint.size, root=checkpoint.root, note=signed_only(request.checkpoint, log))
    return Opened(log=log, old=request.old, proof=request.proof, held=held, text=note.text)


def judge(opened: Opened, held: WitnessedHead) -> Accepted | Refused:
    """Whether the checkpoint continues what is held of its log."""
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
        return Refused(status=422, error=error, conflict=conflict, trace=new.note)
    # Equal texts may come with another signature of the log; what is kept stays the same then.
    return Accepted(held=held if held.note is not None and held.size == new.size else new)


def signed_only(checkpoint: bytes, log: VerifierKey) -> bytes:
    """The checkpoint with its log's signature and no other."""
    note = Note.decode(checkpoint)
    lines = tuple(line for line in note.signatures if (line.name, line.key_id) == (log.name, log.key_id))
    return Note(text=note.text, signatures=lines).encode()


def encode_size(size: int) -> bytes:
    """The body of a 409."""
    return f"{size}\n".encode()


def read_size(body: bytes) -> int:
    """The size that a 409 names; the inverse of `encode_size`.

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
    """The witness's own line out of a 200.

    Args:
        text: of the checkpoint that was submitted.
        now: seconds since 1970.

    Raises:
        RemoteError: no good cosignature of exactly this key is among the lines, or it is not of now.
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
    """How a log is named in a witness's paths: 64 lower-case hex digits."""
    return sha256(origin.encode()).hexdigest()


def witnesses_of(origin: str, names: Iterable[str], count: int = WITNESSES) -> list[str]:
    """Which of the nodes witness a log: the first by SHA-256(origin || name), all in a small network.

    The log's own node is not among them: its word for itself adds nothing.
    """
    others = {name for name in names if name != origin}
    return sorted(others, key=lambda name: sha256((origin + name).encode()).digest())[:count]


def _conflict(opened: Opened, held: WitnessedHead) -> Conflict | None:
    """Two roots of one size, if that is what these are."""
    new = opened.held
    if held.note is None or new.note is None or new.size != held.size or new.root == held.root:
        return None
    try:
        return conflict_of_checkpoints(held.note, new.note, opened.log)
    except InputError:  # the log has another key by now: no conflict of one key, and still refused
        return None


def _read_size(text: str, where: str) -> int:
    if not _SIZE.fullmatch(text) or int(text) > SIZE_MAX:
        raise DecodeError("number", "a size must be decimal digits without leading zeros.", where=where)
    return int(text)
