"""The gossip of one node: `handle(event, now=…) -> [effect]` is the only door.

Version one, for some tens of nodes:

* what is newly logged here is **pushed** to every peer that is not known to have it: urgent statements at once, normal
  ones gathered for 100 ms (`outbox`);
* every few seconds **roots are compared** with each peer, and what is missing is **fetched** along its log (`walk`);
* frames are let in by `guard`; statements of keys not yet known wait in `waiting`.

So a statement reaches everyone in one hop where all is well, and whatever goes wrong is found by the comparison. The
machine judges no statement: it hands them on (`Submit`) and hears what was refused or must wait (`StatementsJudged`),
and later what was logged (`StatementsLogged`).

It owns no clock and no randomness. `now` is the wall clock in ms since 1970, needed to judge the time in frames; all
intervals run on a steady clock made from it, which stands still when the wall clock is set back. The same seed, events
and times give the same effects.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import assert_never

from registry.errors import AccreditError, DecodeError, RefusedError
from registry.keys import key_id, public_of
from registry.statement import Unverified, decode

from .config import GossipConfig
from .events import (
    Effect,
    Event,
    FrameAnswered,
    FrameReceived,
    Held,
    Peer,
    PeersChanged,
    Refuse,
    Reply,
    Send,
    SendFailed,
    StatementsJudged,
    StatementsLogged,
    Statistics,
    Submit,
    Ticked,
)
from .frames import NONCE_BYTES, Announce, Body, Fetch, Push, Request, Root, encode_frame
from .guard import Guard, status_of
from .peer import LANES, PeerState, Sending, page_of, push_of, root_of
from .waiting import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """A frame of ours that waits for its answer; given up at `until` (steady ms)."""

    kid: bytes
    sending: Sending
    nonce: bytes
    until: int


class Machine:
    """One node's gossip.

    Args:
        seed: secret 32-byte seed of the node's peer key.
        held: what this node has logged; read, never written.
        random: for nonces (must be unpredictable in production) and jitter.
    """

    def __init__(self, *, seed: bytes, held: Held, random: Random, config: GossipConfig | None = None) -> None:
        self._config = config or GossipConfig()
        self._seed = seed
        self._me = key_id(public_of(seed))
        self._held = held
        self._random = random
        self._guard = Guard(self._me, self._config)
        self._waiting = Waiting(self._config)
        self._peers: dict[bytes, PeerState] = {}
        self._publics: dict[bytes, bytes] = {}
        self._asked: dict[bytes, int] = {}
        self._recent: dict[bytes, bytes] = {}  # logged statements, whole -> id: copies are known without decoding
        self._exchanges: dict[int, _Exchange] = {}
        self._exchange = 0
        self._counters: Counter[str] = Counter()
        self._now = 0
        self._at = 0

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
                return [] if exchange is None else self._on_failed(exchange, event.reason)
            case StatementsLogged():
                return self._on_logged(event)
            case StatementsJudged():
                return self._on_judged(event)
            case PeersChanged():
                return self._on_peers(event.peers)
            case Ticked():
                return self._on_ticked()
            case _:
                assert_never(event)

    def next_wakeup(self) -> int | None:
        """When `Ticked` is wanted at the latest (ms since 1970); None where nothing is planned."""
        due = [exchange.until for exchange in self._exchanges.values()]
        for peer in self._peers.values():
            at = peer.next_due(at=self._at)
            if at is not None:
                due.append(at)
        return self._now + max(0, min(due) - self._at) if due else None

    def statistics(self) -> Statistics:
        """What was seen since the start; alarms are counted under `alarm_…`."""
        counters = self._counters.copy()
        counters["alarm_rewalks"] = sum(peer.walk.alarms for peer in self._peers.values())
        counters["statements_given_up"] = sum(peer.walk.given_up for peer in self._peers.values())
        counters["statements_announced_instead"] = sum(peer.outbox.overflowed for peer in self._peers.values())
        counters["waiting_evicted"] = self._waiting.evicted
        peers = sorted((peer.statistics() for peer in self._peers.values()), key=lambda each: each.name)
        return Statistics(peers=tuple(peers), counters=tuple(sorted(counters.items())), waiting=len(self._waiting))

    # ---------------------------------------------------------------------------------------- frames of others

    def _on_received(self, event: FrameReceived) -> list[Effect]:
        try:
            frame = self._guard.check(event.data, self._publics, now=self._now, at=self._at)
            peer = self._peers[frame.sender]
            if isinstance(frame.body, Push) and self._at < peer.distrusted_until:
                raise RefusedError("over_quota", "this peer sent statements that break the rules.", hint="Wait.")
        except AccreditError as error:
            self._counters[f"refused_{error.code}"] += 1
            return [Refuse(token=event.token, status=status_of(error), error=error)]
        self._counters["frames_received"] += 1
        peer.on_heard(now=self._now)
        body, effects = self._answer(peer, frame.body)
        answer = self._encode(body, to=frame.sender, nonce=frame.nonce)
        self._guard.charge(frame.sender, len(answer), at=self._at)
        return [Reply(token=event.token, data=answer), *effects, *self._pump((peer,))]

    def _answer(self, peer: PeerState, body: Body) -> tuple[Body, list[Effect]]:
        """Our answer to a frame, and what else follows from it."""
        match body:
            case Push():
                return root_of(self._held), self._take_in(peer, body.statements)[1]
            case Root():
                self._compare(peer, body)
                return root_of(self._held), []
            case Fetch():
                return page_of(self._held, body.start, self._config), []
            case Request():
                return push_of(self._held, body.ids, self._config), []
            case Announce():
                missing = [id for id in body.ids if id not in self._held and self._asked.get(id, 0) <= self._at]
                self._asked.update(dict.fromkeys(missing, self._at + self._config.asked))
                return Request(ids=tuple(missing)), []
            case _:
                assert_never(body)

    def _take_in(self, peer: PeerState, raws: Iterable[bytes]) -> tuple[set[bytes], list[Effect]]:
        """The ids of whole statements that a peer sent, and the effect that has the new ones judged."""
        ids: set[bytes] = set()
        fresh: list[Unverified] = []
        for raw in raws:
            known = self._recent.get(raw)
            if known is None:
                try:
                    statement = decode(raw)
                except DecodeError:
                    # What follows it in the frame is as little worth looking at.
                    self._counters["statements_malformed"] += 1
                    peer.distrust(at=self._at)
                    break
                known = statement.id
                if known not in self._held:
                    self._asked[known] = self._at + self._config.asked
                    fresh.append(statement)
            ids.add(known)
            peer.outbox.mark_known(known)
        self._counters["statements_again"] += len(ids) - len(fresh)
        self._counters["statements_received"] += len(fresh)
        return ids, [Submit(sender=peer.kid, statements=tuple(fresh))] if fresh else []

    def _compare(self, peer: PeerState, theirs: Root) -> None:
        peer.walk.on_root(theirs, self._held.root(), self._held.size(), at=self._at)

    # --------------------------------------------------------------------------------------- frames of our own

    def _on_answered(self, event: FrameAnswered) -> list[Effect]:
        exchange = self._exchanges.pop(event.exchange, None)
        peer = None if exchange is None else self._peers.get(exchange.kid)
        if exchange is None or peer is None:  # too late: given up, or the peer is gone
            return []
        if event.status != 200:
            return self._on_failed(exchange, f"HTTP status {event.status}: {_printable(event.data)}")
        try:
            frame = self._guard.check_answer(event.data, peer.peer.public, nonce=exchange.nonce, now=self._now)
            effects = self._on_answer(peer, exchange.sending, frame.body)
        except AccreditError as error:
            self._counters["answers_refused"] += 1
            return self._on_failed(exchange, error.message)
        peer.busy[exchange.sending.lane] = False
        peer.on_answered(now=self._now)
        return [*effects, *self._pump((peer,))]

    def _on_answer(self, peer: PeerState, sent: Sending, answer: Body) -> list[Effect]:
        """What follows from the answer to a frame of ours."""
        match sent.body, answer:
            case Push(), Root():
                # Its root does not count what we just pushed: it has yet to log that.
                for id in sent.ids:
                    peer.outbox.mark_known(id)
                return []
            case Root(), Root():
                self._compare(peer, answer)
                return []
            case Fetch(), Announce():
                peer.walk.on_page(answer, self._held)
                return []
            case Request() as request, Push():
                ids, effects = self._take_in(peer, answer.statements)
                peer.walk.on_delivered(request.ids, ids)
                return effects
            case Announce() as page, Request():
                announced = set(page.ids)
                peer.outbox.want(tuple(id for id in answer.ids if id in announced))
                return []
            case _:
                raise RefusedError("frame_answer", "this type of frame does not answer ours.")

    def _on_failed(self, exchange: _Exchange, reason: str) -> list[Effect]:
        peer = self._peers.get(exchange.kid)
        if peer is None:
            return []
        self._counters["exchanges_failed"] += 1
        exchange.sending.undo()
        peer.busy[exchange.sending.lane] = False
        peer.on_failed(reason, at=self._at)
        return []

    def _pump(self, peers: Iterable[PeerState]) -> list[Effect]:
        """Sends what is due to these peers."""
        effects: list[Effect] = []
        for peer in peers:
            for _ in LANES:
                sending = peer.next_sending(self._held, at=self._at)
                if sending is None:
                    break
                effects.append(self._send(peer, sending))
        return effects

    def _send(self, peer: PeerState, sending: Sending) -> Send:
        nonce = self._random.randbytes(NONCE_BYTES)
        self._guard.remember(nonce, at=self._at)
        self._exchange += 1
        self._exchanges[self._exchange] = _Exchange(
            kid=peer.kid, sending=sending, nonce=nonce, until=self._at + self._config.exchange
        )
        self._counters["frames_sent"] += 1
        if isinstance(sending.body, Push):
            self._counters["statements_pushed"] += len(sending.body.statements)
        data = self._encode(sending.body, to=peer.kid, nonce=nonce)
        return Send(exchange=self._exchange, peer=peer.peer.name, url=peer.peer.url, data=data)

    def _encode(self, body: Body, *, to: bytes, nonce: bytes) -> bytes:
        return encode_frame(body, seed=self._seed, recipient=to, time=self._now, nonce=nonce)

    # ------------------------------------------------------------------------------------ statements and peers

    def _on_logged(self, event: StatementsLogged) -> list[Effect]:
        for statement in event.statements:
            self._asked.pop(statement.id, None)
            raw = self._held.raw(statement.id)
            assert raw is not None, "what was logged is held"
            self._recent[raw] = statement.id
            if len(self._recent) > self._config.recent_statements:
                del self._recent[next(iter(self._recent))]
            for peer in self._peers.values():
                peer.outbox.offer(statement, at=self._at)
        for peer in self._peers.values():
            peer.walk.blocked_until = 0
        effects: list[Effect] = []
        for sender, statements in self._waiting.take():
            again = tuple(each for each in statements if each.id not in self._held)
            if again:
                effects.append(Submit(sender=sender, statements=again))
        return [*effects, *self._pump(self._peers.values())]

    def _on_judged(self, event: StatementsJudged) -> list[Effect]:
        peer = self._peers.get(event.sender)
        for id in event.refused:
            self._asked.pop(id, None)
            self._counters["statements_refused"] += 1
            if peer is not None:
                peer.walk.on_refused(id)
                peer.distrust(at=self._at)
        for statement in event.waiting:
            # Not held against the sender: it may be we who are behind.
            self._waiting.add(event.sender, statement)
        return []

    def _on_peers(self, peers: tuple[Peer, ...]) -> list[Effect]:
        """The complete list, each time: nobody is remembered who is not on it, nobody forgotten who is."""
        before, self._peers = self._peers, {}
        for peer in sorted(peers, key=lambda each: each.name):
            kid = key_id(peer.public)
            if kid == self._me or kid in self._peers:
                continue
            state = before.get(kid)
            if state is None:
                state = PeerState(peer, config=self._config, asked=self._asked, random=self._random, at=self._at)
            state.peer = peer
            self._peers[kid] = state
        for kid in before:
            if kid not in self._peers:
                self._guard.forget_peer(kid)
                self._waiting.forget_sender(kid)
        self._publics = {kid: state.peer.public for kid, state in self._peers.items()}
        return self._pump(self._peers.values())

    def _on_ticked(self) -> list[Effect]:
        for number, exchange in list(self._exchanges.items()):
            if exchange.until <= self._at:
                del self._exchanges[number]
                self._on_failed(exchange, "no answer")
        for id in [id for id, until in self._asked.items() if until <= self._at]:
            del self._asked[id]
        return self._pump(self._peers.values())


def _printable(data: bytes) -> str:
    """Another machine's words, short and without control characters."""
    text = data[:200].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text).strip()
