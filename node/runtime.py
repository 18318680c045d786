"""The trio shell around the engine: time, threads, storage and connections of one running node.

    runtime = await Runtime.open(store=store, head=head, keys=keys, peers=Peers(), clock=SystemClock())
    await nursery.start(runtime.run)
    results = await runtime.submit([raw])             returns once they are in the log, under a signed checkpoint
    answer = await runtime.gossip(frame)
    await runtime.note(cosigned)                      another node's cosignature of a state
    await runtime.stop()

* **One thread of control.** Every event goes through `Engine.handle` in the trio thread; what waits (disk, network) is
  done by tasks that come back with an event. The fold may be read between two awaits and is whole then.
* **Order of an append.** Statements durable -> root recomputed and compared -> head recorded durably, apart from the
  database -> checkpoint signed -> checkpoint durable -> folded, pushed, answered. Killed anywhere in between, the node
  signs what is stored when it starts again, and never two trees of one size.
* **State notes.** What this node cosigned last is durable, apart from the database (`heads.SignedState`), before
  anybody is told of it; a restart derives it anew and goes on from there, or does not start. The newest note with a
  quorum is stored too, with its records (`noting`), so that a node which starts again has it at once. To each other
  node one request is under way at a time, and only the newest note waits behind it; what does not arrive is counted
  and nobody's problem.
* **Blocking work** goes through one seam, `run_blocking`: a worker thread here, inline in simulations.
* **A full disk** before the statements are stored is the submitters' answer; after that, signing is tried until there
  is room. Whatever else goes wrong with storage ends `run`: a person must look.

What it does not do: HTTP (`server`), the choice of files (`cli`).
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from hashlib import sha256
from random import Random, SystemRandom
from typing import Final, Protocol, TypeVar, assert_never

import trio

from gossip.config import GossipConfig
from gossip.events import FrameAnswered, Peer, SendFailed, Statistics, Ticked
from governance.fold import Fold
from registry.checkpoint import Checkpoint
from registry.encoding import encode as encode_cbor
from registry.errors import AccreditError, DecodeError, RemoteError, StorageError
from registry.log import Frontier
from registry.merkle import leaf_hash
from registry.note import NOTE_BYTES_MAX, Note, sign_note
from registry.state_note import StateNote
from registry.statement import Statement

from .clock import Clock
from .engine import (
    TICK,
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
    Reply,
    ReplyFrame,
    ReplyNote,
    Result,
    SendFrame,
    Submitted,
    TellNote,
)
from .heads import SignedHead, SignedState
from .keyfile import NodeKeys
from .notary import Notary
from .noted import KEPT_NOTE, KeptNote, NotedMap
from .noted_store import NotedStore
from .noting import Noting
from .observe import event as log_event
from .store import Change, Store

T = TypeVar("T")

LOAD_BATCH: Final = 1_024
"""Entries read and verified in one turn of a worker thread at the start: some 0.1 s."""

STOP_SECONDS: Final = 5.0
"""How long a stop waits for those whose statements are pending: a few ticks."""

RETRY_SECONDS: Final = (1.0, 60.0)
"""First and longest pause between attempts to sign on a full disk, doubling. A guess: an operator's minute."""

NOTE_PATH: Final = "/v1/cosignatures"
NOTE_TYPE: Final = "application/cbor"
_NOTE_ANSWER_BYTES: Final = NOTE_BYTES_MAX  # a note, or a problem
_DISAGREES: Final = ("known_statement", "tree_damaged")  # engine and store tell two stories: not for submitters to hear

_log = logging.getLogger(__name__)


