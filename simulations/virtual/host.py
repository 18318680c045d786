"""One simulated machine: a real `node.engine.Engine`, a disk, a wall clock that may be wrong, a place in the network.

The host carries out what the engine asks for: `Append` on its disk, frames and notes over the network. A crash ends
the engine, what waits in memory, and every exchange; a start makes a new engine that loads and verifies what the disk
holds.

A host's *conduct* stands between the engine and the network: an honest one lets everything pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final, Protocol, assert_never

from accredit.gossip.protocol.events import FrameAnswered, SendFailed, Ticked
from accredit.node.engine import (
    Append,
    Appended,
    AppendFailed,
    Changed,
    Effect,
    Engine,
    Event,
    FrameArrived,
    KeepConflict,
    KeepNote,
    NoteArrived,
    NoteStands,
    ReplyFrame,
    ReplyNote,
    SendFrame,
    SubmissionReply,
    Submitted,
    TellNote,
)
from accredit.node.engine.image import EngineImage
from accredit.node.engine.quorum_state import KeptNote, MemoryNotedMap
from accredit.registry.decision.query import Query
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import AccreditError, StorageError
from accredit.registry.evidence.prove import prove
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.merkle import MemoryHashes, leaf_hash, root
from accredit.registry.transparency.signed_note import sign_note
from accredit.registry.transparency.state_note import StateNote

from .checker import Checker
from .facts import Misconduct
from .physics.disk import Disk
from .physics.shared_list import SharedList
from .ports import Answer, PlainView, WorldView

REFUSED_MS: Final = 2
"""Least time after which a machine that is down refuses a connection; a round trip of the network at most."""

FrameReply = ReplyFrame | None
"""The answer to a frame; None: the node went down before it gave one."""

Respond = Callable[[FrameReply], None]
"""Is called with the answer to a frame."""


class GoverningView(Protocol):
    """The recorder of keys that contradict themselves: `governance_workload.GovernanceWorkload`."""

    def accuse(self, key: bytes, ids: tuple[bytes, ...] = ()) -> None: ...


class HostWorld(WorldView, Protocol):
    """The needs of these hosts, their adversaries and their verifiers from the world, besides `WorldView`."""

    founding_ids: tuple[bytes, ...]
    misconduct: list[Misconduct]

    @property
    def hosts(self) -> "Sequence[Host]": ...

    @property
    def honest(self) -> "Sequence[Host]": ...

    @property
    def image(self) -> EngineImage: ...

    @property
    def governing(self) -> GoverningView: ...

    @property
    def plain(self) -> PlainView | None: ...

    @property
    def metrics(self) -> Any: ...

    def host(self, name: str) -> "Host": ...

    def check(self, ask: Callable[[Checker], None]) -> None: ...

    def post_note(self, source: str, target: str, data: bytes) -> None: ...

    def deliver(self, source: str, target: str, data: bytes) -> None: ...

    def watch_misconduct(self) -> None: ...


class Conduct:
    """The behaviour of a host; this one is honest and lets everything pass. Adversaries (`byzantine`) have other
    conducts.

    A conduct stands between a host's engine and the network: `hears` or `refuses` what arrives, `says` what leaves (a
    frame of the host's own, which it may change and sign again, or keep back), `tells` a cosigned note to one peer,
    `answers` a verifier, and `begin` may act by itself.

    Attributes:
        is_honest: whether checkers hold the host to the rules.
        listens: whether it takes in arriving messages at all.
        relays: whether it passes on others' statements, in any way that `flood_baseline`'s plain push would notice.
    """

    is_honest = True
    listens = True

    def begin(self, host: "Host") -> None:
        """Act on the first start of the host."""

    def hears(self, host: "Host", data: bytes) -> bool:  # noqa: ARG002  # for those who do otherwise
        """Return whether to take in and answer a frame that arrived."""
        return self.listens

    def refuses(self, data: bytes) -> AccreditError | None:  # noqa: ARG002
        """Return why a received frame is refused before the engine sees it; None accepts it."""
        return None

    def says(self, data: bytes) -> bytes | None:
        """Return a frame of this host in the form to send; None withholds it."""
        return data

    def tells(self, host: "Host", peer: str, data: bytes) -> bytes | None:  # noqa: ARG002
        """Return a cosigned note of this host in the form to send to a peer; None withholds it."""
        return data

    def answers(self, host: "Host", query: Query) -> bytes | None:
        """Return the evidence for a verifier's question; None: no answer."""
        if (held := host.noted) is None:
            return None
        return prove(
            query,
            held,
            held.trie,
            statements_root=held.statements_root,
            note=held.note or b"",
            now=host.clock // 1_000,
            ecosystem_id=host.world.town.charter_id,
        ).encode()

    def passes_on(self, *, urgent: bool) -> bool:  # noqa: ARG002
        """Return whether it would relay a statement as a node of the plain baseline (`baseline`)."""
        return self.is_honest


