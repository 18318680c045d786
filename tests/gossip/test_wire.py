"""Frames: what is read is exactly what was written, and nothing a stranger sends raises anything but our errors."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.wire import (
    CONFLICTS_HELD,
    CONFLICTS_MAX,
    MESSAGE_BYTES,
    NOTE_BYTES,
    NOTES_MAX,
    Accusation,
    Announce,
    Beacon,
    Body,
    Fetch,
    Frame,
    Graft,
    Poll,
    Prune,
    Push,
    Reconcile,
    Request,
    Root,
    UnverifiedFrame,
    decode_frame,
    encode_frame,
    verify_frame,
)
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.errors import AccreditError, DecodeError, RefusedError
from accredit.registry.limits import STATEMENT_BYTES
from accredit.registry.transparency.equivocation import CONFLICT_BYTES

SEED = sha256(b"sender").digest()
ME = key_id(public_of(SEED))
YOU = sha256(b"recipient").digest()
NONCE = bytes(16)
LIMITS = GossipConfig()

ids = st.lists(st.binary(min_size=32, max_size=32), max_size=5, unique=True).map(tuple)
numbers = st.integers(0, 2**53)
roots = st.binary(min_size=32, max_size=32)
digests = st.one_of(st.just(b""), roots)
bodies: st.SearchStrategy[Body] = st.one_of(
    st.builds(Push, statements=st.lists(st.binary(max_size=50), max_size=4).map(tuple), urgent=st.booleans()),
    st.builds(Announce, ids=ids),
    st.builds(Request, ids=ids),
    st.builds(Root, root=roots, count=numbers, size=numbers, conflicts=digests),
    st.just(Graft()),
    st.builds(Prune, backoff=numbers),
    st.builds(
        Beacon,
        root=roots,
        count=numbers,
        size=numbers,
        time=numbers,
        conflicts=digests,
        notes=st.lists(st.binary(max_size=50), max_size=NOTES_MAX).map(tuple),
    ),
    st.builds(
        Reconcile,
        session=st.binary(min_size=16, max_size=16),
        salt=st.binary(min_size=16, max_size=16),
        root=st.binary(min_size=32, max_size=32),
        message=st.binary(max_size=99),
    ),
    st.builds(Fetch, session=st.binary(min_size=16, max_size=16), ids=ids),
    st.builds(Accusation, holds=ids, conflicts=st.lists(st.binary(max_size=50), max_size=4).map(tuple)),
    st.builds(Poll, last=st.one_of(st.just(b""), st.binary(min_size=16, max_size=16))),
)


def frame(body: Body, *, time: int = 5, nonce: bytes = NONCE) -> bytes:
    return encode_frame(body, signer=KeyPair(SEED), recipient=YOU, time=time, nonce=nonce)


def read(data: bytes) -> UnverifiedFrame:
    return decode_frame(data, max_bytes=LIMITS.frame_bytes, max_ids=LIMITS.announce_ids)


def hand_made(
    *, kind: Any = 5, body: Any = None, protected: Any = None, payload: dict[int, Any] | None = None, outer: Any = None
) -> bytes:
    """A frame with some part of our choice."""
    members = {1: 1, 2: ME, 3: YOU, 4: 5, 5: NONCE, 6: kind, 7: {1: 0} if body is None else body}
    parts = [
        encode({1: -8, 4: ME} if protected is None else protected),
        {},
        encode(members | (payload or {})),
        bytes(64),
    ]
    return b"\xd2" + encode(parts if outer is None else outer)


@given(bodies, numbers, st.binary(min_size=16, max_size=16))
def test_what_is_written_is_read_and_verifies(body: Body, time: int, nonce: bytes) -> None:
    unverified = read(frame(body, time=time, nonce=nonce))
    assert (unverified.sender, unverified.recipient) == (ME, YOU)
    assert (unverified.time, unverified.nonce, unverified.body) == (time, nonce, body)
    verified = verify_frame(unverified, public_of(SEED))
    assert verified.body == body


@given(st.binary(max_size=300))
def test_random_bytes_raise_only_our_errors(data: bytes) -> None:
    for candidate in (data, b"\xd2" + data, b"\xd2\x84" + data):
        with pytest.raises(DecodeError):
            read(candidate)


@given(bodies, st.data())
def test_mutated_frames_are_refused_and_raise_only_our_errors(body: Body, data: st.DataObject) -> None:
    honest = frame(body)
    at = data.draw(st.integers(0, len(honest) - 1))
    change = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    if change == "flip":
        mutated = honest[:at] + bytes([honest[at] ^ data.draw(st.integers(1, 255))]) + honest[at + 1 :]
    else:
        mutated = honest[:at] if change == "cut" else honest[:at] + b"\0" + honest[at:]
    with pytest.raises(AccreditError):
        verify_frame(read(mutated), public_of(SEED))


def test_a_frame_without_our_external_data_is_refused() -> None:
    """So that nothing signed for another purpose can be passed off as gossip."""
    protected, payload = encode({1: -8, 4: ME}), encode({1: 1, 2: ME, 3: YOU, 4: 5, 5: NONCE, 6: 5, 7: {1: 0}})
    signature = KeyPair(SEED).sign(encode(["Signature1", protected, b"", payload]))
    foreign = read(b"\xd2" + encode([protected, {}, payload, signature]))
    with pytest.raises(RefusedError, match="signature"):
        verify_frame(foreign, public_of(SEED))


def test_a_frame_is_not_verified_with_another_key() -> None:
    other = public_of(sha256(b"other").digest())
    with pytest.raises(RefusedError, match="signature"):
        verify_frame(read(frame(Prune(backoff=1))), other)


def test_a_verified_frame_cannot_be_made_by_hand() -> None:
    unverified = read(frame(Prune(backoff=1)))
    with pytest.raises(TypeError, match="verify_frame"):
        Frame(sender=unverified.sender, nonce=unverified.nonce, body=unverified.body, proof=object())


def test_the_hand_made_frame_is_right_but_for_what_a_test_changes() -> None:
    assert read(hand_made()).body == Prune(backoff=0)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"\xd2" + bytes(LIMITS.frame_bytes), "frame_too_large", id="too large"),
        pytest.param(b"", "not_a_frame", id="empty"),
        pytest.param(hand_made()[1:], "not_a_frame", id="without tag"),
        pytest.param(hand_made(outer={}), "not_a_frame", id="a map"),
        pytest.param(hand_made(outer=[b"", {}, b""]), "not_a_frame", id="three parts"),
        pytest.param(hand_made(outer=[b"", {1: 1}, b"", bytes(64)]), "not_a_frame", id="unprotected header"),
        pytest.param(hand_made(outer=[b"", [], b"", bytes(64)]), "not_a_frame", id="unprotected list"),
        pytest.param(hand_made(outer=[1, {}, b"", bytes(64)]), "not_a_frame", id="protected integer"),
        pytest.param(hand_made(outer=[b"", {}, None, bytes(64)]), "not_a_frame", id="detached"),
        pytest.param(hand_made(outer=[b"", {}, b"", bytes(63)]), "not_a_frame", id="short signature"),
        pytest.param(hand_made(outer=[b"\xff", {}, b"", bytes(64)]), "not_cbor", id="payload not CBOR"),
        pytest.param(hand_made(protected={1: -8, 4: YOU}), "not_a_frame", id="another key than from"),
        pytest.param(hand_made(protected={1: -7, 4: ME}), "not_a_frame", id="another algorithm"),
        pytest.param(hand_made(payload={8: 1}), "not_a_frame", id="surplus member"),
        pytest.param(hand_made(payload={1: 2}), "frame_version", id="another version"),
        pytest.param(hand_made(payload={2: b"me"}), "not_a_frame", id="short sender"),
        pytest.param(hand_made(payload={3: None}), "not_a_frame", id="no recipient"),
        pytest.param(hand_made(payload={4: -1}), "not_a_frame", id="negative time"),
        pytest.param(hand_made(payload={4: True}), "not_a_frame", id="time true"),
        pytest.param(hand_made(payload={4: 2**53 + 1}), "not_a_frame", id="far time"),
        pytest.param(hand_made(payload={5: bytes(15)}), "not_a_frame", id="short nonce"),
        pytest.param(hand_made(kind=12), "frame_type", id="unknown type"),
        pytest.param(hand_made(kind=[9]), "not_a_frame", id="type a list"),
        pytest.param(hand_made(kind=True, body={1: [], 2: 0}), "not_a_frame", id="type true"),
        pytest.param(hand_made(payload={1: True}), "not_a_frame", id="version true"),
        pytest.param(hand_made(body=[]), "not_a_frame", id="body a list"),
        pytest.param(hand_made(kind=1, body={1: [], 2: 2}), "not_a_frame", id="class 2"),
        pytest.param(hand_made(kind=1, body={1: [], 2: False}), "not_a_frame", id="class false"),
        pytest.param(hand_made(kind=1, body={1: b"", 2: 0}), "not_a_frame", id="statements not a list"),
        pytest.param(hand_made(kind=1, body={1: [1], 2: 0}), "not_a_frame", id="statement an integer"),
        pytest.param(
            hand_made(kind=1, body={1: [bytes(STATEMENT_BYTES + 1)], 2: 0}), "not_a_frame", id="large statement"
        ),
        pytest.param(hand_made(kind=1, body={1: [b""] * 5_001, 2: 0}), "not_a_frame", id="too many statements"),
        pytest.param(hand_made(kind=2, body={1: 5, 2: 5, 3: [YOU]}), "not_a_frame", id="a page of a log"),
        pytest.param(hand_made(kind=4, body={1: 1}), "not_a_frame", id="graft with members"),
        pytest.param(hand_made(kind=5, body={1: -1}), "not_a_frame", id="prune for a time past"),
        pytest.param(hand_made(kind=6, body={1: YOU, 2: 0, 3: 0}), "not_a_frame", id="beacon without time"),
        pytest.param(hand_made(kind=8, body={1: NONCE, 2: NONCE, 3: YOU, 4: ""}), "not_a_frame", id="message a text"),
        pytest.param(
            hand_made(kind=8, body={1: NONCE, 2: NONCE, 3: YOU, 4: bytes(MESSAGE_BYTES + 1)}),
            "not_a_frame",
            id="large message",
        ),
        pytest.param(hand_made(kind=8, body={1: NONCE, 2: b"", 3: YOU, 4: b""}), "not_a_frame", id="no salt"),
        pytest.param(hand_made(kind=9, body={1: YOU, 2: []}), "not_a_frame", id="long session"),
        pytest.param(hand_made(kind=3, body={1: 1}), "not_a_frame", id="ids not a list"),
        pytest.param(hand_made(kind=3, body={1: [YOU, YOU]}), "not_a_frame", id="an id twice"),
        pytest.param(hand_made(kind=3, body={1: [YOU] * 5_001}), "not_a_frame", id="too many ids"),
        pytest.param(hand_made(kind=3, body={1: [b"short"]}), "not_a_frame", id="short id"),
        pytest.param(hand_made(kind=7, body={1: YOU, 2: 0}), "not_a_frame", id="root without size"),
        pytest.param(hand_made(kind=7, body={1: YOU, 2: 0, 3: 0, 5: b""}), "not_a_frame", id="empty digest"),
        pytest.param(hand_made(kind=7, body={1: YOU, 2: 0, 3: 0, 6: []}), "not_a_frame", id="root with checkpoints"),
        pytest.param(
            hand_made(kind=6, body={1: YOU, 2: 0, 3: 0, 4: 0, 6: [b""] * (NOTES_MAX + 1)}),
            "not_a_frame",
            id="too many checkpoints",
        ),
        pytest.param(
            hand_made(kind=6, body={1: YOU, 2: 0, 3: 0, 4: 0, 6: [bytes(NOTE_BYTES + 1)]}),
            "not_a_frame",
            id="large checkpoint",
        ),
        pytest.param(
            hand_made(kind=10, body={1: [], 2: [b""] * (CONFLICTS_MAX + 1)}), "not_a_frame", id="too many conflicts"
        ),
        pytest.param(
            hand_made(kind=10, body={1: [], 2: [bytes(CONFLICT_BYTES + 1)]}), "not_a_frame", id="large conflict"
        ),
        pytest.param(
            hand_made(kind=10, body={1: [n.to_bytes(32) for n in range(CONFLICTS_HELD + 1)], 2: []}),
            "not_a_frame",
            id="too many names",
        ),
        pytest.param(hand_made(kind=11, body={1: b"short"}), "not_a_frame", id="short last poll"),
        pytest.param(hand_made(kind=11, body={2: NONCE}), "not_a_frame", id="a poll of another kind"),
    ],
)
def test_what_is_not_a_frame_is_named(data: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(data)
    assert caught.value.code == code
