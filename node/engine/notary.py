"""Makes a node's state notes, without input and output: decides when to cosign which set, and when a quorum is reached.

All nodes that hold one set of statements write one text (`registry.transparency.state_note`), so cosignatures add up
without a leader. Under a steady stream this is hard, because no two nodes ever hold the same set at the same moment. So
there are three sets:

    held        all that is logged here                          (the engine's fold; grows by itself)
    cosigned    the set that this node last cosigned           (trails the held set, whose fold is a branch of it)
    noted       the newest set that a quorum has cosigned      (trails the cosigned set; proofs are made from it)

* **Cosigning.** A node cosigns its held set when that has not changed for `QUIET`, if its last cosigned set has been
  noted, or for `SETTLED` in any case. No node waits for another.
* **Turns.** After `TURN` without a new quorum one signer, chosen by the clock, offers its held set: text, cosignature,
  and the ids that the newest noted set lacks. A signer that holds all of them makes that its cosigned set and cosigns
  the result. A dead signer costs one turn.
* **Never less.** A cosigned set only grows: a node accepts an offer only if it contains the node's cosigned set and
  every narrowing statement held for `HELD_BACK`. So one count never has two roots, and no revocation is left behind.
* **Never two.** A signer that cosigns two roots of one count has lied, or its fold is broken: `Contradicts` proves it.
* **Stored before told.** `Keep` comes before `Tell`, so that the last signed text survives a crash. A node counts its
  own cosignature only when it receives it (`Tell`), so that it never shows one that is not stored.

New statements are folded twice, into the held and into the cosigned set, and the roots are compared before signing. If
they differ, a bit has flipped, and the node signs nothing until it is restarted. Then the held fold becomes a layer
over the cosigned one (`Fold.rebase`), so that memory holds only the statements not yet cosigned twice. Each cosigned
set is a layer over the one before it, up to `LAYERS_MAX`. So what a quorum stands by need not be folded a third time:
its layer goes into the stored fold (`Fold.absorb`), and the layers above it stay.

A node that is not a signer follows in the same way and signs nothing. `now` is in ms since 1970.

The notary keeps only the note and roots of the noted state. The owner of the noted map keeps the records
(`quorum_state`); each `Stands` says which of them changed.
"""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from itertools import pairwise
from typing import Any, Final, assert_never

from accredit.governance.fold import Fold
from accredit.governance.index.overlay import Layered
from accredit.governance.records.encoded_records import Picked
from accredit.governance.rules.rulebook import is_narrowing
from accredit.registry.domain.records import FOLD_VERSION, node_in
from accredit.registry.encoding.cbor import decode as decode_cbor
from accredit.registry.encoding.cbor import encode as encode_cbor
from accredit.registry.encoding.ed25519 import Signer
from accredit.registry.errors import DecodeError, InputError, NotYetError, RefusedError, StorageError
from accredit.registry.statement import Statement
from accredit.registry.transparency.equivocation import conflict_of_states
from accredit.registry.transparency.signed_note import Note, VerifierKey
from accredit.registry.transparency.state_note import (
    OpenedState,
    StateNote,
    cosign_state,
    open_state,
    quorum,
    signer_key,
)

from .head_ledger import Sayings
from .notary_events import (
    Arrived,
    Contradicts,
    CosignedStep,
    Effect,
    Event,
    Keep,
    NotaryImage,
    Offer,
    SignerView,
    Standing,
    Stands,
    StatementsHeld,
    Tell,
    Ticked,
    passed,
)
from .notary_phases import AGAIN, DUTIES, QUIET, SETTLED, TURN, Duty, Phase

HELD_BACK: Final = 30_000
"""How long a narrowing statement may be left out of a set that is cosigned, ms. Design proofs.md."""

AHEAD_MAX: Final = 300
"""Seconds that a cosignature may be ahead of our clock; design proofs.md."""

TEXTS_MAX: Final = 64
"""Texts for which cosignatures are gathered at a time. A guess: under a stream signers cosign a new text every
second."""

LOOKED_AT: Final = 1_000
"""Statements that are looked up together before they are folded: a full batch of the log (`append_queue.BATCH`)."""

LAYERS_MAX: Final = 4
"""Cosigned sets that are kept as layers over each other; a further one grows into the newest layer. Each layer costs
every look-up above it one step. A guess: under a stream two or three sets await their quorum."""

MESSAGE_BYTES: Final = 1024 * 1024
"""One message: 32,000 ids. An offer that needs more waits for a quiet moment."""

