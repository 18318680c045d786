"""State notes among several nodes in virtual time: statements spread late, in batches, and some nodes are dead."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from accredit.governance.fold import Fold
from accredit.node.engine import notary as notary_module
from accredit.node.engine.notary import HELD_BACK, Notary
from accredit.node.engine.notary_events import Arrived, Effect, Keep, Stands, StatementsHeld, Tell, Ticked
from accredit.node.engine.notary_phases import AGAIN, DUTIES, MOVES, QUIET, SETTLED, Duty, Phase
from accredit.node.engine.quorum_state import KeptNote, MemoryNotedMap, Part
from accredit.registry.domain.records import FOLD_VERSION, record_digest, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import AccreditError, InputError, NotYetError, StorageError
from accredit.registry.statement import Statement
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote, cosign_state, open_state, quorum, signer_key
from accredit.registry.transparency.state_trie import check_proof, state_root
from tests.strategies.bodies import event, grant, node, register
from tests.strategies.consortium import Consortium, seed_of

A, B, C = (f"https://{letter}.example/" for letter in "abc")
BEGIN = 1_700_001_000_000  # ms


def town_of(count: int, *, signers: int | None = None) -> Consortium:
    nodes = [node(f"n{n}.example", f"Operator {n}") for n in range(count)]
    names = [entry["name"] for entry in nodes]
    return Consortium.of((A, "nonprofit"), (B, "public"), (C, "education"), nodes=nodes, signers=names[:signers])


@dataclass
class Host:
    """One node: a fold that logs in batches on aligned ticks, and its notary."""

    name: str
    fold: Fold
    notary: Notary
    pending: list[Statement] = field(default_factory=list)
    kept: list[StateNote] = field(default_factory=list)
    without: tuple[bytes, ...] = ()
    noted: MemoryNotedMap = field(default_factory=MemoryNotedMap)
    notes: list[tuple[int, bytes]] = field(default_factory=list)
    signed: dict[int, bytes] = field(default_factory=dict)


class World:
    """A heap of what happens when; `link` ms from any node to any other."""

    def __init__(
        self,
        town: Consortium,
        count: int,
        *,
        link: int = 30,
        dead: tuple[int, ...] = (),
        notary: type[Notary] = Notary,
        slow: tuple[int, ...] = (),
        tick: int = 1_000,
        stored: bool = False,
    ) -> None:
        self.town = town
        self.notary = notary
        self.slow = slow  # statements reach them three seconds late, notes do not
        self.tick = tick
        self.stored = stored  # what a quorum stands by is kept in a fold of its own
        self.now = BEGIN
        self.link = link
        self.random = Random(7)
        self.heap: list[tuple[int, int, int, str, object]] = []
        self.hosts = [self._host(n) for n in range(count)]
        self.dead = set(dead)
        self._number = 0
        for n in range(count):
            self.at(0, n, "tick", None)

    def _host(self, n: int) -> Host:
        name = f"n{n}.example"
        fold = Fold(self.town.eco)
        notary = self.notary(ecosystem=self.town.eco, name=name, signer=KeyPair(seed_of(f"{name} state")), held=fold)
        if self.stored:
            notary.stand_on(fold.sink())
        return Host(name, fold, notary)

    def at(self, delay: int, host: int, what: str, value: object) -> None:
        self._number += 1
        heappush(self.heap, (self.now + delay, self._number, host, what, value))

    def submit(self, host: int, *statements: Statement, delay: int = 0) -> None:
        self.at(delay, host, "submit", statements)

    def run(self, duration: int) -> None:
        end = self.now + duration
        while self.heap and self.heap[0][0] <= end:
            self.now, _, n, what, value = heappop(self.heap)
            if n not in self.dead:
                self._happen(n, what, value)
        self.now = end

    def _happen(self, n: int, what: str, value: object) -> None:
        host = self.hosts[n]
        if what == "submit":
            host.pending += [s for s in value if s.id not in host.fold]  # type: ignore[attr-defined]
        elif what == "tick":
            self.at(self.tick - self.now % self.tick, n, "tick", None)
            self._log(n)
        elif what == "arrive":
            with suppress(NotYetError):  # the charter has not reached this node yet
                self._do(n, Arrived(data=value))  # type: ignore[arg-type]
        else:
            due = host.notary.next_wakeup()
            if due is not None and due <= self.now:
                self._do(n, Ticked())

    def _log(self, n: int) -> None:
        host, batch = self.hosts[n], {s.id: s for s in self.hosts[n].pending}
        host.pending = []
        fresh = tuple(s for s in batch.values() if s.id not in host.fold)
        for statement in fresh:
            host.fold.add(statement)
        host.fold.settle()
        if fresh:
            for other in range(len(self.hosts)):
                if other != n:
                    late = 3_000 if other in self.slow else 0
                    self.at(late + self.link + self.random.randrange(self.link), other, "submit", fresh)
            self._do(n, StatementsHeld(statements=fresh))

    def _do(self, n: int, what: StatementsHeld | Arrived | Ticked) -> None:
        host, heard = self.hosts[n], list[bytes]()
        for effect in host.notary.handle(what, now=self.now):
            match effect:
                case Keep():
                    state = StateNote.decode(effect.text)
                    assert host.signed.setdefault(state.count, state.root) == state.root, "two roots of one count"
                    assert not host.kept or state.count >= host.kept[-1].count
                    host.kept.append(state)
                    host.without = effect.without
                case Tell():
                    heard.append(effect.data)
                    for other in range(len(self.hosts)):
                        if other != n:
                            self.at(self.link + self.random.randrange(self.link), other, "arrive", effect.data)
                case Stands():
                    host.notes.append((self.now, effect.note))
                    root = effect.statements_root
                    kept = KeptNote(note=effect.note, part=Part(size=effect.state.count))
                    host.noted.settle(
                        kept=kept,
                        state=effect.state,
                        statements_root=root,
                        changed=effect.changed,
                        committed=effect.committed,
                    )
                    assert host.noted.statements.root() == root, "the statements said to come and go lead to it"
        for data in heard:  # what it told: after all else that came with it
            self._do(n, Arrived(data=data))
        due = host.notary.next_wakeup()
        if due is not None:
            self.at(max(1, due - self.now), n, "wake", None)


def found(count: int, *, signers: int | None = None, dead: tuple[int, ...] = ()) -> World:
    town = town_of(count, signers=signers)
    world = World(town, count, dead=dead)
    world.submit(min(set(range(count)) - set(dead)), *town.said)
    world.run(12_000)
    return world


def newest(world: World, host: int = 0) -> StateNote:
    state = world.hosts[host].notary.noted.state
    assert state is not None
    return state


def test_a_single_statement_is_noted_by_a_quorum_soon_after_it_has_spread() -> None:
    world = found(5)
    said = world.town.says(A, "issuer.register", register())
    world.submit(0, said)
    world.run(1_000 - world.now % 1_000)  # the tick at which it is logged
    logged = world.now
    world.run(4_000)

    first = next(when for when, note in world.hosts[0].notes if when >= logged)
    assert first - logged <= 1_500
    assert {newest(world, n).root for n in range(5)} == {world.hosts[0].fold.state_root()}
    keys = [signer_key(f"n{n}.example", world.hosts[n].fold.nodes()[n]["keys"]["state"]) for n in range(5)]
    opened = open_state(world.hosts[3].notary.noted.note or b"", keys)
    assert len(opened.cosignatures) >= quorum(5)


def test_a_quorum_keeps_forming_under_a_steady_stream_with_one_of_five_dead() -> None:
    world = found(5, dead=(2,))
    begun = world.now
    for n in range(1_200):  # 20 a second at four nodes, for a minute
        said = world.town.says(A, "issuer.register", register(f"did:web:i{n}.example"))
        world.submit((0, 1, 3, 4)[n % 4], said, delay=n * 50)
    world.run(60_000)

    for host in (0, 1, 3, 4):
        times = [begun, *(when for when, _ in world.hosts[host].notes if when >= begun), world.now]
        assert max(b - a for a, b in pairwise(times)) <= 30_000
        assert newest(world, host).count > 600


@pytest.mark.parametrize(("layers", "link"), [(1, 1_500), (2, 3_000), (4, 1_500)])
def test_what_a_quorum_stands_by_is_kept_without_a_third_fold_while_more_is_cosigned(
    layers: int, link: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream in which each set finds its quorum only when further ones are cosigned: signers far from each other.

    Where the newest layer has grown beyond a set whose quorum comes, further layers may lie over it by then.
    """
    monkeypatch.setattr(notary_module, "LAYERS_MAX", layers)
    town = town_of(3)
    world = World(town, 3, link=link, stored=True)
    world.submit(0, *town.said)
    world.run(12_000)
    folded: list[int] = []
    add = Fold.add

    def counted(fold: Fold, statement: Statement) -> None:
        if fold is world.hosts[0].notary.base:
            folded.append(len(fold))
        add(fold, statement)

    monkeypatch.setattr(Fold, "add", counted)
    bases = set[int]()
    for n in range(12):
        world.submit(0, town.says(A, "issuer.register", register(f"did:web:i{n}.example")))
        world.run(2_000 + 500 * (n % 3))
        for host in world.hosts:
            base, cosigned = host.notary.base, host.notary._cosigned
            assert len(host.fold) == len([*host.fold.chains]) >= len(cosigned)
            assert base is not None
            state = host.notary.noted.state
            assert state is None or (len(base), base.state_root()) == (state.count, state.root)
            bases.add(len(cosigned) - len(base))
    world.run(15_000)
    assert max(bases) > 0, "sets have waited for their quorum"
    assert bool(folded) == (layers < 4), "folded anew only where layers do not suffice"
    for host in world.hosts:
        whole = Fold(town.eco)
        for statement in town.said:
            whole.add(statement)
        whole.settle()
        base = host.notary.base
        assert base is not None
        assert {fold.state_root() for fold in (base, host.fold, host.notary._cosigned)} == {whole.state_root()}
        assert dict(base.items()) == dict(whole.items())
        assert host.notary.disagreements == 0


