"""The gossip of one node: `handle(event, now=…) -> [effect]` is the only entrance.

* Newly logged statements are **pushed** to the mesh (`mesh`), those of this node's submitters also to some random
  members: urgent ones at once, normal ones gathered for 100 ms (`outbox`).
* At each heartbeat recent ids are **announced** to some other peers, which request the statements that they lack
  (`heartbeat`, `want_list`).
* Every few seconds **roots are compared** with one member drawn from the whole list; if they differ, a session finds
  the statements that either side lacks (`reconcile`).
* **Conflicts** are pushed at once, and compared along with the roots (`equivocation_gossip`).
* `rate_limits` admits frames and `responder` answers them. `requester` tracks this node's own frames, and holds the
  polls of members that cannot be dialled (`sending`). `peer_score` judges the behaviour of peers. Statements of unknown
  keys wait in `inbound`.

So a statement normally reaches all nodes after a few hops, and the comparison of roots finds whatever went wrong. The
machine judges no statement and no conflict. It passes them on (`Submit`, `Accuse`), and hears which were refused or
must wait (`StatementsJudged`) and later which were kept (`StatementsLogged`, `ConflictsFound`). A node that is not
itself in force is silent.

It has no clock or randomness of its own. `now` is the wall clock in ms since 1970, needed to judge the time in frames;
all intervals run on a steady clock made from it, which stands still when the wall clock is set back. The same seed,
events and times give the same effects.
"""

from collections import Counter
from random import Random
from typing import assert_never

from accredit.gossip.exchanges.heartbeat import Heart
from accredit.gossip.exchanges.requester import Exchanges
from accredit.gossip.exchanges.responder import Answers
from accredit.gossip.exchanges.state import Parts
from accredit.gossip.peers.rate_limits import QuotaError, status_of
from accredit.gossip.peers.roster import roster_of
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import (
    ConflictsFound,
    Effect,
    Event,
    FrameAnswered,
    FrameReceived,
    Held,
    PeersChanged,
    Refuse,
    Reply,
    SendFailed,
    StatementsJudged,
    StatementsLogged,
    Statistics,
    Ticked,
)
from accredit.gossip.protocol.wire import Frame, Poll
from accredit.registry.encoding.ed25519 import Signer
from accredit.registry.errors import AccreditError, DecodeError, without_frames


