"""Checks received frames, the cheapest check first.

    size, shape · `to` is me · |time − now| ≤ 90 s · nonce not seen for 180 s · known sender · signature · quota

A frame leaves no trace before its signature is found good, so a stranger can neither use up a peer's quota nor its
nonces. Quotas are token buckets of frames and bytes for each peer, so they also bound the number of nonces kept. A
frame over quota is refused for now (429) and its sender sends it again later, so a flood is delayed, not lost.

An answer is checked in the same way, but its nonce must be that of this node's frame. Nonces of its own frames count as
seen, so that nobody can post an answer as if it were a frame of its own.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.wire import (
    Frame,
    UnverifiedFrame,
    decode_envelope,
    decode_frame,
    is_signed_by,
    verify_frame,
)
from accredit.registry.errors import AccreditError, BusyError, DecodeError, RefusedError

_STATUS: Final = {
    "frame_too_large": 413,
    "frame_recipient": 421,
    "frame_replayed": 409,
    "not_a_peer": 403,
    "frame_signature": 403,
    "over_quota": 429,
    "distrusted": 429,
    "overloaded": 503,
}


def status_of(error: AccreditError) -> int:
    """The HTTP status for a refused frame: 400 unless the error has one of its own."""
    return _STATUS.get(error.code, 400)


class QuotaError(BusyError):
    """A good frame that exceeds the quota.

    Attributes:
        sender: id of the peer key that signed it.
    """

    def __init__(self, sender: bytes) -> None:
        super().__init__(
            "over_quota", "this peer sends more than its share of frames.", hint="Wait, then send the frame again."
        )
        self.sender = sender


class TokenBucket:
    """A token bucket: `burst` at once, `rate` a second. Time is in milliseconds and does not go back."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, *, rate: int, burst: int) -> None:
        self._rate = rate
        self._burst = burst * 1_000
        self._tokens = self._burst  # thousandths, so that a millisecond's share is an integer
        self._at = 0

    def take(self, amount: int, *, at: int) -> bool:
        """Take `amount` if so much is there; otherwise take nothing."""
        self._refill(at)
        if amount * 1_000 > self._tokens:
            return False
        self._tokens -= amount * 1_000
        return True

    def charge(self, amount: int, *, at: int) -> None:
        """Take `amount` even if it is not there, for costs that are known only afterwards."""
        self._refill(at)
        self._tokens -= amount * 1_000

    def ready_at(self, *, at: int) -> int:
        """Return when at least one token is there, from `at` on."""
        self._refill(at)
        return at if self._tokens >= 1_000 else at - (self._tokens - 1_000) // self._rate

    def _refill(self, at: int) -> None:
        self._tokens = min(self._burst, self._tokens + (at - self._at) * self._rate)
        self._at = at


class Guard:
    """Checks the frames that one node receives.

    Args:
        me: this node's peer key id.
    """

    def __init__(self, me: bytes, config: GossipConfig) -> None:
        self._me = me
        self._config = config
        self._seen: set[bytes] = set()
        self._forgettable: deque[tuple[int, bytes]] = deque()  # (when, nonce), in order of when
        self._frames: dict[bytes, TokenBucket] = {}
        self._bytes: dict[bytes, TokenBucket] = {}

    def check(self, data: bytes, publics: Mapping[bytes, bytes], *, now: int, at: int) -> Frame:
        """Return the frame in `data` if it may be admitted.

        Args:
            publics: peer key id -> public key, of the nodes in force.
            now: wall clock, ms since 1970. at: steady clock, ms.

        Raises:
            DecodeError: it is not a frame. RefusedError: it is not for this node, not current, or not by a peer.
                QuotaError: it exceeds the quota.
        """
        unverified = self._decode(data)
        self._check_address(unverified, now)
        self._forget(at)
        if unverified.nonce in self._seen:
            raise RefusedError("frame_replayed", "this frame has already been received.", hint="Send a new frame.")
        public = publics.get(unverified.sender)
        if public is None:
            raise RefusedError(
                "not_a_peer",
                "as far as this node knows, the sender is not an active node of this ecosystem.",
                hint="A node that is not yet admitted can mirror the log through /log/checkpoint and /log/tile/….",
            )
        frame = verify_frame(unverified, public)
        self._check_quota(frame.sender, len(data), at)
        self.remember(frame.nonce, at=at)
        return frame

    def culprit(self, data: bytes, publics: Mapping[bytes, bytes], *, now: int) -> bytes | None:
        """Return the key id of the peer that provably sent a malformed frame; None unless a peer signed it, for this
        node and now."""
        try:
            envelope = decode_envelope(data, max_bytes=self._config.frame_bytes)
        except DecodeError:
            return None
        public = publics.get(envelope.sender)
        is_meant = envelope.recipient == self._me and abs(envelope.time - now) <= self._config.clock_skew
        return envelope.sender if public is not None and is_meant and is_signed_by(public, envelope) else None

    def check_answer(self, data: bytes, public: bytes, *, nonce: bytes, now: int) -> Frame:
        """Return the frame in `data` if it answers the frame `nonce` to the peer with the key `public`.

        Raises:
            DecodeError, RefusedError: as `check`; or it answers another frame.
        """
        unverified = self._decode(data)
        self._check_address(unverified, now)
        if unverified.nonce != nonce:
            raise RefusedError("frame_replayed", "this answers a different frame than ours.")
        return verify_frame(unverified, public)

    def remember(self, nonce: bytes, *, at: int) -> None:
        """Counts `nonce` as seen."""
        self._seen.add(nonce)
        self._forgettable.append((at + self._config.nonce_window, nonce))

    def charge(self, sender: bytes, size: int, *, at: int) -> None:
        """Charge `size` bytes served to `sender` to its quota."""
        self._buckets(sender)[1].charge(size, at=at)

    def forget_peer(self, sender: bytes) -> None:
        """Drops what is kept for a peer no longer in force."""
        self._frames.pop(sender, None)
        self._bytes.pop(sender, None)

    def _decode(self, data: bytes) -> UnverifiedFrame:
        return decode_frame(data, max_bytes=self._config.frame_bytes, max_ids=self._config.announce_ids)

    def _check_address(self, frame: UnverifiedFrame, now: int) -> None:
        if frame.recipient != self._me:
            raise RefusedError(
                "frame_recipient",
                "this frame is meant for another node.",
                hint="Check the URL and the peer key in the node record.",
            )
        ahead = frame.time - now
        if abs(ahead) > self._config.clock_skew:
            raise RefusedError(
                "frame_time",
                f"the clocks of sender and receiver are {abs(ahead) // 1_000} s apart "
                f"(the sender's is {'ahead' if ahead > 0 else 'behind'}).",
                hint="Synchronise both clocks with NTP.",
            )

    def _forget(self, at: int) -> None:
        while self._forgettable and self._forgettable[0][0] <= at:
            self._seen.discard(self._forgettable.popleft()[1])

    def _check_quota(self, sender: bytes, size: int, at: int) -> None:
        frames, volume = self._buckets(sender)
        if not (frames.take(1, at=at) and volume.take(size, at=at)):
            raise QuotaError(sender)

    def _buckets(self, sender: bytes) -> tuple[TokenBucket, TokenBucket]:
        if sender not in self._frames:
            config = self._config
            self._frames[sender] = TokenBucket(rate=config.frames_per_second, burst=config.frames_burst)
            self._bytes[sender] = TokenBucket(rate=config.bytes_per_second, burst=config.bytes_burst)
        return self._frames[sender], self._bytes[sender]
