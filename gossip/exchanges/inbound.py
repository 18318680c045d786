"""Takes statements in: from a peer's frame into this node's log.

    frame  ->  copies recognised  ->  decoded  ->  the peer's backlog  ->  Submit  ->  logged
                                                                             |
                                                                             +-> refused, postponed, or waiting

* Repeated copies are the normal case, so they are recognised first: a logged statement by its bytes, an accepted one
  that is not logged yet by its id. An id counts as accepted only after it was judged, so that a bad copy does not block
  a good one.
* A peer's statements are judged as fast as its share of processor time allows, urgent ones first (`peer_score`).
* Announced statements are requested, from one peer at a time (`want_list`).
"""

from collections import Counter
from collections.abc import Iterable

from accredit.gossip.peers.peer import PeerState
from accredit.gossip.peers.peer_score import LocalHealth
from accredit.gossip.peers.peer_table import Circle
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import Held, Logged, StatementsJudged, Submit
from accredit.gossip.protocol.wire import Announce, Push, Request
from accredit.registry.errors import DecodeError
from accredit.registry.statement import Unverified, decode

from .want_list import Promises


class Orphans:
    """Statements that cannot be judged yet, because their key has not been introduced here.

    This node may be the one that is behind, so they are kept and judged again whenever a statement is accepted. Number
    and bytes are bounded for each sender, so that no peer can push out another's statements; the oldest of the same
    sender goes first. An evicted statement is forgotten completely, so it can be sent or fetched again.
    """

    def __init__(self, config: GossipConfig) -> None:
        self._config = config
        self._kept: dict[bytes, dict[bytes, Unverified]] = {}  # sender -> id -> statement, the oldest first
        self._bytes: dict[bytes, int] = {}
        self.evicted = 0

    def __len__(self) -> int:
        return sum(len(kept) for kept in self._kept.values())

    def add(self, sender: bytes, statement: Unverified) -> None:
        """Keep one statement; this may evict older ones of the same sender."""
        kept = self._kept.setdefault(sender, {})
        if statement.id in kept:
            return
        kept[statement.id] = statement
        self._bytes[sender] = self._bytes.get(sender, 0) + len(statement.raw)
        config = self._config
        while len(kept) > config.waiting_statements or self._bytes[sender] > config.waiting_bytes:
            oldest = kept.pop(next(iter(kept)))
            self._bytes[sender] -= len(oldest.raw)
            self.evicted += 1

    def take(self) -> list[tuple[bytes, tuple[Unverified, ...]]]:
        """Return and forget all kept statements, by sender, the oldest first."""
        taken = [(sender, tuple(kept.values())) for sender, kept in self._kept.items() if kept]
        self._kept.clear()
        self._bytes.clear()
        return taken

    def forget_sender(self, sender: bytes) -> None:
        """Drops what a peer no longer in force sent."""
        self._kept.pop(sender, None)
        self._bytes.pop(sender, None)


