"""Signed texts: C2SP signed-note and tlog-cosignature.

    <text, ends in a newline>
    <empty line; the last one of the note>
    — <key name> <base64 of key id[4] || signature>         one or more lines

    vkey      <name>+<8 hex digits, key id>+<base64 of type || public key>
    key id    SHA-256(name || 0A || type || public key)[:4]
    type 01   Ed25519 over the text, its final newline included
    type 04   u64 time || Ed25519 over "cosignature/v1" LF "time <seconds>" LF text

Rules, all of them enforced when reading, so that one note has one spelling:
* UTF-8, no control characters but LF: hence no CR LF. Lines end at LF only, never at other Unicode line breaks.
* Base64 is canonical: RFC 4648 section 4, with padding, without stray bits.
* A key is known by name *and* id. Lines of unknown keys are ignored, whatever they hold, because anybody may add one.
* If the line of a known key does not verify, or a known key has two lines, the whole note is refused: later checks
  count keys, and each counts once.
* At least 16 signatures must be readable; `SIGNATURES_MAX` are.

    >>> from accredit.registry.encoding.ed25519 import KeyPair
    >>> signer = KeyPair(bytes(32))
    >>> key = VerifierKey(name="log.example/1", type=KeyType.ED25519, public=signer.public_key)
    >>> open_note(sign_note("All is well.\\n", key.name, signer), [key]).text
    'All is well.\\n'

Cosignatures do not sign the cosigner's name, so a cosigner's key must serve one name only. A note does not say how old
is too old, or how many cosigners are enough: the verifier's trust policy does.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from hashlib import sha256
from typing import Final

from ..encoding.ed25519 import PUBLIC_BYTES, SIGNATURE_BYTES, Signer, is_usable_public, verify
from ..errors import DecodeError, RefusedError

# The specification asks for 16 or more. A checkpoint carries its log, 8 witnesses of ours and any number from outside.
SIGNATURES_MAX: Final = 64
# 64 lines of Ed25519 are 10 kB; 16 of post-quantum signatures (5 kB each, as base64) 107 kB.
NOTE_BYTES_MAX: Final = 256 * 1024
TIME_MAX: Final = 2**63 - 1  # tlog-cosignature: seconds since 1970

_KEY_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_LINE_START: Final = "\N{EM DASH} "
# Lone surrogates are not UTF-8; only a text that was never bytes, from JSON for example, can hold one.
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


class KeyType(IntEnum):
    """The signature types of signed-note that this module makes and checks."""

    ED25519 = 1
    COSIGNATURE_V1 = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A key that a verifier knows.

    Args:
        name: of the log or cosigner, e.g. `example.com/log`.
        type: what its signatures mean.
        public: Ed25519 public key, 32 bytes.
    """

    name: str
    type: KeyType
    public: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if not is_usable_public(self.public):
            raise DecodeError(
                "weak_key",
                f"The key of {self.name} is not a usable Ed25519 key.",
                hint="Ask its owner for another key.",
            )

    @property
    def key_id(self) -> bytes:
        """4 bytes which, with the name, identify the key in signature lines."""
        return _key_id(self.name, self.type, self.public)

    def encode(self) -> str:
        """Return it as a vkey."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.public)}"

    @classmethod
    def decode(cls, vkey: str) -> "VerifierKey":
        """Read a vkey.

        Raises:
            DecodeError: it is not a vkey, its id does not belong to its key, or this module does not check its type.
        """
        # Base64 may have a plus and names may not, so the first two separate.
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        blob = decode_base64(encoded, "vkey")
        if len(blob) != 1 + PUBLIC_BYTES or blob[0] not in tuple(KeyType):
            raise DecodeError(
                "vkey_type",
                "This vkey does not hold an Ed25519 key of type 01 or 04.",
                where="vkey",
                hint="Use another vkey.",
            )
        key = cls(name=name, type=KeyType(blob[0]), public=blob[1:])
        if key.encode() != vkey:
            raise DecodeError(
                "vkey_id",
                f"The key id {key_id} does not match the key.",
                where="vkey",
                hint="Copy the whole vkey again.",
            )
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line, unverified.

    Args:
        name: key name.
        key_id: 4 bytes.
        blob: what follows the id; 64 bytes for type 01, 72 for type 04, anything for other types.
    """

    name: str
    key_id: bytes
    blob: bytes

    def encode(self) -> str:
        """Return the line, its newline included."""
        return f"{_LINE_START}{self.name} {encode_base64(self.key_id + self.blob)}\n"

    @classmethod
    def decode(cls, line: str) -> "Signature":
        """Read a line without its newline.

        Raises:
            DecodeError: it is not a signature line.
        """
        name, space, encoded = line.removeprefix(_LINE_START).partition(" ")
        if not line.startswith(_LINE_START) or not space:
            raise DecodeError(
                "signature_line",
                "A signature line must be an em dash, a key name and base64, separated by one space each.",
            )
        _require_name(name)
        blob = decode_base64(encoded, "signature")
        if len(blob) <= _KEY_ID_BYTES:
            raise DecodeError("signature_line", f"The signature of {name} is too short.")
        return cls(name=name, key_id=blob[:_KEY_ID_BYTES], blob=blob[_KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and its signature lines, unverified.

    Args:
        text: ends in a newline.
        signatures: at least one.
    """

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Return the note's bytes."""
        _require_text(self.text)
        _require_count(self.signatures)
        return (self.text + "\n" + "".join(each.encode() for each in self.signatures)).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Note":
        """Read a note; `encode` gives the same bytes back.

        Raises:
            DecodeError: it breaks a rule of the format.
        """
        text = decode_text(data, "note")
        # The text may have empty lines, so the last one separates.
        body, separator, lines = text.rpartition("\n\n")
        if not separator or not lines.endswith("\n"):
            raise DecodeError(
                "note_form",
                "A note must be a text, an empty line and signature lines, each ending in a newline.",
                where="note",
            )
        return cls(text=body + "\n", signatures=_decode_lines(lines))

    def with_signatures(self, signatures: Iterable[Signature]) -> "Note":
        """Return the note with more signatures; a newer one by the same key replaces the older."""
        merged = {(each.name, each.key_id): each for each in self.signatures}
        merged.update({(each.name, each.key_id): each for each in signatures})
        return replace(self, signatures=tuple(merged.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedSignature:
    """One signature by a known key, verified.

    Args:
        key: the key that signed.
        time: seconds since 1970 that a cosignature states; None for type 01, which states no time.
    """

    key: VerifierKey
    time: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedNote:
    """A note after verification: only `open_note` makes one.

    Args:
        text: signed by every key in `signatures`.
        signatures: one or more, each of another key, in the note's order.
        note: the whole note, lines of unknown keys included, to be passed on.
    """

    text: str
    signatures: tuple[VerifiedSignature, ...]
    note: Note


def sign_text(text: str, name: str, signer: Signer) -> Signature:
    """Return the Ed25519 signature (type 01) of `text` by the signer's key, under `name`."""
    _require_text(text)
    return Signature(
        name=name, key_id=_key_id(name, KeyType.ED25519, signer.public_key), blob=signer.sign(text.encode())
    )


def sign_note(text: str, name: str, signer: Signer) -> bytes:
    """Return the note of `text` with one Ed25519 signature (type 01)."""
    return Note(text=text, signatures=(sign_text(text, name, signer),)).encode()


def cosign(text: str, name: str, signer: Signer, time: int) -> Signature:
    """Return the cosignature (type 04) of `text` at `time`, in seconds since 1970."""
    _require_text(text)
    assert 0 <= time <= TIME_MAX
    blob = time.to_bytes(_TIME_BYTES, "big") + signer.sign(_cosigned_message(text, time))
    return Signature(name=name, key_id=_key_id(name, KeyType.COSIGNATURE_V1, signer.public_key), blob=blob)


def check_signature(text: str, signature: Signature, key: VerifierKey) -> VerifiedSignature:
    """Check one line over `text`, signed by exactly this key.

    Raises:
        RefusedError: it is of another key, or does not verify.
    """
    blob = signature.blob
    if (signature.name, signature.key_id) == (key.name, key.key_id):
        if key.type == KeyType.ED25519:
            if verify(key.public, text.encode(), blob):
                return VerifiedSignature(key=key, time=None)
        elif len(blob) == _TIME_BYTES + SIGNATURE_BYTES:
            time = int.from_bytes(blob[:_TIME_BYTES], "big")
            if time <= TIME_MAX and verify(key.public, _cosigned_message(text, time), blob[_TIME_BYTES:]):
                return VerifiedSignature(key=key, time=time)
    raise RefusedError(
        "signature_refused",
        f"The signature by {signature.name} over this text is not valid for the known key {key.name}.",
        hint="Fetch the note again; if this persists, the text or the signature was altered.",
    )


def open_note(data: bytes, verifiers: Iterable[VerifierKey]) -> OpenedNote:
    """Verify a note against the known keys. signed-note, "Signatures".

    Raises:
        DecodeError: the note breaks a rule of the format.
        RefusedError: no known key signed it, the line of a known key is wrong or there twice, or two of the verifiers
            share name and id.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in verifiers:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise RefusedError(
                "ambiguous_keys",
                f"Two known keys share the name {key.name} and the key id.",
                hint="Remove one of them.",
            )
    note = Note.decode(data)
    found: dict[VerifierKey, VerifiedSignature] = {}
    for signature in note.signatures:
        known_key = known.get((signature.name, signature.key_id))
        if known_key is None:
            continue
        if known_key in found:
            raise RefusedError(
                "signature_twice", f"The note has two signatures by {known_key.name}.", hint="Leave one of them out."
            )
        found[known_key] = check_signature(note.text, signature, known_key)
    if not found:
        raise RefusedError(
            "unsigned",
            "No known key signed this note.",
            hint="Compare the vkeys in the policy with the keys that signed.",
        )
    return OpenedNote(text=note.text, signatures=tuple(found.values()), note=note)


def encode_signatures(signatures: Sequence[Signature]) -> bytes:
    """Return signature lines alone, as a witness answers (tlog-witness)."""
    _require_count(signatures)
    return "".join(each.encode() for each in signatures).encode()


def decode_signatures(data: bytes) -> tuple[Signature, ...]:
    """Read signature lines alone; the inverse of `encode_signatures`.

    Raises:
        DecodeError: they break a rule of the format.
    """
    return _decode_lines(decode_text(data, "signatures"))


def _decode_lines(text: str) -> tuple[Signature, ...]:
    *lines, last = text.split("\n")
    if last:
        raise DecodeError("signature_line", "The last signature line has no newline.")
    _require_count(lines)
    return tuple(Signature.decode(line) for line in lines)


def _key_id(name: str, kind: KeyType, public: bytes) -> bytes:
    """signed-note, "Signatures"."""
    _require_name(name)
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_KEY_ID_BYTES]


def _cosigned_message(text: str, time: int) -> bytes:
    """tlog-cosignature, "Ed25519 signed message"."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def decode_text(data: bytes, where: str) -> str:
    """Read the text of a note or of a file that holds one; `where` names it in errors.

    Raises:
        DecodeError: it is too long, not UTF-8, or has a control character other than a newline.
    """
    if len(data) > NOTE_BYTES_MAX:
        raise DecodeError("note_too_long", f"It has more than {NOTE_BYTES_MAX} bytes.", where=where)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise DecodeError("note_utf8", "It is not UTF-8.", where=where) from None
    if _CONTROL.search(text):
        raise DecodeError(
            "note_control",
            "It contains a control character.",
            where=where,
            hint="Send it unaltered, with lines ending in LF.",
        )
    return text


def encode_base64(data: bytes) -> str:
    """Return base64 as in notes: RFC 4648 section 4, with padding."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, where: str) -> bytes:
    """Read base64 of one byte or more; the inverse of `encode_base64`, for exactly what that writes.

    Raises:
        DecodeError: any other spelling.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    # Encoding it again finds what the decoder tolerates: surplus padding, and bits that belong to no byte.
    if not data or encode_base64(data) != text:
        raise DecodeError("base64", "This is not canonical base64 of at least one byte.", where=where)
    return data


def _require_name(name: str) -> None:
    if name.split() != [name] or "+" in name or _CONTROL.search(name):
        raise DecodeError("key_name", "A key name must not be empty or contain spaces or a plus sign.", where="name")


def _require_text(text: str) -> None:
    """Refuse to sign a text that no reader would accept; it may come from a configuration or a peer."""
    if not text.endswith("\n") or _CONTROL.search(text):
        raise DecodeError(
            "note_text", "A text to be signed must end in a newline and contain no other control characters."
        )


def _require_count(lines: Sequence[object]) -> None:
    if not 1 <= len(lines) <= SIGNATURES_MAX:
        raise DecodeError(
            "signature_count",
            f"There are {len(lines)} signature lines; 1 to {SIGNATURES_MAX} are allowed.",
            where="signatures",
        )
