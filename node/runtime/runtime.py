"""The trio shell around the engine: time, threads, storage and connections of one running node.

    runtime = await Runtime.open(store=store, head=head, keys=keys, peers=Peers(), clock=SystemClock())
    await nursery.start(runtime.run)
    results = await runtime.submit([raw])             returns once they are in the log, under a signed checkpoint
    answer = await runtime.gossip(frame)
    await runtime.note(cosigned)                      another node's cosignature of a state
    await runtime.accuse(conflict)                    proof that a node contradicted itself
    await runtime.stop()

* **One thread of control.** Every event goes through `Engine.handle` in the trio thread; tasks do the work that waits
  (disk, network) and return with an event. The fold may be read between two awaits and is then consistent.
* **An answer means** that the statement is durable, under a signed checkpoint, and visible to every route.
  `persistence` decides the order of writes and restores a killed node. A fault that cannot be repaired ends `run`,
  because a person must look. An error in an exchange with another node ends only that exchange (`faults`).
* **State notes.** A restart computes the last cosigned state again and continues from there, or does not start. The
  newest note with a quorum is stored too, so that a restarted node has it at once. `note_sender` tells other nodes.
* **Blocking work** goes through `run_blocking` (`ports`): a worker thread here, inline in simulations.

It does not speak HTTP (`server` does) or choose files (`cli` does).
"""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from random import Random, SystemRandom
from typing import Final, TypeVar, assert_never

import trio

from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import FrameAnswered, SendFailed, Statistics, Ticked
from accredit.governance.fold import Fold
from accredit.node.clock import Clock
from accredit.node.engine import (
    TICK,
    Append,
    Appended,
    AppendFailed,
    Changed,
    ConflictArrived,
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
    SubmissionResult,
    Submittable,
    Submitted,
    TellNote,
)
from accredit.node.engine.notary import Notary
from accredit.node.engine.quorum_state import NotedMap
from accredit.node.faults import outliving
from accredit.node.files.key_files import NodeKeys
from accredit.node.memory import collecting_seldom
from accredit.node.ports import Progress, RunBlocking, Transport, in_thread
from accredit.node.storage.log_store import Store
from accredit.node.storage.signing_guard import SignedHead, SignedState
from accredit.node.storage.state_store import NotedStore
from accredit.node.sync.initial_sync import Bulk
from accredit.node.telemetry import event as log_event
from accredit.registry.encoding.ed25519 import Signer
from accredit.registry.errors import AccreditError, BusyError, RemoteError, StorageError, without_frames
from accredit.registry.statement import Statement
from accredit.registry.transparency.equivocation import Conflict

from . import equivocations
from .fitness import STATEMENTS, Fitness
from .fold_keeping import FoldKeeping
from .note_sender import Telling
from .persistence import Keeping, is_disagreement
from .reply_slots import Slots
from .state_writer import Noting

T = TypeVar("T")

STOP_SECONDS: Final = 5.0
"""Seconds for which a stop waits for submitters of pending statements: a few ticks."""

PROBE_SECONDS: Final = 2.0
"""Seconds between two tests whether the disk accepts writes again. A guess: an operator looks again after some
seconds."""

POLLS_MAX: Final = 256
"""Frames whose answer is still to come: a poll is held for 25 s by each peer that only dials out. A guess; each costs a
task and a connection."""

_log = logging.getLogger(__name__)

_Job = Append | Changed | KeepNote | TellNote | NoteStands | KeepConflict | SubmissionReply
"""What is done one after the other, in the order in which the engine asked for it."""