class Intake:
    """The intake of one node. Times are steady milliseconds.

    Attributes:
        waiting: statements of unknown keys.
        first_at: when a peer was last the first to send a statement.
    """

    def __init__(
        self, *, config: GossipConfig, held: Held, circle: Circle, health: LocalHealth, counters: Counter[str]
    ) -> None:
        self.waiting = Orphans(config)
        self.first_at = 0
        self._config = config
        self._held = held
        self._circle = circle
        self._health = health
        self._counters = counters
        self._promises = Promises()
        self._copies: dict[bytes, bytes] = {}  # logged statements, whole -> id
        self._arrived: dict[bytes, int] = {}  # id -> until: accepted from peers, on its way into the log

    def take(self, peer: PeerState, push: Push) -> tuple[list[bytes], bool]:
        """Return the ids of whole statements that a peer sent, and whether all were well-formed. New ones now wait."""
        ids: list[bytes] = []
        fresh: list[Unverified] = []
        is_good = True
        for raw in push.statements:
            id = self._copies.get(raw)
            if id is None:
                try:
                    statement = decode(raw)
                except DecodeError:
                    # The rest of the frame is not worth reading either.
                    self._counters["statements_malformed"] += 1
                    is_good = False
                    break
                id = statement.id
                if id not in self._held:
                    fresh.append(statement)
            ids.append(id)
            peer.outbox.mark_known(id)
            self._promises.came(id)
        self._count_duplicates(peer, len(ids) - len(fresh))
        peer.conduct.queue(fresh, is_urgent=push.urgent)
        return ids, is_good

    def submit(self, peer: PeerState, *, at: int) -> list[Submit]:
        """Submit the statements for which there is time; accepted ones are not judged again."""
        taken = peer.conduct.take(at=at)
        if not taken:
            return []
        fresh = tuple(each for each in taken if each.id not in self._arrived and each.id not in self._held)
        self._count_duplicates(peer, len(taken) - len(fresh))
        if not fresh:
            return []
        self._counters["statements_received"] += len(fresh)
        for _ in fresh:
            peer.conduct.first(at=at)
        self.first_at = at
        return [self._submitted(peer.kid, fresh, at)]

    def on_judged(self, event: StatementsJudged) -> None:
        """Take in the judgements; a statement that was not accepted may come again."""
        for id in (*event.refused, *event.postponed, *(each.id for each in event.waiting)):
            self._arrived.pop(id, None)
        if event.refused:
            self._counters["statements_refused"] += len(event.refused)
        for statement in event.waiting:
            # This is not held against the sender, because this node may be the one that is behind.
            self.waiting.add(event.sender, statement)

    def is_own(self, id: bytes) -> bool:
        """Return whether a statement that is about to be logged came from this node's own submitters."""
        return id not in self._arrived

    def on_logged(self, statement: Logged) -> None:
        """Take note that a statement is in the log."""
        raw = self._held.raw(statement.id)
        assert raw is not None, "what was logged is held"
        self._copies[raw] = statement.id
        if len(self._copies) > self._config.recent_statements:
            del self._copies[next(iter(self._copies))]
        self._promises.came(statement.id)
        self._arrived.pop(statement.id, None)

    def try_again(self, *, at: int) -> list[Submit]:
        """Submit the waiting statements again, because a new one was logged."""
        effects: list[Submit] = []
        for sender, statements in self.waiting.take():
            again = tuple(each for each in statements if each.id not in self._held)
            if again:
                effects.append(self._submitted(sender, again, at))
        return effects

    # ------------------------------------------------------------------------------------------------- promises

    def on_announced(self, peer: PeerState, body: Announce, *, at: int) -> None:
        """Request the statements that a peer announces and this node lacks."""
        missing: list[bytes] = []
        for id in body.ids:
            peer.outbox.mark_known(id)
            if id not in self._held and id not in self._arrived:
                missing.append(id)
        # The rest is announced again, or found by reconciliation; a promise covers only what can be delivered in time.
        wanted = self._promises.announced(peer.kid, missing[: self._config.request_ids], until=self._deadline(peer, at))
        if wanted:
            self._circle.ask(peer, Request(ids=wanted))

    def on_requested(self, peer: PeerState, request: Request, delivered: list[bytes], *, at: int) -> None:
        """Take in the answer to a request; it keeps the requested order, so it can only be short at its end."""
        came = dict.fromkeys(delivered)
        last = max((index for index, id in enumerate(request.ids) if id in came), default=len(request.ids) - 1)
        self.on_broken(peer, [id for id in request.ids[: last + 1] if id not in came], at=at)
        rest = self._promises.renewed(peer.kid, request.ids[last + 1 :], until=self._deadline(peer, at))
        if rest:
            self._circle.ask(peer, Request(ids=rest))

    def on_broken(self, peer: PeerState, ids: Iterable[bytes], *, at: int) -> None:
        """Strike a peer that did not deliver what it announced, and request it from the next one that announced it."""
        is_broken, instead = self._promises.broken(peer.kid, ids, until=self._deadline(peer, at))
        if is_broken:
            self.strike(peer, at=at)
        for kid, wanted in instead.items():
            self._circle.ask(self._circle.peer(kid, at=at), Request(ids=tuple(wanted)))

    def strike(self, peer: PeerState, *, at: int) -> None:
        """A peer broke a promise."""
        self._counters["promises_broken"] += 1
        peer.conduct.strike(at=at)

    def on_heartbeat(self, *, at: int) -> None:
        """Forget statements that did not reach the log, and find peers that did not deliver in time."""
        self._arrived = {id: until for id, until in self._arrived.items() if until > at}
        for kid, ids in self._promises.overdue(at=at).items():
            self.on_broken(self._circle.peer(kid, at=at), ids, at=at)

    def forget_peer(self, kid: bytes) -> None:
        """Drop what a node that is no longer in force sent and promised."""
        self.waiting.forget_sender(kid)
        self._promises.forget_peer(kid)

    def _submitted(self, sender: bytes, statements: tuple[Unverified, ...], at: int) -> Submit:
        if sender:
            self._arrived.update((each.id, at + self._config.arrived) for each in statements)
        return Submit(sender=sender, statements=statements)

    def _count_duplicates(self, peer: PeerState, many: int) -> None:
        peer.conduct.duplicates += many
        self._counters["statements_again"] += many

    def _deadline(self, peer: PeerState, at: int) -> int:
        """Return until when a promise made now must be kept; a polling peer first has to poll to hear the request."""
        patience = 0 if peer.line is None else self._config.poll_return
        return at + self._health.scale(self._config.promise) + patience
