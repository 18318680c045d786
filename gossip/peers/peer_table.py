"""Keeps state only for the peers with which a node interacts.

State is made at the first interaction with a member, and forgotten after a while without any, unless forgetting would
be to the peer's advantage.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import PeerStatistics
from accredit.gossip.protocol.wire import Body

from .peer import PeerState
from .roster import Roster


class Circle:
    """The peers of which this node keeps state.

    Attributes:
        me: this node's peer key id.
        roster: the nodes in force.
        peers: those with state, by peer key id.
        eager: those of them for whom something waits.
    """

    def __init__(self, me: bytes, config: GossipConfig, random: Random, counters: Counter[str]) -> None:
        self.me = me
        self.roster = Roster()
        self.peers: dict[bytes, PeerState] = {}
        self.eager: dict[bytes, PeerState] = {}
        self._config = config
        self._random = random
        self._counters = counters

    @property
    def is_member(self) -> bool:
        """Return whether this node is in force, and not alone."""
        return len(self.roster) > 1 and self.roster.get(self.me) is not None

    def peer(self, kid: bytes, *, at: int) -> PeerState:
        """Return the state of a member; made at the first interaction."""
        state = self.peers.get(kid)
        if state is None:
            state = self.peers[kid] = self._make(kid, at)
        state.used_at = at
        return state

    def draw(self, many: int, *, at: int) -> list[PeerState]:
        """Draw that many random other nodes from all that are in force."""
        return [self.peer(kid, at=at) for kid in self.roster.draw(many, self._random, but=self.me)]

    def ask(self, peer: PeerState, body: Body) -> None:
        """Queue a question for a peer; it is sent as soon as its lane is free."""
        peer.ask(body)
        self.eager[peer.kid] = peer

    def set_roster(self, roster: Roster) -> list[PeerState]:
        """Take in the complete list, and forget nodes that are not on it; return those gone."""
        self.roster = roster
        gone: list[PeerState] = []
        for kid, state in list(self.peers.items()):
            peer = roster.get(kid)
            if peer is not None:
                state.peer = peer
                continue
            del self.peers[kid]
            self.eager.pop(kid, None)
            gone.append(state)
        return gone

    def forget_strangers(self, is_needed: Callable[[bytes], bool], *, at: int) -> None:
        """Forget all but the peers that are needed, those being watched, and the most recent others."""
        if len(self.peers) <= self._config.acquaintances:
            return
        idle = [
            peer
            for kid, peer in self.peers.items()
            if peer.is_idle and not is_needed(kid) and peer.conduct.is_clean(at=at)
        ]
        idle.sort(key=lambda peer: peer.used_at)
        for peer in idle[: max(0, len(idle) - self._config.acquaintances)]:
            self._counters["statements_announced_instead"] += peer.outbox.overflowed
            del self.peers[peer.kid]

    def statistics(self, kid: bytes, *, count: int, is_mesh: bool, why: str, now: int, at: int) -> PeerStatistics:
        """Return a member's statistics. `count`: statements committed here; `now`: ms since 1970."""
        state = self.peers.get(kid) or self._make(kid, at)
        theirs = count if state.said is None else state.said.count
        paused = state.conduct.distrusted_until - at
        return PeerStatistics(
            name=state.peer.name,
            url=state.peer.url,
            last_heard=state.last_heard,
            in_sync=state.in_sync,
            behind=max(0, theirs - count),
            lag=max(0, count - theirs),
            queued=state.outbox.queued,
            overflowed=state.outbox.overflowed,
            failures=state.failures,
            error=state.error,
            is_mesh=is_mesh,
            why=why,
            round_trip=state.round_trip,
            firsts=state.conduct.firsts,
            duplicates=state.conduct.duplicates,
            strikes=state.conduct.strikes(at=at),
            distrusted_until=now + paused if paused > 0 else None,
            beacon=state.beacon,
        )

    def _make(self, kid: bytes, at: int) -> PeerState:
        peer = self.roster.get(kid)
        assert peer is not None, "state is kept of members only"
        return PeerState(peer, kid=kid, config=self._config, random=self._random, at=at)
