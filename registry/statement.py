"""The statement, the only input of the registry.

A COSE_Sign1 (RFC 9052 §4.2, tag 18) that is also a SCITT signed statement (RFC 9943):

    18([ protected bstr, {}, payload bstr, signature bstr64 ])
    protected = { 1: -8, 3: "application/accredit-statement+cbor", 4: kid bstr32, 15: { 1: iss, 2: sub, 6: iat } }
    payload   = { "v": 1, "eco": bstr32 / null, "kind": tstr, "seq": uint, "prev": bstr32 / null, "body": map,
                  ? "mandate": bstr32 }
    id        = SHA-256(["Signature1", protected, h'', payload])

All of it is deterministic CBOR (see `encoding`), and the unprotected map is empty. The id depends on content and
signer, not on the signature's bytes. `seq` and `prev` number and chain each key's own statements from 1. `mandate` is
the delegation under which a delegate speaks.

`decode` gives an `Unverified`; only `verify` turns one into a `Statement`, so the type shows whether the signature was
checked. `recall` makes a `Statement` of bytes that have already been through both. `governance.rulebook` says what the
body of each kind may hold.
"""

import hashlib
from dataclasses import InitVar, dataclass
from functools import lru_cache
from sys import intern
from typing import Any, Final

from .encoding import schema
from .encoding.cbor import decode as decode_cbor
from .encoding.cbor import encode as encode_cbor
from .encoding.cbor import reread
from .encoding.cose import Sign1, SignedParts, encode_sign1, sign_and_encode, split_sign1, to_be_signed
from .encoding.ed25519 import Signer, key_id
from .encoding.ed25519 import verify as signature_is_good
from .encoding.identifiers import CanonicalId
from .errors import DecodeError, RefusedError
from .limits import CBOR_DEPTH, IDENTIFIER_CHARS, STATEMENT_BYTES, TIME_MAX

CONTENT_TYPE: Final = "application/accredit-statement+cbor"
VERSION: Final = 1

_ALG, _CONTENT_TYPE, _KID, _CWT_CLAIMS = 1, 3, 4, 15  # COSE header labels; 15 is RFC 9597's
_ISS, _SUB, _IAT = 1, 2, 6  # CWT claims, RFC 8392 §4
_EDDSA: Final = -8
_kind = schema.text(64)
_sub = schema.text(IDENTIFIER_CHARS)
_MEMBERS: Final = schema.members(
    {
        "v": schema.integer(VERSION, VERSION),
        "eco": schema.nullable(schema.digest),
        "kind": _kind,
        "seq": schema.integer(1, 2**53),
        "prev": schema.nullable(schema.digest),
        "body": lambda value, path: _require(type(value) is dict, path, "a map"),
    },
    {"mandate": schema.digest},
)
GOVERNING: Final = ("charter.", "key.", "authority.")
"""Prefixes of the governing kinds, which decide who may state what; the other kinds make records."""

_BATCHES: Final = 8_192
"""Decoded bodies kept: two batches of a log."""

