"""A whole node without input and output: `handle(event, now=…) -> [effect]`.

The trio shell (`runtime`) and the simulator both drive it. It joins acceptance (`governance.admission`), the fold
(`governance.fold`) and the gossip machine, and decides when statements are logged:

    submitted or pushed  ->  admitted  ->  pending  ->  Append  ->  Appended  ->  fold, peers, submitters

* **Batches.** Own submissions wait for the next tick (1 s, aligned to the wall clock), statements from peers for a
  moment; an urgent statement is logged at once, with what is pending (`append_queue`). Only one append is under way at
  a time, and none is more work than a thousand statements.
* **Nothing is told before it is logged.** A statement enters the fold, is pushed to peers and is answered for only
  after `Appended`, when it is stored durably and under a signed checkpoint.
* **A refused call changes nothing.** After `AppendFailed` (a full disk) everything pending is dropped, its submitters
  get the error, and acceptance is as if they had never called. For a short time new submissions get the same error.
* **State notes** (`notary`) are separate: the notary learns which statements are logged and what other nodes cosigned.
  Its requests to store are carried out before its requests to tell.
* **Conflicts** are kept and passed on: they come from peers and from other parts of the node; the engine finds them in
  checkpoints (`head_ledger`), and the notary in cosignatures. Each is checked, kept once (`equivocations`) and given to
  gossip.

`now` is in ms since 1970, by the wall clock. The fold may be read between calls; it changes only within `handle`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final, assert_never

from accredit.gossip.machine import Machine
from accredit.gossip.peers.roster import Roster
from accredit.gossip.protocol import events
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.events import FrameAnswered, SendFailed, Statistics, Ticked
from accredit.governance.authority.admission import Admission
from accredit.governance.fold import Changes, Fold
from accredit.governance.index.holdings import Holdings, InMemory
from accredit.governance.rules.rulebook import check_statement, is_urgent
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import Signer
from accredit.registry.errors import AccreditError, BusyError, InputError, NotYetError, StorageError, without_frames
from accredit.registry.statement import Statement, Unverified, decode
from accredit.registry.transparency.equivocation import Conflict
from accredit.registry.transparency.state_note import StateNote

from . import notary_events
from .append_queue import Pending
from .events import (
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
    ReplyFrame,
    ReplyNote,
    SubmissionResult,
    Submittable,
    Submitted,
    TellNote,
)
from .fork_allowance import ForkAllowance
from .image import EngineImage
from .log_index import Entries, LogView, inadmissible
from .notary import Notary
from .notary_events import is_state
from .quorum_state import KeptNote, Part
from .roster import Members
from .submissions import Submissions

TICK: Final = 1_000
"""Between two appends of what is submitted here, ms. Design proofs.md: 1 s, aligned to the wall clock."""

STORAGE_PAUSE: Final = 5_000
"""How long submissions are refused without trying after a failed append, ms. A guess: a disk stays full for a while."""


class Engine:
    """One node.

    Args:
        ecosystem: the genesis statement's id, 32 bytes.
        name: the node's name.
        peer_signer, state_signer: have its peer and state keys.
        last: the text of the last cosigned state, if any; a smaller state is never cosigned.
        random: for nonces (unpredictable in production) and jitter.
        tick: between two appends, ms.
        base: the loaded and settled content of another engine of this ecosystem, with which this one begins at no cost.
        holdings: the storage for the fold of the noted state, and `entries` that of the log; in memory by default.
    """

    def __init__(
        self,
        *,
        ecosystem: bytes,
        name: str,
        peer_signer: Signer,
        state_signer: Signer,
        random: Random,
        last: str | None = None,
        tick: int = TICK,
        gossip: GossipConfig | None = None,
        base: EngineImage | None = None,
        holdings: Holdings | None = None,
        entries: Entries | None = None,
    ) -> None:
        self._holdings = holdings or InMemory()
        self.fold = Fold(ecosystem, self._holdings)
        self.notary = Notary(
            ecosystem=ecosystem,
            name=name,
            signer=state_signer,
            held=self.fold,
            last=last,
            image=None if base is None else base.notary,
            look_ahead=self._holdings.look_ahead,
        )
        self.name = name
        self._ecosystem = ecosystem
        self._members = Members(self.fold)
        self._public = peer_signer.public_key
        self._base = base
        self._is_kept, self._is_standing = holdings is not None, holdings is None
        self._owed = Changes()  # statements that took effect while the stored log was loaded, of which nobody was told
        self._admission = self._new_admission()
        self._log = LogView(self.fold, entries) if base is None else base.log.branch(self.fold)
        self._machine = Machine(signer=peer_signer, held=self._log, random=random, config=gossip)
        self._random = random
        self._peers: Roster = Roster() if base is None else base.peers
        self._untold: list[Statement] = []  # logged, but not yet known to the notary
        self._pending = Pending(tick)
        self._forks = ForkAllowance(self.fold)
        self._in_flight: tuple[Statement, ...] = ()
        self._submissions = Submissions()
        self._storage_error: StorageError | None = None
        self._storage_until = 0
        self._now = 0

    # -------------------------------------------------------------------------------------------- start and look

    def load(self, entries: Iterable[bytes | Statement]) -> None:
        """Take in the next stored entries of the log, verifying each as if it had just arrived; call `settle` at the
        end.

        Raises:
            StorageError: `log_inadmissible`: this entry could never have been accepted.
        """
        read: list[Unverified] = []
        for entry in entries:
            try:
                read.append(entry if isinstance(entry, Statement) else decode(entry))
            except InputError as error:
                raise inadmissible(self._log.size() + len(read), error) from error
        self.look_ahead(read)
        for unverified in read:
            try:
                self.take(unverified)
            except (InputError, NotYetError) as error:
                raise inadmissible(self._log.size(), error) from error

    def take(self, entry: Unverified) -> Statement:
        """Take in the log's next entry, at the start. An error of `Admission.admit` leaves everything unchanged."""
        statement = self._admission.readmit(entry)
        if self._is_kept:  # the stored set tells what it completes: nobody has to find that out twice
            self._admission.hold(statement, self._log.add(statement))
        else:
            self._admission.add(statement)
            self._log.add(statement)
        if self._is_standing:
            self._untold.append(statement)
        return statement

    def look_ahead(self, statements: Sequence[Unverified]) -> None:
        """Announce the next entries, so that the stored facts about them are read together."""
        self._holdings.look_ahead(statements)

    def read_on(self, size: int) -> None:
        """Take note that the first entries, so many, are stored and taken in; they are looked up in the storage."""
        self._log.read_on(size)

    @property
    def owes(self) -> bool:
        """Return whether there are changes of which nobody was told."""
        return bool(self._owed.took_effect or self._owed.ceased)

    def owe(self, changes: Changes) -> None:
        """Remember changes of a settling during loading, which the feed of changes does not have."""
        self._owed = Changes(
            records=changes.records,
            took_effect=(*self._owed.took_effect, *changes.took_effect),
            ceased=(*self._owed.ceased, *changes.ceased),
        )

    def stand(self) -> None:
        """Make everything taken in until now the stored fold; later statements are a layer over it."""
        if not self._is_standing:
            self._is_standing = True
            self.notary.stand_on(self.fold.sink())

    def settle(
        self,
        *,
        now: int,
        signed: tuple[StateNote, Part] | None = None,
        noted: KeptNote | None = None,
        conflicts: Sequence[bytes] = (),
    ) -> list[Effect]:
        """Fold the loaded statements; return the effects: the noted state, a `Changed`, and those of gossip with its
        peers.

        Args:
            signed: the last cosigned state. noted: the newest one with a quorum. Both are computed again.
            conflicts: those kept, oldest first.

        Raises:
            StorageError: `state_damaged`: the stored data does not lead to these states.
        """
        self._now = now
        self.stand()
        changes = self.fold.settle()
        self.owe(changes)
        changes, self._owed = self._owed, Changes()
        states = [] if signed is None else [(*signed, b"")]
        if noted is not None:
            states.append((noted.state, noted.part, noted.note))
            # The stored fold is that of the noted state; sets cosigned before are part of it, and were compared then.
            least = noted.state.count if self._is_kept and noted.state.fold == FOLD_VERSION else 0
            states = [state for state in states if state[0].count >= least]
        effects: list[Effect] = []
        for state, part, note in sorted(states, key=lambda row: (row[0].count, row[2])):
            if state.fold == FOLD_VERSION:
                effects += self._resume(state, part, note)
        for file in conflicts:
            self._log.caught.take(file, self._members.has_key)
        return [*effects, *self._settled(changes, force_peers=True)]

    def _resume(self, state: StateNote, part: Part, note: bytes) -> list[Effect]:
        wanted = [each for each in self._untold if self._log.is_in(each.id, part)]
        stands = self.notary.resume(state, wanted, note=note)
        taken = {each.id: None for each in wanted}
        self._untold = [each for each in self._untold if each.id not in taken]
        return [self._stands(each, part) for each in stands]

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
        node = self._members.get(self.name)
        return node is not None and bool(node["keys"]["peer"] == self._public)

    def log_key(self, name: str) -> bytes | None:
        """Return the public log key of the node of that name, 32 bytes; None if no such node is in force."""
        return self._members.log_key(name)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Return the conflicts kept, oldest first."""
        return self._log.caught.conflicts()

    @property
    def delayed_keys(self) -> list[bytes]:
        """Return ids of the forked keys of which peers send more than honest nodes hold; see `ForkAllowance`."""
        return self._forks.delayed(self._now, nodes=len(self._peers))

    @property
    def unproven(self) -> int:
        """Return how many received accusations and checkpoints did not verify."""
        return self._log.caught.refused + self._log.ledger.refused

    def index_of(self, id: bytes) -> int | None:
        """Return a logged statement's index."""
        return self._log.index(id)

    def next_wakeup(self) -> int | None:
        """Return when `Ticked` is due at the latest (ms since 1970); None if nothing is planned."""
        due = self._machine.next_wakeup()
        others = self.notary.next_wakeup(), None if self._in_flight else self._pending.due(self._now)
        for at in others:
            if at is not None and (due is None or at < due):
                due = at
        return due

    def last_heard(self) -> int | None:
        """See `gossip.machine.Gossip.last_heard`."""
        return self._machine.last_heard()

    def mesh(self) -> list[str]:
        """Return the names of the peers in the mesh."""
        return self._machine.mesh()

    def statistics(self, *, strangers: bool = True) -> Statistics:
        """Return the statistics of gossip; `strangers`: include members without current interaction."""
        return self._machine.statistics(strangers=strangers)

    def counters(self) -> Counter[str]:
        """What gossip has counted, as in `statistics`."""
        return self._machine.counters()

    def image(self) -> EngineImage:
        """Return this settled engine's content, with which others begin; do not drive it any further."""
        assert not self._untold, "settled"
        return EngineImage(log=self._log, admission=self._admission, notary=self.notary.image(), peers=self._peers)

    def _new_admission(self) -> Admission:
        """Return the acceptance from before the entries that this engine loads and logs itself."""
        if self._base is not None:
            return self._base.admission.branch()
        return Admission(self._ecosystem, (lambda: self.fold.chains) if self._is_kept else None)

    # ---------------------------------------------------------------------------------------------- the one door

    def handle(self, event: Event, *, now: int) -> list[Effect]:
        """Take one event in; return the effects to carry out, in this order."""
        self._now = now
        match event:
            case FrameArrived():  # the commonest first: most events of a node are frames and answers
                effects = self._gossip(events.FrameReceived(token=event.token, data=event.data))
            case FrameAnswered() | SendFailed():
                effects = self._gossip(event)
            case Ticked():
                effects = [*self._gossip(event), *self._notarise(notary_events.Ticked())]
            case Submitted():
                effects = self._on_submitted(event)
            case NoteArrived():
                effects = self._on_note(event)
            case ConflictArrived():
                effects = self._on_conflicts([event.data])
            case Appended():
                effects = self._on_appended(event)
            case AppendFailed():
                effects = self._on_append_failed(event.error)
            case _:
                assert_never(event)
        effects += self._flush()
        return effects

    def append_due(self, *, now: int) -> list[Effect]:
        """Append what is due. `handle` does so after each event; this is for whoever had to give up an event."""
        self._now = now
        return [*self._flush()]

    def _on_submitted(self, event: Submitted) -> list[Effect]:
        waiting: list[Unverified] = []
        read = [_read(each) for each in event.said]
        self.look_ahead([each for each in read if isinstance(each, Unverified)])
        replies = self._submissions.open(event.token, read, lambda each: self._judge_submitted(each, waiting))
        if not waiting:
            return [*replies]
        return [*self._gossip(events.StatementsJudged(sender=b"", waiting=tuple(waiting))), *replies]

    def _judge_submitted(self, read: Unverified | InputError, waiting: list[Unverified]) -> SubmissionResult | bytes:
        """Return the result, or the statement's id if the result is still to come."""
        if isinstance(read, InputError):
            return SubmissionResult(id=None, status="refused", error=read)
        id = read.id
        if id in self._log:
            return SubmissionResult(id=id, status="known", index=self._log.index(id))
        try:
            self._admit(read, own=True)
        except NotYetError as error:
            waiting.append(read)
            return SubmissionResult(id=id, status="waiting", error=without_frames(error))
        except AccreditError as error:
            return SubmissionResult(id=id, status="refused", error=without_frames(error))
        return id

    def urgent_key(self, said: Submittable) -> bytes | None:
        """Return the id of the signing key if `said` is a new urgent statement by a known key; else None.

        This changes nothing. An urgent statement need not wait behind other submissions or garbage
        (`http.routes.statements`).
        """
        try:
            unverified = _decoded(said)
            check_statement(unverified)
            if not is_urgent(unverified) or unverified.id in self._log:
                return None
            return None if unverified.id in self._admission else self._admission.admit(unverified).kid
        except AccreditError:
            return None

    def _admit(self, unverified: Unverified, *, own: bool) -> None:
        """Make a statement pending, unless it already is.

        Args:
            own: it was submitted here.

        Raises:
            StorageError: nothing can be stored at the moment. BusyError: too many statements wait, or it is surplus of
                a forked key. Otherwise as `Admission.admit`.
        """
        if unverified.id in self._admission:
            return
        if self._storage_error is not None and self._now < self._storage_until:
            raise without_frames(self._storage_error)
        if self._pending.is_full:
            raise BusyError(
                "overloaded", "too many statements wait to be logged at this node.", hint="Try again in a minute."
            )
        if not own:
            self._forks.check_brought(unverified, self._now, nodes=len(self._peers))
        statement = self._admission.admit(unverified)
        if own:
            self._forks.take(statement, self._now)
        else:
            self._forks.count_brought(statement, self._now)
        self._forks.admitted(statement)
        introduced = self._admission.add(statement)
        self._pending.add(statement, own=own, gives_keys=bool(introduced), now=self._now)

    # ---------------------------------------------------------------------------------------------------- append

    def _flush(self) -> list[Effect]:
        """Append pending statements that are due."""
        if self._in_flight:
            return []
        self._in_flight = batch = self._pending.take(self._now)
        return [Append(statements=batch, urgent=any(is_urgent(each) for each in batch))] if batch else []

    def _on_appended(self, event: Appended) -> list[Effect]:
        logged, self._in_flight = self._in_flight, ()
        assert logged, "an append was under way"
        assert event.size == self._log.size() + len(logged), "the store and the engine agree about the log"
        self._storage_error = None
        self._log.ledger.own = event.checkpoint
        self.look_ahead(logged)
        for statement in logged:
            self._log.add(statement)
        if self._is_kept:
            self._admission.forget(logged)
        self._untold += logged
        changed, *others = self._settled(self.fold.settle())
        self._forks.logged(logged)
        effects: list[Effect] = [changed]  # first: an answered submitter may ask for the changes at once
        for statement in logged:
            result = SubmissionResult(id=statement.id, status="logged", index=self._log.index(statement.id))
            effects += self._submissions.resolve(statement.id, result)
        effects += others
        first = event.size - len(logged)
        news = tuple(
            events.Logged(id=each.id, index=number, urgent=is_urgent(each)) for number, each in enumerate(logged, first)
        )
        return [*effects, *self._gossip(events.StatementsLogged(statements=news))]

    def _on_append_failed(self, error: StorageError) -> list[Effect]:
        dropped = (*self._in_flight, *self._pending.drop())
        self._in_flight = ()
        self._forks.dropped()
        self._storage_error = error
        self._storage_until = self._now + STORAGE_PAUSE
        self._admission = self._new_admission()
        for statement in () if self._is_kept else self._log.own():
            self._admission.add(statement)
        effects: list[Effect] = []
        for statement in dropped:
            result = SubmissionResult(id=statement.id, status="refused", error=error)
            effects += self._submissions.resolve(statement.id, result)
        postponed = events.StatementsJudged(sender=b"", postponed=tuple(each.id for each in dropped))
        return [*effects, *self._gossip(postponed)]

    def _settled(self, changes: Changes, *, force_peers: bool = False) -> list[Effect]:
        """Return the changes of the fold by newly logged statements, then the effects that follow."""
        changed = self.changed(changes, now=self._now, size=self._log.size())
        effects: list[Effect] = [changed]
        is_changed = self.fold.charter is None or any(kind == "node" for kind, _ in changes.records)
        if is_changed or (force_peers and self._base is None):
            self._peers = self._members.roster()
        if is_changed or force_peers:
            effects += self._gossip(events.PeersChanged(peers=self._peers))
        untold, self._untold = tuple(self._untold), []
        return [*effects, *self._notarise(notary_events.StatementsHeld(statements=untold))]

    def changed(self, changes: Changes, *, now: int, size: int) -> Changed:
        """Return the `Changed` for the first `size` entries."""
        return Changed(
            size=size,
            time=now // 1_000,
            records=changes.records,
            took_effect=self._statements(changes.took_effect),
            ceased=self._statements(changes.ceased),
        )

    def _statements(self, ids: Iterable[bytes]) -> tuple[Statement, ...]:
        return tuple(each for each in map(self.fold.statement, ids) if each is not None)

    # ----------------------------------------------------------------------------------------------- state notes

    def _on_note(self, event: NoteArrived) -> list[Effect]:
        try:
            effects = self._notarise(notary_events.Arrived(data=event.data))
        except (InputError, NotYetError) as error:
            return [ReplyNote(token=event.token, error=without_frames(error))]
        return [ReplyNote(token=event.token), *effects]

    def _notarise(self, event: notary_events.Event) -> list[Effect]:
        """Pass an event to the notary, and translate its effects into those of the engine."""
        effects: list[Effect] = []
        for effect in self.notary.handle(event, now=self._now):
            match effect:
                case notary_events.Keep():
                    effects.append(KeepNote(text=effect.text, part=self._log.part(effect.without)))
                case notary_events.Tell():
                    effects.append(
                        TellNote(peers=self._members.told(self._peers, self.name, self._random), data=effect.data)
                    )
                case notary_events.Stands():
                    effects.append(self._stands(effect, self._log.part(effect.without)))
                case notary_events.Contradicts():
                    effects += self._on_conflicts([effect.conflict])
                case _:
                    assert_never(effect)
        return effects

    def _stands(self, effect: notary_events.Stands, part: Part) -> NoteStands:
        self._log.ledger.standing = effect.note
        return NoteStands(
            kept=KeptNote(note=effect.note, part=part),
            state=effect.state,
            statements_root=effect.statements_root,
            changed=effect.changed,
            committed=effect.committed,
        )

    # ------------------------------------------------------------------------------------------------- conflicts

    def _on_conflicts(self, files: Iterable[bytes]) -> list[Effect]:
        """Keep new conflicts that prove something, and tell peers of them."""
        new = tuple(file for file in files if self._log.caught.take(file, self._members.has_key) is not None)
        if not new:
            return []
        return [*(KeepConflict(data=file) for file in new), *self._gossip(events.ConflictsFound(conflicts=new))]

    def _on_heard(self, notes: Iterable[bytes]) -> list[Effect]:
        """Handle signed notes from a peer: state notes go to the notary, checkpoints into the ledger."""
        effects: list[Effect] = []
        for note in notes:
            if is_state(note):
                try:
                    effects += self._notarise(notary_events.Arrived(data=encode({1: note})))
                except (InputError, NotYetError):
                    self._log.ledger.refused += 1
            elif (conflict := self._log.ledger.hear(note, self._members.log_key)) is not None:
                effects += self._on_conflicts([conflict.encode()])
        return effects

    # ---------------------------------------------------------------------------------------------------- gossip

    def _gossip(self, event: events.Event) -> list[Effect]:
        """Pass an event to the gossip machine, and carry out the effects meant for the engine."""
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
                case events.Accuse():
                    effects += self._on_conflicts(effect.conflicts)
                case events.Heard():
                    effects += self._on_heard(effect.notes)
                case _:
                    assert_never(effect)
        return effects

    def _judge(self, submit: events.Submit) -> list[Effect]:
        refused: list[bytes] = []
        postponed: list[bytes] = []
        waiting: list[Unverified] = []
        self.look_ahead(submit.statements)
        for unverified in submit.statements:
            try:
                self._admit(unverified, own=not submit.sender)
            except NotYetError:
                waiting.append(unverified)
            except (StorageError, BusyError):
                postponed.append(unverified.id)  # not the sender's fault; it will be fetched again
            except AccreditError:
                refused.append(unverified.id)
        if not refused and not postponed and not waiting:
            return []
        judged = events.StatementsJudged(
            sender=submit.sender, refused=tuple(refused), postponed=tuple(postponed), waiting=tuple(waiting)
        )
        return self._gossip(judged)


def _read(said: Submittable) -> Unverified | InputError:
    """The statement that was submitted; or why it is none."""
    try:
        return _decoded(said)
    except InputError as error:
        return without_frames(error)


def _decoded(said: Submittable) -> Unverified:
    return said if isinstance(said, Unverified) else decode(said)
