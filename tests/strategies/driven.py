"""An engine driven by hand: the test plays the shell, with an in-memory log that may be slow or full."""

from collections.abc import Iterable
from random import Random

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import FrameAnswered, Ticked
from accredit.gossip.protocol.wire import Push, encode_frame
from accredit.node import engine as engine_module
from accredit.node.engine import (
    Append,
    Appended,
    AppendFailed,
    Changed,
    Effect,
    Engine,
    FrameArrived,
    KeepNote,
    NoteArrived,
    NoteStands,
    ReplyFrame,
    SendFrame,
    SubmissionReply,
    SubmissionResult,
    Submittable,
    Submitted,
    TellNote,
)
from accredit.node.engine.image import EngineImage
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.errors import StorageError
from accredit.registry.statement import Statement
from tests.strategies.consortium import Consortium
from tests.strategies.network import founded, node_seed

START = 1_700_000_000_300
FULL = StorageError("disk_full", "there is no room.", hint="Make some.")


class Driven:
    """An engine, the shell being played by the test: an in-memory log that may be slow or full."""

    def __init__(
        self, town: Consortium, name: str = "node1", log: Iterable[bytes] = (), base: EngineImage | None = None
    ) -> None:
        self.town = town
        self.now = START
        self.log = list(log)
        self.full = False
        self.slow = False
        self.checkpoint = b""
        self.engine = Engine(
            ecosystem=town.eco,
            name=name,
            peer_signer=KeyPair(node_seed(name, "peer")),
            state_signer=KeyPair(node_seed(name, "state")),
            random=Random(name),
            gossip=GossipConfig(),
            base=base,
        )
        self.appends: list[Append] = []
        self.replies: dict[int, tuple[SubmissionResult, ...]] = {}
        self.frames: dict[int, ReplyFrame] = {}
        self.sent: list[SendFrame] = []
        self.changes: list[Changed] = []
        self.notes: list[Effect] = []
        self._token = 0
        self.engine.load(self.log[self.engine.size :])
        self.perform(self.engine.settle(now=self.now))

    def handle(self, event: engine_module.Event) -> list[Effect]:
        effects = self.engine.handle(event, now=self.now)
        self.perform(effects)
        return effects

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Append():
                    self.appends.append(effect)
                    if not self.slow:
                        self.finish()
                case SubmissionReply():
                    self.replies[effect.token] = effect.results
                case ReplyFrame():
                    self.frames[effect.token] = effect
                case SendFrame():
                    self.sent.append(effect)
                case Changed():
                    self.changes.append(effect)
                case KeepNote() | NoteStands():
                    self.notes.append(effect)
                case TellNote():
                    self.notes.append(effect)
                    self.handle(NoteArrived(token=0, data=effect.data))

    def finish(self) -> None:
        """The append under way ends."""
        if self.full:
            self.handle(AppendFailed(error=FULL))
            return
        self.log += [each.raw for each in self.appends[-1].statements]
        self.handle(Appended(size=len(self.log), checkpoint=self.checkpoint))

    def submit(self, *statements: Submittable) -> int:
        self._token += 1
        said = tuple(each.raw if isinstance(each, Statement) else each for each in statements)
        self.handle(Submitted(token=self._token, said=said))
        return self._token

    def submitted(self, *statements: Submittable) -> list[str]:
        """Submits and waits for the tick; the statuses."""
        token = self.submit(*statements)
        self.wait()
        return [each.status for each in self.replies[token]]

    def wait(self, ms: int = 1_000) -> None:
        """Lets time pass, waking the engine exactly when it asks for it."""
        end = self.now + ms
        while (due := self.engine.next_wakeup()) is not None and due <= end:
            self.now = max(self.now, due)
            self.handle(Ticked())
        self.now = end


def pushed_by(name: str, node: Driven, *raws: bytes) -> FrameArrived:
    """A push of a peer to `node`."""
    data = encode_frame(
        Push(statements=raws, urgent=False),
        signer=KeyPair(node_seed(name, "peer")),
        recipient=key_id(public_of(node_seed(node.engine.name, "peer"))),
        time=node.now,
        nonce=node.now.to_bytes(16),
    )
    return FrameArrived(token=77, data=data)


def founded_node(*nodes: str) -> Driven:
    """A node that holds the genesis and its votes."""
    town = founded(*nodes)
    return Driven(town, log=[each.raw for each in town.said])


def connect(*nodes: Driven) -> None:
    """Carries frames between nodes until nobody has any to send."""
    by_name = {node.engine.name: node for node in nodes}
    while any(node.sent for node in nodes):
        for node in nodes:
            sending, node.sent = node.sent, []
            for send in sending:
                target = by_name[send.peer]
                target._token += 1
                target.handle(FrameArrived(token=target._token, data=send.data))
                answer = target.frames.pop(target._token)
                data = answer.data if answer.error is None else str(answer.error).encode()
                node.handle(FrameAnswered(exchange=send.exchange, status=answer.status, data=data))