class Host:
    """See the module.

    Attributes:
        engine: None while the machine is down.
        disk: the data that survive a crash.
        clock_error: ms that its wall clock is ahead.
        told: ids in the order in which the engine learned that they were stored; the node may have announced these.
        starts: how often the machine was started.
        conflicts: proofs of contradictions, kept on the disk.
        is_dialled: whether others can connect to it; one behind a firewall polls.
    """

    def __init__(self, world: "HostWorld", name: str, conduct: Conduct) -> None:
        self.world = world
        self.name = name
        self.conduct = conduct
        self.disk = Disk()
        self.engine: Engine | None = None
        self.clock_error = 0
        self.told: SharedList[bytes] = SharedList()
        self.starts = 0
        self.conflicts: list[bytes] = []
        self.is_dialled = True
        self._noted = MemoryNotedMap()
        self._kept: KeptNote | None = None
        self._signed: KeepNote | None = None
        self._random = world.timeline.stream(f"host {name}")
        self._wake_at = 0
        self._token = 0
        self._answers: dict[int, Answer] = {}
        self._frame_answers: dict[int, Respond] = {}

    def __repr__(self) -> str:
        return f"<host {self.name}{'' if self.is_up else ', down'}>"

    @property
    def is_up(self) -> bool:
        """Return whether the machine runs."""
        return self.engine is not None

    @property
    def is_honest(self) -> bool:
        """Return whether it follows the protocol."""
        return self.conduct.is_honest

    @property
    def noted(self) -> MemoryNotedMap | None:
        """Return the newest state with a quorum, its records and its map; None before the first or while it is down."""
        return None if self.engine is None or self._noted.note is None else self._noted

    @property
    def clock(self) -> int:
        """Return the time of its wall clock, ms since 1970."""
        return self.world.timeline.now + self.clock_error

    # -------------------------------------------------------------------------------------------- start and crash

    def start(self) -> None:
        """Start the machine from the content of its disk."""
        assert self.engine is None, "it runs already"
        world = self.world
        self.starts += 1
        entries = self.disk.entries
        # A notary that takes up what it had signed or seen noted needs the whole log: it derives those states anew.
        is_new = self._signed is None and self._kept is None
        base = world.image if entries.base and is_new else None
        engine = Engine(
            ecosystem=world.town.ecosystem,
            name=self.name,
            peer_signer=KeyPair(world.town.node_seed(self.name, "peer")),
            state_signer=KeyPair(world.town.node_seed(self.name, "state")),
            random=Random(self._random.getrandbits(256)),
            last=None if self._signed is None else self._signed.text,
            tick=world.settings.tick,
            base=base,
            gossip=world.settings.gossip if self.is_dialled else replace(world.settings.gossip, outbound_only=True),
        )
        engine.load([raw for _, raw in (entries if base is None else entries.own)])
        self.engine = engine
        self._note("start")
        signed = None if self._signed is None else (StateNote.decode(self._signed.text), self._signed.part)
        self._noted = MemoryNotedMap()  # in memory, made anew from what stands again
        self._perform(engine.settle(now=self.clock, signed=signed, noted=self._kept, conflicts=self.conflicts))
        world.check(lambda checker: checker.on_start(world, self))
        if self.starts > 1:  # what the crash left on the disk with nobody told of it
            world.metrics.on_logged(self, [id for id, _ in self.disk.entries[len(self.told) :]])
        self.told = SharedList(world.founding_ids if entries.base else (), [id for id, _ in entries.own])
        self._plan_wakeup()

    def crash(self) -> None:
        """Cut the power. Callers that wait for an answer do not get one."""
        if self.engine is None:
            return
        self.world.metrics.on_crash(self)
        self.engine = None
        self._wake_at = 0
        survived = self.disk.crash(self._random)
        self._note("crash, with an unsynced write kept" if survived else "crash")
        broken, self._frame_answers = self._frame_answers, {}
        for respond in broken.values():
            respond(None)
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            answer(None)

    # ---------------------------------------------------------------------------------------------- what comes in

    def submit(self, raws: Sequence[bytes], answer: Answer) -> None:
        """Submit statements as a client; call `answer` once."""
        if self.engine is None:
            answer(None)
            return
        token = self._next_token()
        self._answers[token] = answer
        self._note("submitted", b"".join(raws))
        self.handle(Submitted(token=token, said=tuple(raws)))

    def receive_frame(self, data: bytes, answer: Respond) -> None:
        """Receive a frame; call `answer` with the reply, at once or, for a poll, later."""
        assert self.engine is not None
        if (error := self.conduct.refuses(data)) is not None:
            answer(ReplyFrame(token=0, status=400, error=error))
            return
        token = self._next_token()
        self._frame_answers[token] = answer
        self._note("frame", data)
        self.handle(FrameArrived(token=token, data=data))

    def handle(self, event: Event) -> None:
        """Give the engine one event now, and carry out its effects."""
        assert self.engine is not None
        self._perform(self.engine.handle(event, now=self.clock))
        self._plan_wakeup()

    # --------------------------------------------------------------------------------------------------- effects

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case SendFrame():  # the commonest first
                    self._send(effect)
                case ReplyFrame():
                    if (respond := self._frame_answers.pop(effect.token, None)) is not None:
                        respond(effect)
                case Append():
                    self._append(effect)
                case SubmissionReply():
                    if (answer := self._answers.pop(effect.token, None)) is not None:
                        answer(effect.results)
                case KeepNote():
                    self._signed = effect  # its own file: synced before what follows
                    self.world.check(lambda checker, kept=effect: checker.on_signed(self.world, self, kept))  # type: ignore[misc]
                case TellNote():
                    self._tell(effect)
                case KeepConflict():
                    self.conflicts.append(effect.data)
                case NoteStands():
                    self._kept = effect.kept
                    self._noted.settle(
                        kept=effect.kept,
                        state=effect.state,
                        statements_root=effect.statements_root,
                        changed=effect.changed,
                        committed=effect.committed,
                    )
                    self.world.metrics.on_noted(self)
                    self.world.check(lambda checker, kept=effect.kept: checker.on_noted(self.world, self, kept))  # type: ignore[misc]
                case Changed() | ReplyNote():
                    pass  # for readers of the node, and for whoever posted a note: neither waits for it here
                case _:
                    assert_never(effect)

    def _append(self, effect: Append) -> None:
        start = self.starts
        try:
            wait = self.disk.write([(each.id, each.raw) for each in effect.statements])
        except StorageError as full:
            error = full
            self._later(1, "disk full", lambda: self.handle(AppendFailed(error=error)))
            return

        def synced() -> None:
            if self.starts != start or self.engine is None:
                return
            size = self.disk.sync()
            ids = [each.id for each in effect.statements]
            self._note("synced", b"".join(ids))
            self.told += ids
            self.world.metrics.on_logged(self, ids)
            self.world.check(lambda checker: checker.on_logged(self.world, self, effect.statements))
            self.handle(Appended(size=size, checkpoint=self._checkpoint()))

        self.world.timeline.after(wait, synced)

    def _checkpoint(self) -> bytes:
        """Return its signed checkpoint; empty if a scenario does not need it (`Settings.checkpoints`)."""
        if not self.world.settings.checkpoints:
            return b""
        tree = MemoryHashes()
        tree.append(leaf_hash(raw) for _, raw in self.disk.entries)
        checkpoint = Checkpoint(origin=self.name, size=len(tree), root=root(len(tree), tree))
        return sign_note(checkpoint.encode(), self.name, KeyPair(self.world.town.node_seed(self.name, "log")))

    def _later(self, ms: int, what: str, action: Callable[[], None]) -> None:
        """Plan an action only for this start of the machine."""
        start = self.starts

        def act() -> None:
            if self.starts == start and self.engine is not None:
                self._note(what)
                action()

        self.world.timeline.after(ms, act)

    def _tell(self, effect: TellNote) -> None:
        self.handle(NoteArrived(token=self._next_token(), data=effect.data))
        for peer in effect.peers:
            data = self.conduct.tells(self, peer.name, effect.data)
            if data is not None:
                self.world.post_note(self.name, peer.name, data)

    def receive_note(self, data: bytes) -> None:
        """Receive a cosigned state note."""
        if self.engine is not None and self.conduct.listens:
            self._note("note", data)
            self.handle(NoteArrived(token=self._next_token(), data=data))

    def _send(self, send: SendFrame) -> None:
        """Send a frame, and bring back its answer."""
        data = self.conduct.says(send.data)
        if data is None:
            self._fail_later(send.exchange, send.timeout, "kept back")
            return
        target = self.world.host(send.peer)
        if not target.is_dialled:
            self._fail_later(send.exchange, send.timeout, "behind a firewall")
            return
        arrivals = self.world.network.carry(self.name, send.peer, len(data))
        if not arrivals:
            self._fail_later(send.exchange, send.timeout, "timed out")
        for delay in arrivals:
            self.world.timeline.after(delay, self._delivery(target, send, data))

    def _delivery(self, target: "Host", send: SendFrame, data: bytes) -> Callable[[], None]:
        exchange, timeout = send.exchange, send.timeout
        start = self.starts
        sent_at = self.world.timeline.now

        def respond(reply: FrameReply) -> None:
            if reply is None:
                self._fail_later(exchange, REFUSED_MS, "connection broken", start)
                return
            answer = reply.data if reply.error is None else str(reply.error).encode()
            kept = target.conduct.says(answer) if reply.status == 200 else answer
            delays = [] if kept is None else self.world.network.carry(target.name, self.name, len(kept))
            if not delays:
                self._fail_later(exchange, sent_at + timeout - self.world.timeline.now, "timed out", start)
            else:  # of two copies the first counts
                event = FrameAnswered(exchange=exchange, status=reply.status, data=kept or b"")
                self.world.timeline.after(min(delays), lambda: self._happen(start, event, "answer", event.data))

        def deliver() -> None:
            now = self.world.timeline.now
            if target.engine is None:
                self._fail_later(exchange, REFUSED_MS + now - sent_at, "connection refused", start)
            elif not target.conduct.hears(target, data):
                self._fail_later(exchange, sent_at + timeout - now, "timed out", start)
            else:
                target.receive_frame(data, respond)

        return deliver

    def _fail_later(self, exchange: int, ms: int, reason: str, start: int | None = None) -> None:
        event = SendFailed(exchange=exchange, reason=reason)
        started = self.starts if start is None else start
        self.world.timeline.after(ms, lambda: self._happen(started, event, reason))

    def _happen(self, start: int, event: Event, what: str, data: bytes = b"") -> None:
        if self.starts == start and self.engine is not None:
            self._note(what, data)
            self.handle(event)

    def answer(self, query: Query) -> bytes | None:
        """Return the evidence for a verifier; None if the machine is down, or has no noted state."""
        if self.engine is None or not self.conduct.listens:
            return None
        try:
            return self.conduct.answers(self, query)
        except AccreditError as error:  # a node says no; a lie that cannot be written is no answer either
            if self.is_honest:
                self._note(f"no evidence: {error.code}")
            return None

    # ------------------------------------------------------------------------------------------------------ time

    def set_clock(self, error: int) -> None:
        """Set the wall clock `error` ms ahead."""
        self.clock_error = error
        self._note(f"clock {error:+}")
        self._wake_at = 0
        if self.engine is not None:
            self.handle(Ticked())

    def _plan_wakeup(self) -> None:
        if self.engine is None:
            return
        due = self.engine.next_wakeup()
        if due is None:
            return
        now = self.world.timeline.now
        at = max(now + 1, due - self.clock_error)
        if now < self._wake_at <= at:
            return
        self._wake_at = at
        start = self.starts

        def wake() -> None:
            if self._wake_at == at and self.starts == start and self.engine is not None:
                self._note("tick")
                self.handle(Ticked())

        self.world.timeline.at(at, wake)

    def _next_token(self) -> int:
        self._token += 1
        return self._token

    def _note(self, what: str, data: bytes = b"") -> None:
        self.world.timeline.trace.note(self.world.timeline.now, self.name, what, data)
