"""An issuer's own keys: stated by an authority, ended by the issuer itself."""

import pytest

from accredit.governance.authority.effect import EffectState
from tests.strategies.bodies import ISSUER, grant, recognition, register
from tests.strategies.consortium import Pen
from tests.strategies.stories import A, B, C, issuer_pen, pinned, record_of, state_of, trio, verdict_of

OTHER = "did:web:other.example"


def ending(op: str = "retire", issuer: str = ISSUER) -> dict[str, str]:
    return {"issuer": issuer, "op": op, "key_id": f"{issuer}#key"}


@pytest.mark.parametrize("op", ["retire", "compromise"])
def test_a_counted_key_ends_itself_without_anybody_else(op: str) -> None:
    town = trio()
    pen = issuer_pen(town)
    ended = town.says(pen, "issuer.key", ending(op))

    assert state_of(town, ended) is EffectState.EFFECTIVE
    (added, event) = sorted(record_of(town, "issuer", ISSUER)["keys"], key=lambda key: str(key["op"]))
    assert (added["op"], added["by"], added["kid"]) == ("add", A, pen.kid)
    assert (event["op"], event["by"], event["signer"]) == (op, ISSUER, pen.kid)


def test_it_does_so_even_where_something_it_said_is_withheld() -> None:
    town = trio()
    pen = issuer_pen(town)
    town.says(pen, "issuer.key", ending(), heard=False)

    assert state_of(town, town.says(pen, "issuer.key", ending("compromise"))) is EffectState.EFFECTIVE


def test_an_issuers_key_adds_none_and_says_nothing_else() -> None:
    town = trio()
    pen = issuer_pen(town)
    more = {"issuer": ISSUER, "op": "add", "key": pinned(Pen("more", ISSUER), id=f"{ISSUER}#more")}
    recognised = town.says(B, "recognition.grant", recognition())
    vote = town.votes(pen, recognised)
    said = [
        town.says(pen, "issuer.key", more),
        town.says(pen, "accreditation.grant", grant()),
        town.says(pen, "issuer.key", ending(issuer=OTHER)),
        town.says(Pen(pen.name, A, pen.seq, pen.prev), "issuer.key", ending()),
        vote,
    ]

    assert {state_of(town, s) for s in said} == {EffectState.INEFFECTIVE}
    assert state_of(town, recognised) is EffectState.WAITING


def test_a_key_that_no_authority_has_stated_in_effect_counts_for_nothing() -> None:
    town = trio()
    pen = issuer_pen(town)
    registered = town.said[-1]
    ended = town.says(pen, "issuer.key", ending())
    annulled = town.says(A, "statement.annul", {"target": registered.id, "reason_code": "error"}, registered.id.hex())
    assert state_of(town, ended) is EffectState.EFFECTIVE
    town.votes(B, annulled)

    assert state_of(town, registered) is EffectState.ANNULLED
    assert state_of(town, ended) is EffectState.INEFFECTIVE
    assert town.fold().get("issuer", ISSUER) is None


def test_a_key_stated_by_key_statement_counts_like_one_of_the_registration() -> None:
    town = trio()
    pen = Pen("later", ISSUER)
    town.says(B, "issuer.key", {"issuer": ISSUER, "op": "add", "key": pinned(pen)})
    ended = town.says(pen, "issuer.key", ending())

    assert state_of(town, ended) is EffectState.EFFECTIVE


def test_an_authority_ends_an_issuers_key_too() -> None:
    town = trio()
    issuer_pen(town)
    ended = town.says(C, "issuer.key", ending())

    assert verdict_of(town, ended).voice == (C, None)


def test_a_pinned_key_of_another_issuer_does_not_end_this_ones() -> None:
    town = trio()
    issuer_pen(town)
    other = issuer_pen(town, OTHER)
    foreign = town.says(Pen(other.name, ISSUER), "issuer.key", ending())

    assert state_of(town, foreign) is EffectState.INEFFECTIVE
    assert state_of(town, town.says(B, "issuer.register", register())) is EffectState.EFFECTIVE
