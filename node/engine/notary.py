"""State notes in one node, without input and output: when to cosign which set, and when a quorum stands.

All nodes that hold one set of statements write one text (`registry.transparency.state_note`), so cosignatures add up
without a leader. What makes that hard is a steady stream: no two nodes ever hold the same set at the same moment. So
there are three sets:

    held        all that is logged here                          (the engine's fold; grows by itself)
    cosigned    the set this node last stood by with its name    (trails what is held, which is a branch of it)
    noted       the newest set that a quorum stands by           (trails cosigned; proofs are made from it)

* **Cosigning.** A node stands by all that it holds once that has not changed for `QUIET`, if what it last cosigned has
  been noted, or for `SETTLED` in any case. Nobody waits for anybody.
* **Turns.** After `TURN` without a new quorum one signer, by the clock, offers all it holds: text, cosignature, and
  the ids that the newest noted set lacks. A signer that holds them all makes that its cosigned set, and cosigns what it
  comes to. A dead signer costs one turn.
* **Never less.** A cosigned set only grows: an offer is taken only if it contains that, and every narrowing
  statement that has been held for `HELD_BACK`. So one count never has two roots, and no revocation is left behind.
* **Never two.** A signer that cosigns two roots of one count has lied, or its fold is broken: `Contradicts` proves it.
* **Kept before told.** `Keep` comes before `Tell`: the last text signed survives the machine. A node counts its own
  cosignature only when it hears itself (`Tell`), so that none is shown to anybody which is not kept.

What is new is folded twice, into what is held and into what is cosigned, and the roots are compared before anything is
signed: if they differ, a bit has flipped, and nothing is signed until the node is started again. Then what is held is
put over what is cosigned (`Fold.rebase`), so that memory has it once but for what is not cosigned yet.

A node that is no signer follows along in the same way and signs nothing. `now` is in ms since 1970.

The notary keeps the noted state's note and roots only; its records are whoever's keep the noted map (`quorum_state`):
each `Stands` says which of them changed.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final, assert_never

from accredit.governance.encoded_records import Picked
from accredit.governance.fold import Fold
from accredit.governance.overlay import Layered
from accredit.governance.rulebook import is_narrowing
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
"""Texts whose cosignatures are gathered at a time. A guess: signers move on every second under a stream."""

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
    ) -> None:
        """Begins with nothing noted, and everything in `held` still to be told of, but for what `image` has.

        Args:
            name: this node's; it signs if the charter names it with this key among the signers.
            signer: has its state key.
            held: the fold of all that is logged. No statement is added to it here, but its base changes. With an
                image it is empty, and filled from that.
            last: the text last kept, if any: nothing smaller is ever signed.
            image: where another notary stood. This one begins there.
        """
        self.noted = Standing()
        self._ecosystem = ecosystem
        self._name = name
        self._signer = signer
        self._held = held
        self._floor = 0 if last is None else StateNote.decode(last).count
        self._base: Fold | None = None
        self._cosigned = Fold(ecosystem)
        self._is_damaged = False  # one set was folded twice, to two states
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
        self._stood_at = 0  # when the newest quorum stood
        self._slot = -1  # the last turn that was considered
        self._now = 0
        self.disagreements = 0
        self._folds: dict[str, int] = {}  # by signer: the version of the fold that it last cosigned under
        if image is not None:
            self._take_up(image)

    def stand_on(self, base: Fold) -> None:
        """Begins with a fold that is kept, before anything else: the cosigned and the held set are branches over it.

        It goes on to every state that a quorum stands by, and holds nothing beyond, so that what is kept of it is kept
        with the note. Held is what it holds, and no more yet.
        """
        assert not self._steps
        self._base, self._cosigned = base, base.branch()
        self._held.rebase(self._cosigned)

    @property
    def base(self) -> Fold | None:
        """The fold that is kept, if one is; see `stand_on`."""
        return self._base

    def renew(self) -> None:
        """Puts both sets over what is kept, whose maps have been renewed: so they read what is stored of these once.

        Where one of them holds more than what is kept, this waits until the cosigned set goes on.
        """
        if self._base is not None and len(self._base) == len(self._held):
            self._cosigned = self._base.branch()
            self._held.rebase(self._cosigned)

    def image(self) -> NotaryImage:
        """Where this notary stands; it is not to be used any more, for other notaries share what it holds."""
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
            InputError: an `Arrived` that is malformed, or cosigned by nobody who may; nothing changed.
            NotYetError: an `Arrived` before there is a charter that says who the signers are.
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
        """A wall clock set back must not make anything wait until it has caught up with itself."""
        if now < self._now:
            self._changed_at = min(self._changed_at, now)
            self._told_at = min(self._told_at, now)
            self._stood_at = min(self._stood_at, now)
            self._slot = min(self._slot, now // TURN)
        self._now = now

    def next_wakeup(self) -> int | None:
        """When `Ticked` is wanted at the latest (ms since 1970)."""
        return min((at for duty in DUTIES[self.phase] if (at := self._due(duty)) is not None), default=None)

    def signers(self) -> list[SignerView]:
        """What is known of each signer, by name."""
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
        """The version of the fold that the charter in force asks for; None where none is in force."""
        charter = self._held.charter
        return None if charter is None else int(charter.body["fold"])

    def other_folds(self) -> dict[str, int]:
        """By signer, the version of the fold that it last cosigned under, where that is not the charter's."""
        asked = self.charter_fold()
        signers = {key.name for key in self._keys()}
        return {name: fold for name, fold in sorted(self._folds.items()) if fold != asked and name in signers}

    def resume(self, state: StateNote, statements: Sequence[Statement], *, note: bytes = b"") -> list[Stands]:
        """Takes up, before the first event, a state that this node had signed or noted before it was started again.

        Args:
            statements: its set, less that of the state taken up before it.
            note: of that state, with its quorum, if it was noted.

        Returns:
            That it stands, if it does: with every record of it, before anything else was noted.

        Raises:
            StorageError: `state_damaged`: the statements do not lead to that state, so that nothing may be signed.
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
                return []  # the charter names other signers by now: their quorum is still to come
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
        if self.phase is Phase.NO_SIGNERS:
            return []
        effects = self._consider_offer()
        for duty in DUTIES[self.phase]:
            due = self._due(duty)
            if due is not None and self._now >= due:
                return [*effects, *self._perform(duty)]
        return effects

    @property
    def phase(self) -> Phase:
        """How the three sets stand to each other now."""
        if not self._keys():
            return Phase.NO_SIGNERS
        if not self._steps or self._steps[-1].state == self.noted.state:
            return Phase.GROWN if self._is_unsaid else Phase.NOTED
        return Phase.OVERTAKEN if self._behind else Phase.COSIGNED

    @property
    def _is_unsaid(self) -> bool:
        """Whether something is held that was never cosigned."""
        return bool(self._behind) or (not self._steps and bool(self._base))

    def _due(self, duty: Duty) -> int | None:
        """When a duty is to be done, ms; None while there is nothing to do it with."""
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
        """Makes the cosigned set contain `statements`; returns its text."""
        for statement in statements:
            self._behind.pop(statement.id, None)
            self._since.pop(statement.id, None)
            self._beyond[statement.id] = None
        if self._steps or self._base is not None:
            changed, committed = self._go_on(statements)
        else:  # the first one: there is nothing to compare it with but, after a restart, the state that was kept
            self._cosigned = self._held.rest_on(statements)
            changed, committed = self._cosigned.pick(), dict.fromkeys(self._cosigned.committed(), True)
        state, root = self._text_of(self._cosigned), self._cosigned.statements_root()
        ids = tuple(statement.id for statement in statements)
        self._steps.append(
            CosignedStep(state=state, statements_root=root, changed=changed, committed=committed, ids=ids)
        )
        return state

    def _go_on(self, statements: Sequence[Statement]) -> tuple[Picked, Mapping[bytes, bool]]:
        """Adds to the cosigned set and puts what is held over it again; what differs, as in `CosignedStep`."""
        count, root = len(self._held), self._held.state_root()
        if self._base is not None and len(self._cosigned) == len(self._base):
            self._cosigned = self._base.branch()  # the same set, over the maps as they are kept by now
        for statement in statements:
            self._cosigned.add(statement)
        changes = self._cosigned.settle()
        if len(self._cosigned) == count and self._cosigned.state_root() != root:
            self._is_damaged = True  # one set folded twice, two states: nothing may be signed
            self.disagreements += 1
        self._held.rebase(self._cosigned)
        return self._cosigned.pick(changes.records), changes.committed

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
        """Makes the cosigned set contain `statements` and cosigns it, if this node is a signer."""
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
        """When the next turn is to be considered, ms."""
        return max((self._slot + 1) * TURN, self._stood_at + TURN)

    def _take_turn(self) -> list[Effect]:
        """Offers all that is held, if it is this node's turn and there is something a quorum has not seen."""
        self._slot = self._now // TURN
        names = sorted(key.name for key in self._keys())
        if not names or not (self._behind or self._beyond) or names[self._slot % len(names)] != self._name:
            return []
        return self._stand_by(list(self._behind.values()), offer=True)

    def _consider_offer(self) -> list[Effect]:
        """Takes an offered set up, once everything in it is held."""
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
            return []  # another noted set below it: its own text would be another one
        effects = self._stand_by([self._behind[id] for id in wanted]) if wanted else self._tell(self._steps[-1].state)
        if self._steps[-1].state != offer.state:
            self.disagreements += 1  # one set, two states: somebody's fold is wrong, or lies
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
        """Takes cosignatures in; those of signers that have cosigned another root of this count."""
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
        """A proof that a signer has cosigned another root of the same count; None where it has not."""
        state, note = opened.state, opened.note.encode()
        other = self._sayings.compare(key, (state.fold, state.count), state.root, note)
        return None if other is None else conflict_of_states(other, note, key).encode()

    def _count(self, text: str) -> list[Stands]:
        """Whether the quorum stands by this text now, and this node knows its set."""
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
        """The cosigned set of step `at` becomes the noted state."""
        changed, committed = passed(self._steps[: at + 1])
        for id in (id for step in self._steps[: at + 1] for id in step.ids):
            self._beyond.pop(id, None)
        step = self._steps[at]
        self._sink([id for each in self._steps[: at + 1] for id in each.ids], step.state)
        self.noted = Standing(note=note, state=step.state, statements_root=step.statements_root)
        # The noted step stays, empty, as the base: its text may be cosigned anew, by us and by others.
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
        """What a quorum stands by goes into the fold that is kept; as it was folded, if nothing else is cosigned.

        Else it is folded anew, and the sets beyond are put over it again.
        """
        base = self._base
        if base is None or not ids:
            return
        if not self._beyond:
            base.absorb(self._cosigned)
            return
        for id in ids:
            base.add(self._cosigned.chains[id])
        base.settle()
        if base.state_root() != state.root:
            self._is_damaged = True  # one set folded twice, two states
            self.disagreements += 1
        self._cosigned.rebase(base)
        self._held.rebase(self._cosigned)

    # ------------------------------------------------------------------------------------------------- signers

    def _keys(self) -> list[VerifierKey]:
        """The signers' keys, as the charter in force names them."""
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
"""What `Arrived` may raise."""
