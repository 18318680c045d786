"""The gossip of one node: `handle(event, now=…) -> [effect]` is the only door.

* What is newly logged here is **pushed** to the mesh (`mesh`), our own submitters' also to some random members: urgent
  statements at once, normal ones gathered for 100 ms (`outbox`).
* Each heartbeat recent ids are **announced** to some others, who request what they lack (`promises`).
* Every few seconds **roots are compared** with one member drawn from the whole list; where they differ, a session finds
  out what either side lacks (`reconcile`).
* Frames are let in by `guard`; what peers do is held against them by `audit`; statements of keys not yet known wait in
  `waiting`.

So a statement is everywhere after a few hops where all is well, and whatever goes wrong is found by the comparison. The
machine judges no statement: it hands them on (`Submit`) and hears what was refused or must wait (`StatementsJudged`),
and later what was logged (`StatementsLogged`). A node that is not itself in force is silent.

It owns no clock and no randomness. `now` is the wall clock in ms since 1970, needed to judge the time in frames; all
intervals run on a steady clock made from it, which stands still when the wall clock is set back. The same seed, events
and times give the same effects.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final, assert_never

from registry.errors import AccreditError, DecodeError, RefusedError
from registry.keys import key_id, public_of

from .audit import Health
from .circle import Circle
from .config import GossipConfig
from .events import (
    ConflictsFound,
    Effect,
    Event,
    FrameAnswered,
    FrameReceived,
    Held,
    PeersChanged,
    Refuse,
    Reply,
    Send,
    SendFailed,
    StatementsJudged,
    StatementsLogged,
    Statistics,
    Ticked,
)
from .frames import (
    NONCE_BYTES,
    Announce,
    Beacon,
    Body,
    Fetch,
    Frame,
    Graft,
    Prune,
    Push,
    Reconcile,
    Request,
    Root,
    encode_frame,
)
from .guard import Guard, QuotaError, status_of
from .intake import Intake
from .membership import roster_of
from .mesh import Mesh
from .peer import LANES, PeerState, Sending, push_of, root_of
from .promises import Recent
from .reconcile import Sessions, Step

_MESSAGE_WORK: Final = 2
"""Bytes of a reconciliation message that cost one µs. Measured: 64 KiB of the smallest ranges take 30 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """A frame of ours, sent `since`, that waits for its answer; given up at `until` (steady ms)."""

    peer: PeerState
    sending: Sending
    nonce: bytes
    since: int
    until: int


