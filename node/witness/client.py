"""Shows this node's log to its witnesses and gathers their cosignatures: the log's side of C2SP tlog-witness.

    witnessing = Witnessing(runtime, log=log_key, transport=peers, clock=clock, outside=[…])
    nursery.start_soon(witnessing.run)

* Witnesses are eight of the nodes in force (`registry.transparency.witness.witnesses_of`; all of a small network), and
  the outside witnesses that the configuration names.
* Every second this module reads the newest stored checkpoint. A witness is *due* while that checkpoint lacks its
  cosignature, or has one older than `AGAIN_SECONDS`. So a restart forgets nothing, a burst of appends costs one round a
  second, and timestamps stay fresh while nothing is appended. Witnesses are asked in parallel; one that fails is asked
  again after a pause, which doubles.
* A request has the checkpoint with only the log's signature, and the consistency proof from the size that the witness
  has, as far as we know: 0 at first, then the size in its last 409 or 200.
* A cosignature is verified, then stored with the checkpoint (`Store.set_checkpoint`), which `GET /log/checkpoint`
  serves. A late one, for a checkpoint that has a successor, is dropped.
* If a witness says that our log contradicts itself, we ask it for the checkpoint that it holds. If our key signed that
  checkpoint and it is not of our log, an alarm tells the operator; if both have one size, a conflict proves it.

`Course` and `is_due` are pure: the facts about a witness, and what follows. This module does not decide how many
cosignatures suffice (the verifier's policy does).
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol, TypeVar

import trio

from accredit.gossip.protocol.backoff import pause_after
from accredit.governance.fold import Fold
from accredit.node import ports
from accredit.node.clock import Clock
from accredit.node.faults import tell
from accredit.node.storage.log_store import Store
from accredit.node.telemetry import event
from accredit.registry.domain.records import node_in
from accredit.registry.errors import AccreditError, InputError, RefusedError, RemoteError, StorageError
from accredit.registry.transparency.checkpoint import Checkpoint, open_checkpoint
from accredit.registry.transparency.equivocation import Conflict, conflict_of_checkpoints
from accredit.registry.transparency.merkle import prove_consistency
from accredit.registry.transparency.signed_note import KeyType, Note, Signature, VerifierKey, check_signature
from accredit.registry.transparency.witness import (
    ANSWER_BYTES,
    CLOCK_SECONDS,
    AddCheckpoint,
    Witness,
    origin_hash,
    read_cosignature,
    read_size,
    signed_only,
    witnesses_of,
)

T = TypeVar("T")

LOOK_SECONDS: Final = 1.0
"""Time between two readings of the newest checkpoint: one append, by the design's tick."""

AGAIN_SECONDS: Final = 3_000
"""Age of a cosignature from which a fresh one is asked for: within the hour that proofs.md asks for."""

MEMBERS_SECONDS: Final = 5.0
"""Time between two readings of the nodes in force."""

PAUSE_SECONDS: Final = (2.0, 300.0)
"""First and longest pause after a witness failed; it doubles. A guess."""

QUESTIONS: Final = 3
"""Most requests in a row to a witness about one checkpoint: the first, the one after its 409, and one more if another
request came between."""

_TEXT: Final = "text/plain; charset=utf-8"
_SHOWN: Final = "witnessing/shown"

_log = logging.getLogger(__name__)


class WitnessTransport(ports.Transport, Protocol):
    """Carries requests: `peers.Peers`."""

    async def get(self, peer: str, url: str, *, max_bytes: int) -> bytes:
        """Return a file. Raises: RemoteError."""
        ...


