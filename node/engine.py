"""A whole node without input and output: `handle(event, now=…) -> [effect]`.

What the trio shell (`runtime`) and the simulator drive alike. It joins acceptance (`governance.admission`), the fold
(`governance.fold`) and the gossip machine, and decides when what is logged:

    submitted or pushed  ->  admitted  ->  pending  ->  Append  ->  Appended  ->  fold, peers, submitters

* **Batches.** Pending statements wait for the next tick (1 s, aligned to the wall clock); an urgent one takes all that
  is pending with it at once, and so does a full batch. One append is under way at a time.
* **Nothing is told before it is logged.** A statement enters the fold, is pushed to peers and is answered for only
  after `Appended`, which means: stored durably and under a signed checkpoint.
* **A refused call changes nothing.** After `AppendFailed` (a full disk) all that is pending is dropped, its submitters
  get the error, and acceptance is as if they had never called. For a moment new submissions get the same error.

* **State notes** (`notary`) go their own way beside: the notary learns what is logged and what other nodes cosigned;
  what it wants kept is kept before what it wants told is told.

`now` is in ms since 1970, by the wall clock. The fold may be read between calls; it changes only within `handle`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any, Final, assert_never

from gossip import events
from gossip.config import GossipConfig
from gossip.events import FrameAnswered, Peer, SendFailed, Statistics, Ticked
from gossip.machine import Machine
from governance.admission import Admission
from governance.charter import FOLD_VERSION
from governance.fold import Changes, Fold
from governance.rulebook import is_urgent
from registry.conflicts import Conflict
from registry.conflicts import check as check_conflict
from registry.errors import AccreditError, InputError, NotYetError, StorageError
from registry.keys import public_of
from registry.state_note import StateNote
from registry.statement import Statement, Unverified, decode

from . import notary
from .happenings import (
    Append,
    Appended,
    AppendFailed,
    Changed,
    ConflictArrived,
    Effect,
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
from .noted import KeptNote, Part

__all__ = (
    "Append",
    "AppendFailed",
    "Appended",
    "Changed",
    "ConflictArrived",
    "Effect",
    "Engine",
    "Event",
    "FrameAnswered",
    "FrameArrived",
    "KeepConflict",
    "KeepNote",
    "NoteArrived",
    "NoteStands",
    "Reply",
    "ReplyFrame",
    "ReplyNote",
    "Result",
    "SendFailed",
    "SendFrame",
    "Submitted",
    "TellNote",
    "Ticked",
)

TICK: Final = 1_000
"""Between two appends, ms. Design proofs.md: 1 s, aligned to the wall clock."""

BATCH: Final = 1_000
"""Statements in one append; a full batch waits for no tick. Performance.md measures inserts at 1,000 a transaction."""

STORAGE_PAUSE: Final = 5_000
"""After a failed append, how long submissions are refused without trying, ms. A guess: a disk stays full a while."""

PENDING_MAX: Final = 20_000
"""Statements that may wait to be logged; 5 s of the ingest that performance.md asks for."""

CONFLICTS_MAX: Final = 256
"""Conflicts kept: 4 MiB. A guess; one is an event in a network's life."""

TOLD: Final = 64
"""Nodes that are told of a cosignature: the signers, then others by chance. A guess: 4,000 requests a minute."""

# ------------------------------------------------------------------------------------------------------- engine


@dataclass(slots=True, kw_only=True)
class _Submission:
    """A submitter who waits: results so far, and how many are to come."""

    token: int
    results: list[Result | None]
    missing: int = 0


