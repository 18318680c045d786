"""The frame: a message from one node to another, signed with its peer key.

A frame is the body of `POST /gossip`, and so is its answer. It is a COSE_Sign1 (RFC 9052 §4.2, tag 18) in deterministic
CBOR, inside TLS. The signature holds behind proxies that end TLS, and makes a peer's claim evidence.

    18([ protected bstr, {}, payload bstr, signature bstr64 ])
    protected = { 1: -8, 4: kid bstr32 }                              ; kid of the sender's peer key
    payload   = { 1: version, 2: from kid, 3: to kid, 4: time in ms, 5: nonce bstr16, 6: type, 7: body }
    signed    = [ "Signature1", protected, "accredit-gossip/1", payload ]      ; RFC 9052 §4.4

An answer repeats the nonce of its frame, so that it is valid once, for that frame.

| type | body | answered by |
|---|---|---|
| 1 push      | `{1: [* statement bstr], 2: 0 urgent / 1 normal}` | root |
| 2 announce  | `{1: [* id bstr32]}`: what the sender holds and the receiver may lack | root |
| 3 request   | `{1: [* id bstr32]}` | push, in the order asked, as far as fits |
| 4 graft     | `{}`: let us be in each other's mesh | graft (yes) or prune (no) |
| 5 prune     | `{1: ms}`: out of the mesh; no graft before that time has passed | root |
| 6 beacon    | root's and `4: ms, ? 6: [* checkpoint bstr]`: what it holds, when; its log's, then others' | beacon |
| 7 root      | `{1: root bstr32, 2: count, 3: size, ? 5: conflicts bstr32}`: see below | root |
| 8 reconcile | `{1: session bstr16, 2: salt bstr16, 3: root bstr32, 4: message bstr}`: see `reconcile` | reconcile |
| 9 fetch     | `{1: session bstr16, 2: [* blinded id bstr32]}` | push, in the order asked, as far as fits |
| 10 accusation | `{1: [* name bstr32], 2: [* conflict bstr]}`: see `equivocation_gossip` | accusation |
| 11 poll     | `{? 1: nonce bstr16}`: of the last one whose answer arrived; see `sending` | what there is, when it is |

A root is the statement-set root, the number of committed statements, the log's size, and a digest of the conflicts
held, if there are any. A poll is answered by a push (empty after a while), announce, request, prune or accusation.

A push in answer to a request may be empty, if the peer holds none of the statements.

`decode_frame` gives an `UnverifiedFrame`, and only `verify_frame` makes it a `Frame`, so the type shows whether the
signature was checked. `rate_limits` checks the sender, the time and the nonce.
"""

from dataclasses import dataclass
from typing import Any, Final, assert_never

from accredit.registry.encoding.cbor import decode, encode, encode_ordered
from accredit.registry.encoding.cose import Sign1, sign_and_encode, to_be_signed
from accredit.registry.encoding.ed25519 import Signer, key_id, verify
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.limits import STATEMENT_BYTES
from accredit.registry.transparency.equivocation import CONFLICT_BYTES

VERSION: Final = 1
EXTERNAL_AAD: Final = b"accredit-gossip/1"
ID_BYTES: Final = 32
NONCE_BYTES: Final = 16
SESSION_BYTES: Final = 16
SALT_BYTES: Final = 16
MESSAGE_BYTES: Final = 64 * 1024
"""Largest reconciliation message. Design gossip.md: 64 KiB."""

NUMBER_MAX: Final = 2**53
"""Largest count, index or time: the numbers of every language hold it exactly."""

CONFLICTS_MAX: Final = 16
"""Conflicts in one frame: 256 KiB of them. A guess: there should be none."""

CONFLICTS_HELD: Final = 256
"""Conflicts that a node keeps and compares with others: 8 KiB of names. Four for each of 64 liars."""

NOTES_MAX: Final = 5
"""Signed notes in a beacon: the sender's checkpoint, the newest state note, and three checkpoints of other logs, so
that news of each of 1,000 logs spreads in minutes."""

NOTE_BYTES: Final = 4 * 1024
"""Largest note in a beacon: a checkpoint with ten witnesses' lines has some 1,500 bytes, a state note with 16 signers'
some 2,200."""

