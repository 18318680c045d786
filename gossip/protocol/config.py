"""Every number of the gossip protocol, with its unit and its source.

Times are milliseconds, sizes bytes, unless the name says otherwise. "A guess, to be measured" is an honest source.
These limits are local: they may delay a valid statement, and never refuse it for good. Limits that must be the same at
every node (the statements of a key, the size of one) are in the rules and in `registry.limits`.
"""

from dataclasses import dataclass

from .wire import CONFLICTS_MAX, MESSAGE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class GossipConfig:
    """The settings of one machine. "Design" is the page on gossip.

    Attributes:
        frame_bytes: largest frame taken or sent. Design: 1 MiB for what is fetched.
        push_bytes: largest sum of statements in one push; leaves room for the frame around 5,000 of them.
        clock_skew: how far a frame's time may be from ours. Design: 90 s.
        nonce_window: how long a nonce is remembered; twice the skew, so that a replay is always one or the other.

        gather: how long normal statements are gathered for one peer. Design: 100 ms.
        flood: random members outside the mesh that also get a node's own statements. Design: 12.
        urgent_ids, normal_ids: how many statements wait for one peer before they are announced instead; 32 bytes each.
            A guess, to be measured.
        known_ids: ids that a peer is remembered to have; 1 minute at 100 statements a second, rounded up.
        recent_statements: whole statements recognised without decoding. Copies come within seconds.

        heartbeat: between two looks at the mesh, and two announcements. Design: 1 s.
        degree, degree_low, degree_high: peers in the mesh. Design: 8, low 6, high 12.
        mesh_sample: members that are ranked when peers are chosen: where one operator runs 95 % of 10,000 nodes, a
            dozen of others are among them. A guess.
        operator_slots: mesh peers of one operator. Design: 1.
        pinned: names of nodes always in the mesh. Design: two at most.
        rotation_min, rotation_max: between two rotations of a slot. Design: 10 to 30 min.
        idle: a mesh peer that was first with no statement for so long loses its slot. Design: 10 min.
        patience: heartbeats in which others may dial us before we dial beyond our half. A guess: 3.
        graft_backoff: how long a pruned peer must wait before it grafts again. Design of gossipsub v1.1: 60 s.

        announce_heartbeats: in how many heartbeats an id is announced. gossipsub's mcache_gossip: 3.
        announce_ids: ids in one announcement. Design, from go-libp2p's MaxIHaveLength: 5,000.
        announce_frames: announcements taken from one peer in a heartbeat. Design: 10.
        announce_peers, announce_share: announced to max(6, a quarter of the other peers). Design.
        acquaintances: peers outside the mesh of which state is kept. A guess: a quarter of them is 16 frames a
            heartbeat.
        request_ids: ids in one request; 1,000 typical statements of 400 bytes are 0.4 MB. A guess, to be measured.
        promise: how soon a statement that was announced or requested must be delivered. Design: 3 s.
        serves: how often a statement is served to one peer. Design: 3.
        arrived: how long a received statement is assumed to be on its way into the log. Ten ticks.

        root_interval: how often our root is compared with that of a random member, ± half. Design: 10 s.
        root_retry: after a comparison that failed. A guess.
        root_gate: whether two sets are compared by their roots, which resist collisions. False: by their sizes. For
            experiments only.
        salted: whether the mesh's ranking and the sessions of reconciliation are salted. For experiments only.
        reconcile_bytes: largest reconciliation message. Design: 64 KiB.
        reconcile_time: how long a session lasts at most. Design: 60 s.
        reconcile_sessions: sessions held open for one peer. Design: 4.
        reconcile_sessions_all: for all together; 25 MB each for 100,000 statements. A guess.
        reconcile_rounds: messages sent in one session; the next session does the rest. 60 s of round trips.
        beacon_interval: between two beacons to the mesh. A guess: a third of the relying parties' patience.

        answer: how long the shell waits for the answer to a frame; for a poll, how much longer than it is held. The
            usual value of HTTP clients; a guess.
        exchange: when a frame without an answer counts as lost. Longer than the shell waits.
        backoff_min, backoff_max: pause after the first failure, doubling. 1 s to 60 s, a guess.
        dead_after: failures in a row after which a peer is replaced in the mesh; times (1 + local health). SWIM: 3.
        health_max: how far trouble of this node may excuse others. Lifeguard (S = 8).
        late: a heartbeat later than this shows trouble of this node. A guess.

        outbound_only: whether this node cannot be dialled (a firewall), and polls its mesh peers instead.
        poll_hold: how long a poll is held before it is answered with nothing. Proxies drop silent connections after
            30 to 60 s.
        poll_return: how long a peer whose poll was answered may take to poll again, before it is dialled like others.
            A guess: some round trips, and a pause after a failure.
        poll_pause: the least time between two polls of one peer, so that a peer that answers at once is not polled
            endlessly. As long as `gather`, so that an urgent statement is no later than a normal one.

        conflicts_per_frame: conflicts in one accusation; at most 16. 0: it tells none.
        conflicts_per_second, conflicts_burst: conflicts of one peer that are checked. A guess: there should be none.
        conflict_work: µs to check one. Two signatures and two paths, measured: 200.
        conflict_retry: when the same bytes are checked again, because this node may not have known the accused. A
            guess.
        heard: how many conflicts, and how many checkpoints, are remembered as passed on; 100 bytes each.

        strikes, strike_window: a peer is replaced after so many broken promises in such a time. Design: 3 in 10 min.
        distrust_min, distrust_max: pause for a peer that sent something no honest node sends; it doubles. Design: 60 s
            to 1 h.
        waiting_statements, waiting_bytes: statements of unknown keys kept for each sending peer. A guess.
        frames_per_second, frames_burst: frames taken from one peer. A guess: ten times what a busy peer sends.
        bytes_per_second, bytes_burst: bytes taken from and served to one peer: 32 Mbit/s. A guess.
        work_per_second, work_burst: µs of processor time for one peer: a quarter of a core. A guess.
        verify_work: µs to check one signature. Measured: 55 to 65.
        item_work: µs to blind and sort one statement for reconciliation. Measured: 1.
        backlog_bytes: statements of one peer that wait for `work`; more are refused for now. A guess.
    """

    frame_bytes: int = 1024 * 1024
    push_bytes: int = 1_000_000
    clock_skew: int = 90_000
    nonce_window: int = 180_000

    gather: int = 100
    flood: int = 12
    urgent_ids: int = 1_000
    normal_ids: int = 5_000
    known_ids: int = 10_000
    recent_statements: int = 4_096

    heartbeat: int = 1_000
    degree: int = 8
    degree_low: int = 6
    degree_high: int = 12
    mesh_sample: int = 250
    operator_slots: int = 1
    pinned: tuple[str, ...] = ()
    rotation_min: int = 600_000
    rotation_max: int = 1_800_000
    idle: int = 600_000
    patience: int = 3
    graft_backoff: int = 60_000

    announce_heartbeats: int = 3
    announce_ids: int = 5_000
    announce_frames: int = 10
    announce_peers: int = 6
    announce_share: int = 4
    acquaintances: int = 64
    request_ids: int = 1_000
    promise: int = 3_000
    serves: int = 3
    arrived: int = 10_000

    root_interval: int = 10_000
    root_retry: int = 1_000
    root_gate: bool = True
    salted: bool = True
    reconcile_bytes: int = MESSAGE_BYTES
    reconcile_time: int = 60_000
    reconcile_sessions: int = 4
    reconcile_sessions_all: int = 16
    reconcile_rounds: int = 500
    beacon_interval: int = 30_000

    answer: int = 10_000
    exchange: int = 60_000
    backoff_min: int = 1_000
    backoff_max: int = 60_000
    dead_after: int = 3
    health_max: int = 8
    late: int = 1_000

    outbound_only: bool = False
    poll_hold: int = 25_000
    poll_return: int = 10_000
    poll_pause: int = 100

    conflicts_per_frame: int = CONFLICTS_MAX
    conflicts_per_second: int = 1
    conflicts_burst: int = 64
    conflict_work: int = 200
    conflict_retry: int = 60_000
    heard: int = 1_024

    strikes: int = 3
    strike_window: int = 600_000
    distrust_min: int = 60_000
    distrust_max: int = 3_600_000
    waiting_statements: int = 1_000
    waiting_bytes: int = 4 * 1024 * 1024
    frames_per_second: int = 200
    frames_burst: int = 1_000
    bytes_per_second: int = 4 * 1024 * 1024
    bytes_burst: int = 32 * 1024 * 1024
    work_per_second: int = 250_000
    work_burst: int = 2_000_000
    verify_work: int = 60
    item_work: int = 1
    backlog_bytes: int = 8 * 1024 * 1024

    def __post_init__(self) -> None:
        assert len(self.pinned) <= 2, "at most two pinned peers: they bypass the rules that make an eclipse expensive"
        assert self.degree_low <= self.degree <= self.degree_high
        assert self.poll_hold + self.answer < self.exchange, "a poll must be answered before its exchange times out"
        assert self.conflicts_per_frame <= CONFLICTS_MAX
