"""What a fold holds can be kept and taken up at any point: it goes on as one that never stopped."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.authority.admission import Admission
from accredit.governance.fold import Fold
from accredit.registry.domain.records import Subject
from accredit.registry.errors import AccreditError, StorageError
from accredit.registry.statement import Statement, decode
from tests.governance.test_law_of_the_fold import picture
from tests.strategies.bodies import ISSUER, event, grant, register
from tests.strategies.consortium import Consortium, Pen, fold_of, key_entry
from tests.strategies.histories import History, histories
from tests.strategies.searching import FEW
from tests.strategies.stories import A, B, C, annul, trio
from tests.strategies.written import Written


def taken_up(eco: bytes, said: list[Statement], stops: set[int]) -> Fold:
    """The fold of what was said, settled, kept and taken up anew after each number of statements in `stops`."""
    kept = Written()
    fold = Fold(eco, kept)
    for count, statement in enumerate(said, 1):
        fold.add(statement)
        if count in stops:
            fold.settle()
            fold = Fold(eco, kept)
    fold.settle()
    fold.renew(kept)
    return fold


@FEW
@given(histories(), st.sets(st.integers(1, 40), max_size=6))
def test_a_fold_that_is_taken_up_goes_on_as_one_that_never_stopped(history: History, stops: set[int]) -> None:
    eco, said = history
    said = list({each.id: each for each in said}.values())
    fold, plain = taken_up(eco, said, stops), fold_of(eco, said)

    assert picture(fold) == picture(plain)
    assert picture(fold.branch()) == picture(plain)


def test_maps_that_were_set_aside_stay_as_they_were_whatever_the_fold_takes_in() -> None:
    """They are stored in another thread, while the fold goes on."""
    town = trio()
    town.says(A, "issuer.register", register())
    fold = fold_of(town.eco, town.said)
    maps, roots = fold.maps(), (fold.records_root(), fold.statements_root())
    fold.add(town.says(A, "issuer.register", register("did:web:another.example")))
    fold.settle()
    assert (maps.records.root(), maps.statements.root()) == roots
    assert (fold.records_root(), fold.statements_root()) != roots


def test_maps_that_were_changed_where_they_are_stored_are_not_taken_for_ones_own() -> None:
    town, kept = trio(), Written()
    town.says(A, "issuer.register", register())
    fold = Fold(town.eco, kept)
    for statement in town.said:
        fold.add(statement)
    fold.settle()
    del kept.records("issuer")[ISSUER]
    with pytest.raises(StorageError, match="do not lead to the root"):
        fold.renew(kept)


def test_what_came_before_the_genesis_took_effect_is_judged_once_it_does_whoever_stopped_meanwhile() -> None:
    """Also an annulment, which names what it is about by its id alone."""
    town = trio(approve=False)
    town.says(A, "issuer.register", register())
    given = town.says(A, "accreditation.grant", grant())
    town.says(A, "accreditation.status", event(given.id, "suspend"), ISSUER)
    wrong = town.says(A, "accreditation.grant", grant("did:web:wrong.example"))
    undone = annul(town, A, wrong)
    town.votes(B, undone)
    before = len(town.said)
    town.votes(B, town.genesis)
    town.votes(C, town.genesis)

    fold = taken_up(town.eco, town.said, {before})
    assert fold.get("accreditation", given.id.hex()) is not None
    assert picture(fold) == picture(town.fold())


class Gate:
    """Acceptance over a set that is kept, told before that set or after it, beside one that remembers all by itself."""

    def __init__(self, eco: bytes) -> None:
        self.eco = eco
        self.fold = Fold(eco, Written())
        self.plain = Admission(eco)
        self.restart()

    def restart(self) -> None:
        self.kept = Admission(self.eco, lambda: self.fold.chains)
        self.told = Admission(self.eco, lambda: self.fold.chains)

    def hear(self, statement: Statement) -> None:
        """One statement at all gates, which must say the same of it."""
        found = [self._judged(gate, statement) for gate in (self.kept, self.told, self.plain)]
        assert found[0] == found[1] == found[2]
        if found[0] is None:
            assert sorted(self.kept.add(statement)) == sorted(self.plain.add(statement))
            if (completed := self.fold.add(statement)) or not self.fold.chains.is_complete(statement.id):
                self.told.hold(statement, completed)
            self.kept.forget([statement])
        assert (statement.id in self.kept) == (statement.id in self.told) == (statement.id in self.plain)

    @staticmethod
    def _judged(gate: Admission, statement: Statement) -> str | None:
        try:
            assert gate.admit(decode(statement.raw)) == statement
        except AccreditError as error:
            return error.code
        return None


@FEW
@given(histories(), st.sets(st.integers(0, 40), max_size=6), st.randoms(use_true_random=False))
def test_a_gate_that_looks_up_what_is_held_lets_in_what_one_that_remembers_lets_in(
    history: History, stops: set[int], random: st.DataObject
) -> None:
    eco, said = history
    late = said[1:]
    random.shuffle(late)  # type: ignore[attr-defined]
    gate = Gate(eco)
    for number, statement in enumerate([*said[:8], *late, *said]):
        if number in stops:
            gate.restart()
        gate.hear(statement)


def test_a_gate_that_starts_again_knows_who_waits_for_whom() -> None:
    """A key's budget comes from what is held; what its gap held back is complete once the gap is filled."""
    town: Consortium = trio()
    missing = town.says(A, "issuer.register", register(), heard=False)
    late = town.says(A, "accreditation.grant", grant())
    fresh = Pen("fresh of A", A)
    last = town.says(A, "key.add", key_entry(fresh, budget=50), A)
    gate = Gate(town.eco)
    for statement in town.said:
        gate.hear(statement)
    gate.restart()
    assert last.id in gate.kept
    assert not gate.fold.chains.is_complete(last.id)
    gate.hear(missing)  # the keys that `last` gives are known at once, at both gates
    by_fresh = town.says(fresh, "issuer.register", register("did:web:fresh.example"))
    for statement in (town.says(B, "issuer.register", register()), late, by_fresh):
        gate.hear(statement)
    assert gate.fold.chains.is_complete(last.id)
    assert by_fresh.id in gate.kept


class _Told(Written):
    """Holdings that remember which records were announced."""

    def __init__(self) -> None:
        super().__init__()
        self.announced: list[Subject] = []

    def expect(self, subjects: Iterable[Subject]) -> None:
        self.announced += subjects


def test_what_a_branch_will_read_is_announced_to_the_storage_below_it() -> None:
    town = trio()
    kept = _Told()
    fold = taken_up(town.eco, town.said, set())
    fold.expect([("issuer", ISSUER)])
    base = Fold(town.eco, kept)
    base.branch().branch().expect([("issuer", ISSUER)])
    base.sink().expect([("alias", ISSUER)])
    base.expect([("charter", ISSUER)])
    assert kept.announced == [("issuer", ISSUER), ("alias", ISSUER), ("charter", ISSUER)]
    Fold(town.eco).expect([("issuer", ISSUER)])