class WitnessedNode(Protocol):
    """The used part of `runtime.Runtime`."""

    store: Store

    @property
    def fold(self) -> Fold:
        """The fold, with the records of nodes."""
        ...

    def statistics(self) -> Any:
        """Names of the other nodes in force."""
        ...

    def disown(self, why: str) -> None:
        """Note that the node's own key has signed a checkpoint that is not of its log."""
        ...

    async def run_blocking(self, work: Callable[[], T]) -> T:
        """Run a blocking function in a thread."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The state of the exchange with one witness.

    Attributes:
        held: the size that it holds, as far as we know.
        failures: in a row.
        until: when it may be asked again, by a clock that never goes back, seconds.
        error: why it failed last, for people.
    """

    held: int = 0
    failures: int = 0
    until: float = 0.0
    error: str = ""

    def cosigned(self, size: int) -> "Course":
        """Return the state after it cosigned this size."""
        return Course(held=size)

    def told(self, size: int) -> "Course":
        """Return the state after it said that it holds this size."""
        return replace(self, held=size)

    def failed(self, error: str, now: float) -> "Course":
        """Return the state after it failed to cosign."""
        failures = self.failures + 1
        return replace(self, failures=failures, until=now + pause_after(failures, *PAUSE_SECONDS), error=error)


def is_due(course: Course, cosigned_at: int | None, *, time: int, now: float) -> bool:
    """Return whether to ask a witness.

    Args:
        cosigned_at: time of its cosignature on the newest checkpoint, seconds since 1970; None: there is none.
        time: seconds since 1970.
        now: by the clock that never goes back, as `Course.until`.
    """
    if now < course.until:
        return False
    # A time ahead of ours is no reason to ask each second; one that is far ahead is: a clock was wrong.
    return cosigned_at is None or not -CLOCK_SECONDS <= time - cosigned_at < AGAIN_SECONDS


def cosigned_at(note: Note, witnesses: Iterable[Witness]) -> dict[VerifierKey, int]:
    """Return which of the witnesses have cosigned, and when, seconds since 1970."""
    lines = {(line.name, line.key_id): line for line in note.signatures}
    found = {}
    for witness in witnesses:
        line = lines.get((witness.key.name, witness.key.key_id))
        if line is None:
            continue
        with suppress(RefusedError):  # damaged in the database: as good as not there
            found[witness.key] = check_signature(note.text, line, witness.key).time or 0
    return found


def merge(note: Note, line: Signature, log: VerifierKey, witnesses: Iterable[Witness]) -> Note:
    """Return the checkpoint with one more cosignature, and without those of former witnesses."""
    known = {(key.name, key.key_id) for key in (log, *(witness.key for witness in witnesses))}
    kept = tuple(each for each in note.signatures if (each.name, each.key_id) in known)
    return Note(text=note.text, signatures=kept).with_signatures([line])


