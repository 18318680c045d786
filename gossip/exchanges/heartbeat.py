"""The periodic duties of a machine.

* Each **heartbeat** (1 s): give up exchanges without an answer, maintain the mesh, announce recent ids to some peers
  outside it, forget strangers.
* Every half minute: send a **beacon** to the mesh.
* Every 10 s ± half: **compare roots** with one member drawn from the whole list, in the mesh or not.

A node that cannot be dialled announces nothing, because nobody could request the statements from it. A peer that polls
is not asked to compare roots, because it asks by itself.
"""

from accredit.gossip.protocol.wire import Announce, Graft

from .requester import Exchanges
from .state import Parts


class Heart:
    """The regular duties of one machine. Times are steady milliseconds.

    Attributes:
        beat_at, root_at: when the next heartbeat and the next comparison are due.
    """

    def __init__(self, parts: Parts, exchanges: Exchanges) -> None:
        self._parts = parts
        self._exchanges = exchanges
        self.beat_at = self.root_at = self._beacon_at = 0

    def start(self) -> None:
        """Start the duties: this node is in force now. Times are spread, so that nodes which start together do not
        compare at once."""
        config, random, at = self._parts.config, self._parts.random, self._parts.at
        self.beat_at = at + random.randrange(config.heartbeat)
        self.root_at = at + random.randrange(config.root_interval)
        self._beacon_at = at + random.randrange(config.beacon_interval)

    def next_due(self) -> int:
        """Return when `tick` has something to do."""
        return min(self.beat_at, self._compare_at())

    def tick(self) -> None:
        """Carry out the duties that are due."""
        at = self._parts.at
        if at >= self.beat_at:
            self._beat()
        if at >= self._compare_at():
            self._compare_with_somebody()

    def _beat(self) -> None:
        parts, config = self._parts, self._parts.config
        if parts.at - self.beat_at > config.late:
            parts.health.worse()
        self.beat_at = parts.at + config.heartbeat
        self._exchanges.expire()
        parts.intake.on_heartbeat(at=parts.at)
        parts.counters["sessions_expired"] += parts.sessions.expire(at=parts.at)
        self._look_after_mesh()
        self._announce()
        parts.circle.forget_strangers(lambda kid: parts.mesh.slot(kid) is not None, at=parts.at)

    def _look_after_mesh(self) -> None:
        parts = self._parts
        moves = parts.mesh.heartbeat(parts.may_be_mesh, self._is_idle, at=parts.at)
        for kid in moves.prune:
            parts.dismiss(parts.peer(kid))
        for kid in moves.dial:
            parts.circle.ask(parts.peer(kid), Graft())
        if parts.at >= self._beacon_at:
            self._beacon_at = parts.at + parts.config.beacon_interval
            for kid in parts.mesh:
                parts.circle.ask(parts.peer(kid), parts.beacon())

    def _is_idle(self, kid: bytes) -> bool:
        """Return whether a mesh peer was useless for a while in which others were useful."""
        parts = self._parts
        since = parts.at - parts.config.idle
        return parts.intake.first_at > since and parts.peer(kid).conduct.first_at <= since

    def _announce(self) -> None:
        parts, config = self._parts, self._parts.config
        ids = parts.recent.take()
        if not ids or config.outbound_only:
            return
        known = [kid for kid, peer in parts.circle.peers.items() if kid not in parts.mesh and not peer.failures]
        many = max(config.announce_peers, len(known) // config.announce_share)
        chosen = parts.random.sample(known, min(len(known), many))
        if len(chosen) < config.announce_peers:
            drawn = parts.circle.roster.draw(config.announce_peers, parts.random, but=parts.me)
            chosen += [kid for kid in drawn if kid not in chosen and kid not in parts.mesh]
        for kid in chosen[:many]:
            peer = parts.peer(kid)
            unknown = tuple(id for id in ids if not peer.outbox.is_known(id))
            if unknown and not peer.has_question(Announce):
                parts.circle.ask(peer, Announce(ids=unknown))

    def _compare_at(self) -> int:
        """Return when to compare next; soon after a failed comparison."""
        parts = self._parts
        return self.root_at if parts.root_retry_at is None else min(self.root_at, parts.root_retry_at)

    def _compare_with_somebody(self) -> None:
        """Compare roots with a random member, in the mesh or not."""
        parts = self._parts
        self.root_at = parts.at + int(parts.config.root_interval * parts.random.uniform(0.5, 1.5))
        parts.root_retry_at = None
        for peer in parts.circle.draw(1, at=parts.at):
            if peer.line is not None:
                parts.root_retry_at = parts.at + parts.config.root_retry
            elif not peer.conduct.is_distrusted(at=parts.at) and not parts.sessions.is_asking(peer.kid):
                peer.probe()
                parts.circle.ask(peer, parts.root())
