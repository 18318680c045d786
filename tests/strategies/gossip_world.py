"""A fake wire between real gossip machines, in virtual time.

    world = World(seed=1, nodes=5)
    world.say(0, 10)                   ten statements at node 0
    world.run(seconds=5)
    world.check_same()

A node here is a `Machine` and a small ledger in the engine's place: it verifies signatures, knows a key once the
statement that introduces it is logged, and logs what it accepted a moment later; it keeps the conflicts that
prove themselves. Links delay, lose, duplicate and (by random delays) reorder; nodes go down and come back, and may be
behind a firewall. One heap of (time, number): the same seed gives the same run.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import count
from random import Random

from accredit.gossip.machine import Machine
from accredit.gossip.peers.roster import Roster
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import (
    Accuse,
    ConflictsFound,
    Effect,
    Event,
    FrameAnswered,
    FrameReceived,
    Heard,
    Logged,
    Peer,
    PeersChanged,
    Refuse,
    Reply,
    Send,
    SendFailed,
    StatementsJudged,
    StatementsLogged,
    Submit,
    Ticked,
)
from accredit.gossip.protocol.wire import Body, decode_frame
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.statement import Draft, Unverified, decode, encode_signed, verify
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import check, conflict_of_checkpoints
from accredit.registry.transparency.signed_note import KeyType, VerifierKey, sign_note

START = 1_700_000_000_000
ECOSYSTEM = sha256(b"ecosystem").digest()
AUTHORITY_SEED = sha256(b"authority").digest()


def seed_of(name: str) -> bytes:
    """The secret of a node or key, made from its name."""
    return sha256(name.encode()).digest()


def statement(
    seq: int, *, seed: bytes = AUTHORITY_SEED, kind: str = "issuer.register", body: dict[str, object] | None = None
) -> Unverified:
    """A signed statement, `seq` by the key of `seed`; its body is nobody's business here."""
    draft = Draft(
        iss="did:web:authority.example",
        sub=f"did:web:issuer{seq}.example",
        iat=START // 1_000 + seq,
        eco=ECOSYSTEM,
        kind=kind,
        seq=seq,
        prev=None if seq == 1 else sha256(b"%d" % seq).digest(),
        body=body or {"n": seq},
    )
    return decode(encode_signed(draft, KeyPair(seed)))


def checkpoint(log: str, size: int, *, root: str = "the tree") -> bytes:
    """A signed checkpoint of the log of that name."""
    text = Checkpoint(origin=log, size=size, root=sha256(root.encode()).digest()).encode()
    return sign_note(text, log, KeyPair(seed_of(log)))


def lie(log: str, size: int = 5) -> bytes:
    """The proof that a log signed two trees of one size."""
    key = VerifierKey(name=log, type=KeyType.ED25519, public=public_of(seed_of(log)))
    return conflict_of_checkpoints(checkpoint(log, size), checkpoint(log, size, root="another"), key).encode()


def forged(honest: Unverified) -> bytes:
    """The same statement with a signature that does not verify."""
    return honest.raw[:-1] + bytes([honest.raw[-1] ^ 1])


class Ledger:
    """What a node holds: `gossip.protocol.events.Held`."""

    def __init__(self) -> None:
        self.order: list[bytes] = []
        self.raws: dict[bytes, bytes] = {}
        self.times: list[tuple[int, bytes]] = []
        self.kept: list[bytes] = []  # conflicts
        self.shown: list[bytes] = []  # signed notes
        self._root: tuple[int, bytes] = (-1, b"")

    def __contains__(self, id: object) -> bool:
        return id in self.raws

    def size(self) -> int:
        return len(self.order)

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        return self.order[start:stop]

    def items(self) -> Sequence[tuple[int, bytes]]:
        return self.times

    def raw(self, id: bytes) -> bytes | None:
        return self.raws.get(id)

    def root(self) -> tuple[bytes, int]:
        if self._root[0] != len(self.order):
            self._root = (len(self.order), sha256(b"".join(sorted(self.order))).digest())
        return self._root[1], len(self.order)

    def conflicts(self) -> Sequence[bytes]:
        return self.kept

    def notes(self) -> Sequence[bytes]:
        return self.shown

    def add(self, each: Unverified) -> Logged:
        self.order.append(each.id)
        self.times.append((each.iat, each.id))
        self.raws[each.id] = each.raw
        return Logged(id=each.id, index=len(self.order) - 1, urgent=each.kind.endswith(".status"))