_LABELS: Final = {_ALG, _CONTENT_TYPE, _KID, _CWT_CLAIMS}
_CLAIMS: Final = {_ISS, _SUB, _IAT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A statement before it is signed.

    Attributes:
        iss: id of the authority that states it (of the issuer, for an `issuer.key` signed by its own key).
        sub: id of its subject: an issuer, a framework, a statement (hex), the ecosystem.
        iat: its date, seconds since 1970.
        eco: the genesis statement's id, 32 bytes; None in the genesis itself.
        kind: as in `governance.rules.rulebook.RULEBOOK`.
        seq, prev: the number of this statement among those of its key, from 1, and the id of the key's previous
            statement.
        body: the kind's own members.
        mandate: the id of the delegation under which it speaks, 32 bytes; None under the charter, or for an issuer.
    """

    iss: str
    sub: str
    iat: int
    eco: bytes | None
    kind: str
    seq: int
    prev: bytes | None
    body: dict[str, Any]
    mandate: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified(Draft):
    """A well-formed statement whose signature nobody has checked.

    Attributes:
        iss: as in a draft, and known to be in its canonical spelling.
        id: SHA-256 of the Sig_structure, 32 bytes.
        kid: the signing key's id, 32 bytes.
        signature: 64 bytes.
        raw: the whole encoding.
    """

    iss: CanonicalId
    id: bytes
    kid: bytes
    signature: bytes
    raw: bytes
    proof: InitVar[object]  # computed on demand: `dataclasses.replace` must not carry it over to other content

    def __post_init__(self, proof: object) -> None:
        if proof is not _DECODED:
            raise TypeError("an Unverified is made by decode() only: its members are what its bytes say")


_DECODED: Final = object()
_VERIFIED: Final = object()


class Statement(Unverified):
    """A statement whose signature `verify` has checked. Equal and hashed by id.

    A node holds all statements, so each keeps only its bytes and the members read all the time. The body is decoded
    again on each read, except for the governing kinds, which are few and read often.
    """

    __slots__ = ("_kept",)
    _kept: dict[str, Any] | None

    def __init__(self, unverified: Unverified | None = None, *, proof: object, **_content: object) -> None:
        if proof is not _VERIFIED or unverified is None:
            raise TypeError("a Statement is made by verify() and recall() only")
        put = object.__setattr__
        for name in ("iat", "seq", "prev", "id", "raw"):
            put(self, name, getattr(unverified, name))
        for name in ("iss", "eco", "kind", "kid", "mandate"):  # the same in many statements, so stored once
            put(self, name, _shared(getattr(unverified, name)))
        put(self, "sub", intern(unverified.sub))
        is_governing = unverified.kind.startswith(GOVERNING)
        put(self, "_kept", unverified.body if is_governing else None)
        if not is_governing:
            _set_aside(unverified.raw, unverified.body)

    @property
    def body(self) -> dict[str, Any]:
        """Return the kind's own members; callers must not change them."""
        return _body_of(self.raw) if self._kept is None else self._kept

    @property
    def signature(self) -> bytes:
        """64 bytes."""
        return self.raw[-64:]

    def __reduce__(self) -> tuple[object, ...]:
        return recall, (self.raw,)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.id.hex()[:8]} by {self.iss} number {self.seq}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statement) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)


_decoded: Final[dict[bytes, dict[str, Any]]] = {}
"""Bodies of statements just read, by their bytes, until their first use: by the fold, which comes next."""


def _set_aside(raw: bytes, body: dict[str, Any]) -> None:
    if len(_decoded) >= _BATCHES:
        _decoded.clear()  # not used yet
    _decoded[raw] = body


@lru_cache(maxsize=_BATCHES)
def _body_of(raw: bytes) -> dict[str, Any]:
    body: dict[str, Any] | None = _decoded.pop(raw, None)
    return reread(_parts_of(raw).payload)["body"] if body is None else body


@lru_cache(maxsize=4_096)  # keys and authors in use: some hundreds. A guess
def _shared(value: Any) -> Any:
    """Return an equal value that is already stored, or else the value itself."""
    return value


def decode(raw: bytes) -> Unverified:
    """Reads one statement; its body's shape and its signature are still to be checked.

    Raises:
        DecodeError: too large, not a COSE_Sign1 of this profile, not deterministic.
    """
    if len(raw) > STATEMENT_BYTES:
        raise DecodeError(
            "too_large",
            f"the statement has {len(raw)} bytes; at most {STATEMENT_BYTES} are allowed.",
            hint="Split it into several statements.",
        )
    protected, payload, signature, signed = split_sign1(raw) or _split_or_say_why(raw)
    content = _read_plain(protected, payload) or _read(protected, payload)
    kid, iss, sub, iat, eco, kind, seq, prev, body, mandate = content
    return Unverified(
        iss=iss,
        sub=sub,
        iat=iat,
        eco=eco,
        kind=kind,
        seq=seq,
        prev=prev,
        body=body,
        mandate=mandate,
        id=hashlib.sha256(signed).digest(),
        kid=kid,
        signature=signature,
        raw=raw,
        proof=_DECODED,
    )