class Machine:
    """One node's gossip.

    Args:
        signer: has the node's peer key.
        held: what this node has logged; read, never written.
        random: for nonces, salts (must be unpredictable in production) and jitter.
    """

    def __init__(self, *, signer: Signer, held: Held, random: Random, config: GossipConfig | None = None) -> None:
        self._parts = Parts(signer=signer, held=held, random=random, config=config or GossipConfig())
        self._answers = Answers(self._parts)
        self._exchanges = Exchanges(self._parts, self._answers)
        self._heart = Heart(self._parts, self._exchanges)

    def handle(self, event: Event, *, now: int) -> list[Effect]:
        """Take one event in; return the effects to carry out.

        Args:
            now: ms since 1970.
        """
        self._parts.pass_time(now)
        effects = self._effects_of(event)
        effects += self._parts.hearsay.take()
        return effects

    def next_wakeup(self) -> int | None:
        """Return when `Ticked` is due at the latest (ms since 1970); None if nothing is planned."""
        parts = self._parts
        if not parts.is_active:
            return None
        due = self._heart.next_due()
        for peer in parts.circle.eager.values():
            if (at := peer.next_due(at=parts.at)) is not None and at < due:
                due = at
            if (at := peer.conduct.take_due(at=parts.at)) is not None and at < due:
                due = at
        return parts.now + max(0, due - parts.at)

    def last_heard(self) -> int | None:
        """Return when any other node was last heard, ms since 1970; 0 for never, None if there are no other nodes.

        It is called for every answered question, so it must cost less than `statistics`.
        """
        circle = self._parts.circle
        if all(kid == self._parts.me for kid in circle.roster.kids):
            return None
        return max((peer.last_heard or 0 for peer in circle.peers.values()), default=0)

    def mesh(self) -> list[str]:
        """Return the names of the peers in the mesh, without reading the state of every peer."""
        return [peer.name for kid in self._parts.mesh if (peer := self._parts.circle.roster.get(kid)) is not None]

    def statistics(self, *, strangers: bool = True) -> Statistics:
        """Return the statistics since the start; alarms are counted under `alarm_…`.

        Args:
            strangers: include the members without current interaction.
        """
        parts = self._parts
        count = parts.held.root()[1]
        return Statistics(
            peers=tuple(
                parts.circle.statistics(
                    kid,
                    count=count,
                    is_mesh=kid in parts.mesh,
                    why=parts.obstacle(kid) or parts.mesh.why(kid),
                    now=parts.now,
                    at=parts.at,
                )
                for kid in (parts.circle.roster.kids if strangers else parts.circle.peers)
                if kid != parts.me
            ),
            counters=tuple(sorted(self.counters().items())),
            waiting=len(parts.intake.waiting),
            health=parts.health.score,
        )

    def counters(self) -> Counter[str]:
        """Return the counters of `statistics`, without reading the state of every peer."""
        parts = self._parts
        counters = parts.counters.copy()
        counters["statements_announced_instead"] += sum(peer.outbox.overflowed for peer in parts.circle.peers.values())
        counters["waiting_evicted"] = parts.intake.waiting.evicted
        counters["mesh"] = len(parts.mesh)
        return counters

    def _effects_of(self, event: Event) -> list[Effect]:
        match event:
            case FrameReceived():
                return self._on_received(event)
            case FrameAnswered():
                return self._exchanges.on_answered(event)
            case SendFailed():
                return self._exchanges.on_send_failed(event)
            case StatementsLogged():
                return self._on_logged(event)
            case StatementsJudged():
                return self._on_judged(event)
            case ConflictsFound():
                return self._on_conflicts()
            case PeersChanged():
                return self._on_peers(event)
            case Ticked():
                return self._on_ticked()
            case _:
                assert_never(event)

    # ------------------------------------------------------------------------------------------- frames of others

    def _on_received(self, event: FrameReceived) -> list[Effect]:
        parts = self._parts
        frame: Frame | None = None
        try:
            frame = parts.guard.check(event.data, parts.circle.roster.publics, now=parts.now, at=parts.at)
            peer = parts.peer(frame.sender)
            peer.on_heard(now=parts.now, at=parts.at)
            if isinstance(frame.body, Poll):
                parts.counters["frames_received"] += 1
                return [*self._exchanges.on_poll(peer, event.token, frame, frame.body), *self._exchanges.pump((peer,))]
            body = self._answers.answer(peer, frame.body)
        except AccreditError as error:
            parts.counters[f"refused_{error.code}"] += 1
            self._blame(event.data, frame, error)
            return [Refuse(token=event.token, status=status_of(error), error=without_frames(error))]
        parts.counters["frames_received"] += 1
        answer = self._exchanges.encode(body, to=frame.sender, nonce=frame.nonce)
        parts.guard.charge(frame.sender, len(answer), at=parts.at)
        return [Reply(token=event.token, data=answer), *self._exchanges.pump((peer,))]

    def _blame(self, data: bytes, frame: Frame | None, error: AccreditError) -> None:
        """Blame the sender of a refused frame, if the fault is provably its own."""
        parts, kid = self._parts, None
        if isinstance(error, QuotaError):
            kid = error.sender
        elif isinstance(error, DecodeError):
            publics = parts.circle.roster.publics
            kid = parts.guard.culprit(data, publics, now=parts.now) if frame is None else frame.sender
        if kid is not None:
            parts.offend(parts.peer(kid), error.message)

    # -------------------------------------------------------------------------------- statements, conflicts, peers

    def _on_logged(self, event: StatementsLogged) -> list[Effect]:
        parts = self._parts
        mesh = [parts.peer(kid) for kid in parts.mesh]
        flood = list(mesh)
        if parts.is_active and any(parts.intake.is_own(each.id) for each in event.statements):
            drawn = parts.circle.draw(parts.config.flood, at=parts.at)
            flood += [peer for peer in drawn if not peer.failures and peer.kid not in parts.mesh]
        for statement in event.statements:
            for peer in flood if parts.intake.is_own(statement.id) else mesh:
                peer.outbox.offer(statement, at=parts.at)
            parts.intake.on_logged(statement)
            if parts.is_active:
                parts.recent.add(statement.id)
        return [*parts.intake.try_again(at=parts.at), *self._exchanges.pump(flood)]

    def _on_judged(self, event: StatementsJudged) -> list[Effect]:
        parts = self._parts
        parts.intake.on_judged(event)
        peer = parts.circle.peers.get(event.sender)
        if event.refused and peer is not None:
            parts.offend(peer, "a statement that no honest node would send.")
        return []

    def _on_conflicts(self) -> list[Effect]:
        """Send conflicts to the whole mesh at once; other nodes learn of them when roots are compared."""
        parts = self._parts
        mesh = [peer for peer in map(parts.peer, parts.mesh) if parts.hearsay.lacks(peer)]
        for peer in mesh:
            self._exchanges.accuse(peer)
        return self._exchanges.pump(mesh)

    def _on_peers(self, event: PeersChanged) -> list[Effect]:
        """Take in the complete list: nodes on it are never forgotten, and nodes not on it are."""
        parts = self._parts
        roster = roster_of(event.peers)
        effects: list[Effect] = []
        parts.mesh.set_roster(roster, parts.me)
        parts.hearsay.on_roster()
        for state in parts.circle.set_roster(roster):
            parts.guard.forget_peer(state.kid)
            parts.intake.forget_peer(state.kid)
            parts.sessions.forget_peer(state.kid)
            effects += self._exchanges.forget_peer(state)
        was_active, parts.is_active = parts.is_active, parts.circle.is_member
        if parts.is_active and not was_active:
            self._heart.start()
        if was_active and not parts.is_active:
            for state in parts.circle.peers.values():
                effects += self._exchanges.hang_up(state)
        return [*effects, *self._exchanges.pump(tuple(parts.circle.eager.values()))]

    def _on_ticked(self) -> list[Effect]:
        if self._parts.is_active:
            self._heart.tick()
        return self._exchanges.pump(tuple(self._parts.circle.eager.values()))
