"""The state that the parts of one machine share: the time, the peers, and what this node says about itself.

    machine      the one door: tells the parts the time, hands each event to whom it concerns
    answers      frames of others, and what is answered
    exchanges    frames of our own, their answers and failures; polls that we hold for others
    heart        what is done from time to time: the mesh, announcements, beacons, comparisons

All four work on the `Parts` of their machine and keep nothing of each other. Nothing here decides what is sent.
"""

from collections import Counter
from random import Random

from accredit.registry.encoding.ed25519 import Signer, key_id

from .config import GossipConfig
from .equivocation_gossip import Hearsay
from .events import Held
from .inbound import Intake
from .mesh import Mesh
from .peer import PeerState
from .peer_score import LocalHealth
from .peer_table import Circle
from .rate_limits import Guard
from .reconcile import Sessions
from .want_list import Recent
from .wire import Beacon, Prune, Root


class Parts:
    """One machine's parts.

    Attributes:
        signer: has the node's peer key. me: that key's id.
        now: wall clock, ms since 1970, as last told.
        at: steady clock, ms; it stands still when the wall clock is set back.
        root_retry_at: when the next comparison of roots is due because one failed; None where none did.
        is_active: whether this node is in force, and not alone: otherwise it is silent.
    """

    def __init__(self, *, signer: Signer, held: Held, random: Random, config: GossipConfig) -> None:
        self.config = config
        self.signer = signer
        self.me = key_id(signer.public_key)
        self.held = held
        self.random = random
        self.counters: Counter[str] = Counter()
        self.guard = Guard(self.me, config)
        self.health = LocalHealth(config)
        self.circle = Circle(self.me, config, random, self.counters)
        self.intake = Intake(config=config, held=held, circle=self.circle, health=self.health, counters=self.counters)
        self.mesh = Mesh(config, random)
        self.sessions = Sessions(config)
        self.recent = Recent(config)
        self.hearsay = Hearsay(config, held, self.counters)
        self.now = 0
        self.at = 0
        self.root_retry_at: int | None = None
        self.is_active = False

    def pass_time(self, now: int) -> None:
        """It is `now` (ms since 1970)."""
        if self.now:
            self.at += max(0, now - self.now)
        self.now = now

    def peer(self, kid: bytes) -> PeerState:
        """What we know of a member."""
        return self.circle.peer(kid, at=self.at)

    def root(self) -> Root:
        """What we hold, as told to peers."""
        root, count = self.held.root()
        return Root(root=root, count=count, size=self.held.size(), conflicts=self.hearsay.digest())

    def beacon(self) -> Beacon:
        """What we hold, when, and the notes worth telling."""
        root = self.root()
        return Beacon(
            root=root.root,
            count=root.count,
            size=root.size,
            conflicts=root.conflicts,
            time=self.now,
            notes=self.hearsay.notes(),
        )

    def note(self, peer: PeerState, theirs: Root | Beacon) -> None:
        """What a peer says it holds."""
        peer.said = theirs
        if isinstance(theirs, Beacon):
            peer.beacon = theirs.time
            self.hearsay.hear_notes(peer, theirs.notes, at=self.at)
        root, count = self.held.root()
        peer.in_sync = theirs.root == root if self.config.root_gate else theirs.count == count

    def obstacle(self, kid: bytes) -> str:
        """Why a peer may not be in the mesh, for people; empty where it may."""
        peer = self.circle.peers.get(kid)
        if peer is None:
            return ""
        if peer.conduct.is_distrusted(at=self.at):
            return f"ignored: {peer.conduct.offence}"
        if peer.conduct.is_struck(at=self.at):
            return "does not deliver what it announces"
        if peer.failures >= self.health.scale(self.config.dead_after):
            return "does not answer"
        return ""

    def may_be_mesh(self, kid: bytes) -> bool:
        """Whether nothing is held against a peer."""
        return not self.obstacle(kid)

    def offend(self, peer: PeerState, what: str) -> None:
        """It did what no honest node does: out of the mesh, and not listened to for a while."""
        self.counters["offences"] += 1
        peer.conduct.offend(what, at=self.at)
        if self.mesh.slot(peer.kid) is not None:
            self.mesh.prune(peer.kid, at=self.at)
            self.dismiss(peer)

    def dismiss(self, peer: PeerState) -> None:
        """Tells a peer that it has no slot any more; what waits for it, it gets from others."""
        peer.outbox.clear()
        self.circle.ask(peer, Prune(backoff=self.config.graft_backoff))