def _split_or_say_why(raw: bytes) -> SignedParts:
    """Raise the error that says why bytes do not have the form of a statement."""
    sign1 = Sign1.decode(raw, what="a statement", max_bytes=STATEMENT_BYTES)
    _require(not sign1.unprotected, "unprotected", "an empty map (RFC 9943)")
    raise schema.wrong("payload", "a byte string: statements are never detached")


def _parts_of(raw: bytes) -> SignedParts:
    """The parts of a statement that `decode` has accepted."""
    parts = split_sign1(raw)
    assert parts is not None, "decode accepts no other form"
    return parts


def verify(unverified: Unverified, public: bytes) -> Statement:
    """Check the signature with the key that `kid` names.

    Raises:
        RefusedError: `public` is another key, or did not make the signature.
    """
    if key_id(public) != unverified.kid:
        raise RefusedError("wrong_key", "the statement names a different key than the one used to check it.")
    if not signature_is_good(public, _parts_of(unverified.raw).signed, unverified.signature):
        raise RefusedError(
            "bad_signature",
            f"the signature of {unverified.kind} by {unverified.iss} is not valid.",
            hint="Sign it again; it may have been altered in transit.",
        )
    return Statement(unverified, proof=_VERIFIED)


def recall(raw: bytes) -> Statement:
    """Return the statement of bytes that this program has already decoded and verified, without doing either again.

    Several processes check a log at once, and one process collects what they found good (`node.sync.entry_verifier`).
    Given any other bytes, it would make a statement that nobody signed; its callers are responsible for the bytes.
    """
    protected, payload, signature, signed = _parts_of(raw)
    header, content = reread(protected), reread(payload)
    claims = header[_CWT_CLAIMS]
    unverified = Unverified(
        iss=claims[_ISS],
        sub=claims[_SUB],
        iat=claims[_IAT],
        eco=content["eco"],
        kind=content["kind"],
        seq=content["seq"],
        prev=content["prev"],
        body=content["body"],
        mandate=content.get("mandate"),
        id=hashlib.sha256(signed).digest(),
        kid=header[_KID],
        signature=signature,
        raw=raw,
        proof=_DECODED,
    )
    return Statement(unverified, proof=_VERIFIED)


def iat_of(raw: bytes) -> int:
    """Return when a statement that this program has accepted was made, seconds since 1970; nothing else is read."""
    claims = reread(_parts_of(raw).protected)[_CWT_CLAIMS]
    return int(claims[_IAT])


def encode_signed(draft: Draft, signer: Signer) -> bytes:
    """Sign `draft`; return the statement's whole encoding. One that is written for this key is not written again.

    Raises:
        DecodeError: the draft is not a well-formed statement, or too large.
    """
    kid = key_id(signer.public_key)
    if isinstance(draft, Unverified) and draft.kid == kid:
        signature = signer.sign(_parts_of(draft.raw).signed)
        return draft.raw[: -len(signature)] + signature
    protected, payload = _parts(draft, kid)
    raw = sign_and_encode(protected, payload, signer)
    decode(raw)
    return raw


def statement_id(draft: Draft, kid: bytes) -> bytes:
    """Return the id that `draft` will have once the key `kid` has signed it.

    Raises:
        DecodeError: the draft holds a value that cannot be encoded.
    """
    return hashlib.sha256(to_be_signed(*_parts(draft, kid))).digest()


def as_unverified(draft: Draft, kid: bytes) -> Unverified:
    """Return the statement that `draft` will be once `kid` has signed it, with zeros for the signature: for dry runs.

    Raises:
        DecodeError: the draft is not a well-formed statement, or too large.
    """
    protected, payload = _parts(draft, kid)
    return decode(encode_sign1(protected, payload, bytes(64)))


