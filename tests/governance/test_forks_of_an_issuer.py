"""An issuer's key of a small budget that signs without end under one number: what it costs, and that nothing changes.

Of the forks under a number those that count first are kept (`reducers.leading`), so that a record, a question and one
statement more cost the same however many there are.
"""

from collections.abc import MutableMapping
from random import Random
from typing import Any

import pytest

from accredit.governance import fold as fold_module
from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.governance.index.holdings import Fact, InMemory
from accredit.governance.records import reducers
from accredit.governance.standing import standing_of
from accredit.registry.decision.decide import AUTHORIZED, Query, decide
from accredit.registry.domain.record_types import IssuerRecord
from accredit.registry.domain.records import issuer_in
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, grant, register
from tests.strategies.consortium import START, Consortium, Pen
from tests.strategies.stories import A, B, C, annul, pinned, state_of, trio

NAMES = ("one", "two", "three")
SCOPE = {"achievement_types": ["Badge"], "credential_types": "*"}


def method(name: str) -> str:
    return f"{ISSUER}#{name}"


def school(*names: str) -> tuple[Consortium, dict[str, Pen]]:
    """An issuer that A has accredited, with keys of its own."""
    town = trio()
    pens = {name: Pen(f"the school's {name}", ISSUER) for name in names or NAMES}
    keys = [pinned(pen, id=method(name)) for name, pen in pens.items()]
    town.says(A, "issuer.register", register(keys=keys))
    town.says(A, "accreditation.grant", grant(scope=SCOPE))
    return town, pens


def record_of(fold: Fold) -> IssuerRecord:
    record = issuer_in(fold, CanonicalId(ISSUER))
    assert record is not None
    return record


def flood(town: Consortium, pen: Pen, count: int, how: str) -> list[Statement]:
    """So many statements under one number."""
    said = []
    for n in range(count):
        bodies: dict[str, dict[str, Any]] = {
            "nobody's keys": {"op": "retire", "key_id": method(f"none-{n}")},
            "ever earlier": {"op": "compromise", "key_id": method("two"), "compromised_since": START - n},
            "other words": {"op": "retire", "key_id": method("two"), "reason_text": f"{n}", "valid_until": START},
        }
        body = bodies[how]
        iat = START + 50 if how == "other words" else None
        said.append(town.says(pen.copy(), "issuer.key", {"issuer": ISSUER, **body}, iat=iat))
    return said


HOW = ("nobody's keys", "ever earlier", "other words")


