"""Every number of the gossip, with its unit and where it comes from.

Times are milliseconds, sizes bytes, unless the name says otherwise. "A guess, to be measured" is an honest source.
Limits here are local: they delay, they never refuse a valid statement for good. What must be the same at every node
(how many statements a key may make, how large one may be) is in the rules and in `registry.limits`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GossipConfig:
    """The settings of one machine.

    Attributes:
        frame_bytes: largest frame taken or sent. Design gossip.md: 1 MiB for what is fetched.
        push_bytes: largest sum of statements in one push; leaves room for the frame around 5,000 of them.
        clock_skew: how far a frame's time may be from ours. Design: 90 s.
        nonce_window: how long a nonce is remembered; twice the skew, so that a replay is always one or the other.
        gather: how long normal statements are gathered for one peer. Design: 100 ms.
        announce_ids: ids in one page of a log. Design, from go-libp2p's MaxIHaveLength: 5,000.
        request_ids: ids in one request; 1,000 typical statements of 400 bytes are 0.4 MB. A guess, to be measured.
        urgent_ids, normal_ids: how many statements wait for one peer before they are announced instead; 32 bytes each.
            A guess, to be measured.
        known_ids: how many ids we remember that a peer has; 1 minute at 100 statements a second, rounded up.
        recent_statements: whole statements recognised without decoding. Copies come within seconds.
        root_interval: how often roots are compared with each peer, ± half. A guess; design: 10 s with one peer.
        exchange: when a frame without an answer counts as lost. Longer than the shell's own timeouts.
        backoff_min, backoff_max: pause after the first failure, doubling. 1 s to 60 s, a guess.
        asked: how long an id asked from one peer is not asked from another, and may wait to be logged. Ten ticks.
        blocked: how soon we look again whether what blocks a walk has come.
        attempts: how often an id is asked from one peer before the walk goes on without it. Design: three.
        rewalk: at most one walk from the start of a peer's log in this time. Design: strikes count for 10 min.
        distrust_min, distrust_max: nothing is asked of a peer that sent what no honest node sends. Design: 60 s to 1 h.
        waiting_statements, waiting_bytes: statements of unknown keys kept for each sending peer. A guess.
        frames_per_second, frames_burst: frames taken from one peer. A guess: ten times what a busy peer sends.
        bytes_per_second, bytes_burst: bytes taken from and served to one peer: 32 Mbit/s. A guess.
    """

    frame_bytes: int = 1024 * 1024
    push_bytes: int = 1_000_000
    clock_skew: int = 90_000
    nonce_window: int = 180_000
    gather: int = 100
    announce_ids: int = 5_000
    request_ids: int = 1_000
    urgent_ids: int = 1_000
    normal_ids: int = 5_000
    known_ids: int = 10_000
    recent_statements: int = 4_096
    root_interval: int = 5_000
    exchange: int = 60_000
    backoff_min: int = 1_000
    backoff_max: int = 60_000
    asked: int = 10_000
    blocked: int = 1_000
    attempts: int = 3
    rewalk: int = 600_000
    distrust_min: int = 60_000
    distrust_max: int = 3_600_000
    waiting_statements: int = 1_000
    waiting_bytes: int = 4 * 1024 * 1024
    frames_per_second: int = 200
    frames_burst: int = 1_000
    bytes_per_second: int = 4 * 1024 * 1024
    bytes_burst: int = 32 * 1024 * 1024