def _parts(draft: Draft, kid: bytes) -> tuple[bytes, bytes]:
    claims = {_ISS: draft.iss, _SUB: draft.sub, _IAT: draft.iat}
    protected = {_ALG: _EDDSA, _CONTENT_TYPE: CONTENT_TYPE, _KID: kid, _CWT_CLAIMS: claims}
    payload = {
        "v": VERSION,
        "eco": draft.eco,
        "kind": draft.kind,
        "seq": draft.seq,
        "prev": draft.prev,
        "body": draft.body,
    }
    if draft.mandate is not None:
        payload["mandate"] = draft.mandate
    try:
        return encode_cbor(protected), encode_cbor(payload)
    except (TypeError, ValueError) as error:
        raise DecodeError("not_encodable", f"the draft cannot be written as a statement: {error}.") from error


_Content = tuple[bytes, CanonicalId, str, int, bytes | None, str, int, bytes | None, dict[str, Any], bytes | None]
"""`kid`, `iss`, `sub`, `iat`, `eco`, `kind`, `seq`, `prev`, `body`, `mandate`."""


def _read(protected: bytes, payload: bytes) -> _Content:
    """Read and check both parts.

    Raises:
        DecodeError: one of them is not of this profile, or not deterministic.
    """
    header = _decode_protected(protected)
    content = decode_cbor(payload, what="the payload")
    _MEMBERS(content, "payload")
    _require("ext" not in content, "payload", "no other members")
    _require(
        (content["seq"] == 1) == (content["prev"] is None), "payload.prev", "null exactly in a key's first statement"
    )
    kind, seq, body = content["kind"], content["seq"], content["body"]
    return *header, content["eco"], kind, seq, content["prev"], body, content.get("mandate")


_HEAD_OF_32: Final = encode_cbor(bytes(32))[:-32]
_BEFORE_KID: Final = encode_cbor(dict.fromkeys(_LABELS, 0))[:1] + b"".join(
    (*map(encode_cbor, (_ALG, _EDDSA, _CONTENT_TYPE, CONTENT_TYPE, _KID)), _HEAD_OF_32)
)
_BEFORE_ISS: Final = encode_cbor(_CWT_CLAIMS) + encode_cbor(dict.fromkeys(_CLAIMS, 0))[:1] + encode_cbor(_ISS)
_BEFORE_SUB: Final = encode_cbor(_SUB)
_BEFORE_IAT: Final = encode_cbor(_IAT)
_SIX_MEMBERS: Final = b"\xa6"
_SEVEN_MEMBERS: Final = b"\xa7"  # with a mandate
_BEFORE_ECO: Final = b"".join((*map(encode_cbor, ("v", VERSION, "eco")), _HEAD_OF_32))
_BEFORE_SEQ: Final = encode_cbor("seq")
_BEFORE_BODY: Final = encode_cbor("body")
_BEFORE_KIND: Final = encode_cbor("kind")
_BEFORE_PREV: Final = encode_cbor("prev") + _HEAD_OF_32
_BEFORE_MANDATE: Final = encode_cbor("mandate") + _HEAD_OF_32
_WIDTHS: Final = {0x18: (1, 24), 0x19: (2, 1 << 8), 0x1A: (4, 1 << 16)}
"""After the first byte of a number: how many bytes it has, and the least number that is written so."""


