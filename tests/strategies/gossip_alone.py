"""One machine whose only peer, Bob, is played by the test.

alice = Alice()
alice.befriend()                   Bob is in her mesh
alice.hear(Push(...))              Bob posts a frame
alice.answer(Root(...))            Bob answers what she sent last
"""

from collections.abc import Callable
from hashlib import sha256
from random import Random

from accredit.gossip.machine import Machine
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import (
    Effect,
    FrameAnswered,
    FrameReceived,
    Peer,
    PeersChanged,
    PeerStatistics,
    Reply,
    Send,
    SendFailed,
    StatementsLogged,
    Ticked,
)
from accredit.gossip.protocol.wire import Beacon, Body, Graft, Root, decode_frame, encode_frame
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from tests.strategies.gossip_world import START, Ledger, seed_of, statement

CONFIG = GossipConfig()
ALICE, BOB = (Peer(name=name, url=f"https://{name}", public=public_of(seed_of(name))) for name in ("alice", "bob"))
BEACON = Beacon(root=bytes(32), count=0, size=0, time=START)


class Alice:
    """One machine whose only peer, Bob, is played by the test."""

    def __init__(self, config: GossipConfig = CONFIG) -> None:
        self.now = START
        self.ledger = Ledger()
        self.machine = Machine(signer=KeyPair(seed_of("alice")), held=self.ledger, random=Random(1), config=config)
        self.sent: list[Send] = []
        self.handle(PeersChanged(peers=(ALICE, BOB)))

    def handle(self, event: object) -> list[Effect]:
        effects = self.machine.handle(event, now=self.now)  # type: ignore[arg-type]
        self.sent += [effect for effect in effects if isinstance(effect, Send)]
        return effects

    def hear(self, body: Body, *, nonce: int = 0) -> list[Effect]:
        """Bob posts a frame."""
        data = self.by_bob(body, (nonce or len(self.sent) + self.now).to_bytes(16))
        return self.handle(FrameReceived(token=7, data=data))

    def by_bob(self, body: Body, nonce: bytes) -> bytes:
        return encode_frame(
            body, signer=KeyPair(seed_of("bob")), recipient=key_id(ALICE.public), time=self.now, nonce=nonce
        )

    def wait(self) -> list[Effect]:
        """Until the machine wants to be woken."""
        due = self.machine.next_wakeup()
        assert due is not None
        assert due >= self.now
        self.now = due
        return self.handle(Ticked())

    def asked(self) -> Body:
        """What Alice sent last."""
        return self.bodies()[-1]

    def bodies(self) -> list[Body]:
        """All that Alice sent."""
        limits = {"max_bytes": CONFIG.frame_bytes, "max_ids": CONFIG.announce_ids}
        return [decode_frame(send.data, **limits).body for send in self.sent]

    def has_sent_more_than(self, count: int) -> bool:
        return len(self.sent) > count

    def wait_until(self, condition: Callable[[], object]) -> int:
        """Lets time pass until something is so; how much that took, ms."""
        start = self.now
        for _ in range(2_000):
            if condition():
                return self.now - start
            self.wait()
        raise AssertionError("that never happened")

    def wait_for(self, kind: type) -> Body:
        """Until Alice sends one; grafts and beacons are answered on the way."""
        answered = 0
        for _ in range(60):
            if self.sent and isinstance(self.asked(), kind):
                return self.asked()
            if len(self.sent) > answered and isinstance(self.asked(), Graft | Beacon):
                answered = len(self.sent)
                self.answer(Graft() if isinstance(self.asked(), Graft) else BEACON)
            else:
                self.wait()
        raise AssertionError(f"no {kind.__name__} was sent")

    def spend(self, ms: int) -> list[Effect]:
        """Time passes, whether or not the machine wants to be woken."""
        self.now += ms
        return self.handle(Ticked())

    def last(self, kind: type) -> Send:
        """What Alice sent last of this kind."""
        return next(
            send for send, body in zip(reversed(self.sent), reversed(self.bodies()), strict=True) if type(body) is kind
        )

    def answer(self, body: Body, *, to: Send | None = None) -> list[Effect]:
        """Bob answers what Alice sent last, or this."""
        last = to or self.sent[-1]
        nonce = decode_frame(last.data, max_bytes=CONFIG.frame_bytes, max_ids=CONFIG.announce_ids).nonce
        self.now += 10
        return self.handle(FrameAnswered(exchange=last.exchange, status=200, data=self.by_bob(body, nonce)))

    def befriend(self) -> None:
        """Bob is in Alice's mesh, and nothing is under way."""
        self.wait_for(Graft)
        self.answer(Graft())

    def fail(self, reason: str = "lost") -> list[Effect]:
        """What Alice sent last got lost."""
        return self.handle(SendFailed(exchange=self.sent[-1].exchange, reason=reason))

    def bob(self) -> PeerStatistics:
        (peer,) = self.machine.statistics().peers
        return peer

    def log(self, *numbers: int, urgent: bool = False) -> list[Effect]:
        kind = "accreditation.status" if urgent else "issuer.register"
        return self.handle(
            StatementsLogged(statements=tuple(self.ledger.add(statement(n, kind=kind)) for n in numbers))
        )

    def counters(self) -> dict[str, int]:
        return dict(self.machine.statistics().counters)


def reply_of(effects: list[Effect]) -> Body:
    reply = effects[0]
    assert isinstance(reply, Reply)
    assert reply.token == 7
    return decode_frame(reply.data, max_bytes=CONFIG.frame_bytes, max_ids=CONFIG.announce_ids).body


def root_with(size: int) -> Root:
    return Root(root=sha256(b"bob's").digest(), count=size, size=size)