@dataclass(slots=True, kw_only=True)
class _Log:
    """Ids in the order of the log, and what gossip may know of them: `gossip.events.Held`."""

    fold: Fold
    order: list[bytes] = field(default_factory=list)
    index: dict[bytes, int] = field(default_factory=dict)
    times: list[tuple[int, bytes]] = field(default_factory=list)

    def __contains__(self, id: object) -> bool:
        return id in self.index

    def size(self) -> int:
        return len(self.order)

    def ids(self, start: int, stop: int) -> Sequence[bytes]:
        return self.order[start:stop]

    def items(self) -> Sequence[tuple[int, bytes]]:
        return self.times

    def raw(self, id: bytes) -> bytes | None:
        statement = self.fold.statement(id)
        return None if statement is None else statement.raw

    def root(self) -> tuple[bytes, int]:
        """What peers compare: the committed statements, and how many are held in all.

        The count is in the hash because void statements are in no root and yet count in a state note: peers that hold
        different numbers of them must notice, or their cosignatures would never add up.
        """
        held = len(self.order)
        return sha256(self.fold.statements_root() + held.to_bytes(8)).digest(), held

    def add(self, statement: Statement) -> None:
        self.fold.add(statement)
        self.index[statement.id] = len(self.order)
        self.order.append(statement.id)
        self.times.append((statement.iat, statement.id))