def test_no_quorum_forms_without_enough_signers() -> None:
    world = found(5, dead=(2, 3))

    assert world.hosts[0].notary.noted.note is None
    views = {view.name: view for view in world.hosts[0].notary.signers()}
    assert [name for name, view in views.items() if view.count is None] == ["n2.example", "n3.example"]


def test_a_note_stands_by_the_records_it_proves() -> None:
    world = found(4)
    said = world.town.says(A, "issuer.register", register())
    world.submit(1, said)
    world.run(8_000)
    late = world.town.says(A, "issuer.register", register("did:web:late.example"))
    world.hosts[0].fold.add(late)
    world.hosts[0].fold.settle()

    noted = world.hosts[0].noted
    assert noted.get("issuer", "did:web:college.example") is not None
    assert noted.get("issuer", "did:web:late.example") is None  # held, and not noted yet
    root = noted.records_root()
    assert state_root(root, noted.statements_root) == newest(world).root
    record = noted.get("issuer", "did:web:college.example")
    assert record is not None
    key = record_key("issuer", "did:web:college.example")
    assert check_proof(root, key, noted.prove("issuer", "did:web:college.example")) == record_digest(record)
    absent = record_key("issuer", "did:web:late.example")
    assert check_proof(root, absent, noted.prove("issuer", "did:web:late.example")) is None