_ALG, _KID, _EDDSA = 1, 4, -8  # COSE header labels and the algorithm
_PROTECTED: Final = encode({_ALG: _EDDSA, _KID: bytes(ID_BYTES)})[:-ID_BYTES]  # before the key's id
_VERSION, _FROM, _TO, _TIME, _NONCE, _TYPE, _BODY = range(1, 8)
_BEFORE_FROM: Final = bytes([0xA7, _VERSION, VERSION, _FROM, 0x58, ID_BYTES])  # a map of seven; a string of 32 bytes
_BEFORE_TO: Final = bytes([_TO, 0x58, ID_BYTES])
_BEFORE_TIME: Final = bytes([_TIME])
_BEFORE_NONCE: Final = bytes([_NONCE, 0x40 + NONCE_BYTES])
_BEFORE_TYPE: Final = bytes([_TYPE])
_BEFORE_BODY: Final = bytes([_BODY])
_PUSH, _ANNOUNCE, _REQUEST, _GRAFT, _PRUNE, _BEACON, _ROOT, _RECONCILE, _FETCH, _ACCUSATION, _POLL = range(1, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Whole statements, each up to 16 KiB, opaque here."""

    statements: tuple[bytes, ...]
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Ids of statements that the sender holds, and promises to deliver."""

    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Ids of the statements that the sender wants."""

    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graft:
    """Asks for a place in the receiver's mesh; as an answer, gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Ends, or refuses, a place in the mesh; asking again before `backoff` (ms) is an offence."""

    backoff: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """The sender's holdings (as in `Root`), its time (ms since 1970, its clock), and some signed notes."""

    root: bytes
    count: int
    size: int
    time: int
    conflicts: bytes = b""
    notes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The sender's holdings: root and count of the committed statements, entries in its log, and a digest of the
    conflicts that it knows; empty if it knows none."""

    root: bytes
    count: int
    size: int
    conflicts: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile:
    """One message of a reconciliation.

    Attributes:
        session: chosen by the initiator.
        salt: blinds the ids in this session.
        root: the sender's statement-set root when it took its snapshot for the session.
        message: negentropy protocol v1.
    """

    session: bytes
    salt: bytes
    root: bytes
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Asks for statements by the blinded ids that a session found."""

    session: bytes
    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """Names of all conflicts that the sender holds, and some of them whole, each up to 16 KiB, opaque here."""

    holds: tuple[bytes, ...]
    conflicts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Asks for whatever the receiver has for the sender, which cannot be dialled.

    Attributes:
        last: the nonce of the last poll whose answer arrived; empty before the first.
    """

    last: bytes = b""


Asked = Push | Announce | Request | Graft | Prune | Beacon | Root | Reconcile | Fetch | Accusation
"""The frames that are answered at once."""

Body = Asked | Poll


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedFrame:
    """A well-formed frame whose signature nobody has checked.

    Attributes:
        sender, recipient: ids of the two peer keys, 32 bytes each.
        time: milliseconds since 1970, by the sender's clock.
        nonce: 16 bytes.
        signed: the bytes that `signature` is over.
    """

    sender: bytes
    recipient: bytes
    time: int
    nonce: bytes
    body: Body
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A frame whose body has not been read; members as in `UnverifiedFrame`."""

    sender: bytes
    recipient: bytes
    time: int
    nonce: bytes
    kind: int
    members: Any
    signed: bytes
    signature: bytes


_PROOF_OF_VERIFICATION: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is read of a frame whose signature `verify_frame` has checked."""

    sender: bytes
    nonce: bytes
    body: Body
    proof: object

    def __post_init__(self) -> None:
        if self.proof is not _PROOF_OF_VERIFICATION:
            raise TypeError("a Frame is made by verify_frame() only")


def encode_frame(
    body: Body, *, signer: Signer, recipient: bytes, time: int, nonce: bytes, sender: bytes | None = None
) -> bytes:
    """Signs a frame from the peer key of `signer` to the peer key with the id `recipient`.

    Args:
        sender: the id of the peer key of `signer`, if the caller has it.
    """
    sender = key_id(signer.public_key) if sender is None else sender
    kind, members = _encode_body(body)
    protected = _PROTECTED + sender
    assert (len(sender), len(recipient), len(nonce)) == (ID_BYTES, ID_BYTES, NONCE_BYTES)
    # The map of the module's text, its members in the order of their labels: all but two have a fixed length.
    known = _BEFORE_FROM, sender, _BEFORE_TO, recipient, _BEFORE_TIME, encode_ordered(time), _BEFORE_NONCE, nonce
    payload = b"".join((*known, _BEFORE_TYPE, kind.to_bytes(), _BEFORE_BODY, encode_ordered(members)))
    return sign_and_encode(protected, payload, signer, EXTERNAL_AAD)


def decode_frame(data: bytes, *, max_bytes: int, max_ids: int) -> UnverifiedFrame:
    """Reads a frame; its signature is still to be checked.

    Raises:
        DecodeError: too large, not a frame, or of a version or type that this node does not know.
    """
    envelope = decode_envelope(data, max_bytes=max_bytes)
    return UnverifiedFrame(
        sender=envelope.sender,
        recipient=envelope.recipient,
        time=envelope.time,
        nonce=envelope.nonce,
        body=_decode_body(envelope.kind, envelope.members, max_ids),
        signed=envelope.signed,
        signature=envelope.signature,
    )


def decode_envelope(data: bytes, *, max_bytes: int) -> Envelope:
    """Read the envelope of a frame, whatever its body.

    Raises:
        DecodeError: as `decode_frame`.
    """
    if len(data) > max_bytes:
        raise DecodeError(
            "frame_too_large",
            f"the frame has {len(data)} bytes; at most {max_bytes} are allowed.",
            hint="Split its statements over several frames.",
        )
    try:
        sign1 = Sign1.decode(data, what="the frame", max_bytes=max_bytes)
    except DecodeError as error:
        raise error if error.code != "not_cose_sign1" else _not_a_frame(str(error)) from None
    protected, payload = sign1.protected, sign1.payload
    if sign1.unprotected or payload is None:
        raise _not_a_frame("its unprotected map is empty, and its payload travels with it")
    content = decode(payload, what="the payload", max_bytes=max_bytes)
    members = _members(content, (_VERSION, _FROM, _TO, _TIME, _NONCE, _TYPE, _BODY), "the payload")
    if _number(members[_VERSION], "version") != VERSION:
        raise DecodeError("frame_version", f"this node supports only version {VERSION}.", hint="Update the older node.")
    sender = _octets(members[_FROM], ID_BYTES, "from")
    if protected != _PROTECTED + sender:
        raise _not_a_frame("the protected header must name EdDSA and the key of `from`")
    return Envelope(
        sender=sender,
        recipient=_octets(members[_TO], ID_BYTES, "to"),
        time=_number(members[_TIME], "time"),
        nonce=_octets(members[_NONCE], NONCE_BYTES, "nonce"),
        kind=_number(members[_TYPE], "type"),
        members=members[_BODY],
        signed=to_be_signed(protected, payload, EXTERNAL_AAD),
        signature=sign1.signature,
    )


def is_signed_by(public: bytes, frame: Envelope | UnverifiedFrame) -> bool:
    """Return whether this is the key that the frame names, and whether it signed the frame."""
    return key_id(public) == frame.sender and verify(public, frame.signed, frame.signature)


def verify_frame(unverified: UnverifiedFrame, public: bytes) -> Frame:
    """Checks the signature with the peer key of the sender.

    Raises:
        RefusedError: `public` is not the key that the frame names, or did not sign the frame.
    """
    if not is_signed_by(public, unverified):
        raise RefusedError(
            "frame_signature",
            "the signature of the frame is not valid.",
            hint="Compare the node's peer key with the key in its node record.",
        )
    return Frame(sender=unverified.sender, nonce=unverified.nonce, body=unverified.body, proof=_PROOF_OF_VERIFICATION)


def _encode_body(body: Body) -> tuple[int, dict[int, Any]]:
    """Return a body's type and members, these in the order of their labels."""
    match body:
        case Push():
            return _PUSH, {1: list(body.statements), 2: 0 if body.urgent else 1}
        case Announce():
            return _ANNOUNCE, {1: list(body.ids)}
        case Request():
            return _REQUEST, {1: list(body.ids)}
        case Graft():
            return _GRAFT, {}
        case Prune():
            return _PRUNE, {1: body.backoff}
        case Beacon():
            accused = {5: body.conflicts} if body.conflicts else {}
            told = {6: list(body.notes)} if body.notes else {}
            return _BEACON, {1: body.root, 2: body.count, 3: body.size, 4: body.time, **accused, **told}
        case Root():
            accused = {5: body.conflicts} if body.conflicts else {}
            return _ROOT, {1: body.root, 2: body.count, 3: body.size, **accused}
        case Reconcile():
            return _RECONCILE, {1: body.session, 2: body.salt, 3: body.root, 4: body.message}
        case Fetch():
            return _FETCH, {1: body.session, 2: list(body.ids)}
        case Accusation():
            return _ACCUSATION, {1: list(body.holds), 2: list(body.conflicts)}
        case Poll():
            return _POLL, {1: body.last} if body.last else {}
        case _:
            assert_never(body)


def _decode_body(kind: int, body: Any, max_ids: int) -> Body:
    if kind == _PUSH:
        members = _members(body, (1, 2), "the push")
        if type(members[2]) is not int or members[2] not in (0, 1):
            raise _not_a_frame("the class of a push must be 0 or 1")
        return Push(
            statements=_octet_strings(members[1], "statements", max_ids, STATEMENT_BYTES), urgent=members[2] == 0
        )
    if kind == _ANNOUNCE:
        return Announce(ids=_ids(_members(body, (1,), "the announcement")[1], max_ids))
    if kind == _REQUEST:
        return Request(ids=_ids(_members(body, (1,), "the request")[1], max_ids))
    if kind == _GRAFT:
        _members(body, (), "the graft")
        return Graft()
    if kind == _PRUNE:
        return Prune(backoff=_number(_members(body, (1,), "the prune")[1], "backoff"))
    if kind == _BEACON:
        members = _members(body, (1, 2, 3, 4), "the beacon", optional=(5, 6))
        notes = _octet_strings(members.get(6, []), "notes", NOTES_MAX, NOTE_BYTES)
        return Beacon(**_holdings(members), time=_number(members[4], "time"), notes=notes)
    if kind == _ROOT:
        return Root(**_holdings(_members(body, (1, 2, 3), "the root", optional=(5,))))
    if kind == _RECONCILE:
        return _decode_reconcile(_members(body, (1, 2, 3, 4), "the reconciliation"))
    if kind == _FETCH:
        members = _members(body, (1, 2), "the fetch")
        return Fetch(session=_octets(members[1], SESSION_BYTES, "session"), ids=_ids(members[2], max_ids))
    if kind == _ACCUSATION:
        members = _members(body, (1, 2), "the accusation")
        conflicts = _octet_strings(members[2], "conflicts", CONFLICTS_MAX, CONFLICT_BYTES)
        return Accusation(holds=_ids(members[1], CONFLICTS_HELD), conflicts=conflicts)
    if kind == _POLL:
        members = _members(body, (), "the poll", optional=(1,))
        return Poll(last=_octets(members[1], NONCE_BYTES, "last") if members else b"")
    raise DecodeError("frame_type", "this node does not know this type of frame.", hint="Update the older node.")


def _decode_reconcile(members: dict[int, Any]) -> Reconcile:
    message = members[4]
    if type(message) is not bytes or len(message) > MESSAGE_BYTES:
        raise _not_a_frame(f"a reconciliation message must be a byte string of at most {MESSAGE_BYTES} bytes")
    return Reconcile(
        session=_octets(members[1], SESSION_BYTES, "session"),
        salt=_octets(members[2], SALT_BYTES, "salt"),
        root=_octets(members[3], ID_BYTES, "root"),
        message=message,
    )


def _holdings(members: dict[int, Any]) -> dict[str, Any]:
    return {
        "root": _octets(members[1], ID_BYTES, "root"),
        "count": _number(members[2], "count"),
        "size": _number(members[3], "size"),
        "conflicts": _octets(members[5], ID_BYTES, "conflicts") if 5 in members else b"",
    }


def _members(value: Any, names: tuple[int, ...], what: str, *, optional: tuple[int, ...] = ()) -> dict[int, Any]:
    if type(value) is not dict or value.keys() - set(optional) != set(names):
        raise _not_a_frame(f"{what} must be a map of exactly {', '.join(map(str, names)) or 'nothing'}")
    return value


def _octets(value: Any, length: int, what: str) -> bytes:
    if type(value) is not bytes or len(value) != length:
        raise _not_a_frame(f"{what} must be a byte string of {length} bytes")
    return value


def _number(value: Any, what: str) -> int:
    if type(value) is not int or not 0 <= value <= NUMBER_MAX:
        raise _not_a_frame(f"{what} must be an integer from 0 to 2^53")
    return value


def _ids(value: Any, max_ids: int) -> tuple[bytes, ...]:
    if type(value) is not list or len(value) > max_ids:
        raise _not_a_frame(f"ids must be a list of at most {max_ids}")
    ids = tuple(_octets(each, ID_BYTES, "an id") for each in value)
    if len(set(ids)) != len(ids):
        raise _not_a_frame("each id must be listed only once")
    return ids


def _octet_strings(value: Any, what: str, many: int, length: int) -> tuple[bytes, ...]:
    if type(value) is not list or len(value) > many:
        raise _not_a_frame(f"{what} must be a list of at most {many}")
    for each in value:
        if type(each) is not bytes or len(each) > length:
            raise _not_a_frame(f"{what} must be byte strings of at most {length} bytes")
    return tuple(value)


def _not_a_frame(rule: str) -> DecodeError:
    return DecodeError("not_a_frame", f"this is not a gossip frame: {rule}.")
