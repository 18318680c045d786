"""The guard: replays, wrong clocks, frames for others, strangers and floods are stopped, each with its own name."""

from hashlib import sha256
from typing import Any

import pytest

from accredit.gossip.peers.rate_limits import Guard, TokenBucket, status_of
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.wire import Announce, Frame, Prune, encode_frame
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.errors import BusyError, DecodeError, RefusedError

CONFIG = GossipConfig(frames_per_second=1, frames_burst=2, bytes_per_second=1_000, bytes_burst=10_000)
NOW = 1_700_000_000_000
PEER, STRANGER, ME = (sha256(name).digest() for name in (b"peer", b"stranger", b"me"))
PUBLICS = {key_id(public_of(PEER)): public_of(PEER)}
MY_KID = key_id(public_of(ME))


def a_frame(*, seed: bytes = PEER, to: bytes = MY_KID, time: int = NOW, nonce: bytes = b"n" * 16) -> bytes:
    return encode_frame(Prune(backoff=0), signer=KeyPair(seed), recipient=to, time=time, nonce=nonce)


def check(guard: Guard, data: bytes, *, now: int = NOW, at: int = 0) -> Frame:
    return guard.check(data, PUBLICS, now=now, at=at)


def refusal(guard: Guard, data: bytes, *, now: int = NOW, at: int = 0) -> tuple[str, int]:
    with pytest.raises((RefusedError, BusyError)) as caught:
        check(guard, data, now=now, at=at)
    return caught.value.code, status_of(caught.value)


def test_a_replayed_frame_is_refused_until_its_time_has_passed() -> None:
    guard = Guard(MY_KID, CONFIG)
    data = a_frame()
    check(guard, data)
    assert refusal(guard, data) == ("frame_replayed", 409)
    assert refusal(guard, data, now=NOW + 90_000, at=90_000) == ("frame_replayed", 409)
    # The nonce is forgotten after 180 s; by then the frame's own time gives it away.
    assert refusal(guard, data, now=NOW + 180_000, at=180_000) == ("frame_time", 400)
    check(guard, a_frame(time=NOW + 180_000), now=NOW + 180_000, at=180_000)


@pytest.mark.parametrize("ahead", [90_001, -90_001])
def test_a_frame_from_another_time_is_refused_and_the_clocks_are_compared(ahead: int) -> None:
    with pytest.raises(RefusedError, match="90 s apart") as caught:
        check(Guard(MY_KID, CONFIG), a_frame(time=NOW + ahead))
    assert ("ahead" if ahead > 0 else "behind") in caught.value.message


@pytest.mark.parametrize("ahead", [90_000, -90_000])
def test_clocks_ninety_seconds_apart_still_talk(ahead: int) -> None:
    assert check(Guard(MY_KID, CONFIG), a_frame(time=NOW + ahead)).sender == key_id(public_of(PEER))


def test_a_frame_to_someone_else_is_refused() -> None:
    assert refusal(Guard(MY_KID, CONFIG), a_frame(to=key_id(public_of(STRANGER)))) == ("frame_recipient", 421)


def test_a_node_that_is_not_admitted_is_refused() -> None:
    assert refusal(Guard(MY_KID, CONFIG), a_frame(seed=STRANGER)) == ("not_a_peer", 403)


def test_a_bad_signature_neither_burns_the_nonce_nor_the_quota() -> None:
    guard = Guard(MY_KID, CONFIG)
    honest = a_frame()
    for _ in range(10):
        assert refusal(guard, honest[:-1] + bytes([honest[-1] ^ 1])) == ("frame_signature", 403)
    check(guard, honest)


def test_of_a_frame_with_many_faults_the_cheapest_to_find_is_found_first() -> None:
    """So that a flood of them costs no signature; each line mends one fault more."""
    guard = Guard(MY_KID, CONFIG)
    check(guard, a_frame())
    check(guard, a_frame(nonce=b"m" * 16))
    you, late = key_id(public_of(STRANGER)), NOW - 90_001
    too_large = a_frame(seed=STRANGER, to=you, time=late) + bytes(CONFIG.frame_bytes)
    with pytest.raises(DecodeError, match="bytes"):
        check(guard, too_large)
    assert refusal(guard, a_frame(seed=STRANGER, to=you, time=late))[0] == "frame_recipient"
    assert refusal(guard, a_frame(seed=STRANGER, time=late))[0] == "frame_time"
    assert refusal(guard, a_frame(seed=STRANGER))[0] == "frame_replayed"
    assert refusal(guard, a_frame(seed=STRANGER, nonce=b"o" * 16))[0] == "not_a_peer"
    assert refusal(guard, a_frame(nonce=b"o" * 16)[:-1] + b"!")[0] == "frame_signature"
    assert refusal(guard, a_frame(nonce=b"o" * 16))[0] == "over_quota"