_AUDIT: Final = (
    "Nothing was signed. Run `accredit node audit`, check the disk, and restore a backup that is new enough."
)


class Notary:
    """See the module."""

    def __init__(
        self,
        *,
        ecosystem: bytes,
        name: str,
        signer: Signer,
        held: Fold,
        last: str | None = None,
        image: NotaryImage | None = None,
        look_ahead: Callable[[Sequence[Statement]], None] = lambda _: None,
    ) -> None:
        """Start without a noted state; all statements in `held`, except those of `image`, are still to be cosigned.

        Args:
            name: this node's name; it signs if the charter names it with this key among the signers.
            signer: has its state key.
            held: the fold of the log. The notary adds no statement to it, but changes its base. With an image it is
                empty, and filled from that.
            last: the last stored text, if any; a smaller state is never signed.
            image: the state of another notary, with which this one begins.
            look_ahead: hears which statements are folded next, so that what is stored about them is read together.
        """
        self._look_ahead = look_ahead
        self.noted = Standing()
        self._ecosystem = ecosystem
        self._name = name
        self._signer = signer
        self._held = held
        self._floor = 0 if last is None else StateNote.decode(last).count
        self._base: Fold | None = None
        self._cosigned = Fold(ecosystem)
        self._layers: list[Fold] = []  # over the base, each over the one before it; the cosigned set is the last
        self._is_damaged = False  # one set was folded twice, with two results
        self._steps: list[CosignedStep] = []
        self._behind: MutableMapping[bytes, Statement] = {}  # held, not cosigned
        self._beyond: dict[bytes, None] = {}  # cosigned, not noted
        self._since: dict[bytes, int] = {}  # when narrowing statements of _behind came, ms
        self._gathered: dict[str, dict[VerifierKey, OpenedState]] = {}
        self._sayings = Sayings()
        self._newest: dict[str, tuple[int, int]] = {}  # signer -> time, count of its newest cosignature
        self._offer: Offer | None = None
        self._changed_at = 0
        self._told_at = 0
        self._stood_at = 0  # when the newest quorum was reached
        self._slot = -1  # the last turn that was considered
        self._now = 0
        self.disagreements = 0
        self._folds: dict[str, int] = {}  # by signer: the version of the fold that it last cosigned under
        self._law_read: object = None
        self._names_signers = False  # whether the charter of that law names signers
        if image is not None:
            self._take_up(image)

    def stand_on(self, base: Fold) -> None:
        """Begin with a stored fold, before anything else: the cosigned and the held set are branches over it.

        The stored fold advances to every noted state and holds nothing beyond it, so that it is stored together with
        the note. At first the held set equals it.
        """
        assert not self._steps
        self._base = base
        self._begin_layers(base)
        self._held.rebase(self._cosigned)

    @property
    def base(self) -> Fold | None:
        """Return the stored fold, if there is one; see `stand_on`."""
        return self._base

    def renew(self) -> None:
        """Puts both sets over what is kept, whose maps have been renewed: so they read what is stored of these once.

        Where one of them holds more than what is kept, this waits until the cosigned set goes on.
        """
        if self._base is not None and len(self._base) == len(self._held):
            self._begin_layers(self._base)
            self._held.rebase(self._cosigned)

    def image(self) -> NotaryImage:
        """Return this notary's state for others; do not use it any further, because they share its data."""
        return NotaryImage(
            held=self._held,
            cosigned=self._cosigned,
            noted=self.noted,
            steps=tuple(self._steps),
            behind=self._behind,
            beyond=tuple(self._beyond),
            gathered={text: dict(copies) for text, copies in self._gathered.items()},
        )

    def _take_up(self, image: NotaryImage) -> None:
        self.noted, self._steps = image.noted, list(image.steps)
        self._gathered = {text: dict(copies) for text, copies in image.gathered.items()}
        self._behind = Layered(image.behind)
        self._beyond = dict.fromkeys(image.beyond)
        if image.steps:
            self._cosigned = image.cosigned.branch()
            self._held.rebase(self._cosigned)
            for statement in image.held.chains.own():
                self._held.add(statement)
            self._held.settle()
        else:
            self._held.rebase(image.held)

    # ------------------------------------------------------------------------------------------- the one door

    def handle(self, event: Event, *, now: int) -> list[Effect]:
        """Takes one event in; what is to be done about it, in this order.

        Raises:
            InputError: an `Arrived` is malformed, or no signer cosigned it; nothing changed.
            NotYetError: an `Arrived` came before a charter in force that names the signers.
        """
        self._set_clock(now)
        match event:
            case StatementsHeld():
                self._on_changed(event.statements)
            case Arrived():
                return [*self._on_arrived(event.data), *self._proceed()]
            case Ticked():
                pass
            case _:
                assert_never(event)
        return self._proceed()

    def _set_clock(self, now: int) -> None:
        """Set the clock; a wall clock set back must not delay anything until it has caught up."""
        if now < self._now:
            self._changed_at = min(self._changed_at, now)
            self._told_at = min(self._told_at, now)
            self._stood_at = min(self._stood_at, now)
            self._slot = min(self._slot, now // TURN)
        self._now = now

    def next_wakeup(self) -> int | None:
        """Return when `Ticked` is due at the latest (ms since 1970)."""
        if not self._has_signers:
            return None
        return min((at for duty in DUTIES[self.phase] if (at := self._due(duty)) is not None), default=None)

    def signers(self) -> list[SignerView]:
        """Return the view of each signer, by name."""
        views = []
        text = "" if self.noted.state is None else self.noted.state.encode()
        there = {key: _time_of(opened, key) for key, opened in self._gathered.get(text, {}).items()}
        for key in self._keys():
            time, count = self._newest.get(key.name, (None, None))
            cosigned = there.get(key)
            is_missing = cosigned is None or time is None or time * 1000 < self._now - 2 * AGAIN
            views.append(SignerView(name=key.name, count=count, time=time, cosigned=cosigned, is_missing=is_missing))
        return sorted(views, key=lambda view: view.name)

    def charter_fold(self) -> int | None:
        """Return the version of the fold that the charter in force names; None if none is in force."""
        charter = self._held.charter
        return None if charter is None else int(charter.body["fold"])

    def other_folds(self) -> dict[str, int]:
        """Return by signer the version of the fold under which it last cosigned, if that is not the charter's."""
        asked = self.charter_fold()
        signers = {key.name for key in self._keys()}
        return {name: fold for name, fold in sorted(self._folds.items()) if fold != asked and name in signers}

    def resume(self, state: StateNote, statements: Sequence[Statement], *, note: bytes = b"") -> list[Stands]:
        """Restore, before the first event, a state that this node had signed or noted before a restart.

        Args:
            statements: its set, without that of the state restored before.
            note: of that state, with its quorum, if it was noted.

        Returns:
            The `Stands` with every record of the state, if it has a quorum.

        Raises:
            StorageError: `state_damaged`: the statements do not lead to that state, so the node must not sign.
        """
        if self._held.charter is None:
            raise StorageError(
                "state_damaged", "A quorum has cosigned a state, but the stored data has no charter.", hint=_AUDIT
            )
        if statements or not self._steps:
            self._advance(statements)
        found = self._steps[-1].state
        if (found.count, found.root) != (state.count, state.root):
            raise StorageError(
                "state_damaged",
                f"A quorum cosigned a state of {state.count} statements with the root {state.root.hex()[:16]}, "
                f"but the stored data leads to {found.count} statements and the root {found.root.hex()[:16]}.",
                hint=_AUDIT,
            )
        return self._resume_note(note, found) if note else []

    def _resume_note(self, note: bytes, state: StateNote) -> list[Stands]:
        try:
            opened = open_state(note, self._keys())
        except RefusedError as error:
            if error.code == "unsigned":
                return []  # the charter now names other signers, whose quorum is still to come
            raise StorageError(
                "state_damaged", f"The stored state note is not valid: {error.message}", hint=_AUDIT
            ) from error
        self._gather(opened)
        return self._count(state.encode())

    # ------------------------------------------------------------------------------------------------ held set

    def _on_changed(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self._behind[statement.id] = statement
            if not statement.kind.startswith("vote.") and is_narrowing(statement.kind, statement.body):
                self._since[statement.id] = self._now
        self._changed_at = self._now

    def _proceed(self) -> list[Effect]:
        if not self._has_signers or self.phase is Phase.NO_SIGNERS:
            return []
        effects = self._consider_offer()
        for duty in DUTIES[self.phase]:
            due = self._due(duty)
            if due is not None and self._now >= due:
                return [*effects, *self._perform(duty)]
        return effects

    @property
    def phase(self) -> Phase:
        """Return the present relation of the three sets."""
        if not self._keys():
            return Phase.NO_SIGNERS
        if not self._steps or self._steps[-1].state == self.noted.state:
            return Phase.GROWN if self._is_unsaid else Phase.NOTED
        return Phase.OVERTAKEN if self._behind else Phase.COSIGNED

    @property
    def _is_unsaid(self) -> bool:
        """Return whether a statement is held that was never cosigned."""
        return bool(self._behind) or (not self._steps and bool(self._base))

    def _due(self, duty: Duty) -> int | None:
        """Return when a duty is due, ms; None while it has nothing to do."""
        match duty:
            case Duty.COSIGN_SOON:
                return self._changed_at + QUIET
            case Duty.COSIGN_ANYWAY:
                return self._changed_at + SETTLED
            case Duty.TAKE_TURN:
                return self._turn_at()
            case Duty.TELL_AGAIN:
                return self._told_at + AGAIN if self._steps else None
            case _:
                assert_never(duty)

    def _perform(self, duty: Duty) -> list[Effect]:
        match duty:
            case Duty.COSIGN_SOON | Duty.COSIGN_ANYWAY:
                return self._stand_by(list(self._behind.values()))
            case Duty.TAKE_TURN:
                return self._take_turn()
            case Duty.TELL_AGAIN:
                return self._tell(self._steps[-1].state)
            case _:
                assert_never(duty)

    # ----------------------------------------------------------------------------------------------- cosigned

    def _advance(self, statements: Sequence[Statement]) -> StateNote:
        """Add `statements` to the cosigned set; return its text."""
        for statement in statements:
            self._behind.pop(statement.id, None)
            self._since.pop(statement.id, None)
            self._beyond[statement.id] = None
        if self._steps or self._base is not None:
            changed, committed = self._go_on(statements)
        else:  # the first one; it can be compared only with the stored state, after a restart
            self._cosigned = self._held.rest_on(statements)
            changed, committed = self._cosigned.pick(), dict.fromkeys(self._cosigned.committed(), True)
        state, root = self._text_of(self._cosigned), self._cosigned.statements_root()
        ids = tuple(statement.id for statement in statements)
        self._steps.append(
            CosignedStep(state=state, statements_root=root, changed=changed, committed=committed, ids=ids)
        )
        return state

    def _go_on(self, statements: Sequence[Statement]) -> tuple[Picked, Mapping[bytes, bool]]:
        """Add to the cosigned set and put the held fold over it again; return the differences, as in `CosignedStep`."""
        count, root = len(self._held), self._held.state_root()
        self._add_layer()
        # After a long turn what was read when they were logged may have been let go of.
        for start in range(0, len(statements), LOOKED_AT):
            some = statements[start : start + LOOKED_AT]
            self._look_ahead(some)
            for statement in some:
                self._cosigned.add(statement)
        changes = self._cosigned.settle()
        if len(self._cosigned) == count and self._cosigned.state_root() != root:
            self._is_damaged = True  # one set folded twice gave two states, so the node must not sign
            self.disagreements += 1
        self._held.rebase(self._cosigned)
        return self._cosigned.pick(changes.records), changes.committed

    def _add_layer(self) -> None:
        """Let the cosigned set grow on in a layer of its own, if it lies over a stored fold."""
        if self._base is None:
            return
        if len(self._cosigned) == len(self._base):
            self._begin_layers(self._base)  # the same set, over the maps as they are kept by now
        elif len(self._layers) < LAYERS_MAX:
            self._cosigned = self._cosigned.branch()
            self._layers.append(self._cosigned)

    def _begin_layers(self, base: Fold) -> None:
        self._cosigned = base.branch()
        self._layers = [self._cosigned]

    def _text_of(self, fold: Fold) -> StateNote:
        charter = fold.charter or self._held.charter
        assert charter is not None
        return StateNote(
            name=" ".join(str(charter.body["name"]).split()),
            ecosystem=self._ecosystem,
            fold=charter.body["fold"],
            count=len(fold),
            root=fold.state_root(),
        )

    def _stand_by(self, statements: list[Statement], *, offer: bool = False) -> list[Effect]:
        """Add `statements` to the cosigned set, and cosign it if this node is a signer."""
        state = self._advance(statements)
        return [*self._tell(state, offer=offer), *self._count(state.encode())]

    def _tell(self, state: StateNote, *, offer: bool = False) -> list[Effect]:
        self._told_at = self._now
        if state.fold != FOLD_VERSION or state.count < self._floor or self._is_damaged or self._own_key() is None:
            return []
        line = cosign_state(state, self._name, self._signer, self._now // 1000)
        note = Note(text=state.encode(), signatures=(line,)).encode()
        message: dict[int, Any] = {1: note}
        if offer:
            message[2] = sorted(self._beyond)
        data = encode_cbor(message)
        if len(data) > MESSAGE_BYTES:
            data = encode_cbor({1: note})
        return [Keep(text=state.encode(), without=tuple(self._behind)), Tell(data=data)]

    # --------------------------------------------------------------------------------------------------- turns

    def _turn_at(self) -> int:
        """Return when to consider the next turn, ms."""
        return max((self._slot + 1) * TURN, self._stood_at + TURN)

    def _take_turn(self) -> list[Effect]:
        """Offer the held set, if it is this node's turn and the set has statements without a quorum."""
        self._slot = self._now // TURN
        names = sorted(key.name for key in self._keys())
        if not names or not (self._behind or self._beyond) or names[self._slot % len(names)] != self._name:
            return []
        return self._stand_by(list(self._behind.values()), offer=True)

    def _consider_offer(self) -> list[Effect]:
        """Adopt an offered set, once all its statements are held."""
        offer = self._offer
        if offer is None:
            return []
        if self._now >= offer.until:
            self._offer = None
            return []
        wanted = {id: None for id in offer.ids if id not in self._cosigned}
        if any(id not in self._behind for id in wanted):
            return []  # not all of it is held yet, or it builds on another noted set
        if any(id not in offer.ids for id in self._beyond):
            return []  # it would leave out what this node has cosigned
        late = self._now - HELD_BACK
        if any(came <= late for id, came in self._since.items() if id not in wanted):
            return []
        self._offer = None
        if len(self._cosigned) + len(wanted) != offer.state.count:
            return []  # it builds on another noted set, so its text would differ
        effects = self._stand_by([self._behind[id] for id in wanted]) if wanted else self._tell(self._steps[-1].state)
        if self._steps[-1].state != offer.state:
            self.disagreements += 1  # one set gave two states: a node's fold is wrong, or it lies
        return effects

    # -------------------------------------------------------------------------------------------------- quorum

    def _on_arrived(self, data: bytes) -> list[Effect]:
        message = decode_cbor(data, what="a cosignature message", max_bytes=MESSAGE_BYTES)
        if type(message) is not dict or not {1} <= message.keys() <= {1, 2} or type(message[1]) is not bytes:
            raise DecodeError("bad_message", "a cosignature message must be {1: note, ?2: ids}.")
        ids = message.get(2)
        if ids is not None and (type(ids) is not list or any(type(id) is not bytes or len(id) != 32 for id in ids)):
            raise DecodeError("bad_message", "the ids of an offer must be byte strings of 32 bytes.", where="2")
        if self._held.charter is None:
            raise NotYetError("no_charter", "No charter is in effect here yet, so there are no signers.")
        opened = open_state(message[1], self._keys())
        if opened.state.ecosystem != self._ecosystem:
            raise RefusedError("wrong_ecosystem", "this state note belongs to a different ecosystem.")
        if any(one.time is None or one.time > self._now // 1000 + AHEAD_MAX for one in opened.cosignatures):
            raise RefusedError(
                "clock_ahead",
                "this cosignature is dated too far in the future.",
                hint="Check the clocks of both machines.",
            )
        found = self._gather(opened)
        own, noted = self._own_key(), self.noted.state
        is_own = all(one.key == own for one in opened.cosignatures)
        if ids is not None and not is_own and opened.state.count > (0 if noted is None else noted.count):
            self._offer = Offer(state=opened.state, ids=tuple(ids), until=self._now + TURN)
        return [*found, *self._count(opened.state.encode())]

    def _gather(self, opened: OpenedState) -> list[Contradicts]:
        """Take in cosignatures; return contradictions by signers that have cosigned another root for this count."""
        text = opened.state.encode()
        found: list[Contradicts] = []
        copies = self._gathered.setdefault(text, {})
        for one in opened.cosignatures:
            assert one.time is not None
            before = copies.get(one.key)
            if before is None or _time_of(before, one.key) < one.time:
                copies[one.key] = opened
            if (other := self._contradicted(one.key, opened)) is not None:
                found.append(Contradicts(conflict=other))
            seen = self._newest.get(one.key.name)
            if seen is None or seen[0] <= one.time:
                self._newest[one.key.name] = one.time, opened.state.count
                self._folds[one.key.name] = opened.state.fold
        while len(self._gathered) > TEXTS_MAX:
            self._gathered.pop(next(iter(self._gathered)))
        return found

    def _contradicted(self, key: VerifierKey, opened: OpenedState) -> bytes | None:
        """Return the proof that a signer has cosigned another root for the same count; None if it has not."""
        state, note = opened.state, opened.note.encode()
        other = self._sayings.compare(key, (state.fold, state.count), state.root, note)
        return None if other is None else conflict_of_states(other, note, key).encode()

    def _count(self, text: str) -> list[Stands]:
        """Check whether a quorum has cosigned this text now, and this node knows its set."""
        keys = self._keys()
        copies = {key: opened for key, opened in self._gathered.get(text, {}).items() if key in keys}
        at = next((index for index, step in enumerate(self._steps) if step.state.encode() == text), None)
        if at is None or not keys or len(copies) < quorum(len(keys)):
            return []
        lines = {}
        for key, opened in copies.items():
            lines[key.name] = next(s for s in opened.note.signatures if (s.name, s.key_id) == (key.name, key.key_id))
        note = Note(text=text, signatures=tuple(lines[name] for name in sorted(lines))).encode()
        if note == self.noted.note:
            return []
        if self.noted.state != self._steps[at].state:
            self._stood_at = self._now
        return [self._settle_noted(at, note)]

    def _settle_noted(self, at: int, note: bytes) -> Stands:
        """Make the cosigned set of step `at` the noted state."""
        changed, committed = passed(self._steps[: at + 1])
        for id in (id for step in self._steps[: at + 1] for id in step.ids):
            self._beyond.pop(id, None)
        step = self._steps[at]
        self._sink([id for each in self._steps[: at + 1] for id in each.ids], step.state)
        self.noted = Standing(note=note, state=step.state, statements_root=step.statements_root)
        # The noted step stays as an empty base, because its text may be cosigned again, here and by others.
        self._steps = [step.settled(), *self._steps[at + 1 :]]
        return Stands(
            note=note,
            state=step.state,
            statements_root=step.statements_root,
            changed=changed,
            committed=committed,
            without=(*self._beyond, *self._behind),
        )

    def _sink(self, ids: Sequence[bytes], state: StateNote) -> None:
        """Move the statements that a quorum has signed for into the fold that is kept.

        If one of the layers ends exactly at the signed state, it and those below are merged into that fold as they are.
        Otherwise the fold takes the statements in again, and the layers with more statements are put over it anew.

        Args:
            ids: the statements of the signed set that the kept fold lacks. state: what the quorum signed.
        """
        base = self._base
        if base is None or not ids:
            return
        at = next((number for number, layer in enumerate(self._layers) if len(layer) == state.count), None)
        if at is not None:
            for lower, upper in reversed([*pairwise([base, *self._layers[: at + 1]])]):
                lower.absorb(upper)
            self._layers = self._layers[at + 1 :] or [self._cosigned]
            self._layers[0].relay(base)
            return
        for id in ids:
            base.add(self._cosigned.chains[id])
        base.settle()
        if base.state_root() != state.root:
            self._is_damaged = True  # one set folded twice, two states
            self.disagreements += 1
        # Each layer holds only what the one below it does not, so each has to stand on the next one again.
        self._layers = [layer for layer in self._layers if len(layer) > len(base)] or [self._cosigned]
        for lower, upper in pairwise([base, *self._layers, self._held]):
            upper.rebase(lower)

    # ------------------------------------------------------------------------------------------------- signers

    @property
    def _has_signers(self) -> bool:
        """Return whether the charter in force names any."""
        law = self._held.law
        if law is not self._law_read:  # for it is asked twice with every event
            self._law_read, self._names_signers = law, law is not None and bool(law.charter.body["signers"])
        return self._names_signers

    def _keys(self) -> list[VerifierKey]:
        """Return the signers' keys that the charter in force names."""
        charter = self._held.charter
        if charter is None:
            return []
        found = [node_in(self._held, name) for name in sorted(charter.body["signers"])]
        return [
            signer_key(node["name"], node["keys"]["state"])
            for node in found
            if node is not None and node["retired"] is None
        ]

    def _own_key(self) -> VerifierKey | None:
        public = self._signer.public_key
        return next((key for key in self._keys() if key.name == self._name and key.public == public), None)


def _time_of(opened: OpenedState, key: VerifierKey) -> int:
    return max(one.time or 0 for one in opened.cosignatures if one.key == key)


Refusal = InputError | NotYetError
"""The errors for an `Arrived`."""
