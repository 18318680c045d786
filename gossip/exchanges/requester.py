"""Tracks the frames that this node sends until they are answered or lost, and the polls that it holds for others.

An exchange begins with a `Send` and ends with an answer, a failure, or after a minute without either. The content of a
lost frame is due again if the peer is in the mesh; other peers get one attempt only.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from accredit.gossip.peers.peer import PeerState
from accredit.gossip.protocol.events import Effect, FrameAnswered, Reply, Send, SendFailed
from accredit.gossip.protocol.sending import LongPoll, Sending
from accredit.gossip.protocol.wire import (
    NONCE_BYTES,
    Accusation,
    Announce,
    Beacon,
    Body,
    Fetch,
    Frame,
    Graft,
    Poll,
    Prune,
    Push,
    Reconcile,
    Request,
    Root,
    encode_frame,
)
from accredit.registry.errors import AccreditError, RefusedError

from .reconcile import ReconcileStep
from .responder import Answers
from .state import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """A frame sent at `since` that waits for its answer; given up at `until` (steady ms)."""

    peer: PeerState
    sending: Sending
    nonce: bytes
    since: int
    until: int


class Exchanges:
    """All exchanges of one machine that are under way."""

    def __init__(self, parts: Parts, answers: Answers) -> None:
        self._parts = parts
        self._answers = answers
        self._exchanges: dict[int, _Exchange] = {}  # the oldest first
        self._number = 0

    def pump(self, peers: Iterable[PeerState]) -> list[Effect]:
        """Submit and send what is due."""
        parts = self._parts
        effects: list[Effect] = []
        for peer in peers:
            effects += parts.intake.submit(peer, at=parts.at)
            if parts.is_active:
                if peer.line is not None:
                    effects += self._tell(peer, peer.line)
                if peer.line is None:
                    effects += self._dial(peer)
            if peer.is_idle and peer.conduct.take_due(at=parts.at) is None:
                parts.circle.eager.pop(peer.kid, None)
            else:
                parts.circle.eager[peer.kid] = peer
        return effects

    def encode(self, body: Body, *, to: bytes, nonce: bytes) -> bytes:
        """Encode and sign a frame."""
        parts = self._parts
        return encode_frame(body, signer=parts.signer, sender=parts.me, recipient=to, time=parts.now, nonce=nonce)

    def expire(self) -> None:
        """Give up exchanges that have waited too long."""
        for number, exchange in list(self._exchanges.items()):
            if exchange.until > self._parts.at:
                break
            del self._exchanges[number]
            self._parts.health.worse()
            self._on_failed(exchange, "no answer")

    def forget_peer(self, peer: PeerState) -> list[Effect]:
        """Drop all exchanges with a peer that is no longer a node, and end its poll."""
        self._exchanges = {number: each for number, each in self._exchanges.items() if each.peer is not peer}
        return self.hang_up(peer)

    def _dial(self, peer: PeerState) -> list[Effect]:
        parts = self._parts
        peer.is_polled = parts.config.outbound_only and peer.kid in parts.mesh and not peer.conduct.is_backlog_full
        effects: list[Effect] = []
        while (sending := peer.next_sending(parts.held, at=parts.at)) is not None:
            effects.append(self._send(peer, sending))
        return effects

    def _send(self, peer: PeerState, sending: Sending) -> Send:
        parts, config = self._parts, self._parts.config
        nonce = parts.random.randbytes(NONCE_BYTES)
        parts.guard.remember(nonce, at=parts.at)
        self._number += 1
        self._exchanges[self._number] = _Exchange(
            peer=peer, sending=sending, nonce=nonce, since=parts.at, until=parts.at + config.exchange
        )
        peer.used_at = parts.at
        parts.counters["frames_sent"] += 1
        self._count(sending)
        return Send(
            exchange=self._number,
            peer=peer.peer.name,
            url=peer.peer.url,
            data=self.encode(sending.body, to=peer.kid, nonce=nonce),
            timeout=config.answer + (config.poll_hold if isinstance(sending.body, Poll) else 0),
        )

    def _count(self, sending: Sending) -> None:
        if isinstance(sending.body, Push):
            self._parts.counters["statements_pushed"] += len(sending.body.statements)

    # -------------------------------------------------------------------------------------------------- answered

    def on_answered(self, event: FrameAnswered) -> list[Effect]:
        """Handle the peer's answer, whatever it is."""
        exchange = self._exchanges.pop(event.exchange, None)
        if exchange is None:  # too late: given up, or the peer is gone
            return []
        parts, peer = self._parts, exchange.peer
        parts.health.better()
        try:
            if event.status != 200:
                raise RefusedError("http_status", f"HTTP status {event.status}: {_printable(event.data)}")
            frame = parts.guard.check_answer(event.data, peer.peer.public, nonce=exchange.nonce, now=parts.now)
            self._on_answer(exchange, frame.body)
        except AccreditError as error:
            parts.counters["answers_refused"] += 1
            self._on_failed(exchange, error.message)
        else:
            since = None if isinstance(exchange.sending.body, Poll) else exchange.since
            peer.on_answered(now=parts.now, at=parts.at, since=since)
        finally:  # after a fault of our own too: the peer is asked again
            peer.busy[exchange.sending.lane] = False
        return self.pump((peer,))

    def _on_answer(self, exchange: _Exchange, answer: Body) -> None:
        """Handle a good answer to a frame."""
        parts, peer, sent = self._parts, exchange.peer, exchange.sending
        match sent.body, answer:
            case (Push(), Root()):
                # Its root does not include the statements just pushed, because it has yet to log them.
                peer.mark_known(sent.ids)
            case (Announce() | Prune(), Root()):
                pass
            case (Root(), Root()):
                parts.note(peer, answer)
                self._compare_conflicts(peer, answer)
                if not peer.in_sync:
                    self._begin_session(peer)
            case (Beacon(), Beacon()):
                parts.note(peer, answer)
                self._compare_conflicts(peer, answer)
            case (Graft(), Graft()):
                if not parts.mesh.on_accepted(peer.kid, at=parts.at):
                    parts.circle.ask(peer, Prune(backoff=parts.config.graft_backoff))
            case (Graft(), Prune()):
                self._answers.on_pruned(peer, answer)
            case (Request() as request, Push()):
                parts.intake.on_requested(peer, request, self._answers.take_in(peer, answer), at=parts.at)
            case (Reconcile() as question, Reconcile()):
                self._on_step(peer, parts.sessions.on_answer(question, answer))
            case (Fetch() as fetch, Push()):
                self._on_step(peer, parts.sessions.on_fetched(fetch, self._answers.take_in(peer, answer)))
            case (Accusation(), Accusation()):
                if parts.hearsay.hear(peer, answer, at=parts.at):
                    self.accuse(peer)
            case (Poll(), Push() | Announce() | Request() | Prune() | Accusation()):
                peer.polled(exchange.nonce, at=exchange.since)
                self._answers.on_told(peer, answer)
            case _:
                raise RefusedError("frame_answer", "this type of frame does not answer ours.")

    def _compare_conflicts(self, peer: PeerState, theirs: Root | Beacon) -> None:
        if theirs.conflicts != self._parts.hearsay.digest():
            peer.accusations.clear()
            self.accuse(peer)

    def accuse(self, peer: PeerState) -> None:
        """Queue an accusation with the known conflicts, in the urgent lane."""
        peer.accuse(partial(self._parts.hearsay.accusation, peer))
        self._parts.circle.eager[peer.kid] = peer

    def _begin_session(self, peer: PeerState, *, attempt: int = 0) -> None:
        parts = self._parts
        if not parts.sessions.is_asking(peer.kid):
            parts.counters["sessions_begun"] += 1
            question = parts.sessions.begin(peer.kid, parts.held, parts.random, at=parts.at, attempt=attempt)
            parts.circle.ask(peer, question)

    def _on_step(self, peer: PeerState, step: ReconcileStep) -> None:
        """Carry out the next step of a session that this node began."""
        parts = self._parts
        for body in step.bodies:
            parts.circle.ask(peer, body)
        peer.outbox.want(step.have)
        if step.is_broken:
            parts.intake.strike(peer, at=parts.at)
        if step.is_alarm:
            parts.counters["alarm_roots_differ"] += 1
            if step.attempt == 0:
                self._begin_session(peer, attempt=1)

    # ---------------------------------------------------------------------------------------------------- failed

    def on_send_failed(self, event: SendFailed) -> list[Effect]:
        """Handle a frame that did not arrive, or whose answer did not."""
        exchange = self._exchanges.pop(event.exchange, None)
        if exchange is None:  # too late: given up, or the peer is gone
            return []
        self._parts.health.worse()
        self._on_failed(exchange, event.reason)
        return self.pump((exchange.peer,))

    def _on_failed(self, exchange: _Exchange, reason: str) -> None:
        parts, peer, body = self._parts, exchange.peer, exchange.sending.body
        parts.counters["exchanges_failed"] += 1
        peer.busy[exchange.sending.lane] = False
        peer.on_failed(reason, at=parts.at)
        match body:
            case Root():
                parts.root_retry_at = parts.at + parts.config.root_retry
            case Graft():
                parts.mesh.leave_alone(peer.kid, pause=0, at=parts.at)
            case Request():
                parts.intake.on_broken(peer, body.ids, at=parts.at)
            case Reconcile() | Fetch():
                parts.sessions.drop(body.session)
            case _:
                pass
        self._take_back(peer, exchange.sending)

    def _take_back(self, peer: PeerState, sending: Sending) -> None:
        """It did not arrive."""
        if peer.kid in self._parts.mesh:
            sending.undo()
        else:  # others, or reconciliation, will bring it what it missed
            peer.give_up()

    # ---------------------------------------------------------------------------------------------- polls we hold

    def on_poll(self, peer: PeerState, token: int, frame: Frame, poll: Poll) -> list[Effect]:
        """Handle the poll of a peer that cannot be dialled."""
        parts = self._parts
        line = peer.line
        if not self._answers.may_poll(peer):
            data = self.encode(Prune(backoff=parts.config.graft_backoff), to=peer.kid, nonce=frame.nonce)
            return [Reply(token=token, data=data), *self.hang_up(peer)]
        effects = [] if line is None else self._release(peer, line, Push(statements=(), urgent=False))
        if line is not None and line.told is not None:
            if poll.last == line.nonce:
                peer.mark_known(line.told.ids)
            else:
                self._take_back(peer, line.told)
        peer.line = LongPoll(token=token, nonce=frame.nonce, until=parts.at + parts.config.poll_hold)
        peer.on_polls()
        parts.circle.eager[peer.kid] = peer
        return effects

    def hang_up(self, peer: PeerState) -> list[Effect]:
        """End a peer's polling: answer its poll, and make content due again that may not have arrived."""
        line = peer.line
        if line is None:
            return []
        effects = self._release(peer, line, Push(statements=(), urgent=False))
        if line.told is not None:
            self._take_back(peer, line.told)
        peer.line = None
        return effects

    def _tell(self, peer: PeerState, line: LongPoll) -> list[Effect]:
        """Answer the peer's poll, if one is held and something is due."""
        parts = self._parts
        if line.token is None:
            return self.hang_up(peer) if parts.at >= line.until else []
        sending = peer.next_telling(parts.held, at=parts.at)
        if sending is None:
            return self._release(peer, line, Push(statements=(), urgent=False)) if parts.at >= line.until else []
        self._count(sending)
        line.told = sending
        return self._release(peer, line, sending.body)

    def _release(self, peer: PeerState, line: LongPoll, body: Body) -> list[Effect]:
        """Answer the poll that is held, if there is one."""
        if line.token is None:
            return []
        parts = self._parts
        data = self.encode(body, to=peer.kid, nonce=line.nonce)
        parts.guard.charge(peer.kid, len(data), at=parts.at)
        effects: list[Effect] = [Reply(token=line.token, data=data)]
        line.token, line.until = None, parts.at + parts.config.poll_return
        return effects


def _printable(data: bytes) -> str:
    """Return another machine's text, shortened and without control characters."""
    text = data[:200].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()