class Engine:
    """One node.

    Args:
        ecosystem: the genesis statement's id, 32 bytes.
        name: the node's name.
        peer_seed, state_seed: secret seeds of its peer and state keys, 32 bytes each.
        last: the text of the last state cosigned, if any: nothing smaller ever is.
        random: for nonces (unpredictable in production) and jitter.
        tick: between two appends, ms.
    """

    def __init__(
        self,
        *,
        ecosystem: bytes,
        name: str,
        peer_seed: bytes,
        state_seed: bytes,
        random: Random,
        last: str | None = None,
        tick: int = TICK,
        gossip: GossipConfig | None = None,
    ) -> None:
        self.fold = Fold(ecosystem)
        self.notary = notary.Notary(ecosystem=ecosystem, name=name, state_seed=state_seed, live=self.fold, last=last)
        self.name = name
        self._ecosystem = ecosystem
        self._public = public_of(peer_seed)
        self._tick = tick
        self._admission = Admission(ecosystem)
        self._log = _Log(fold=self.fold)
        self._machine = Machine(seed=peer_seed, held=self._log, random=random, config=gossip)
        self._random = random
        self._peers: tuple[Peer, ...] = ()
        self._conflicts: dict[tuple[str, bytes], Conflict] = {}
        self._untold: list[Statement] = []  # logged, and the notary does not know yet
        self._pending: dict[bytes, Statement] = {}
        self._opened = 0  # when the oldest pending one came
        self._is_urgent = False  # whether an urgent one is pending
        self._in_flight: tuple[Statement, ...] = ()
        self._awaited: dict[bytes, list[tuple[_Submission, int]]] = {}
        self._storage_error: StorageError | None = None
        self._storage_until = 0
        self._now = 0

    # -------------------------------------------------------------------------------------------- start and look

    def load(self, raws: Iterable[bytes]) -> None:
        """Takes in the next stored entries of the log, verifying each as if it had just come; then `settle`.

        Raises:
            StorageError: `log_inadmissible`: this entry could never have been accepted.
        """
        for raw in raws:
            try:
                statement = self._admission.admit(decode(raw))
            except (InputError, NotYetError) as error:
                raise StorageError(
                    "log_inadmissible",
                    f"Entry {self._log.size()} of the stored log could not have been accepted: {error.message}",
                    hint="Run `accredit node audit`; put a backup back that is new enough (`accredit node restore`).",
                ) from error
            self._admission.add(statement)
            self._log.add(statement)
            self._untold.append(statement)

    def settle(
        self,
        *,
        now: int,
        signed: tuple[StateNote, Part] | None = None,
        noted: KeptNote | None = None,
        conflicts: Sequence[bytes] = (),
    ) -> list[Effect]:
        """Folds what was loaded: a `Changed`, and what gossip and the notary do once they know their peers.

        Args:
            signed: the state last cosigned. noted: the newest one with a quorum. Both are derived anew.
            conflicts: those kept, the oldest first.

        Raises:
            StorageError: `state_damaged`: what is stored does not lead to these states.
        """
        self._now = now
        changes = self.fold.settle()
        states = [] if signed is None else [(*signed, b"")]
        if noted is not None:
            states.append((noted.state, noted.part, noted.note))
        for state, part, note in sorted(states, key=lambda row: (row[0].count, row[2])):
            if state.fold == FOLD_VERSION:
                self._resume(state, part, note)
        for data in conflicts:
            self._accuse(data)
        return self._settled(changes, force_peers=True)

    def _resume(self, state: StateNote, part: Part, note: bytes) -> None:
        left_out = {self._log.order[number]: None for number in part.without if number < self._log.size()}
        wanted = [each for each in self._untold if self._log.index[each.id] < part.size and each.id not in left_out]
        self.notary.resume(state, wanted, note=note)
        taken = {each.id: None for each in wanted}
        self._untold = [each for each in self._untold if each.id not in taken]

    def __contains__(self, id: object) -> bool:
        """Whether a statement is logged."""
        return id in self._log

    @property
    def size(self) -> int:
        """Entries in the log."""
        return self._log.size()

    @property
    def is_member(self) -> bool:
        """Whether this node, with this peer key, is among the nodes in force."""
        return any(node["name"] == self.name and node["keys"]["peer"] == self._public for node in self._nodes())

    def log_key(self, name: str) -> bytes | None:
        """The public log key of the node of that name, 32 bytes; None where no such node is in force."""
        return next((node["keys"]["log"] for node in self._nodes() if node["name"] == name), None)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Those that have been found or shown, the oldest first; each has been checked."""
        return tuple(self._conflicts.values())

    def index_of(self, id: bytes) -> int | None:
        """A logged statement's place in the log."""
        return self._log.index.get(id)

    def next_wakeup(self) -> int | None:
        """When `Ticked` is wanted at the latest (ms since 1970); None where nothing is planned."""
        due = [self._machine.next_wakeup(), self.notary.next_wakeup()]
        if self._pending and not self._in_flight:
            due.append(self._deadline())
        return min((each for each in due if each is not None), default=None)

    def statistics(self) -> Statistics:
        """What gossip has seen."""
        return self._machine.statistics()

    # ---------------------------------------------------------------------------------------------- the one door

    def handle(self, event: Event, *, now: int) -> list[Effect]:
        """Takes one event in; what is to be done about it, in this order."""
        self._now = now
        match event:
            case Submitted():
                effects = self._on_submitted(event)
            case FrameArrived():
                effects = self._gossip(events.FrameReceived(token=event.token, data=event.data))
            case NoteArrived():
                effects = self._on_note(event)
            case ConflictArrived():
                effects = [KeepConflict(data=event.data)] if self._accuse(event.data) else []
            case FrameAnswered() | SendFailed():
                effects = self._gossip(event)
            case Ticked():
                effects = [*self._gossip(event), *self._notarise(notary.Ticked())]
            case Appended():
                effects = self._on_appended(event)
            case AppendFailed():
                effects = self._on_append_failed(event.error)
            case _:
                assert_never(event)
        return [*effects, *self._flush()]

    def _on_submitted(self, event: Submitted) -> list[Effect]:
        submission = _Submission(token=event.token, results=[None] * len(event.raws))
        waiting: list[Unverified] = []
        for position, raw in enumerate(event.raws):
            submission.results[position] = self._submit_one(submission, position, raw, waiting)
        effects: list[Effect] = []
        if waiting:
            effects += self._gossip(events.StatementsJudged(sender=b"", waiting=tuple(waiting)))
        return [*effects, *_answered(submission)]

    def _submit_one(
        self, submission: _Submission, position: int, raw: bytes, waiting: list[Unverified]
    ) -> Result | None:
        """The result, or None while it is to come."""
        try:
            unverified = decode(raw)
        except InputError as error:
            return Result(id=None, status="refused", error=error)
        id = unverified.id
        index = self._log.index.get(id)
        if index is not None:
            return Result(id=id, status="known", index=index)
        try:
            self._admit(unverified)
        except NotYetError as error:
            waiting.append(unverified)
            return Result(id=id, status="waiting", error=error)
        except AccreditError as error:
            return Result(id=id, status="refused", error=error)
        submission.missing += 1
        self._awaited.setdefault(id, []).append((submission, position))
        return None

    def _admit(self, unverified: Unverified) -> None:
        """Makes a statement pending, unless it is already.

        Raises:
            StorageError: nothing can be stored at the moment. Otherwise as `Admission.admit`.
        """
        if unverified.id in self._admission:
            return
        if self._storage_error is not None and self._now < self._storage_until:
            raise self._storage_error
        if len(self._pending) >= PENDING_MAX:
            raise StorageError(
                "overloaded", "more statements wait to be logged than this node takes.", hint="Try again in a minute."
            )
        statement = self._admission.admit(unverified)
        self._admission.add(statement)
        if not self._pending:
            self._opened = self._now
        self._pending[statement.id] = statement
        self._is_urgent = self._is_urgent or is_urgent(statement)

    # ---------------------------------------------------------------------------------------------------- append

    def _deadline(self) -> int:
        if len(self._pending) >= BATCH or self._is_urgent:
            return self._now
        return (self._opened // self._tick + 1) * self._tick

    def _flush(self) -> list[Effect]:
        """Appends what is pending, if its time has come. A wall clock set back must not make it wait for hours."""
        if not self._pending or self._in_flight or self._opened <= self._now < self._deadline():
            return []
        batch = tuple(self._pending.values())[:BATCH]
        for statement in batch:
            del self._pending[statement.id]
        self._opened = self._now
        self._is_urgent = any(is_urgent(each) for each in self._pending.values())
        self._in_flight = batch
        return [Append(statements=batch, urgent=any(is_urgent(each) for each in batch))]

    def _on_appended(self, event: Appended) -> list[Effect]:
        logged, self._in_flight = self._in_flight, ()
        assert logged, "an append was under way"
        assert event.size == self._log.size() + len(logged), "the store and the engine agree about the log"
        self._storage_error = None
        for statement in logged:
            self._log.add(statement)
        self._untold += logged
        effects = self._settled(self.fold.settle())
        for statement in logged:
            result = Result(id=statement.id, status="logged", index=self._log.index[statement.id])
            effects += self._resolve(statement.id, result)
        news = tuple(
            events.Logged(id=each.id, index=self._log.index[each.id], urgent=is_urgent(each)) for each in logged
        )
        return [*effects, *self._gossip(events.StatementsLogged(statements=news))]

    def _on_append_failed(self, error: StorageError) -> list[Effect]:
        dropped = (*self._in_flight, *self._pending.values())
        self._in_flight = ()
        self._pending.clear()
        self._is_urgent = False
        self._storage_error = error
        self._storage_until = self._now + STORAGE_PAUSE
        self._admission = Admission(self._ecosystem)
        for id in self._log.order:
            statement = self.fold.statement(id)
            assert statement is not None, "what is logged is in the fold"
            self._admission.add(statement)
        effects: list[Effect] = []
        for statement in dropped:
            effects += self._resolve(statement.id, Result(id=statement.id, status="refused", error=error))
        postponed = events.StatementsJudged(sender=b"", postponed=tuple(each.id for each in dropped))
        return [*effects, *self._gossip(postponed)]

    def _resolve(self, id: bytes, result: Result) -> list[Effect]:
        """Tells everybody who waits for this statement; replies to those who wait for nothing else."""
        effects: list[Effect] = []
        for submission, position in self._awaited.pop(id, ()):
            submission.results[position] = result
            submission.missing -= 1
            effects += _answered(submission)
        return effects

    def _settled(self, changes: Changes, *, force_peers: bool = False) -> list[Effect]:
        """What follows from what the fold has made of newly logged statements."""
        changed = Changed(
            size=self._log.size(),
            time=self._now // 1_000,
            records=changes.records,
            took_effect=self._statements(changes.took_effect),
            ceased=self._statements(changes.ceased),
        )
        effects: list[Effect] = [changed]
        if force_peers or self.fold.charter is None or any(kind == "node" for kind, _ in changes.records):
            self._peers = tuple(
                Peer(name=node["name"], url=node["url"], public=node["keys"]["peer"], operator=node["operator"])
                for node in self._nodes()
            )
            effects += self._gossip(events.PeersChanged(peers=self._peers))
        untold, self._untold = tuple(self._untold), []
        return [*effects, *self._notarise(notary.Changed(statements=untold))]

    def _nodes(self) -> Sequence[Mapping[str, Any]]:
        """The nodes in force; those that the genesis names while it waits for its votes, or no vote could spread."""
        if self.fold.charter is not None:
            return self.fold.nodes()
        genesis = self.fold.statement(self._ecosystem)
        return () if genesis is None else genesis.body["nodes"]

    def _statements(self, ids: Iterable[bytes]) -> tuple[Statement, ...]:
        return tuple(each for each in map(self.fold.statement, ids) if each is not None)

    # ----------------------------------------------------------------------------------------------- state notes

    def _on_note(self, event: NoteArrived) -> list[Effect]:
        try:
            effects = self._notarise(notary.Arrived(data=event.data))
        except (InputError, NotYetError) as error:
            return [ReplyNote(token=event.token, error=error)]
        return [ReplyNote(token=event.token), *effects]

    def _notarise(self, event: notary.Event) -> list[Effect]:
        """Hands an event to the notary, and puts what it asks for in terms of the log and of peers."""
        effects: list[Effect] = []
        for effect in self.notary.handle(event, now=self._now):
            match effect:
                case notary.Keep():
                    effects.append(KeepNote(text=effect.text, part=self._part(effect.without)))
                case notary.Tell():
                    effects.append(TellNote(peers=self._told(), data=effect.data))
                case notary.Stands():
                    kept = KeptNote(note=effect.note, part=self._part(effect.without))
                    effects.append(NoteStands(kept=kept))
                case _:
                    assert_never(effect)
        return effects

    def _part(self, without: Iterable[bytes]) -> Part:
        """All that is logged, but for these: the log's end among them makes the part shorter."""
        numbers = sorted(self._log.index[id] for id in without)
        size = self._log.size()
        while numbers and numbers[-1] == size - 1:
            size = numbers.pop()
        return Part(size=size, without=tuple(numbers))

    def _told(self) -> tuple[Peer, ...]:
        """Whom to tell of a cosignature: every signer, and of the other nodes as many as that leaves room for."""
        charter = self.fold.charter
        signers = () if charter is None else charter.body["signers"]
        others = [peer for peer in self._peers if peer.name != self.name]
        first = [peer for peer in others if peer.name in signers]
        rest = [peer for peer in others if peer.name not in signers]
        room = TOLD - len(first)
        return (*first, *(rest if len(rest) <= room else self._random.sample(rest, room)))

    def _accuse(self, data: bytes) -> bool:
        """Whether this is a conflict that was not known before."""
        try:
            found = check_conflict(data)
        except InputError:
            return False
        node = self.fold.get("node", found.key.name)
        place = (found.kind, found.key.public)
        if node is None or found.key.public not in node["keys"].values() or place in self._conflicts:
            return False
        if len(self._conflicts) >= CONFLICTS_MAX:
            return False
        self._conflicts[place] = found
        return True

    # ---------------------------------------------------------------------------------------------------- gossip

    def _gossip(self, event: events.Event) -> list[Effect]:
        """Hands an event to the machine, and carries out what it asks of us."""
        effects: list[Effect] = []
        for effect in self._machine.handle(event, now=self._now):
            match effect:
                case events.Send():
                    effects.append(effect)
                case events.Reply():
                    effects.append(ReplyFrame(token=effect.token, status=200, data=effect.data))
                case events.Refuse():
                    effects.append(ReplyFrame(token=effect.token, status=effect.status, error=effect.error))
                case events.Submit():
                    effects += self._judge(effect)
                case _:
                    assert_never(effect)
        return effects

    def _judge(self, submit: events.Submit) -> list[Effect]:
        refused: list[bytes] = []
        postponed: list[bytes] = []
        waiting: list[Unverified] = []
        for unverified in submit.statements:
            try:
                self._admit(unverified)
            except NotYetError:
                waiting.append(unverified)
            except StorageError:
                postponed.append(unverified.id)  # our trouble, not the sender's: it will be fetched again
            except AccreditError:
                refused.append(unverified.id)
        if not refused and not postponed and not waiting:
            return []
        judged = events.StatementsJudged(
            sender=submit.sender, refused=tuple(refused), postponed=tuple(postponed), waiting=tuple(waiting)
        )
        return self._gossip(judged)


def _answered(submission: _Submission) -> list[Effect]:
    """The reply, once nothing is missing."""
    if submission.missing:
        return []
    results = tuple(each for each in submission.results if each is not None)
    assert len(results) == len(submission.results)
    return [Reply(token=submission.token, results=results)]
