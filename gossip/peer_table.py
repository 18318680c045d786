"""Per-peer state, kept only for the peers that a node interacts with.

State is made when there is something to do with a member, and forgotten when there has been nothing for a while, unless
it would be of advantage to the peer to be forgotten.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from .config import GossipConfig
from .events import PeerStatistics
from .peer import PeerState
from .roster import Roster
from .wire import Body


class Circle:
    """Our acquaintances.

    Attributes:
        me: our own peer key id.
        roster: the nodes in force.
        peers: those we have state of, by peer key id.
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
        """Whether we are in force ourselves, and not alone."""
        return len(self.roster) > 1 and self.roster.get(self.me) is not None

    def peer(self, kid: bytes, *, at: int) -> PeerState:
        """What we know of a member; made where we have not had to do with it."""
        state = self.peers.get(kid)
        if state is None:
            state = self.peers[kid] = self._make(kid, at)
        state.used_at = at
        return state

    def draw(self, many: int, *, at: int) -> list[PeerState]:
        """That many random others, of all that are in force."""
        return [self.peer(kid, at=at) for kid in self.roster.draw(many, self._random, but=self.me)]

    def ask(self, peer: PeerState, body: Body) -> None:
        """Queues a question for a peer, to be sent as soon as its lane is free."""
        peer.ask(body)
        self.eager[peer.kid] = peer

    def set_roster(self, roster: Roster) -> list[PeerState]:
        """The complete list, each time: nobody is remembered who is not on it. Returns those gone."""
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
        """Keeps, besides those needed and those being watched, some acquaintances: the latest."""
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
        """How a member stands. `count`: statements that are committed here; `now`: ms since 1970."""
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
