"""Answers the frames of others, each one at once. Only polls are held open (`requester`).

A peer that broke the rules may still ask what this node holds, but its statements are not taken, and it gets no costly
work.
"""

from typing import Final, assert_never

from accredit.gossip.peers.peer import PeerState, Told, push_of
from accredit.gossip.protocol.wire import (
    Accusation,
    Announce,
    Asked,
    Beacon,
    Body,
    Fetch,
    Graft,
    Prune,
    Push,
    Reconcile,
    Request,
    Root,
)
from accredit.registry.errors import BusyError, RefusedError

from .state import Parts

_MESSAGE_WORK: Final = 2
"""Bytes of a reconciliation message that cost one µs. Measured: 64 KiB of the smallest ranges take 30 ms."""


class Answers:
    """The answers of one machine."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def answer(self, peer: PeerState, body: Asked) -> Body:
        """Return the answer to a frame.

        Raises:
            RefusedError: not now. DecodeError: the frame's content is malformed.
        """
        parts = self._parts
        match body:
            case Push():
                self._check_may_bring(peer)
                self.take_in(peer, body)
                return parts.root()
            case Announce():
                self._on_announced(peer, body)
                return parts.root()
            case Request():
                return push_of(parts.held, body.ids, parts.config, peer.conduct.may_serve)
            case Graft():
                return self._on_graft(peer)
            case Prune():
                self.on_pruned(peer, body)
                return parts.root()
            case Beacon():
                parts.note(peer, body)
                return parts.beacon()
            case Root():
                parts.note(peer, body)
                return parts.root()
            case Reconcile():
                return self._reconcile(peer, body)
            case Fetch():
                return push_of(parts.held, parts.sessions.reveal(peer.kid, body), parts.config)
            case Accusation():
                return parts.hearsay.answer(peer, body, at=parts.at)
            case _:
                assert_never(body)

    def on_told(self, peer: PeerState, body: Told) -> None:
        """Handle the answer to this node's poll as if the peer had sent a frame, except that it waits for no answer."""
        match body:
            case Push():
                self.take_in(peer, body)
            case Announce():
                self._on_announced(peer, body)
            case Request():
                held = self._parts.held
                peer.outbox.want(tuple(id for id in body.ids if id in held and peer.conduct.may_serve(id)))
            case Prune():
                self.on_pruned(peer, body)
            case Accusation():
                self._parts.hearsay.hear(peer, body, at=self._parts.at)
            case _:
                assert_never(body)

    def take_in(self, peer: PeerState, push: Push) -> list[bytes]:
        """Return the ids of whole statements that a peer sent; unknown ones wait to be judged."""
        ids, is_good = self._parts.intake.take(peer, push)
        if not is_good:
            self._parts.offend(peer, "a malformed statement.")
        return ids

    def on_pruned(self, peer: PeerState, body: Prune) -> None:
        """Take note that the peer has no slot for this node."""
        parts = self._parts
        parts.mesh.leave_alone(peer.kid, pause=min(body.backoff, parts.config.distrust_max), at=parts.at)
        peer.outbox.clear()

    def may_poll(self, peer: PeerState) -> bool:
        """Return whether to hold a peer's poll, which is a lasting graft. An early poll is no offence: the peer may not
        know yet that it was pruned."""
        parts = self._parts
        peer.failures = 0  # as in `_on_graft`
        if not parts.may_be_mesh(peer.kid) or parts.mesh.is_told_off(peer.kid):
            return False
        return parts.mesh.on_graft(peer.kid, at=parts.at)

    def _check_may_bring(self, peer: PeerState) -> None:
        if peer.conduct.is_distrusted(at=self._parts.at):
            raise RefusedError("distrusted", f"this peer broke the rules ({peer.conduct.offence})", hint="Wait.")
        if peer.conduct.is_backlog_full:
            raise BusyError(
                "overloaded",
                "this peer sends frames faster than this node can check them.",
                hint="Send it again later.",
            )

    def _on_announced(self, peer: PeerState, body: Announce) -> None:
        parts = self._parts
        if peer.conduct.may_announce(at=parts.at) and not peer.conduct.is_distrusted(at=parts.at):
            parts.intake.on_announced(peer, body, at=parts.at)
        else:
            parts.counters["announcements_ignored"] += 1

    def _on_graft(self, peer: PeerState) -> Body:
        parts = self._parts
        peer.failures = 0  # it is alive again; and behind a firewall no frame can have reached it
        is_told_off = parts.mesh.is_told_off(peer.kid)
        if parts.may_be_mesh(peer.kid) and not is_told_off:
            if parts.mesh.on_graft(peer.kid, at=parts.at):
                return Graft()
        else:
            if is_told_off:
                parts.counters["grafts_too_early"] += 1
                peer.conduct.strike(at=parts.at)
            parts.mesh.prune(peer.kid, at=parts.at)
        return Prune(backoff=parts.config.graft_backoff)

    def _reconcile(self, peer: PeerState, body: Reconcile) -> Reconcile:
        parts, conduct = self._parts, peer.conduct
        if conduct.is_distrusted(at=parts.at) or conduct.is_overworked(at=parts.at):
            raise BusyError("overloaded", "this node has no time to reconcile with this peer now.", hint="Wait.")
        conduct.charge(len(body.message) // _MESSAGE_WORK, at=parts.at)
        if parts.sessions.is_new(peer.kid, body):
            conduct.charge(parts.held.size() * parts.config.item_work, at=parts.at)
            parts.counters["sessions_served"] += 1
        return parts.sessions.answer(peer.kid, body, parts.held, at=parts.at)