class RunBlocking(Protocol):
    """Runs a function that blocks, somewhere it may."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


async def in_thread(work: Callable[[], T]) -> T:
    """The seam in production: a worker thread; not abandoned when cancelled, so that nothing is half done."""
    return await trio.to_thread.run_sync(work)


class Transport(Protocol):
    """What carries frames to peers: `peers.Peers`, or the simulator's links."""

    async def post(
        self, peer: str, url: str, data: bytes, *, max_bytes: int, media_type: str = "application/cose"
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises: RemoteError: there was none."""
        ...


_Job = Append | Changed | KeepNote | TellNote | NoteStands | KeepConflict
"""What is done one after the other, in the order in which the engine asked for it."""


class _Slot:
    """Where one submitter waits."""

    def __init__(self) -> None:
        self.done = trio.Event()
        self.results: tuple[Result, ...] | None = None


class Runtime:
    """One running node; made by `open`.

    Attributes:
        noted: the newest noted state, its records and its map; to be read only.
        notes_undelivered: how many cosigned notes another node did not take.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        head: SignedHead,
        state: SignedState,
        log_seed: bytes,
        peers: Transport,
        clock: Clock,
        gossip: GossipConfig,
        run_blocking: RunBlocking,
    ) -> None:
        self.engine = engine
        self._noting = Noting(NotedStore(store), run_blocking)
        self.noted: NotedMap = self._noting.noted
        self.store = store
        self._head = head
        self._state = state
        self._log_seed = log_seed
        self._peers = peers
        self._clock = clock
        self._frame_bytes = gossip.frame_bytes
        self._run_blocking = run_blocking
        self._frontier = Frontier()
        self._unfed: list[Change] = []
        self._effects: list[Effect] = []
        self._slots: dict[int, _Slot] = {}
        self._frames: dict[int, ReplyFrame] = {}
        self._notes: dict[int, ReplyNote] = {}
        self._is_kept = False  # whether the last state cosigned is durable, so that others may be told
        self._telling: dict[str, bytes | None] = {}  # by peer: what waits behind the request under way
        self.notes_undelivered = 0
        self._token = 0
        self._nursery: trio.Nursery | None = None
        self._stopping = False
        self._woken = trio.Event()
        self._planned: int | None = None
        self._send_job, self._jobs = trio.open_memory_channel[_Job](0x10000)

    @classmethod
    async def open(
        cls,
        *,
        store: Store,
        head: SignedHead,
        state: SignedState,
        keys: NodeKeys,
        peers: Transport,
        clock: Clock,
        random: Random | None = None,
        tick: int = TICK,
        gossip: GossipConfig | None = None,
        run_blocking: RunBlocking = in_thread,
        progress: Callable[[int, int], None] | None = None,
    ) -> "Runtime":
        """Verifies and folds the stored log, and signs it if that is still to be done.

        Args:
            head, state: what was signed last, log and state, kept apart from the database.
            tick: between two appends, ms.
            progress: called with entries done and entries in all.

        Raises:
            StorageError: `log_rolled_back`, `log_forked`: a backup was restored. `head_missing`: what stops that is
                gone; `state_missing` likewise. `log_inadmissible`, `tree_damaged`, `state_damaged`: the database was
                changed. Or it cannot be read or written.
        """
        assert keys.name == store.origin, "one node has one name"
        config = gossip or GossipConfig()
        engine = Engine(
            ecosystem=store.ecosystem,
            name=keys.name,
            peer_seed=keys.peer,
            state_seed=keys.state,
            last=None if state.last is None else state.last[0].encode(),
            random=random or SystemRandom(),
            tick=tick,
            gossip=config,
        )
        runtime = cls(
            engine=engine,
            store=store,
            head=head,
            state=state,
            log_seed=keys.log,
            peers=peers,
            clock=clock,
            gossip=config,
            run_blocking=run_blocking,
        )
        await runtime._start(progress or (lambda _done, _size: None))
        return runtime

    @property
    def fold(self) -> Fold:
        """Records and standings; to be read only, and not across an await."""
        return self.engine.fold

    @property
    def notary(self) -> Notary:
        """Which state a quorum stands by; to be read only."""
        return self.engine.notary

    @property
    def is_stopping(self) -> bool:
        """Whether new submissions are refused because the node shuts down."""
        return self._stopping

    def statistics(self) -> Statistics:
        """What gossip has seen."""
        return self.engine.statistics()

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Runs what blocks through this node's one seam."""
        return await self._run_blocking(work)

    # ----------------------------------------------------------------------------------------------------- doors

    async def submit(self, raws: Sequence[bytes]) -> tuple[Result, ...]:
        """Takes statements in; returns once those accepted are in the log, under a signed checkpoint.

        Raises:
            RemoteError: `not_ready`: the node shuts down.
        """
        if self._stopping or self._nursery is None:
            raise _not_ready()
        self._token += 1
        token, slot = self._token, _Slot()
        self._slots[token] = slot
        try:
            self.handle(Submitted(token=token, raws=tuple(raws)))
            await slot.done.wait()
        finally:
            self._slots.pop(token, None)
        if slot.results is None:
            raise _not_ready()
        return slot.results

    async def gossip(self, frame: bytes) -> ReplyFrame:
        """A peer's frame: the answering frame, or the error and its status. Never waits."""
        if self._stopping or self._nursery is None:
            return ReplyFrame(token=0, status=503, error=_not_ready())
        self._token += 1
        self.handle(FrameArrived(token=self._token, data=frame))
        return self._frames.pop(self._token)

    async def note(self, data: bytes) -> bytes:
        """Another node's cosignature of a state; the newest note that a quorum stands by, if any. Never waits.

        Raises:
            InputError: it is none, or of nobody who may.
            NotYetError: no charter is in effect here yet.
            RemoteError: `not_ready`: the node shuts down.
        """
        if self._stopping or self._nursery is None:
            raise _not_ready()
        self._token += 1
        self.handle(NoteArrived(token=self._token, data=data))
        reply = self._notes.pop(self._token)
        if reply.error is not None:
            raise reply.error
        return self.notary.noted.note or b""

    def handle(self, event: Event) -> None:
        """One event into the engine, now; starts what it asks for."""
        self._perform(self.engine.handle(event, now=self._now()))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs the node until `stop`, or until storage fails in a way that a person must look at."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._work)
                nursery.start_soon(self._keep_time)
                effects, self._effects = self._effects, []
                self._perform(effects)
                task_status.started()
        finally:
            self._stopping, self._nursery = True, None
            for slot in self._slots.values():
                slot.done.set()

    async def stop(self) -> None:
        """Takes nothing new, lets those who wait for the next append have their answer, then ends `run`."""
        self._stopping = True
        with trio.move_on_after(STOP_SECONDS):
            for slot in list(self._slots.values()):
                await slot.done.wait()
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    # --------------------------------------------------------------------------------------------------- effects

    def _perform(self, effects: Sequence[Effect]) -> None:
        nursery = self._nursery
        assert nursery is not None, "the node runs"
        for effect in effects:
            match effect:
                case Append() | Changed() | KeepNote() | TellNote() | KeepConflict():
                    self._send_job.send_nowait(effect)
                case NoteStands():
                    if self._noting.take(effect):
                        self._send_job.send_nowait(effect)
                case SendFrame():
                    nursery.start_soon(self._send, effect)
                case ReplyFrame():
                    self._frames[effect.token] = effect
                case ReplyNote():
                    self._notes[effect.token] = effect
                case Reply():
                    self._reply(effect)
                case _:
                    assert_never(effect)
        due = self.engine.next_wakeup()
        if due is not None and (self._planned is None or due < self._planned):
            self._woken.set()

    def _reply(self, reply: Reply) -> None:
        slot = self._slots.get(reply.token)
        if slot is None:  # whoever submitted them has hung up
            return
        slot.results = reply.results
        slot.done.set()

    async def _keep_time(self) -> None:
        while True:
            self._woken = trio.Event()
            self._planned = self.engine.next_wakeup()
            if self._planned is None:
                await self._woken.wait()
                continue
            with trio.move_on_after(max(0, self._planned - self._now()) / 1_000):
                await self._woken.wait()
            if self._now() >= self._planned:
                self.handle(Ticked())

    async def _send(self, send: SendFrame) -> None:
        try:
            status, data = await self._peers.post(
                send.peer, f"{send.url.rstrip('/')}/gossip", send.data, max_bytes=self._frame_bytes
            )
        except RemoteError as error:
            self.handle(SendFailed(exchange=send.exchange, reason=error.message))
        else:
            self.handle(FrameAnswered(exchange=send.exchange, status=status, data=data))

    def _tell(self, told: TellNote) -> None:
        assert self._nursery is not None, "the node runs"
        if not self._is_kept:
            return  # the notary tells again, and asks to keep it again before
        for peer in told.peers:
            if peer.name not in self._telling:
                self._nursery.start_soon(self._tell_one, peer)
            self._telling[peer.name] = told.data
        self._hear(told.data)

    async def _tell_one(self, peer: Peer) -> None:
        """Posts what waits for a peer, until nothing does. Connections of their own: gossip must not wait for them."""
        while (data := self._telling[peer.name]) is not None:
            self._telling[peer.name] = None
            url = f"{peer.url.rstrip('/')}{NOTE_PATH}"
            try:
                status, answer = await self._peers.post(
                    f"{peer.name} notes", url, data, max_bytes=_NOTE_ANSWER_BYTES, media_type=NOTE_TYPE
                )
            except RemoteError:
                status, answer = 0, b""
            self.notes_undelivered += status // 100 != 2
            own = self.notary.noted.state
            if status // 100 == 2 and answer and (own is None or not answer.startswith(own.encode().encode())):
                self._hear(encode_cbor({1: answer}))  # its newest note: so one that was cut off catches up at once
        del self._telling[peer.name]

    def _hear(self, data: bytes) -> None:
        """Takes in a note that nobody waits for an answer to."""
        self.handle(NoteArrived(token=0, data=data))
        self._notes.pop(0)

    # --------------------------------------------------------------------------------------------------- storage

    async def _work(self) -> None:
        async for job in self._jobs:
            match job:
                case Append():
                    await self._append(job.statements)
                case Changed():
                    await self._feed(job)
                case KeepNote():
                    await self._keep(job)
                case TellNote():
                    self._tell(job)
                case NoteStands():
                    await self._noting.store()
                case KeepConflict():
                    await self._keep_conflict(job.data)
                case _:
                    assert_never(job)

    async def _append(self, statements: Sequence[Statement]) -> None:
        raws = [(each.id, each.raw) for each in statements]
        try:
            size, root = await self._run_blocking(partial(self.store.append, raws))
        except StorageError as error:
            if error.code in _DISAGREES:
                raise
            log_event(_log, logging.ERROR, "append failed", code=error.code, reason=str(error))
            self.handle(AppendFailed(error=error))
            return
        self._frontier = self._frontier.extend(leaf_hash(raw) for _, raw in raws)
        checkpoint = await self._sign(size, root)
        self.handle(Appended(size=size, checkpoint=checkpoint))

    async def _sign(self, size: int, root: bytes) -> bytes:
        """Signs the log as it is stored, as soon as the disk has room for it; the signed checkpoint."""
        pause, longest = RETRY_SECONDS
        while True:
            try:
                return await self._run_blocking(partial(self._sign_once, size, root))
            except StorageError as error:
                if error.code != "disk_full":
                    raise
                log_event(_log, logging.ERROR, "checkpoint not signed", code=error.code, reason=str(error))
            await trio.sleep(pause)
            pause = min(longest, 2 * pause)

    def _sign_once(self, size: int, root: bytes) -> bytes:
        if (self._frontier.size, self._frontier.root()) != (size, root):
            raise StorageError(
                "tree_damaged",
                f"The database says that the log of {size} entries has another root than its entries lead to.",
                hint="Run `accredit node audit`; nothing was signed.",
            )
        self._head.check_may_sign(size, root, self.store.root)
        self._head.record(size, root)
        origin = self.store.origin
        note = sign_note(Checkpoint(origin=origin, size=size, root=root).encode(), origin, self._log_seed)
        self.store.set_checkpoint(size, note.decode())
        return note

    async def _feed(self, changed: Changed) -> None:
        """Continues the feed. What finds no room on the disk goes with the next changes, or after a restart."""
        self._unfed += [
            Change(time=changed.time, statement=each.id, kind=each.kind, sub=each.sub, change=word)
            for word, statements in (("took_effect", changed.took_effect), ("ceased", changed.ceased))
            for each in statements
        ]
        try:
            await self._run_blocking(partial(self.store.add_changes, list(self._unfed), size=changed.size))
        except StorageError as error:
            log_event(_log, logging.ERROR, "changes not fed", code=error.code, reason=str(error))
        else:
            self._unfed.clear()

    async def _keep(self, keep: KeepNote) -> None:
        """Makes the last state cosigned durable. Without room nobody is told of it."""
        self._is_kept = False
        try:
            await self._run_blocking(partial(self._state.record, StateNote.decode(keep.text), keep.part))
        except StorageError as error:
            if error.code != "disk_full":
                raise
            log_event(_log, logging.ERROR, "state not cosigned", code=error.code, reason=str(error))
        else:
            self._is_kept = True

    async def _keep_conflict(self, data: bytes) -> None:
        """Keeps a proof that somebody lied. What finds no room comes again with the next peer that has it."""
        try:
            await self._run_blocking(lambda: self.store.swap(f"conflict/{sha256(data).hexdigest()}", None, data))
        except StorageError as error:
            log_event(_log, logging.ERROR, "conflict not kept", code=error.code, reason=str(error))

    async def _stored_note(self) -> KeptNote | None:
        stored = await self._run_blocking(partial(self.store.kept, KEPT_NOTE))
        if stored is None:
            return None
        try:
            kept = KeptNote.decode(stored)
        except DecodeError as error:
            raise StorageError(
                "state_damaged",
                f"The stored state note cannot be read: {error.message}",
                hint="Run `accredit node audit` and look at the disk.",
            ) from error
        cosigned = any(line.name == self.engine.name for line in Note.decode(kept.note).signatures)
        self._state.check_covers(kept.state.count if cosigned else 0)
        return kept

    async def _start(self, progress: Callable[[int, int], None]) -> None:
        size, root = await self._run_blocking(self.store.head)
        signed = await self._run_blocking(self.store.checkpoint)
        self._head.check_covers(signed[0] if signed else 0)
        await self._run_blocking(partial(self._head.check_may_sign, size, root, self.store.root))
        # What the feed covers is folded without feeding it again; the rest, if we were killed, is fed now.
        fed = await self._run_blocking(self.store.changes_size)
        noted = await self._stored_note()
        await self._load(0, fed, size, progress)
        if fed:
            await self._run_blocking(self.fold.settle)
        await self._load(fed, size, size, progress)
        settle = partial(self.engine.settle, now=self._now(), signed=self._state.last, noted=noted)
        self._effects = await self._noting.resume(await self._run_blocking(settle))
        if size and (signed is None or signed[0] != size):
            await self._sign(size, root)
        log_event(_log, logging.INFO, "log loaded", size=size)

    async def _load(self, start: int, stop: int, size: int, progress: Callable[[int, int], None]) -> None:
        while start < stop:
            end = min(start + LOAD_BATCH, stop)
            await self._run_blocking(partial(self._load_batch, start, end))
            start = end
            progress(start, size)

    def _load_batch(self, start: int, stop: int) -> None:
        entries = self.store.entries(start, stop)
        self.engine.load(entries)
        self._frontier = self._frontier.extend(map(leaf_hash, entries))

    def _now(self) -> int:
        return int(self._clock.now() * 1_000)


def _not_ready() -> AccreditError:
    return RemoteError("not_ready", "this node is shutting down.", hint="Ask another node, or try again in a minute.")