class Machine:
    """One node's gossip.

    Args:
        seed: secret 32-byte seed of the node's peer key.
        held: what this node has logged; read, never written.
        random: for nonces, salts (must be unpredictable in production) and jitter.
    """

    def __init__(self, *, seed: bytes, held: Held, random: Random, config: GossipConfig | None = None) -> None:
        self._config = config or GossipConfig()
        self._seed = seed
        me = key_id(public_of(seed))
        self._held = held
        self._random = random
        self._counters: Counter[str] = Counter()
        self._guard = Guard(me, self._config)
        self._health = Health(self._config)
        self._circle = Circle(me, self._config, random, self._counters)
        self._intake = Intake(
            config=self._config, held=held, circle=self._circle, health=self._health, counters=self._counters
        )
        self._mesh = Mesh(self._config, random)
        self._sessions = Sessions(self._config)
        self._recent = Recent(self._config)
        self._exchanges: dict[int, _Exchange] = {}
        self._exchange = 0
        self._now = 0
        self._at = 0
        self._is_active = False
        self._beat_at = self._root_at = self._beacon_at = 0

    def handle(self, event: Event, *, now: int) -> list[Effect]:
        """Takes one event in; what is to be done about it.

        Args:
            now: ms since 1970.
        """
        if self._now:
            self._at += max(0, now - self._now)
        self._now = now
        match event:
            case FrameReceived():
                return self._on_received(event)
            case FrameAnswered():
                return self._on_answered(event)
            case SendFailed():
                exchange = self._exchanges.pop(event.exchange, None)
                if exchange is None:  # too late: given up, or the peer is gone
                    return []
                self._health.worse()
                self._on_failed(exchange, event.reason)
                return self._pump((exchange.peer,))
            case StatementsLogged():
                return self._on_logged(event)
            case StatementsJudged():
                return self._on_judged(event)
            case ConflictsFound():
                return []
            case PeersChanged():
                return self._on_peers(event)
            case Ticked():
                return self._on_ticked()
            case _:
                assert_never(event)

    def next_wakeup(self) -> int | None:
        """When `Ticked` is wanted at the latest (ms since 1970); None where nothing is planned."""
        if not self._is_active:
            return None
        due = [self._beat_at, self._root_at]
        for peer in self._circle.eager.values():
            due += [at for at in (peer.next_due(at=self._at), peer.conduct.take_due(at=self._at)) if at is not None]
        return self._now + max(0, min(due) - self._at)

    def statistics(self) -> Statistics:
        """What was seen since the start; alarms are counted under `alarm_…`."""
        counters = self._counters.copy()
        counters["statements_announced_instead"] += sum(peer.outbox.overflowed for peer in self._circle.peers.values())
        counters["waiting_evicted"] = self._intake.waiting.evicted
        counters["mesh"] = len(self._mesh)
        return Statistics(
            peers=tuple(
                self._circle.statistics(
                    kid,
                    count=self._held.root()[1],
                    is_mesh=kid in self._mesh,
                    why=self._obstacle(kid) or self._mesh.why(kid),
                    now=self._now,
                    at=self._at,
                )
                for kid in self._circle.roster.kids
                if kid != self._circle.me
            ),
            counters=tuple(sorted(counters.items())),
            waiting=len(self._intake.waiting),
            health=self._health.score,
        )

    # ---------------------------------------------------------------------------------------- frames of others

    def _on_received(self, event: FrameReceived) -> list[Effect]:
        frame: Frame | None = None
        try:
            frame = self._guard.check(event.data, self._circle.roster.publics, now=self._now, at=self._at)
            peer = self._peer(frame.sender)
            peer.on_heard(now=self._now, at=self._at)
            body = self._answer(peer, frame.body)
        except AccreditError as error:
            self._counters[f"refused_{error.code}"] += 1
            self._blame(event.data, frame, error)
            return [Refuse(token=event.token, status=status_of(error), error=error)]
        self._counters["frames_received"] += 1
        answer = self._encode(body, to=frame.sender, nonce=frame.nonce)
        self._guard.charge(frame.sender, len(answer), at=self._at)
        return [Reply(token=event.token, data=answer), *self._pump((peer,))]

    def _blame(self, data: bytes, frame: Frame | None, error: AccreditError) -> None:
        """Holds what was refused against its sender, where it is its fault and provably its own."""
        kid = None
        if isinstance(error, QuotaError):
            kid = error.sender
        elif isinstance(error, DecodeError):
            kid = (
                self._guard.culprit(data, self._circle.roster.publics, now=self._now) if frame is None else frame.sender
            )
        if kid is not None:
            self._offend(self._peer(kid), error.message)

    def _answer(self, peer: PeerState, body: Body) -> Body:
        """Our answer to a frame.

        Raises:
            RefusedError: not now. DecodeError: what the frame holds is malformed.
        """
        match body:
            case Push():
                self._check_may_bring(peer)
                self._take_in(peer, body)
                return root_of(self._held)
            case Announce():
                self._on_announced(peer, body)
                return root_of(self._held)
            case Request():
                return push_of(self._held, body.ids, self._config, peer.conduct.may_serve)
            case Graft():
                return self._on_graft(peer)
            case Prune():
                self._on_pruned(peer, body)
                return root_of(self._held)
            case Beacon():
                self._note(peer, body)
                return self._beacon()
            case Root():
                self._note(peer, body)
                return root_of(self._held)
            case Reconcile():
                return self._reconcile(peer, body)
            case Fetch():
                return push_of(self._held, self._sessions.reveal(peer.kid, body), self._config)
            case _:
                assert_never(body)

    def _check_may_bring(self, peer: PeerState) -> None:
        if peer.conduct.is_distrusted(at=self._at):
            raise RefusedError("distrusted", f"this peer broke the rules ({peer.conduct.offence})", hint="Wait.")
        if peer.conduct.is_backlog_full:
            raise RefusedError("overloaded", "this peer sends faster than it can be judged.", hint="Send it later.")

    def _take_in(self, peer: PeerState, push: Push) -> list[bytes]:
        """The ids of whole statements that a peer sent; those not known yet wait to be judged."""
        ids, is_good = self._intake.take(peer, push)
        if not is_good:
            self._offend(peer, "a malformed statement.")
        return ids

    def _on_announced(self, peer: PeerState, body: Announce) -> None:
        if peer.conduct.may_announce() and not peer.conduct.is_distrusted(at=self._at):
            self._intake.on_announced(peer, body, at=self._at)
        else:
            self._counters["announcements_ignored"] += 1

    def _on_graft(self, peer: PeerState) -> Body:
        if self._may_be_mesh(peer.kid) and not self._mesh.is_told_off(peer.kid):
            if self._mesh.on_graft(peer.kid, at=self._at):
                return Graft()
        else:
            if self._mesh.is_told_off(peer.kid):
                self._counters["grafts_too_early"] += 1
                peer.conduct.strike(at=self._at)
            self._mesh.prune(peer.kid, at=self._at)
        return Prune(backoff=self._config.graft_backoff)

    def _on_pruned(self, peer: PeerState, body: Prune) -> None:
        self._mesh.leave_alone(peer.kid, pause=min(body.backoff, self._config.distrust_max), at=self._at)
        peer.outbox.clear()

    def _reconcile(self, peer: PeerState, body: Reconcile) -> Reconcile:
        conduct = peer.conduct
        if conduct.is_distrusted(at=self._at) or conduct.is_overworked(at=self._at):
            raise RefusedError("overloaded", "this node has no time to reconcile with this peer now.", hint="Wait.")
        conduct.charge(len(body.message) // _MESSAGE_WORK, at=self._at)
        if self._sessions.is_new(peer.kid, body):
            conduct.charge(self._held.size() * self._config.item_work, at=self._at)
            self._counters["sessions_served"] += 1
        return self._sessions.answer(peer.kid, body, self._held, at=self._at)

    def _note(self, peer: PeerState, theirs: Root | Beacon) -> None:
        """What a peer says it holds."""
        peer.said = theirs
        if isinstance(theirs, Beacon):
            peer.beacon = theirs.time
        peer.in_sync = theirs.root == self._held.root()[0]

    # --------------------------------------------------------------------------------------- frames of our own

    def _on_answered(self, event: FrameAnswered) -> list[Effect]:
        exchange = self._exchanges.pop(event.exchange, None)
        if exchange is None:  # too late: given up, or the peer is gone
            return []
        peer = exchange.peer
        self._health.better()
        try:
            if event.status != 200:
                raise RefusedError("http_status", f"HTTP status {event.status}: {_printable(event.data)}")
            frame = self._guard.check_answer(event.data, peer.peer.public, nonce=exchange.nonce, now=self._now)
            self._on_answer(peer, exchange.sending, frame.body)
        except AccreditError as error:
            self._counters["answers_refused"] += 1
            self._on_failed(exchange, error.message)
        else:
            peer.busy[exchange.sending.lane] = False
            peer.on_answered(now=self._now, at=self._at, since=exchange.since)
        return self._pump((peer,))

    def _on_answer(self, peer: PeerState, sent: Sending, answer: Body) -> None:
        """What follows from the answer to a frame of ours."""
        match sent.body, answer:
            case (Push(), Root()):
                # Its root does not count what we just pushed: it has yet to log that.
                for id in sent.ids:
                    peer.outbox.mark_known(id)
            case (Announce() | Prune(), Root()):
                pass
            case (Root(), Root()):
                self._note(peer, answer)
                if not peer.in_sync:
                    self._begin_session(peer)
            case (Beacon(), Beacon()):
                self._note(peer, answer)
            case (Graft(), Graft()):
                if not self._mesh.on_accepted(peer.kid, at=self._at):
                    self._circle.ask(peer, Prune(backoff=self._config.graft_backoff))
            case (Graft(), Prune()):
                self._on_pruned(peer, answer)
            case (Request() as request, Push()):
                self._intake.on_requested(peer, request, self._take_in(peer, answer), at=self._at)
            case (Reconcile() as question, Reconcile()):
                self._on_step(peer, self._sessions.on_answer(question, answer))
            case (Fetch() as fetch, Push()):
                self._on_step(peer, self._sessions.on_fetched(fetch, self._take_in(peer, answer)))
            case _:
                raise RefusedError("frame_answer", "this type of frame does not answer ours.")

    def _begin_session(self, peer: PeerState, *, attempt: int = 0) -> None:
        if not self._sessions.is_asking(peer.kid):
            self._counters["sessions_begun"] += 1
            question = self._sessions.begin(peer.kid, self._held, self._random, at=self._at, attempt=attempt)
            self._circle.ask(peer, question)

    def _on_step(self, peer: PeerState, step: Step) -> None:
        """A session of ours went on."""
        for body in step.bodies:
            self._circle.ask(peer, body)
        peer.outbox.want(step.have)
        if step.is_broken:
            self._intake.strike(peer, at=self._at)
        if step.is_alarm:
            self._counters["alarm_roots_differ"] += 1
            if step.attempt == 0:
                self._begin_session(peer, attempt=1)

    def _on_failed(self, exchange: _Exchange, reason: str) -> None:
        peer, body = exchange.peer, exchange.sending.body
        self._counters["exchanges_failed"] += 1
        peer.busy[exchange.sending.lane] = False
        peer.on_failed(reason, at=self._at)
        match body:
            case Root():
                self._root_at = min(self._root_at, self._at + self._config.root_retry)
            case Graft():
                self._mesh.leave_alone(peer.kid, pause=0, at=self._at)
            case Request():
                self._intake.on_broken(peer, body.ids, at=self._at)
            case Reconcile() | Fetch():
                self._sessions.drop(body.session)
            case _:
                pass
        if peer.kid in self._mesh:
            exchange.sending.undo()
        else:  # others will bring it what it missed, or reconciliation
            peer.give_up()

    def _pump(self, peers: Iterable[PeerState]) -> list[Effect]:
        """Judges and sends what is due."""
        effects: list[Effect] = []
        for peer in peers:
            effects += self._intake.submit(peer, at=self._at)
            for _ in LANES:
                sending = peer.next_sending(self._held, at=self._at) if self._is_active else None
                if sending is None:
                    break
                effects.append(self._send(peer, sending))
            if peer.is_idle and peer.conduct.take_due(at=self._at) is None:
                self._circle.eager.pop(peer.kid, None)
            else:
                self._circle.eager[peer.kid] = peer
        return effects

    def _send(self, peer: PeerState, sending: Sending) -> Send:
        nonce = self._random.randbytes(NONCE_BYTES)
        self._guard.remember(nonce, at=self._at)
        self._exchange += 1
        self._exchanges[self._exchange] = _Exchange(
            peer=peer, sending=sending, nonce=nonce, since=self._at, until=self._at + self._config.exchange
        )
        peer.used_at = self._at
        self._counters["frames_sent"] += 1
        if isinstance(sending.body, Push):
            self._counters["statements_pushed"] += len(sending.body.statements)
        data = self._encode(sending.body, to=peer.kid, nonce=nonce)
        return Send(exchange=self._exchange, peer=peer.peer.name, url=peer.peer.url, data=data)

    def _encode(self, body: Body, *, to: bytes, nonce: bytes) -> bytes:
        return encode_frame(body, seed=self._seed, recipient=to, time=self._now, nonce=nonce)

    def _beacon(self) -> Beacon:
        root = root_of(self._held)
        return Beacon(root=root.root, count=root.count, size=root.size, time=self._now)

    # ------------------------------------------------------------------------------------ statements and peers

    def _on_logged(self, event: StatementsLogged) -> list[Effect]:
        mesh = [self._peer(kid) for kid in self._mesh]
        flood = list(mesh)
        if self._is_active and any(self._intake.is_own(each.id) for each in event.statements):
            drawn = self._circle.draw(self._config.flood, at=self._at)
            flood += [peer for peer in drawn if not peer.failures and peer.kid not in self._mesh]
        for statement in event.statements:
            for peer in flood if self._intake.is_own(statement.id) else mesh:
                peer.outbox.offer(statement, at=self._at)
            self._intake.on_logged(statement)
            if self._is_active:
                self._recent.add(statement.id)
        return [*self._intake.try_again(at=self._at), *self._pump(flood)]

    def _on_judged(self, event: StatementsJudged) -> list[Effect]:
        self._intake.on_judged(event)
        peer = self._circle.peers.get(event.sender)
        if event.refused and peer is not None:
            self._offend(peer, "a statement that no honest node would send.")
        return []

    def _offend(self, peer: PeerState, what: str) -> None:
        """Out of the mesh, and not listened to for a while."""
        self._counters["offences"] += 1
        peer.conduct.offend(what, at=self._at)
        if self._mesh.slot(peer.kid) is not None:
            self._mesh.prune(peer.kid, at=self._at)
            peer.outbox.clear()
            self._circle.ask(peer, Prune(backoff=self._config.graft_backoff))

    def _on_peers(self, event: PeersChanged) -> list[Effect]:
        """The complete list, each time: nobody is remembered who is not on it, nobody forgotten who is."""
        roster = roster_of(event.peers)
        self._mesh.set_roster(roster, self._circle.me)
        for state in self._circle.set_roster(roster):
            self._guard.forget_peer(state.kid)
            self._intake.forget_peer(state.kid)
            self._sessions.forget_peer(state.kid)
            self._exchanges = {number: each for number, each in self._exchanges.items() if each.peer is not state}
        was_active = self._is_active
        self._is_active = self._circle.is_member
        if self._is_active and not was_active:
            # Spread out, so that nodes which start together do not all compare at once.
            self._beat_at = self._at + self._random.randrange(self._config.heartbeat)
            self._root_at = self._at + self._random.randrange(self._config.root_interval)
            self._beacon_at = self._at + self._random.randrange(self._config.beacon_interval)
        return self._pump(tuple(self._circle.eager.values()))

    def _peer(self, kid: bytes) -> PeerState:
        return self._circle.peer(kid, at=self._at)

    # ---------------------------------------------------------------------------------------------------- time

    def _on_ticked(self) -> list[Effect]:
        if self._is_active:
            if self._at >= self._beat_at:
                self._heartbeat()
            if self._at >= self._root_at:
                self._compare_with_somebody()
        return self._pump(tuple(self._circle.eager.values()))

    def _heartbeat(self) -> None:
        if self._at - self._beat_at > self._config.late:
            self._health.worse()
        self._beat_at = self._at + self._config.heartbeat
        for number, exchange in list(self._exchanges.items()):
            if exchange.until <= self._at:
                del self._exchanges[number]
                self._health.worse()
                self._on_failed(exchange, "no answer")
        self._intake.on_heartbeat(at=self._at)
        self._counters["sessions_expired"] += self._sessions.expire(at=self._at)
        for peer in self._circle.peers.values():
            peer.conduct.on_heartbeat()
        self._look_after_mesh()
        self._announce()
        self._circle.forget_strangers(lambda kid: self._mesh.slot(kid) is not None, at=self._at)

    def _look_after_mesh(self) -> None:
        moves = self._mesh.heartbeat(self._may_be_mesh, self._is_idle, at=self._at)
        for kid in moves.prune:
            peer = self._peer(kid)
            peer.outbox.clear()
            self._circle.ask(peer, Prune(backoff=self._config.graft_backoff))
        for kid in moves.dial:
            self._circle.ask(self._peer(kid), Graft())
        if self._at >= self._beacon_at:
            self._beacon_at = self._at + self._config.beacon_interval
            for kid in self._mesh:
                self._circle.ask(self._peer(kid), self._beacon())

    def _may_be_mesh(self, kid: bytes) -> bool:
        return not self._obstacle(kid)

    def _obstacle(self, kid: bytes) -> str:
        """Why a peer may not be in the mesh, for people; empty where it may."""
        peer = self._circle.peers.get(kid)
        if peer is None:
            return ""
        if peer.conduct.is_distrusted(at=self._at):
            return f"not listened to: {peer.conduct.offence}"
        if peer.conduct.is_struck(at=self._at):
            return "does not deliver what it announces"
        if peer.failures >= self._health.scale(self._config.dead_after):
            return "does not answer"
        return ""

    def _is_idle(self, kid: bytes) -> bool:
        """Whether a mesh peer was of no use for a while in which others were."""
        since = self._at - self._config.idle
        return self._intake.first_at > since and self._peer(kid).conduct.first_at <= since

    def _announce(self) -> None:
        ids, config = self._recent.take(), self._config
        if not ids:
            return
        known = [kid for kid, peer in self._circle.peers.items() if kid not in self._mesh and not peer.failures]
        many = max(config.announce_peers, len(known) // config.announce_share)
        chosen = self._random.sample(known, min(len(known), many))
        if len(chosen) < config.announce_peers:
            drawn = self._circle.roster.draw(config.announce_peers, self._random, but=self._circle.me)
            chosen += [kid for kid in drawn if kid not in chosen and kid not in self._mesh]
        for kid in chosen[:many]:
            peer = self._peer(kid)
            unknown = tuple(id for id in ids if not peer.outbox.is_known(id))
            if unknown and not peer.has_question(Announce):
                self._circle.ask(peer, Announce(ids=unknown))

    def _compare_with_somebody(self) -> None:
        """Our root with that of one of all members, however they stand in the mesh."""
        interval = self._config.root_interval
        self._root_at = self._at + int(interval * self._random.uniform(0.5, 1.5))
        for peer in self._circle.draw(1, at=self._at):
            if not peer.conduct.is_distrusted(at=self._at) and not self._sessions.is_asking(peer.kid):
                peer.probe()
                self._circle.ask(peer, root_of(self._held))


def _printable(data: bytes) -> str:
    """Another machine's words, short and without control characters."""
    text = data[:200].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()