@dataclass
class Node:
    """One node of the world."""

    name: str
    machine: Machine
    ledger: Ledger
    publics: dict[bytes, bytes]
    operator: str = ""
    down: bool = False
    clock_error: int = 0  # ms
    is_firewalled: bool = False
    heard: list[Heard] = field(default_factory=list)
    checked: int = 0  # conflicts
    accused: dict[bytes, None] = field(default_factory=dict)  # public keys
    waiting: dict[int, Callable[[Reply | Refuse], None]] = field(default_factory=dict)  # by token
    pending: dict[bytes, Unverified] = field(default_factory=dict)

    @property
    def peer(self) -> Peer:
        return Peer(name=self.name, url=f"https://{self.name}", public=self.public, operator=self.operator)

    @cached_property
    def public(self) -> bytes:
        return public_of(seed_of(self.name))

    @property
    def kid(self) -> bytes:
        return key_id(self.public)


class World:
    """Nodes, links and time.

    Attributes:
        loss, duplication: probability for each direction of an exchange.
        delay: of a frame one way, ms, from and to.
        fail_delay: until a frame that did not arrive is known not to have, ms.
        log_delay: from acceptance to the log, ms.
        sent: frames that left, and when and whose they were.
        cut: pairs of names between which nothing passes; directed.
        mute: names of nodes that take and answer everything, and pass no statement on.
    """

    def __init__(
        self, *, nodes: int, seed: int = 1, config: GossipConfig | None = None, firewalled: Sequence[int] = ()
    ) -> None:
        self.random = Random(seed)
        self.now = START
        self.loss = 0.0
        self.duplication = 0.0
        self.delay = (20, 80)
        self.log_delay = 50
        self.fail_delay = 5_000
        self.cut: set[tuple[str, str]] = set()
        self.mute: set[str] = set()
        self.frames = 0
        self.sent: list[tuple[int, str, Send]] = []
        self.trace = sha256()
        self._config = config
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._next_seq = count(1)
        self._tokens = count(1)
        self._ticks: dict[str, int] = {}
        self.nodes = [self.make(f"node{number}", is_firewalled=number in firewalled) for number in range(nodes)]
        self.introduce()

    def make(self, name: str, *, is_firewalled: bool = False) -> Node:
        """A node that nobody knows yet."""
        ledger, public = Ledger(), public_of(AUTHORITY_SEED)
        return Node(
            name=name,
            machine=self._machine(name, ledger, is_firewalled),
            ledger=ledger,
            publics={key_id(public): public},
            is_firewalled=is_firewalled,
        )

    def restart(self, node: Node) -> None:
        """Its memory is gone, its log is not; nobody whom it owed an answer gets one."""
        node.machine = self._machine(node.name, node.ledger, node.is_firewalled)
        node.waiting.clear()
        self.handle(node, PeersChanged(peers=Roster(each.peer for each in self.nodes)))

    def _machine(self, name: str, ledger: Ledger, is_firewalled: bool) -> Machine:
        rng = Random(self.random.getrandbits(64))
        config = replace(self._config or GossipConfig(), outbound_only=is_firewalled)
        return Machine(signer=KeyPair(seed_of(name)), held=ledger, random=rng, config=config)

    def introduce(self) -> None:
        """Tells every node of all nodes, itself included."""
        peers = Roster(node.peer for node in self.nodes)
        for node in self.nodes:
            self.handle(node, PeersChanged(peers=peers))

    def say(self, at: int, many: int = 1, *, urgent: bool = False) -> list[Unverified]:
        """New statements, submitted at node number `at`."""
        kind = "accreditation.status" if urgent else "issuer.register"
        said = [statement(next(self._next_seq), kind=kind) for _ in range(many)]
        self.submit(self.nodes[at], said)
        return said

    def submit(self, node: Node, statements: Sequence[Unverified]) -> None:
        """Statements at a node, as if by its own submitters."""
        self._judge(node, Submit(sender=b"", statements=tuple(statements)))

    def accuse(self, at: int, *conflicts: bytes) -> None:
        """Somebody shows conflicts to node number `at`."""
        self._check(self.nodes[at], conflicts)

    def run(self, *, seconds: float) -> None:
        """Lets time pass."""
        end = self.now + int(seconds * 1_000)
        while self._heap and self._heap[0][0] <= end:
            self.now, _, action = heapq.heappop(self._heap)
            action()
        self.now = end

    def check_same(self) -> None:
        """Every node that is up holds the same set, in whatever order."""
        sets = [sorted(node.ledger.order) for node in self.nodes if not node.down]
        assert all(each == sets[0] for each in sets), [len(each) for each in sets]

    def counters(self, node: Node) -> dict[str, int]:
        return dict(node.machine.statistics().counters)

    def said(self, node: Node, kind: type[Body], *, since: int = 0) -> list[tuple[int, str]]:
        """When and to whom a node sent frames of this kind."""
        own = [(time, send) for time, name, send in self.sent if name == node.name and time >= since]
        bodies = [decode_frame(send.data, max_bytes=2**24, max_ids=10**6).body for _, send in own]
        return [(time, send.peer) for (time, send), body in zip(own, bodies, strict=True) if type(body) is kind]

    def total(self, counter: str) -> int:
        """A counter, summed over all nodes."""
        return sum(self.counters(node).get(counter, 0) for node in self.nodes)

    def handle(self, node: Node, event: Event) -> list[Effect]:
        """One event, now; carries out what follows and returns the effects."""
        effects = node.machine.handle(event, now=self.now + node.clock_error)
        for effect in effects:
            match effect:
                case Send():
                    self._send(node, effect)
                case Submit():
                    self._judge(node, effect)
                case Reply() | Refuse():
                    if (respond := node.waiting.pop(effect.token, None)) is not None:
                        respond(effect)
                case Accuse():
                    self._check(node, effect.conflicts)
                case Heard():
                    node.heard.append(effect)
        self._plan_tick(node)
        return effects

    def at(self, time: int, action: Callable[[], None]) -> None:
        """Plans an action."""
        heapq.heappush(self._heap, (time, next(self._order), action))

    def _plan_tick(self, node: Node) -> None:
        due = node.machine.next_wakeup()
        if due is None or node.down:
            return
        due = max(self.now + 1, due - node.clock_error)
        if self.now < self._ticks.get(node.name, 0) <= due:
            return
        self._ticks[node.name] = due

        def tick() -> None:
            if self._ticks.get(node.name) == due and not node.down:
                self.handle(node, Ticked())

        self.at(due, tick)

    def _send(self, node: Node, send: Send) -> None:
        self.frames += 1
        self.sent.append((self.now, node.name, send))
        self.trace.update(self.now.to_bytes(8) + send.data)
        target = next((each for each in self.nodes if each.name == send.peer), None)
        for _ in range(2 if self.random.random() < self.duplication else 1):
            if target is None or self._is_lost(node.name, send.peer):
                self._fail(node, send)
            else:
                self.at(self.now + self._delay(), self._delivery(node, target, send))

    def _delivery(self, node: Node, target: Node, send: Send) -> Callable[[], None]:
        def deliver() -> None:
            if target.down:
                self._fail(node, send)
                return
            token = next(self._tokens)
            target.waiting[token] = respond
            self.handle(target, FrameReceived(token=token, data=send.data))

        def respond(answer: Reply | Refuse) -> None:
            if isinstance(answer, Reply):
                status, data = 200, answer.data
            else:
                status, data = answer.status, str(answer.error).encode()
            if self._is_lost(send.peer, node.name, is_answer=True):
                self._fail(node, send)
            else:
                event = FrameAnswered(exchange=send.exchange, status=status, data=data)
                self.at(self.now + self._delay(), lambda: self._happen(node, event))

        return deliver

    def _happen(self, node: Node, event: Event) -> None:
        if not node.down:
            self.handle(node, event)

    def _fail(self, node: Node, send: Send) -> None:
        event = SendFailed(exchange=send.exchange, reason="timed out")
        self.at(self.now + self.fail_delay, lambda: self._happen(node, event))

    def _is_lost(self, source: str, target: str, *, is_answer: bool = False) -> bool:
        is_blocked = not is_answer and any(node.is_firewalled for node in self.nodes if node.name == target)
        return is_blocked or (source, target) in self.cut or self.random.random() < self.loss

    def _delay(self) -> int:
        return self.random.randint(*self.delay)

    def _check(self, node: Node, conflicts: Sequence[bytes]) -> None:
        """Keeps those that prove something new."""
        found: list[bytes] = []
        for conflict in conflicts:
            node.checked += 1
            try:
                public = check(conflict).key.public
            except (DecodeError, RefusedError):
                continue
            if public not in node.accused:
                node.accused[public] = None
                found.append(conflict)
        node.ledger.kept += found
        if found:
            self.handle(node, ConflictsFound(conflicts=tuple(found)))

    def _judge(self, node: Node, submit: Submit) -> None:
        refused: list[bytes] = []
        waiting: list[Unverified] = []
        for each in submit.statements:
            public = node.publics.get(each.kid)
            if public is None:
                waiting.append(each)
                continue
            try:
                verify(each, public)
            except RefusedError:
                refused.append(each.id)
                continue
            if each.kind == "key.add":
                introduced: bytes = each.body["public"]
                node.publics[key_id(introduced)] = introduced
            if each.id not in node.ledger and each.id not in node.pending:
                if not node.pending:
                    self.at(self.now + self.log_delay, lambda: self._log(node))
                node.pending[each.id] = each
        if refused or waiting:
            judged = StatementsJudged(sender=submit.sender, refused=tuple(refused), waiting=tuple(waiting))
            self.handle(node, judged)

    def _log(self, node: Node) -> None:
        logged = tuple(node.ledger.add(each) for each in node.pending.values())
        node.pending.clear()
        if node.name not in self.mute:
            self.handle(node, StatementsLogged(statements=logged))
