"""Whoever holds an ended key of an issuer says much with it, and pushes nothing out of the issuer's record.

A key's statements have a share of the record for themselves, below that of the authority that stated the key. What it
says of another key is one word, under however many numbers it says so.
"""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.governance.standing import standing_of
from accredit.registry.decision.decide import Query, decide
from accredit.registry.limits import RECORD_BYTES
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, delegation, grant, register
from tests.strategies.consortium import START, Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import A, C, delegate, pinned, trio

SCOPE = {"achievement_types": ["Badge"], "credential_types": "*"}
PROSE = "x" * 1_900
THEFT, REPORT, END = START + 1_095, START + 1_100, START + 1_120
"""Two is stolen; an honest key reports it; the authority ends the key `one`, which has been stolen too."""


def method(name: str) -> str:
    return f"{ISSUER}#{name}"


def school(*names: str) -> tuple[Consortium, dict[str, Pen]]:
    """An issuer that A has registered with keys of its own and one that signs no statements, and accredited."""
    town = trio()
    pens = {name: Pen(f"the school's {name}", ISSUER) for name in names}
    other = {"id": method("p256"), "jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}
    keys = [*(pinned(pen, id=method(name)) for name, pen in pens.items()), other]
    town.says(A, "issuer.register", register(keys=keys))
    town.says(A, "accreditation.grant", grant(scope=SCOPE))
    return town, pens


def ends(
    town: Consortium, who: str | Pen, about: str, at: int, iat: int, op: str = "compromise", **more: Any
) -> Statement:
    date = "compromised_since" if op == "compromise" else "valid_until"
    body = {"issuer": ISSUER, "op": op, "key_id": method(about), date: at, **more}
    return town.says(who, "issuer.key", body, iat=iat)


def codes(town: Consortium, key: str, time: int = REPORT + 5) -> list[str]:
    fold = settled(town)
    query = Query(entity=ISSUER, authority=town.id, achievement_types=("Badge",), key=key, time=time)
    return [reason.code for reason in decide(query, fold, START + 10_000, ecosystem_id=town.id).reasons]


def settled(town: Consortium) -> Fold:
    """The fold of all that was said, which is the same backwards; its records are not too large."""
    fold = town.fold()
    assert fold_of(town.eco, [town.said[0], *reversed(town.said[1:])]).state_root() == fold.state_root()
    assert max(len(fold.raw(*subject) or b"") for subject in fold.pick()) <= RECORD_BYTES
    return fold


def numbers(pen: Pen, count: int) -> list[Pen]:
    """The key in a thief's hands, at so many numbers (each under a predecessor that nobody holds)."""
    return [
        Pen(pen.name, ISSUER, number, None if number == 1 else bytes([number]) * 32) for number in range(1, count + 1)
    ]


@pytest.mark.no_cover
def test_a_thief_of_an_ended_key_does_not_push_out_its_report_under_many_numbers() -> None:
    town, pens = school("one", "two")
    thief = numbers(pens["one"], 30)
    ends(town, pens["one"], "two", THEFT, REPORT)
    ends(town, A, "one", END, START + 1_130, op="retire")
    assert "key_compromised" in codes(town, method("two"))
    for pen in thief:
        for n in range(9):
            ends(town, pen.copy(), "two", START + n, END + 80 + n)
            ends(town, pen.copy(), "two", START + 10**8 + n, START + 1_060 + n)
    assert "key_compromised" in codes(town, method("two"))


@pytest.mark.no_cover
def test_a_thief_of_an_ended_key_does_not_push_out_what_another_key_reports() -> None:
    town, pens = school("one", "two", "three")
    thief = numbers(pens["one"], 40)
    ends(town, A, "one", START + 1_000, START + 1_001, op="retire")
    ends(town, pens["three"], "two", THEFT, REPORT)
    assert "key_compromised" in codes(town, method("two"))
    for pen in thief:
        for n in range(16):
            ends(town, pen.copy(), "two", START + n, END + 80 + n, reason_text=PROSE)
    assert "key_compromised" in codes(town, method("two"))


def test_a_thief_of_an_ended_key_does_not_push_out_its_report_by_long_statements() -> None:
    town, pens = school("one", "two")
    thief = pens["one"].copy()
    ends(town, pens["one"], "two", THEFT, REPORT)
    ends(town, A, "one", END, START + 1_130, op="retire")
    long = {"text": [PROSE] * 7}
    for n in range(8):
        ends(town, thief.copy(), "two", START + n, END + 80 + n, ext=long)
        ends(town, thief.copy(), "two", START + 10**8 + n, START + 1_060 + n, ext=long)
    assert "key_compromised" in codes(town, method("two"))


@pytest.mark.no_cover
def test_a_key_that_ended_itself_keeps_what_it_had_reported_before() -> None:
    town, pens = school("one", "two")
    ends(town, pens["one"], "two", THEFT, REPORT, reason_text=PROSE)
    ends(town, pens["one"], "one", START + 10**9, REPORT + 1, op="retire")
    assert "key_compromised" in codes(town, method("two"))
    thief = numbers(pens["one"], 40)[2:]
    for pen in thief:
        for n in range(16):
            ends(town, pen.copy(), "two", START + n, START + 60 + n)
    assert "key_compromised" in codes(town, method("two"))


@pytest.mark.no_cover
@pytest.mark.parametrize("socks", [60, 180])
def test_keys_that_a_delegate_states_do_not_push_out_what_an_authority_states(socks: int) -> None:
    town, _ = school("two")
    ends(town, A, "two", THEFT, REPORT)
    assert "key_compromised" in codes(town, method("two"))
    pen, _ = delegate(town, C, actions=["issuer.*"])
    for n in range(socks):
        sock = Pen(f"sock {n}", ISSUER)
        town.says(pen, "issuer.register", register(keys=[pinned(sock, id=method("sock"))]))
        town.says(sock, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": method("sock")})
    assert "key_compromised" in codes(town, method("two"))


def test_a_thief_pushes_no_report_out_by_words_about_keys_that_a_delegate_states() -> None:
    town, pens = school("one", "two")
    thief = numbers(pens["one"], 100)[50:]
    ends(town, pens["one"], "two", THEFT, REPORT)
    ends(town, A, "one", END, START + 1_130, op="retire")
    pen, _ = delegate(town, C, actions=["issuer.*"])
    for letter in "abcd":
        socks = [f"{letter}{n}" for n in range(50)]
        keys = [pinned(Pen(f"sock {letter}", ISSUER), id=method(sock)) for sock in socks]
        town.says(pen, "issuer.register", register(name=letter, keys=keys))
        for sock, copied in zip(socks, thief, strict=True):
            ends(town, copied.copy(), sock, START, END + 80)
    assert "key_compromised" in codes(town, method("two"))


def test_nobody_takes_a_keys_room_away_by_giving_it_a_mandate() -> None:
    """What it says for the mandate shares with a crowd of the delegator's, but has the issuer's room as well."""
    town, pens = school("one", "two")
    town.says(C, "authority.delegate", delegation(ISSUER, [key_entry(pens["one"])]))
    for n in range(20):
        town.says(C, "issuer.register", register(name=f"{n}", ext={"text": [PROSE] * 2}))
        ends(town, C, "two", START + n, START + n, reason_text=PROSE)
    reported = ends(town, pens["one"], "two", THEFT, REPORT)
    assert "key_compromised" in codes(town, method("two"))
    standing = standing_of(town.fold(), reported.id)
    assert standing is not None
    assert standing.state is EffectState.EFFECTIVE


def test_nobody_takes_a_keys_room_away_by_stating_it_as_well() -> None:
    """Its statements then share with a crowd of the delegate's, but still have the room that A's own share leaves."""
    town, pens = school("one", "two")
    pen, _ = delegate(town, C, actions=["issuer.*"])
    for n in range(20):
        stated = register(name=f"{n}", keys=[pinned(pens["one"], id=method("one"))], ext={"text": [PROSE] * 2})
        town.says(pen, "issuer.register", stated)
    reported = ends(town, pens["one"], "two", THEFT, REPORT)
    assert "key_compromised" in codes(town, method("two"))
    standing = standing_of(town.fold(), reported.id)
    assert standing is not None
    assert standing.state is EffectState.EFFECTIVE


def test_an_issuers_own_end_of_a_key_stands_in_the_record_without_its_prose() -> None:
    town, pens = school("one", "two")
    ends(town, pens["one"], "two", THEFT, REPORT, reason_text="Stolen.", ext={"text": PROSE})
    ends(town, A, "two", THEFT, REPORT, reason_text="Stolen.", ext={"text": PROSE})
    record = settled(town).get("issuer", ISSUER)
    assert record is not None
    said = {one["by"]: sorted({"reason_text", "ext"} & one.keys()) for one in record["keys"] if one["op"] != "add"}
    assert said == {ISSUER: [], A: ["ext", "reason_text"]}


@pytest.mark.no_cover
def test_what_an_ended_key_had_reported_of_twenty_others_stays_whatever_its_thief_says_of_them_all() -> None:
    names = [f"{n}" for n in range(20)]
    town, pens = school("one", *names)
    thief = numbers(pens["one"], 50)[20:]
    for name in names:
        ends(town, pens["one"], name, THEFT, REPORT)
    ends(town, A, "one", END, START + 1_130, op="retire")
    for name in names:
        for n in range(6):
            for op in ("compromise", "retire"):
                ends(town, thief[n].copy(), name, START + n, END + 80 + n, op=op, reason_text=PROSE)
                ends(town, thief[n].copy(), name, START + 10**8 + n, START + 1_060 + n, op=op)
    fold = settled(town)
    for name in names:
        query = Query(entity=ISSUER, authority=town.id, achievement_types=("Badge",), key=method(name), time=REPORT + 5)
        decision = decide(query, fold, START + 10_000, ecosystem_id=town.id)
        assert "key_compromised" in [reason.code for reason in decision.reasons], name