@pytest.mark.no_cover
@pytest.mark.parametrize("how", HOW)
def test_neither_the_record_nor_one_statement_more_costs_more_however_many_forks_there_are(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, looks = [], []
    for count in (40, 160):
        town, pens = school()
        flood(town, pens["one"], count, how)
        fold = town.fold()
        sizes.append(len(record_of(fold)["keys"]))
        urgent = town.says(A, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": method("three")}, heard=False)
        looks.append(0)

        def counted(self: Fold, *given: Any, whole: Any = Fold._fact, **named: Any) -> Any:
            looks[-1] += 1
            return whole(self, *given, **named)

        with monkeypatch.context() as patch:
            patch.setattr(fold_module.Fold, "_fact", counted)
            fold.add(urgent)
            fold.settle()
        assert urgent.id in [one["statement"] for one in record_of(fold)["keys"]]
    assert sizes[0] == sizes[1] <= 3 + 3 * reducers.FIRST
    assert looks[0] == looks[1]


def test_an_authority_that_uses_its_numbers_once_each_loses_nothing_however_often_it_says_the_same() -> None:
    town, _ = school()
    for n in range(40):
        town.says(A, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": method("two"), "reason_text": f"{n}"})
    assert len(record_of(town.fold())["keys"]) == 3 + 40


def test_what_an_issuers_key_says_again_under_new_numbers_fills_no_record() -> None:
    town, pens = school()
    for n in range(40):
        body = {"issuer": ISSUER, "op": "retire", "key_id": method("two"), "reason_text": f"{n}"}
        town.says(pens["one"], "issuer.key", body)
    assert len(record_of(town.fold())["keys"]) == 3 + reducers.FIRST


def test_a_key_of_another_kind_is_stated_beside_and_speaks_for_nobody() -> None:
    town, pens = school()
    jwk = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    town.says(A, "issuer.register", register(keys=[{"id": method("p256"), "jwk": jwk}]))
    body = {"issuer": ISSUER, "op": "retire", "key_id": method("p256"), "valid_until": START}
    ended = town.says(pens["one"], "issuer.key", body)
    assert ended.id in {one["statement"] for one in record_of(town.fold())["keys"]}


def test_what_a_fork_says_too_often_is_told_why_it_is_not_in_the_record() -> None:
    town, pens = school()
    said = flood(town, pens["one"], 40, "other words")
    fold = town.fold()
    states = [standing_of(fold, one.id) for one in said]
    assert [one.state for one in states if one is not None].count(EffectState.EFFECTIVE) == 1
    assert {one.reason for one in states if one is not None} == {
        "",
        "Its authority has used up its share of this record; end or withdraw another entry first.",
    }


@pytest.mark.no_cover
@pytest.mark.parametrize("how", HOW)
def test_an_honest_end_of_a_key_stands_beside_a_flood_under_the_same_number(how: str) -> None:
    town, pens = school()
    flood(town, pens["one"], 30, how)
    ended = town.says(pens["one"].copy(), "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": method("three")})
    flood(town, pens["one"], 30, how)
    assert state_of(town, ended) is EffectState.EFFECTIVE
    assert ended.id in [one["statement"] for one in record_of(town.fold())["keys"]]


@pytest.mark.parametrize("is_stated_by_a_stranger", [False, True])
def test_a_thief_of_an_ended_key_does_not_push_out_what_it_had_said_of_a_stolen_one(
    is_stated_by_a_stranger: bool,
) -> None:
    """Its earliest ends count no more, for they come after its own end; its earliest dates end nothing for years."""
    town, _ = school("two")
    one = Pen("the school's one", ISSUER)
    key = pinned(one, id=method("one"))
    window = {"valid_from": START + 90, "valid_until": START + 150} if is_stated_by_a_stranger else {}
    town.says(A, "issuer.key", {"issuer": ISSUER, "op": "add", "key": key | window})
    if is_stated_by_a_stranger:
        town.says(B, "issuer.key", {"issuer": ISSUER, "op": "add", "key": key})

    def accuses(since: int, iat: int) -> None:
        body = {"issuer": ISSUER, "op": "compromise", "key_id": method("two"), "compromised_since": since}
        town.says(one.copy(), "issuer.key", body, iat=iat)

    accuses(START + 95, START + 100)
    town.says(A, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": method("one"), "valid_until": START + 120})
    for n in range(8):
        accuses(START + n, START + 200 + n)
        accuses(START + 10**8 + n, START + 60 + n)
    query = Query(
        entity=ISSUER, authority=town.id, achievement_types=("Badge",), key=method("two"), time=START + 100 + 10
    )
    decision = decide(query, town.fold(), START + 10_000, ecosystem_id=town.id)
    assert "key_compromised" in [reason.code for reason in decision.reasons]


def test_what_had_led_and_is_annulled_lets_the_next_lead() -> None:
    town, pens = school()
    first, second = flood(town, pens["one"], 2, "other words")
    leads = min(first, second, key=lambda one: one.id)
    fold = town.fold()
    annulled = annul(town, A, leads)
    for one in (annulled, town.votes(B, annulled)):
        fold.add(one)
        fold.settle()
    kept = [one["statement"] for one in record_of(fold)["keys"] if one["op"] != "add"]
    assert kept == [first.id if leads is second else second.id]
    assert fold.state_root() == town.fold().state_root()


# ------------------------------------------------------------------------------------------------ the law


class _Remembered(InMemory):
    """Holdings that can be looked at."""

    def __init__(self) -> None:
        self.found: dict[Fact, MutableMapping[Any, Any]] = {}

    def facts(self, fact: Fact) -> MutableMapping[Any, Any]:
        return self.found.setdefault(fact, {})

    def picture(self) -> dict[str, Any]:
        """All facts, in whatever order they came about."""
        return {
            f"{fact.about}.{fact.name}": {
                key: sorted(value, key=repr) if isinstance(value, tuple) else value for key, value in kept.items()
            }
            for fact, kept in self.found.items()
        }


def told(town: Consortium, said: list[Statement], batch: int) -> tuple[Fold, dict[str, Any]]:
    held = _Remembered()
    fold = Fold(town.eco, held)
    for number, statement in enumerate(said, 1):
        fold.add(statement)
        if number % batch == 0:
            fold.settle()
    fold.settle()
    return fold, held.picture()


def history(seed: int, length: int = 40) -> tuple[Consortium, Random]:
    """An issuer's keys in two hands, which end each other and nobody's under few numbers; authorities interfere."""
    choice = Random(seed)
    town, pens = school()
    own = list(pens.values())
    for number in range(length):
        pen = choice.choice(own)
        about = method(choice.choice((*NAMES, "new", "none-1", f"none-{number}")))
        op = choice.choice(("retire", "compromise"))
        body: dict[str, Any] = {"issuer": ISSUER, "op": op, "key_id": about, "reason_text": f"{number}"}
        if choice.random() < 0.7:
            body["valid_until" if op == "retire" else "compromised_since"] = START + choice.randrange(4)
        iat = START + 100 + choice.randrange(4)
        match choice.randrange(14):
            case 0:
                key = pinned(Pen("the school's new", ISSUER), id=method("new"))
                town.says(choice.choice((A, B)), "issuer.key", {"issuer": ISSUER, "op": "add", "key": key})
            case 1:
                town.says(choice.choice((A, B)), "issuer.key", body)
            case 2:
                target = choice.choice([one for one in town.said if one.kind.startswith("issuer.")])
                annulled = annul(town, A, target)
                town.votes(B, annulled)
            case 3:
                town.says(pen, "issuer.key", body, iat=iat)
            case 4:
                town.says(choice.choice((A, B)), "issuer.register", register(keys=[pinned(own[0], id=method("one"))]))
            case 5 if number > length - 9:  # a cut-off, which has all that its key said judged again
                own_words = [one.id for one in town.said if one.kid == town.pen(A).kid]
                ended = {"key": town.pen(A).kid, "last": choice.choice(own_words)}
                town.votes(C, town.says(B, "key.retire", ended, A))
            case _:
                town.says(pen.copy(), "issuer.key", body, iat=iat)
    return town, choice


def check(seed: int) -> None:
    town, choice = history(seed)
    whole, facts = told(town, town.said, len(town.said))
    for batch in (1, 1, 3):
        shuffled = list(town.said)
        choice.shuffle(shuffled)
        fold, again = told(town, shuffled, batch)
        assert fold.state_root() == whole.state_root(), f"seed {seed}, batches of {batch}"
        assert dict(fold.items()) == dict(whole.items())
        assert again == facts, f"seed {seed}: what is kept for good depends on the order"
        standings = [standing_of(fold, one.id) for one in town.said]
        assert standings == [standing_of(whole, one.id) for one in town.said]


@pytest.mark.no_cover
@pytest.mark.parametrize("first", [reducers.FIRST, 5])
@pytest.mark.parametrize("seed", range(3))
def test_forks_about_an_issuer_come_in_any_order(seed: int, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reducers, "FIRST", first)
    check(seed)


@pytest.mark.nightly
def test_forks_about_an_issuer_come_in_any_order_however_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Random().randrange(2**32)
    print(f"seeds {first} to {first + 599}")
    for seed in range(first, first + 600):
        monkeypatch.setattr(reducers, "FIRST", 2 + seed % 3)
        check(seed)


def answers(fold: Fold) -> list[object]:
    """Everything that can be asked about the keys, at every date that matters."""
    assert fold.charter is not None
    found: list[object] = []
    for name in (*NAMES, "new", "none-1"):
        for time in (START, START + 1, START + 2, START + 3, START + 101, START + 104):
            query = Query(
                entity=ISSUER,
                authority=fold.charter.id,
                achievement_types=("Badge",),
                key=method(name),
                time=time,
            )
            decision = decide(query, fold, START + 10_000, ecosystem_id=fold.charter.id)
            found.append((name, time, decision.verdict in AUTHORIZED, [one.code for one in decision.reasons]))
    return found


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(3))
def test_no_answer_changes_by_what_is_left_out(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    town, _ = history(seed)
    kept = answers(town.fold())
    with monkeypatch.context() as patch:
        patch.setattr(fold_module, "leading", list)
        assert answers(town.fold()) == kept