def nodes_that_witness(origin: str, log_public: bytes, nodes: Mapping[str, Mapping[str, Any]]) -> list[Witness]:
    """Return the nodes that witness a node's log; empty if the node is not in force with this log key.

    Args:
        nodes: records of the nodes in force, by name.
    """
    own = nodes.get(origin)
    if own is None or own["keys"]["log"] != log_public:
        return []
    return [
        Witness(
            key=VerifierKey(name=name, type=KeyType.COSIGNATURE_V1, public=nodes[name]["keys"]["witness"]),
            url=f"{nodes[name]['url'].rstrip('/')}/witness",
        )
        for name in witnesses_of(origin, nodes)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessView:
    """One witness, for people: see `Course`; `time` of its cosignature on the newest checkpoint."""

    name: str
    url: str
    held: int
    time: int | None
    error: str


class Witnessing:
    """See the module.

    Args:
        runtime: the node.
        log: the public key of its log.
        outside: witnesses that are not nodes.
        on_conflict: called with every conflict, each time it is found.
    """

    def __init__(
        self,
        runtime: WitnessedNode,
        *,
        log: VerifierKey,
        transport: WitnessTransport,
        clock: Clock,
        outside: Sequence[Witness] = (),
        on_conflict: Callable[[Conflict], None] = lambda _conflict: None,
    ) -> None:
        self._runtime = runtime
        self._store = runtime.store
        self._log = log
        self._transport = transport
        self._clock = clock
        self._outside = tuple(outside)
        self._on_conflict = on_conflict
        self._witnesses: tuple[Witness, ...] = ()
        self._looked_at: float | None = None  # when the members were
        self._courses: dict[VerifierKey, Course] = {}
        self._asking: set[VerifierKey] = set()
        self._newest: tuple[Note, dict[VerifierKey, int]] | None = None  # what `cosigned_at` found in it
        self._alarms: dict[str, str] = {}
        self._storing = trio.Lock()
        self._stopping = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Gather cosignatures until `stop`; then still wait for running requests, as long as the transport does."""
        async with trio.open_nursery() as nursery:
            task_status.started()
            while not self._stopping.is_set():
                for witness in await self._due():
                    self._asking.add(witness.key)
                    nursery.start_soon(self._ask, witness)
                with trio.move_on_after(LOOK_SECONDS):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Send no more requests."""
        self._stopping.set()

    def views(self) -> list[WitnessView]:
        """Return the state of each witness, nodes first."""
        times = {} if self._newest is None else self._newest[1]
        views = []
        for witness in self._witnesses:
            course, name = self._courses.get(witness.key, Course()), witness.key.name
            view = WitnessView(
                name=name, url=witness.url, held=course.held, time=times.get(witness.key), error=course.error
            )
            views.append(view)
        return views

    def alarms(self) -> list[str]:
        """Return the problems that the operator must look at, each a sentence."""
        return [self._alarms[name] for name in sorted(self._alarms)]

    # ------------------------------------------------------------------------------------------------ who is due

    async def _due(self) -> list[Witness]:
        try:
            signed = await self._runtime.run_blocking(self._store.checkpoint)
            note = None if signed is None else Note.decode(signed[1].encode())
        except AccreditError as error:
            event(_log, logging.ERROR, "checkpoint not read", code=error.code, reason=str(error))
            return []
        if note is None:
            return []
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= MEMBERS_SECONDS:
            self._looked_at, self._newest = now, None
            self._witnesses = self._members()
        if self._newest is None or self._newest[0] != note:
            self._newest = note, cosigned_at(note, self._witnesses)
        times, time = self._newest[1], int(self._clock.now())
        return [
            witness
            for witness in self._witnesses
            if witness.key not in self._asking
            and is_due(self._courses.get(witness.key, Course()), times.get(witness.key), time=time, now=now)
        ]

    def _members(self) -> tuple[Witness, ...]:
        fold, own = self._runtime.fold, self._log.name
        records = {name: node_in(fold, name) for name in (own, *(p.name for p in self._runtime.statistics().peers))}
        in_force = {name: one for name, one in records.items() if one is not None and one["retired"] is None}
        found = nodes_that_witness(own, self._log.public, in_force)
        publics = {witness.key.public for witness in found}  # a node that is named in the configuration as well
        return (*found, *(witness for witness in self._outside if witness.key.public not in publics))

    # ----------------------------------------------------------------------------------------------- asking one

    async def _ask(self, witness: Witness) -> None:
        key = witness.key
        try:
            size = await self._obtain(witness)
        except AccreditError as error:
            course = self._courses.get(key, Course())
            if not course.failures:
                event(_log, logging.WARNING, "not witnessed", by=key.name, code=error.code, reason=error.message)
            self._courses[key] = course.failed(error.message, self._clock.monotonic())
        except Exception as error:
            tell(_log, "an exchange with a witness was given up", error, by=key.name)
            failed = self._courses.get(key, Course()).failed(
                "this node met a fault of its own.", self._clock.monotonic()
            )
            self._courses[key] = failed
        else:
            self._courses[key] = self._courses.get(key, Course()).cosigned(size)
            self._alarms.pop(key.name, None)
        finally:
            self._asking.discard(key)

    async def _obtain(self, witness: Witness) -> int:
        """Have the newest checkpoint cosigned, store the cosignature, and return the checkpoint's size.

        Raises:
            RemoteError: the witness did not cosign.
            StorageError: our own files cannot be used.
        """
        key = witness.key
        for _ in range(QUESTIONS):
            held = self._courses.get(key, Course()).held
            size, text, request = await self._runtime.run_blocking(partial(self._request, held))
            status, body = await self._transport.post(
                _line(key), f"{witness.url}/add-checkpoint", request, max_bytes=ANSWER_BYTES, media_type=_TEXT
            )
            if status == 200:
                line = read_cosignature(body, text, key, int(self._clock.now()))
                async with self._storing:
                    await self._runtime.run_blocking(partial(self._add, text, line))
                return size
            if status == 409 and (told := read_size(body)) != min(held, size) and told <= self._store.size():
                self._courses[key] = self._courses.get(key, Course()).told(told)
                continue
            if status in (409, 422):
                await self._look(witness)
            raise RemoteError("not_cosigned", f"{key.name} answered with status {status}.")
        raise RemoteError("not_cosigned", f"{key.name} states a different size each time.")

    def _request(self, held: int) -> tuple[int, str, bytes]:
        """Return size and text of the newest checkpoint, and the request for it."""
        with self._store.snapshot():
            signed = self._store.checkpoint()
            assert signed is not None, "there was one, and it only grows"
            size, note = signed
            # More than is signed may be held there, by an older run of ours: then the 409 tells us again.
            old = min(held, size)
            proof = prove_consistency(old, size, self._store)
        own = signed_only(note.encode(), self._log)
        return size, Note.decode(own).text, AddCheckpoint(old=old, proof=tuple(proof), checkpoint=own).encode()

    def _add(self, text: str, line: Signature) -> None:
        """Store a cosignature if its checkpoint is still the newest."""
        signed = self._store.checkpoint()
        if signed is None or (note := Note.decode(signed[1].encode())).text != text:
            return
        merged = merge(note, line, self._log, self._witnesses).encode().decode()
        try:
            self._store.set_checkpoint(signed[0], merged)
        except StorageError as error:
            if error.code != "checkpoint_out_of_order":  # a longer one was signed this very moment
                raise

    # -------------------------------------------------------------------------------------------- contradictions

    async def _look(self, witness: Witness) -> None:
        """Ask the witness for the checkpoint that it holds of us, and compare it with our log.

        Raises:
            RemoteError: it shows none.
        """
        name = witness.key.name
        url = f"{witness.url}/{origin_hash(self._log.name)}/checkpoint"
        data = await self._transport.get(_line(witness.key), url, max_bytes=ANSWER_BYTES)
        try:
            theirs = open_checkpoint(data, self._log).checkpoint
        except InputError as error:
            raise RemoteError("not_cosigned", f"{name} refused, but shows no checkpoint of this log.") from error
        is_ours, conflict = await self._runtime.run_blocking(partial(self._compare, theirs, data))
        if is_ours:
            return
        self._alarms[name] = (
            f"{name} holds a checkpoint of {theirs.size} entries that was signed with this node's log key but "
            "does not match its log: a backup was restored, or somebody else has the key"
        )
        event(_log, logging.ERROR, "our log contradicts itself", witness=name, size=theirs.size, root=theirs.root)
        self._runtime.disown(self._alarms[name])
        if conflict is not None:
            self._on_conflict(conflict)

    def _compare(self, theirs: Checkpoint, data: bytes) -> tuple[bool, Conflict | None]:
        """Return whether a checkpoint signed by our key is of our log; if not, keep it."""
        with self._store.snapshot():
            if theirs.size <= self._store.size() and self._store.root(theirs.size) == theirs.root:
                return True, None
        shown = signed_only(data, self._log)
        before = self._store.kept(_SHOWN)
        if before != shown:
            self._store.swap(_SHOWN, before, shown)
        signed = self._store.checkpoint()
        assert signed is not None, "we showed it one"
        try:
            conflict = conflict_of_checkpoints(shown, signed[1].encode(), self._log)
        except RefusedError:  # of different sizes: their entries would be needed
            return False, None
        return False, conflict


def _line(key: VerifierKey) -> str:
    """Return the name of a separate connection, so that gossip with the same node never waits for it."""
    return f"witness {key.name}"