def _read_plain(protected: bytes, payload: bytes) -> _Content | None:
    """Return what `_read` does, at half the cost, for the parts of almost every statement; None for any others.

    In the one encoding of both parts everything stands at its place, so only the body is decoded. These are the parts
    if they are what encoding the result would give.
    """
    try:
        kid_end = len(_BEFORE_KID) + 32
        _skip(protected, 0, _BEFORE_KID)
        iss, at = _text_at(protected, _skip(protected, kid_end, _BEFORE_ISS))
        sub, at = _text_at(protected, _skip(protected, at, _BEFORE_SUB))
        iat, at = _number_at(protected, _skip(protected, at, _BEFORE_IAT))
        payload, mandate = _without_mandate(payload)
        eco_at = _skip(payload, 1, _BEFORE_ECO)
        before_prev = len(payload) - len(_BEFORE_PREV) - 32
        seq, body_at = _number_at(payload, _skip(payload, eco_at + 32, _BEFORE_SEQ))
        body_at = _skip(payload, body_at, _BEFORE_BODY)
        _skip(payload, before_prev, _BEFORE_PREV)
        body_end = payload.rindex(_BEFORE_KIND, body_at, before_prev)
        kind, end = _text_at(payload, body_end + len(_BEFORE_KIND))
        body = decode_cbor(payload[body_at:body_end], max_depth=CBOR_DEPTH - 1)
    except (LookupError, ValueError, DecodeError):
        return None
    if at != len(protected) or end != before_prev or seq < 2 or type(body) is not dict:
        return None
    schema.issuer_id(iss, "protected.iss")
    _sub(sub, "protected.sub")
    _kind(kind, "payload.kind")
    kid, eco = protected[len(_BEFORE_KID) : kid_end], payload[eco_at : eco_at + 32]
    return kid, CanonicalId(iss), sub, iat, eco, kind, seq, payload[-32:], body, mandate


def _without_mandate(payload: bytes) -> tuple[bytes, bytes | None]:
    """Return the members before the mandate, which stands last, and the mandate, if there is one."""
    if payload.startswith(_SEVEN_MEMBERS):
        end = len(payload) - len(_BEFORE_MANDATE) - 32
        _skip(payload, end, _BEFORE_MANDATE)
        return payload[:end], payload[-32:]
    _skip(payload, 0, _SIX_MEMBERS)
    return payload, None


def _skip(data: bytes, at: int, expected: bytes) -> int:
    """Return where these bytes end, which must stand at a place."""
    if not data.startswith(expected, at):
        raise ValueError("other bytes stand there")
    return at + len(expected)


def _text_at(data: bytes, at: int) -> tuple[str, int]:
    """Return a text of less than 256 bytes that stands at a place, and where it ends."""
    head = data[at]
    start, size, least, most = (at + 2, data[at + 1], 24, 255) if head == 0x78 else (at + 1, head - 0x60, 0, 23)
    if not least <= size <= most:
        raise ValueError("no short text stands there")
    return data[start : start + size].decode(), start + size


def _number_at(data: bytes, at: int) -> tuple[int, int]:
    """Return a number below 2**32 that stands at a place, and where it ends."""
    head = data[at]
    if head < 24:
        return head, at + 1
    width, least = _WIDTHS[head]
    number = int.from_bytes(data[at + 1 : at + 1 + width])
    if number < least:
        raise ValueError("it has a shorter form")
    return number, at + 1 + width


def _decode_protected(protected: bytes) -> tuple[bytes, CanonicalId, str, int]:
    header = decode_cbor(protected, what="the protected header")
    _require(type(header) is dict and set(header) == _LABELS, "protected", "a map with the labels 1, 3, 4 and 15")
    _require(header[_ALG] == _EDDSA and type(header[_ALG]) is int, "protected.alg", "-8 (EdDSA)")
    _require(header[_CONTENT_TYPE] == CONTENT_TYPE, "protected.content_type", CONTENT_TYPE)
    schema.digest(header[_KID], "protected.kid")
    claims = header[_CWT_CLAIMS]
    _require(type(claims) is dict and set(claims) == _CLAIMS, "protected.cwt_claims", "iss (1), sub (2) and iat (6)")
    schema.issuer_id(claims[_ISS], "protected.iss")
    _sub(claims[_SUB], "protected.sub")
    schema.integer(0, TIME_MAX)(claims[_IAT], "protected.iat")
    return header[_KID], claims[_ISS], claims[_SUB], claims[_IAT]


def _require(condition: bool, path: str, expected: str) -> None:
    if not condition:
        raise schema.wrong(path, expected)