class Runtime:
    """One running node; made by `open`.

    Attributes:
        noted: the newest noted state, its records and its map; to be read only.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        head: SignedHead,
        state: SignedState,
        kept: FoldKeeping,
        log_signer: Signer,
        peers: Transport,
        clock: Clock,
        gossip: GossipConfig,
        run_blocking: RunBlocking,
        own: Collection[bytes],
    ) -> None:
        self.engine = engine
        self.fitness = Fitness(clock.monotonic)
        self._kept = kept
        self._noting = Noting(NotedStore(store), kept, engine, run_blocking, self.fitness)
        self.noted: NotedMap = self._noting.noted
        self.store = store
        self._state = state
        self._keeping = Keeping(
            store=store,
            head=head,
            state=state,
            kept=kept,
            log_signer=log_signer,
            run_blocking=run_blocking,
            fitness=self.fitness,
        )
        self._peers = peers
        self._clock = clock
        self._frame_bytes = gossip.frame_bytes
        self._run_blocking = run_blocking
        self._effects: list[Effect] = []
        self._submissions: Slots[tuple[SubmissionResult, ...]] = Slots()
        self._frames: Slots[ReplyFrame] = Slots(most=POLLS_MAX)
        self._notes: dict[int, ReplyNote] = {}
        self._own = own
        self._is_tending = False
        self._is_kept = False  # whether the last state cosigned is durable, so that others may be told
        self._telling = Telling(peers, hear=self._hear, newest=self._newest)
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
        progress: Progress | None = None,
        workers: int = 1,
        bulk: Bulk | None = None,
    ) -> "Runtime":
        """Verifies and folds the stored log, and signs it if that is still to be done.

        Args:
            head, state: what was signed last, log and state, kept apart from the database.
            tick: between two appends, ms.
            progress: called with entries done and entries in all.
            workers: processes that check the signatures of the stored log; 1: this one does.
            bulk: takes in another node's log, where this node has not signed its own yet or is not a member.

        Raises:
            StorageError: `log_rolled_back`, `log_forked`: a backup was restored. `head_missing`: what stops that is
                gone; `state_missing` likewise. `log_inadmissible`, `tree_damaged`, `state_damaged`: the database was
                changed. Or it cannot be read or written.
        """
        assert keys.name == store.origin, "one node has one name"
        config = gossip or GossipConfig()
        kept = FoldKeeping(store, state.last)
        engine = Engine(
            ecosystem=store.ecosystem,
            name=keys.name,
            peer_signer=keys.peer,
            state_signer=keys.state,
            last=None if state.last is None else state.last[0].encode(),
            random=random or SystemRandom(),
            tick=tick,
            gossip=config,
            holdings=kept.holdings,
            entries=kept.entries,
        )
        runtime = cls(
            engine=engine,
            store=store,
            head=head,
            state=state,
            kept=kept,
            log_signer=keys.log,
            peers=peers,
            clock=clock,
            gossip=config,
            run_blocking=run_blocking,
            own=[signer.public_key for signer in (keys.log, keys.witness, keys.state)],
        )
        await runtime._start(progress or (lambda _done, _size: None), workers, bulk)
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
    def notes_undelivered(self) -> int:
        """How many cosigned notes another node did not take."""
        return self._telling.undelivered

    @property
    def is_stopping(self) -> bool:
        """Whether new submissions are refused because the node shuts down."""
        return self._stopping

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """Proof that nodes contradicted themselves, the oldest first."""
        return self.engine.conflicts

    @property
    def delayed_keys(self) -> Sequence[bytes]:
        """See `node.engine.Engine.delayed_keys`."""
        return self.engine.delayed_keys

    def last_heard(self) -> int | None:
        """See `node.engine.Engine.last_heard`."""
        return self.engine.last_heard()

    def statistics(self) -> Statistics:
        """What gossip has seen."""
        return self.engine.statistics()

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Runs what blocks through this node's one seam."""
        return await self._run_blocking(work)

    # ----------------------------------------------------------------------------------------------------- doors

    async def submit(self, said: Sequence[Submittable]) -> tuple[SubmissionResult, ...]:
        """Takes statements in; returns once those accepted are in the log, under a signed checkpoint.

        Raises:
            BusyError: `not_ready`: the node shuts down.
        """
        if self._stopping or self._nursery is None:
            raise _not_ready()
        token = self._next_token()
        with self._submissions.opened(token):
            self.handle(Submitted(token=token, said=tuple(said)))
            results = await self._submissions.answer(token)
        if results is None:
            raise _not_ready()
        return results

    def urgent_key(self, said: Submittable) -> bytes | None:
        """See `node.engine.Engine.urgent_key`."""
        return self.engine.urgent_key(said)

    async def gossip(self, frame: bytes) -> ReplyFrame:
        """A peer's frame: the answering frame, or the error and its status. Waits where the peer asks for that."""
        if self._stopping or self._nursery is None:
            return ReplyFrame(token=0, status=503, error=_not_ready())
        token = self._next_token()
        with self._frames.opened(token):
            self.handle(FrameArrived(token=token, data=frame))
            try:
                reply = await self._frames.answer(token)
            except BusyError as error:
                reply = ReplyFrame(token=token, status=503, error=without_frames(error))
        return reply or ReplyFrame(token=token, status=503, error=_not_ready())

    async def note(self, data: bytes) -> bytes:
        """Another node's cosignature of a state; the newest note that a quorum stands by, if any. Never waits.

        Raises:
            InputError: it is none, or of nobody who may.
            NotYetError: no charter is in effect here yet.
            BusyError: `not_ready`: the node shuts down.
        """
        if self._stopping or self._nursery is None:
            raise _not_ready()
        token = self._next_token()
        self.handle(NoteArrived(token=token, data=data))
        reply = self._notes.pop(token)
        if reply.error is not None:
            raise reply.error
        return self.notary.noted.note or b""

    async def accuse(self, data: bytes) -> tuple[Conflict, bool]:
        """A conflict that somebody shows: the one that is kept against its key, and whether that is this, just now.

        Raises:
            InputError: it proves nothing, or nothing about a node that is known here.
            BusyError: more are kept than there is room for.
            BusyError: `not_ready`: the node shuts down.
            StorageError: it cannot be kept.
        """
        if self._stopping or self._nursery is None:
            raise _not_ready()
        conflict, is_new = equivocations.accuse(self.engine, self.handle, data)
        await self._keeping.keep_conflict(conflict.encode())  # a known one too: there may have been no room for it
        return conflict, is_new

    def found(self, conflict: Conflict) -> None:
        """This node's own witness has found a conflict."""
        if self._nursery is not None:
            self.handle(ConflictArrived(data=conflict.encode()))

    def handle(self, event: Event) -> None:
        """Pass one event to the engine, and start its effects."""
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
            self._submissions.end()
            self._frames.end()

    async def stop(self) -> None:
        """Refuse new submissions, answer those that wait for the next append, then end `run`."""
        self._stopping = True
        self._frames.end()
        with trio.move_on_after(STOP_SECONDS):
            await self._submissions.drained()
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    # --------------------------------------------------------------------------------------------------- effects

    def _perform(self, effects: Sequence[Effect]) -> None:
        nursery = self._nursery
        assert nursery is not None, "the node runs"
        is_fed = True  # whether the feed says what the fold says
        for effect in effects:
            match effect:
                case Changed():
                    is_fed = False
                    self._send_job.send_nowait(effect)
                case Append() | KeepNote() | TellNote() | KeepConflict():
                    self._send_job.send_nowait(effect)
                case NoteStands():
                    if self._noting.take(effect):
                        self._send_job.send_nowait(effect)
                case SendFrame():
                    nursery.start_soon(self._send, effect)
                case ReplyFrame():
                    self._frames.fill(effect.token, effect)
                case ReplyNote():
                    self._notes[effect.token] = effect
                case SubmissionReply():
                    if is_fed:
                        self._submissions.fill(effect.token, effect.results)
                    else:  # who is answered may ask at once, and is to find in every route what was said
                        self._send_job.send_nowait(effect)
                case _:
                    assert_never(effect)
        due = self.engine.next_wakeup()
        if due is not None and (self._planned is None or due < self._planned):
            self._woken.set()

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
                is_done = False
                with outliving(_log, "what was due was given up"):
                    self.handle(Ticked())
                    is_done = True
                self.fitness.acted(is_done=is_done)
                if not is_done:
                    with outliving(_log, "an append was given up"):
                        self._perform(self.engine.append_due(now=self._now()))
                    await trio.sleep(TICK / 1_000)  # the rest is due again at once

    async def _send(self, send: SendFrame) -> None:
        came: FrameAnswered | SendFailed = SendFailed(exchange=send.exchange, reason="this node could not send it.")
        with outliving(_log, "a frame to another node was given up", peer=send.peer):
            try:
                status, data = await self._peers.post(
                    send.peer,
                    f"{send.url.rstrip('/')}/gossip",
                    send.data,
                    max_bytes=self._frame_bytes,
                    seconds=send.timeout / 1_000,
                )
            except RemoteError as error:
                came = SendFailed(exchange=send.exchange, reason=error.message)
            else:
                came = FrameAnswered(exchange=send.exchange, status=status, data=data)
        with outliving(_log, "an exchange with another node was given up", peer=send.peer):
            self.handle(came)

    def _tell(self, told: TellNote) -> None:
        assert self._nursery is not None, "the node runs"
        if not self._is_kept:
            return  # the notary tells again, and asks to keep it again before
        self._telling.tell(told.peers, told.data, self._nursery)
        self._hear(told.data)

    def _newest(self) -> str:
        state = self.notary.noted.state
        return "" if state is None else state.encode()

    def _hear(self, data: bytes) -> None:
        """Takes in a note that nobody waits for an answer to."""
        self.handle(NoteArrived(token=0, data=data))
        self._notes.pop(0)

    # --------------------------------------------------------------------------------------------------- storage

    async def _work(self) -> None:
        async for job in self._jobs:
            await self._do(job)

    async def _do(self, job: _Job) -> None:
        match job:
            case Append():
                await self._append(job.statements)
            case Changed():
                await self._keeping.feed(job)
                self._tend()
            case KeepNote():
                await self._keep_state(job)
            case TellNote():
                self._tell(job)
            case NoteStands():
                await self._noting.store()
                self._tend()
            case KeepConflict():
                await self._keep_conflict(job)
            case SubmissionReply():
                self._submissions.fill(job.token, job.results)
            case _:
                assert_never(job)

    async def _append(self, statements: Sequence[Statement]) -> None:
        try:
            self.fitness.check_may_sign()
            with self.fitness.writing(STATEMENTS):
                size, root = await self._keeping.append(statements)
        except StorageError as error:
            if is_disagreement(error):
                raise
            self._tend()
            log_event(_log, logging.ERROR, "append failed", code=error.code, reason=str(error))
            self.handle(AppendFailed(error=without_frames(error)))
            return
        checkpoint = await self._keeping.sign(size, root)
        self.handle(Appended(size=size, checkpoint=checkpoint))

    async def _keep_state(self, keep: KeepNote) -> None:
        self._is_kept = False
        self._is_kept = not self.fitness.disowned and await self._keeping.keep_state(keep)
        self._tend()

    async def _keep_conflict(self, keep: KeepConflict) -> None:
        log_event(_log, logging.ERROR, "a node contradicts itself", conflict=sha256(keep.data).digest())
        self._look_at_own()
        try:
            with self.fitness.writing("proof of contradictions"):
                await self._keeping.keep_conflict(keep.data)
        except StorageError as error:  # it is known and spread all the same, and comes back from others
            log_event(_log, logging.ERROR, "conflict not stored", code=error.code, reason=str(error))

    def _look_at_own(self) -> None:
        """Whether what is proved is proved of this node's own keys."""
        for conflict in self.engine.conflicts:
            if conflict.key.public in self._own:
                self.disown(equivocations.alarm(conflict))

    def disown(self, why: str) -> None:
        """This node's own key has signed something else: nothing more is signed, until a person has looked."""
        if not self.fitness.disowned:
            log_event(_log, logging.CRITICAL, "this node signs nothing more", reason=why)
        self.fitness.disown(why)

    def _tend(self) -> None:
        """While writes fail, test now and then whether they succeed again, because no other write may come for
        hours."""
        if self.fitness.is_failing and not self._is_tending and self._nursery is not None:
            self._is_tending = True
            self._nursery.start_soon(self._try_disk)

    async def _try_disk(self) -> None:
        while self.fitness.is_failing:
            await trio.sleep(PROBE_SECONDS)
            with outliving(_log, "a test of the disk was given up"), suppress(StorageError):
                await self._run_blocking(self.store.probe)
                self.fitness.recovered()
        self._is_tending = False

    async def _start(self, progress: Progress, workers: int, bulk: Bulk | None) -> None:
        with collecting_seldom(), self.store.taking_in_much():
            noted = await self._keeping.load(self.engine, progress, self._now, workers)
            if bulk is not None:
                await self._keeping.take_in(self.engine, bulk, self._now)
        conflicts = await self._keeping.conflicts()
        settle = partial(self.engine.settle, now=self._now(), signed=self._state.last, noted=noted, conflicts=conflicts)

        def settled() -> list[Effect]:
            with self._kept.reading():
                return settle()

        self._effects = await self._noting.resume(await self._run_blocking(settled))
        self._look_at_own()
        await self._keeping.finish()

    def _next_token(self) -> int:
        self._token += 1
        return self._token

    def _now(self) -> int:
        return int(self._clock.now() * 1_000)


def _not_ready() -> AccreditError:
    return BusyError("not_ready", "this node is shutting down.", hint="Ask another node, or try again in a minute.")