def test_a_node_that_is_no_signer_gathers_the_note_and_signs_nothing() -> None:
    world = found(6, signers=5)

    assert newest(world, 5) == newest(world, 0)
    assert world.hosts[5].kept == []


def test_a_standing_note_is_cosigned_anew() -> None:
    world = found(4)
    note = world.hosts[0].notary.noted.note
    world.run(2 * AGAIN)

    assert world.hosts[0].notary.noted.note != note
    assert all(not view.is_missing for view in world.hosts[0].notary.signers())


def test_a_dead_signer_is_named_as_missing() -> None:
    world = found(4)
    world.dead.add(3)
    world.run(3 * AGAIN)

    views = {view.name: view.is_missing for view in world.hosts[0].notary.signers()}
    assert views == {"n0.example": False, "n1.example": False, "n2.example": False, "n3.example": True}


def test_a_restored_node_signs_nothing_smaller_than_it_signed_before() -> None:
    world = found(4)
    last = world.hosts[0].kept[-1].encode()
    fold = world.town.fold(world.town.said[:2])
    again = Notary(
        ecosystem=world.town.eco, name="n0.example", signer=KeyPair(seed_of("n0.example state")), held=fold, last=last
    )
    told = again.handle(StatementsHeld(statements=tuple(world.town.said[:2])), now=world.now)
    told += again.handle(Ticked(), now=world.now + 60_000)

    assert told == []