def test_a_peer_over_its_quota_of_frames_waits_and_others_do_not() -> None:
    guard = Guard(MY_KID, CONFIG)
    for number in range(2):
        check(guard, a_frame(nonce=bytes([number]) * 16))
    assert refusal(guard, a_frame(nonce=b"2" * 16)) == ("over_quota", 429)
    other = sha256(b"other").digest()
    guard.check(a_frame(seed=other, nonce=b"3" * 16), {key_id(public_of(other)): public_of(other)}, now=NOW, at=0)
    # A refused frame may be sent again: its nonce was not counted as seen.
    check(guard, a_frame(nonce=b"2" * 16), at=1_000)


def test_what_is_served_counts_against_what_may_be_sent() -> None:
    guard = Guard(MY_KID, CONFIG)
    kid = key_id(public_of(PEER))
    guard.charge(kid, 1_000_000, at=0)
    assert refusal(guard, a_frame())[0] == "over_quota"
    guard.forget_peer(kid)
    check(guard, a_frame())


def test_an_answer_is_good_once_for_the_frame_it_answers() -> None:
    guard = Guard(MY_KID, CONFIG)
    guard.remember(b"n" * 16, at=0)
    answer = a_frame(nonce=b"n" * 16)
    assert guard.check_answer(answer, public_of(PEER), nonce=b"n" * 16, now=NOW).body == Prune(backoff=0)
    with pytest.raises(RefusedError, match="a different frame"):
        guard.check_answer(answer, public_of(PEER), nonce=b"m" * 16, now=NOW)
    with pytest.raises(RefusedError, match="signature"):
        guard.check_answer(answer, public_of(STRANGER), nonce=b"n" * 16, now=NOW)
    # Reflected to us as a frame of its own, it is a replay.
    assert refusal(guard, answer)[0] == "frame_replayed"


def test_a_malformed_frame_is_laid_at_the_door_of_whoever_signed_it_for_us_and_now() -> None:
    guard = Guard(MY_KID, CONFIG)
    malformed = {"seed": PEER, "to": MY_KID, "time": NOW}

    def culprit(**changes: Any) -> bytes | None:
        data = encode_frame(Announce(ids=(MY_KID, MY_KID)), **_renamed(malformed | changes), nonce=b"n" * 16)
        with pytest.raises(DecodeError):
            check(guard, data)
        return guard.culprit(data[:-1] + bytes([data[-1] ^ changes.get("flip", 0)]), PUBLICS, now=NOW)

    assert culprit() == key_id(public_of(PEER))
    assert culprit(seed=STRANGER) is None
    assert culprit(to=key_id(public_of(PEER))) is None
    assert culprit(time=NOW - 90_001) is None
    assert culprit(flip=1) is None
    assert guard.culprit(b"rubbish", PUBLICS, now=NOW) is None


def _renamed(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"signer": KeyPair(arguments["seed"]), "recipient": arguments["to"], "time": arguments["time"]}


def test_a_bucket_says_when_something_is_in_it_again() -> None:
    bucket = TokenBucket(rate=1_000, burst=10)
    assert bucket.ready_at(at=5) == 5
    bucket.charge(30, at=5)
    assert bucket.ready_at(at=5) == 26
    assert bucket.ready_at(at=25) == 26
    assert bucket.ready_at(at=26) == 26


def test_a_bucket_fills_again_up_to_its_brim() -> None:
    bucket = TokenBucket(rate=10, burst=5)
    assert bucket.take(5, at=0)
    assert not bucket.take(1, at=99)
    assert bucket.take(1, at=100)
    assert not bucket.take(6, at=1_000_000)
    assert bucket.take(5, at=1_000_000)