@pytest.mark.parametrize(("held", "signs"), [(5_000, True), (HELD_BACK + 5_000, False)])
def test_an_offer_that_leaves_out_a_revocation_held_for_half_a_minute_is_not_cosigned(held: int, signs: bool) -> None:
    """A stream keeps the node from ever being quiet, so that it depends on offers; one withholds a suspension."""
    world = found(4)
    town, host, noted = world.town, world.hosts[0], newest(world).count
    given = town.says(A, "accreditation.grant", grant())
    suspended = town.says(A, "accreditation.status", event(given.id, "suspend"), given.sub)
    world.dead |= {1, 2, 3}
    host.notary.handle(Ticked(), now=world.now)
    learn(world, given)
    world.run(QUIET + 50)  # its own candidate from here on, without a quorum
    learn(world, suspended)
    for n in range(held // 1_000):
        learn(world, town.says(B, "issuer.register", register(f"did:web:i{n}.example")))
        world.run(1_000)
    kept = len(host.kept)
    partial = town.fold([s for s in town.said if s is not suspended])
    root = partial.state_root()
    state = StateNote(name="A consortium", ecosystem=town.eco, fold=FOLD_VERSION, count=len(partial), root=root)
    line = cosign_state(state, "n1.example", KeyPair(seed_of("n1.example state")), world.now // 1000)
    note = Note(text=state.encode(), signatures=(line,)).encode()
    world._do(0, Arrived(data=encode({1: note, 2: sorted(s.id for s in town.said[noted:] if s is not suspended)})))

    assert (state in host.kept[kept:]) is signs
    if signs:
        assert host.without == (suspended.id,), "so that the set can be derived again from the log"


def learn(world: World, statement: Statement) -> None:
    """The first node logs a statement."""
    host = world.hosts[0]
    host.fold.add(statement)
    host.fold.settle()
    world._do(0, StatementsHeld(statements=(statement,)))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xa1\x01\x01", b"\xa1\x01\x41a", b"\xa2\x01\x41a\x02\x01"])
def test_what_is_no_cosignature_message_is_refused_and_changes_nothing(data: bytes) -> None:
    world = found(4)
    before = world.hosts[0].notary.noted.note

    with pytest.raises(InputError):
        world.hosts[0].notary.handle(Arrived(data=data), now=world.now)
    assert world.hosts[0].notary.noted.note == before


def test_a_cosignature_of_a_stranger_is_refused() -> None:
    world = found(4)
    state = newest(world)
    for name, seed in (("n9.example", "n9.example state"), ("n1.example", "n9.example state")):
        line = cosign_state(state, name, KeyPair(seed_of(seed)), world.now // 1000)
        note = Note(text=state.encode(), signatures=(line,)).encode()
        with pytest.raises(AccreditError):
            world.hosts[0].notary.handle(Arrived(data=encode({1: note})), now=world.now)


# --------------------------------------------------------------------------------------------- restarts and clocks


def again(world: World, said: list[Statement], last: str | None = None) -> Notary:
    """The first node's notary after a restart, its log being `said`; it has not been told of anything yet."""
    fold = world.town.fold(said)
    seed = seed_of("n0.example state")
    return Notary(ecosystem=world.town.eco, name="n0.example", signer=KeyPair(seed), held=fold, last=last)


def test_a_restarted_notary_goes_on_from_what_was_noted() -> None:
    world = found(4)
    note, state = world.hosts[0].notary.noted.note, newest(world)
    assert note is not None
    notary = again(world, world.town.said)
    notary.resume(state, world.town.said, note=note)

    assert (notary.noted.note, notary.noted.state) == (note, state)
    told = [*notary.handle(Ticked(), now=world.now + 20), *notary.handle(Ticked(), now=world.now + 40)]
    assert [type(effect) for effect in told[:2]] == [Keep, Tell], "it says again where it stands, and is heard"
    assert all(view.cosigned is not None for view in notary.signers())


def test_a_restarted_notary_resumes_what_it_cosigned_beyond_what_was_noted() -> None:
    world = found(4)
    note, noted, count = world.hosts[0].notary.noted.note, newest(world), len(world.town.said)
    world.dead |= {1, 2, 3}
    learn(world, world.town.says(A, "issuer.register", register()))
    world.run(QUIET + 50)
    last = world.hosts[0].kept[-1]
    notary = again(world, world.town.said, last.encode())
    notary.resume(noted, world.town.said[:count], note=note or b"")
    notary.resume(last, world.town.said[count:])

    assert notary.noted.state == noted
    assert last.count == count + 1
    kept = [effect.text for effect in notary.handle(Ticked(), now=world.now + AGAIN) if isinstance(effect, Keep)]
    assert set(kept) == {last.encode()}


@pytest.mark.parametrize("left_out", [0, 1])
def test_a_state_that_the_stored_statements_do_not_lead_to_is_not_taken_up(left_out: int) -> None:
    world = found(4)
    state = newest(world) if left_out else replace(newest(world), root=bytes(32))
    with pytest.raises(StorageError) as caught:
        again(world, world.town.said).resume(state, world.town.said[left_out:])
    assert caught.value.code == "state_damaged"


def test_a_stored_note_whose_signature_was_altered_is_not_taken_up() -> None:
    world = found(4)
    note = world.hosts[0].notary.noted.note or b""
    place = len(note) - 20
    bad = note[:place] + (b"A" if note[place : place + 1] != b"A" else b"B") + note[place + 1 :]
    with pytest.raises(StorageError, match="is not valid"):
        again(world, world.town.said).resume(newest(world), world.town.said, note=bad)


def test_a_stored_note_of_signers_long_replaced_stands_no_more() -> None:
    world = found(4)
    state = newest(world)
    line = cosign_state(state, "n9.example", KeyPair(seed_of("n9.example state")), world.now // 1000)
    notary = again(world, world.town.said)
    notary.resume(state, world.town.said, note=Note(text=state.encode(), signatures=(line,)).encode())
    assert notary.noted.note is None


def test_a_clock_set_back_by_an_hour_keeps_nobody_from_signing() -> None:
    world = found(1)
    host = world.hosts[0]
    world.now -= 3_600_000
    learn(world, world.town.says(A, "issuer.register", register()))
    world.now += SETTLED
    world._do(0, Ticked())

    assert newest(world).count == len(world.town.said)
    due = host.notary.next_wakeup()
    assert due is not None
    assert due <= world.now + AGAIN


def test_without_signers_no_second_fold_is_made() -> None:
    town = Consortium.of((A, "nonprofit"))
    notary = Notary(ecosystem=town.eco, name="n0.example", signer=KeyPair(bytes(32)), held=town.fold())
    assert notary.handle(StatementsHeld(statements=tuple(town.said)), now=BEGIN) == []
    assert notary.handle(Ticked(), now=BEGIN + 60_000) == []
    assert notary.next_wakeup() is None
    assert notary.signers() == []
    assert len(notary._cosigned) == 0


def test_one_set_folded_to_two_states_is_not_cosigned() -> None:
    world = found(1)
    host = world.hosts[0]
    kept = len(host.kept)
    host.fold._record_trie.set(bytes(32), bytes(32))
    learn(world, world.town.says(A, "issuer.register", register()))
    world.run(10 * AGAIN)

    assert host.kept[kept:] == []
    assert host.notary.disagreements > 0


def test_what_a_long_turn_brought_is_looked_up_together_before_it_is_folded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notary_module, "LOOKED_AT", 2)
    world = found(1)
    notary = world.hosts[0].notary
    looked_at: list[tuple[int, list[bytes]]] = []
    monkeypatch.setattr(
        notary, "_look_ahead", lambda some: looked_at.append((len(notary._cosigned), [each.id for each in some]))
    )
    before = len(notary._cosigned)
    said = [world.town.says(A, "issuer.register", register(f"did:web:{number}.example")) for number in range(3)]
    for each in said:
        learn(world, each)
    world.run(SETTLED + QUIET)
    assert looked_at == [(before, [said[0].id, said[1].id]), (before + 2, [said[2].id])]


class Watched(Notary):
    """Notes every phase it comes into."""

    def __init__(self, **arguments: Any) -> None:
        self.moves: set[tuple[Phase, Phase]] = set()
        self._before = Phase.NO_SIGNERS
        super().__init__(**arguments)

    def _look(self) -> None:
        if self.phase is not self._before:
            self.moves.add((self._before, self.phase))
            self._before = self.phase

    def _on_changed(self, statements: Iterable[Statement]) -> None:
        super()._on_changed(statements)
        self._look()

    def _on_arrived(self, data: bytes) -> list[Effect]:
        effects = super()._on_arrived(data)
        self._look()
        return effects

    def _consider_offer(self) -> list[Effect]:
        effects = super()._consider_offer()
        self._look()
        return effects

    def _perform(self, duty: Duty) -> list[Effect]:
        assert duty in DUTIES[self.phase]
        effects = super()._perform(duty)
        self._look()
        return effects


def test_notaries_move_between_phases_as_the_table_says_and_along_every_line_of_it() -> None:
    assert set(DUTIES) == set(Phase)
    moves: set[tuple[Phase, Phase]] = set()
    for count, dead, gap, how in (
        (5, (2,), 50, {}),
        (3, (), 400, {}),
        (4, (), 2_300, {"slow": (3,)}),
        (5, (), 700, {"slow": (3,)}),
        (4, (), 100, {"tick": 100}),
    ):
        town = town_of(count)
        world = World(town, count, dead=dead, notary=Watched, **how)
        world.submit(min(set(range(count)) - set(dead)), *town.said)
        alive = [n for n in range(count) if n not in dead]
        for n in range(15_000 // gap):
            said = town.says(A, "issuer.register", register(f"did:web:i{n}.example"))
            world.submit(alive[n % len(alive)], said, delay=12_000 + n * gap)
        world.run(60_000)
        for n in alive:
            notary = world.hosts[n].notary
            assert isinstance(notary, Watched)
            moves |= notary.moves

    assert moves <= set(MOVES), "a move that the table does not have"
    assert moves == set(MOVES), "a line of the table that nothing goes along"
