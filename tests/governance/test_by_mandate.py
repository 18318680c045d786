"""By mandate, not by name: a delegation to a body's id, with a key of one's own, speaks for nobody but itself.

Each attack is told to the end: what a verifier is answered, not only how a statement stands.
"""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.governance.standing import key_head
from accredit.registry.decision.decide import Decision, Query, Verdict, decide
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.ed25519 import key_id, multibase
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, delegation, event, framework, framework_items, grant, register
from tests.strategies.consortium import Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import (
    DELEGATE,
    TRIO,
    A,
    B,
    C,
    amend,
    delegate,
    explain,
    pinned,
    record_of,
    state_of,
    trio,
    verdict_of,
)

MILL = "did:web:mill.example"
BODY = "https://body.example/"
SCOPE = {"achievement_types": ["Badge"], "credential_types": "*"}


def usurp(town: Consortium, by: str, of: str, **changes: Any) -> tuple[Pen, Statement]:
    """`by` delegates to the id `of`, with a key of its own: what signs as `of` from now on is `by`'s."""
    pen = Pen(f"{by} as {of}", of)
    town.pens[pen.name] = pen
    said = town.says(by, "authority.delegate", delegation(of, [key_entry(pen, budget=500)], **changes))
    return pen, said


def asked(town: Consortium, entity: str = ISSUER, *, authority: str | None = None, **members: Any) -> Decision:
    fold = town.fold()
    charter = fold.charter
    assert charter is not None
    query = Query(entity=entity, authority=authority or charter.id, achievement_types=("Badge",), **members)
    return decide(query, fold, town.time + 10, ecosystem_id=charter.id)


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_a_delegation_to_a_charter_authoritys_id_makes_no_decision_for_it() -> None:
    town = trio()
    pen, said = usurp(town, C, A)
    town.says(pen, "accreditation.grant", grant(MILL, scope=SCOPE))
    honest = town.says(A, "accreditation.grant", grant(scope=SCOPE))

    verdict = verdict_of(town, said)
    assert (verdict.state, verdict.reason) == (
        EffectState.INEFFECTIVE,
        f"The charter already names {A} as an authority, so nobody can delegate to it.",
    )
    assert asked(town, MILL, authority=A).verdict is Verdict.UNKNOWN_ISSUER
    answer = asked(town, authority=A)
    assert (answer.verdict, answer.accreditations) == (Verdict.TRUSTED, (honest.id,))


def test_a_delegation_to_a_publishers_id_publishes_nothing_for_others() -> None:
    town = trio(publishers=[B, BODY])
    for by in (B, BODY):
        _, said = usurp(town, C, by, actions=["framework.*"])
        assert verdict_of(town, said).state is EffectState.INEFFECTIVE
    assert explain(town, C, "authority.delegate", delegation(BODY, [key_entry(Pen("x", BODY))])).state is (
        EffectState.INEFFECTIVE
    )


def test_a_grants_publisher_named_by_id_is_the_charters_and_a_delegate_is_named_with_its_delegation() -> None:
    town = trio()
    body = framework()
    competency = framework_items(bytes(32), 0)["items"][0]["id"]
    usurper, evil = usurp(town, C, BODY, actions=["framework.*"])
    published = town.says(usurper, "framework.publish", body)
    for part in range(2):
        town.says(usurper, "framework.items", framework_items(published.id, part))
    question = (competency,)

    scope = {**SCOPE, "frameworks": [body["id"]]}
    town.says(A, "accreditation.grant", grant(scope=scope, publishers=[BODY]))
    assert codes(asked(town, competencies=question)) == ["competency_unknown"]

    named = [{"by": BODY, "via": evil.id}]
    by_mandate = town.says(A, "accreditation.grant", grant(scope=scope, publishers=named))
    answer = asked(town, competencies=question)
    assert (answer.verdict, answer.accreditations) == (Verdict.TRUSTED, (by_mandate.id,))


def test_an_authority_under_two_mandates_answers_by_which_one_and_says_so() -> None:
    town = trio()
    honest, first = delegate(town, A, to=BODY, name="The body")
    other, second = usurp(town, B, BODY, name="The body, as B has it")
    granted = town.says(honest, "accreditation.grant", grant(scope=SCOPE))
    town.says(other, "accreditation.grant", grant(MILL, scope=SCOPE))

    answer = asked(town, authority=BODY)
    assert (answer.verdict, answer.accreditations) == (Verdict.TRUSTED_WITH_ADVISORY, (granted.id,))
    assert codes(answer) == ["accredited", "several_mandates"]
    assert f"{BODY}#{first.id.hex()}" in answer.reasons[1].text
    assert "given by Authority https://a.example/" in answer.reasons[1].text

    by_the_first = f"{BODY}#{first.id.hex()}"
    assert asked(town, authority=by_the_first).verdict is Verdict.TRUSTED
    assert codes(asked(town, MILL, authority=by_the_first)) == ["not_by_this_authority"]
    assert asked(town, MILL, authority=f"{BODY}#{second.id.hex()}").verdict is Verdict.TRUSTED
    assert codes(asked(town, authority=f"{BODY}#{bytes(32).hex()}")) == ["unknown_authority"]


def test_whether_a_body_may_accredit_is_answered_by_mandate_too() -> None:
    town = trio()
    _, narrow = delegate(town, A, to=BODY, limits={"achievement_types": ["Certificate"]})
    assert codes(asked(town, BODY, action="accredit")) == ["achievement_types_not_covered"]
    _, wide = usurp(town, B, BODY, name="Wide")

    answer = asked(town, BODY, action="accredit")
    assert codes(answer) == ["mandated", "several_mandates"]
    assert (answer.issuer_name, answer.chain[0]) == ("Wide", (BODY, wide.id))
    assert codes(asked(town, f"{BODY}#{narrow.id.hex()}", action="accredit")) == ["achievement_types_not_covered"]
    assert asked(town, A, action="accredit").verdict is Verdict.TRUSTED


def test_a_body_that_the_charter_comes_to_name_speaks_by_the_charter_alone_from_then_on() -> None:
    """Also a usurper's delegation from before: what was said under it by then stands under that mandate only."""
    town = trio()
    pen, first = delegate(town, A, to=BODY, name="The body")
    usurper, evil = usurp(town, C, BODY)
    before = town.says(pen, "accreditation.grant", grant(scope=SCOPE))
    town.says(usurper, "accreditation.grant", grant(MILL, scope=SCOPE))
    town.pen(f"{BODY}#1", BODY)
    amendment = amend(town, A, authorities=(*TRIO, (BODY, "labor")))
    town.votes(B, amendment)
    town.votes(C, amendment)
    assert verdict_of(town, amendment).state is EffectState.EFFECTIVE
    later = town.says(usurper, "accreditation.grant", grant("did:web:later.example", scope=SCOPE))

    assert verdict_of(town, later).reason == f"The charter names {BODY}, so it can act only under the charter."
    answer = asked(town, MILL, authority=BODY)
    assert codes(answer) == ["not_by_this_authority"]
    assert f"{BODY}#{evil.id.hex()}" in answer.reasons[0].text
    assert asked(town, authority=f"{BODY}#{first.id.hex()}").accreditations == (before.id,)
    assert asked(town).verdict is Verdict.TRUSTED, "it was granted under a mandate in force, and stands"
    granted = town.says(pen, "accreditation.grant", grant(scope=SCOPE), mandate=None)
    assert asked(town, authority=BODY).accreditations == (granted.id,)


def test_keys_of_an_authoritys_issuers_are_neither_replaced_nor_ended_by_its_namesake() -> None:
    town = trio()
    delegate(town, A, to=BODY)
    honest = town.pen(f"{BODY}#1")
    usurper, _ = usurp(town, C, BODY)
    own = Pen("the college's", ISSUER)
    registered = town.says(honest, "issuer.register", register(name="A college", keys=[pinned(own)]))
    town.says(honest, "accreditation.grant", grant(scope=SCOPE))
    thief = Pen("the thief's", ISSUER)
    town.says(usurper, "issuer.update", register(name="Taken over", after=[registered.id], keys=[pinned(thief)]))
    town.says(usurper, "issuer.key", {"issuer": ISSUER, "op": "compromise", "key_id": f"{ISSUER}#key"})

    good = asked(town, key=multibase(own.public))
    assert (good.verdict, good.issuer_name) == (Verdict.TRUSTED, "A college")
    assert codes(asked(town, key=multibase(thief.public))) == ["key_unknown"]
    assert len(record_of(town, "issuer", ISSUER)["stated"]) == 2


def test_a_namesakes_alias_counts_for_its_own_grants_only() -> None:
    town = trio()
    honest, _ = delegate(town, A, to=BODY)
    usurper, _ = usurp(town, C, BODY)
    town.says(honest, "issuer.register", register())
    town.says(honest, "accreditation.grant", grant(scope=SCOPE))
    town.says(usurper, "issuer.register", register(also_known_as=[MILL]))

    assert asked(town, MILL).verdict is Verdict.UNKNOWN_ISSUER


def test_an_issuers_own_word_is_not_that_of_the_authority_of_the_same_id() -> None:
    """An authority issues too. Who states a key for it must not end its other keys with the authority's own voice."""
    town = trio()
    own, planted = Pen("a's own", A), Pen("planted", A)
    town.says(A, "issuer.register", register(A, keys=[pinned(own, A)]))
    town.says(B, "accreditation.grant", grant(A, scope=SCOPE, publishers=[A]))
    town.says(C, "issuer.register", register(A, keys=[pinned(planted, A, id=f"{A}#planted")]))
    ended = town.says(planted, "issuer.key", {"issuer": A, "op": "compromise", "key_id": f"{A}#key"})

    assert verdict_of(town, ended).voice != (A, None)
    assert asked(town, A, key=f"{A}#key").verdict is Verdict.TRUSTED

    by_itself = town.says(own, "issuer.key", {"issuer": A, "op": "compromise", "key_id": f"{A}#key"})
    assert verdict_of(town, by_itself).state is EffectState.EFFECTIVE
    assert codes(asked(town, A, key=f"{A}#key")) == ["key_compromised"]


def end_of(issuer: str, key: str = "key") -> dict[str, str]:
    return {"issuer": issuer, "op": "compromise", "key_id": f"{issuer}#{key}"}


@pytest.mark.parametrize("who", [A, BODY])
def test_whoever_pins_an_authoritys_key_for_the_issuer_of_its_id_takes_no_word_of_the_authority_away(who: str) -> None:
    """Else the key that the authority reports stolen counts again: as the issuer's word, which the thief disputes."""
    town = trio()
    pen = town.pen(A) if who == A else delegate(town, A, to=BODY)[0]
    stolen = Pen("stolen", who)
    town.says(pen, "issuer.register", register(who, keys=[pinned(stolen, who)]))
    town.says(pen, "accreditation.grant", grant(who, scope=SCOPE))
    ended = town.says(pen, "issuer.key", end_of(who))
    assert codes(asked(town, who, key=f"{who}#key")) == ["key_compromised"]

    town.says(C, "issuer.register", register(who, keys=[pinned(pen, who, id=f"{who}#desk")]))
    town.says(stolen, "issuer.key", end_of(who, "desk"))
    assert verdict_of(town, ended).voice == voice_of_key(town, pen)
    assert codes(asked(town, who, key=f"{who}#key")) == ["key_compromised"]
    assert backwards(town).state_root() == town.fold().state_root()


def backwards(town: Consortium) -> Fold:
    return fold_of(town.eco, [town.said[0], *reversed(town.said[1:])], batch=1)


def voice_of_key(town: Consortium, pen: Pen) -> Voice:
    head = key_head(town.fold(), pen.kid)
    assert head is not None
    (voice,) = head.voices
    return voice


@pytest.mark.parametrize("is_ended", [False, True])
def test_whoever_gives_an_issuers_key_a_mandate_takes_no_word_of_the_issuer_away(is_ended: bool) -> None:
    """Not even by ending it in that role; but whoever has stated the key ends it in every role."""
    town = trio()
    one, two, accomplice = Pen("one", ISSUER), Pen("two", ISSUER), Pen("accomplice", ISSUER)
    keys = [pinned(one, id=f"{ISSUER}#one"), pinned(two, id=f"{ISSUER}#two")]
    town.says(A, "issuer.register", register(keys=keys))
    town.says(A, "accreditation.grant", grant(scope=SCOPE))
    given = town.says(C, "authority.delegate", delegation(ISSUER, [key_entry(one), key_entry(accomplice)]))
    reported = town.says(one, "issuer.key", end_of(ISSUER, "two"))
    if is_ended:
        cut = town.says(accomplice, "key.compromise", {"key": one.kid, "last": None}, ISSUER)
        assert state_of(town, cut) is EffectState.EFFECTIVE
    assert (verdict_of(town, reported).voice == (ISSUER, given.id)) is not is_ended
    assert codes(asked(town, ISSUER, key=f"{ISSUER}#two")) == ["key_compromised"]

    town.says(A, "key.add", key_entry(one), A)
    town.says(A, "key.compromise", {"key": one.kid, "last": None}, A)
    assert (state_of(town, reported) is EffectState.VOID) is is_ended
    assert backwards(town).state_root() == town.fold().state_root()


def test_where_to_apply_names_no_usurper() -> None:
    town = trio()
    delegate(town, A, to=BODY, apply_url="https://body.example/apply")
    town.pen(f"{BODY}#1", BODY)
    usurp(town, C, BODY, apply_url="https://phish.example/")
    amendment = amend(town, A, authorities=(*TRIO, (BODY, "labor")))
    town.votes(B, amendment)
    town.votes(C, amendment)

    (reason,) = asked(town, "did:web:unknown.example").reasons
    assert "phish" not in reason.text
    assert "phish" not in asked(town, "did:web:unknown.example", authority=BODY).reasons[0].text


def test_a_namesake_withdraws_nothing_that_another_published() -> None:
    town = trio()
    honest, _ = delegate(town, A, to=BODY, actions=["framework.*"])
    usurper, _ = usurp(town, C, BODY, actions=["framework.*"])
    published = town.says(honest, "framework.publish", framework())
    status = {"framework": framework()["id"], "publish": published.id, "status": "withdrawn", "effective_from": 0}
    ended = town.says(usurper, "framework.status", status | {"after": []})

    assert verdict_of(town, ended).state is EffectState.INEFFECTIVE


def dated_back(town: Consortium, first: Statement, **changes: Any) -> Statement:
    """C delegates to A's delegate, with that delegate's key: as of an earlier date, and under a lower id."""
    other = town.pen(C)
    while True:
        before = other.copy()
        body = first.body | {"name": f"Taken over {town.time}"} | changes
        second = town.says(other, "authority.delegate", body, iat=first.iat - 1, heard=False)
        if second.id < first.id:
            town.said.append(second)
            return second
        town.mandates[DELEGATE, key_id(first.body["keys"][0]["public"])].remove(second.id)
        other.seq, other.prev = before.seq, before.prev


def test_a_delegation_dated_back_takes_over_nothing_that_anothers_delegate_grants() -> None:
    town = trio()
    pen, first = delegate(town)
    second = dated_back(town, first)
    given = town.says(pen, "accreditation.grant", grant(scope=SCOPE))
    suspended = town.says(A, "accreditation.status", event(given.id, "suspend"), ISSUER)
    by_thief = town.says(C, "accreditation.status", event(given.id, "revoke", reason_code="fraud"), ISSUER)

    assert state_of(town, second) is EffectState.EFFECTIVE
    assert verdict_of(town, given).voice == (DELEGATE, first.id)
    assert state_of(town, suspended) is EffectState.EFFECTIVE
    assert state_of(town, by_thief) is EffectState.INEFFECTIVE
    assert backwards(town).state_root() == town.fold().state_root()


def test_a_second_mandate_voids_nothing_that_anothers_delegate_grants_nor_narrows_its_limits() -> None:
    town = trio()
    pen, first = delegate(town)
    given = town.says(pen, "accreditation.grant", grant(scope=SCOPE))
    second = dated_back(town, first, limits={"credential_types": ["License"]}, actions=["framework.*"])
    town.says(C, "authority.withdraw", {"delegation": second.id, "heads": [], "effective_from": 0}, DELEGATE)

    assert verdict_of(town, given).voice == (DELEGATE, first.id)
    assert backwards(town).state_root() == town.fold().state_root()


def test_a_delegate_of_two_says_for_which_it_speaks_and_each_mandate_has_its_own_limits() -> None:
    town = trio()
    pen, first = delegate(town)
    second = dated_back(town, first, limits={"achievement_types": ["Diploma"]})
    own = town.says(pen, "accreditation.grant", grant(scope=SCOPE), mandate=first)
    other = town.says(pen, "accreditation.grant", grant(scope=SCOPE), mandate=second)
    asked_for = town.says(C, "accreditation.status", event(own.id, "suspend"), ISSUER)

    assert [verdict_of(town, one).voice for one in (own, other)] == [(DELEGATE, first.id), None]
    assert verdict_of(town, asked_for).reason == f"Only {DELEGATE} or {A} may change it."


def test_what_names_no_mandate_or_anothers_takes_no_effect_and_says_so() -> None:
    """Whatever it were taken for, somebody could choose it for the delegate."""
    town = trio()
    pen, first = delegate(town)
    stranger = delegate(town, C, to=BODY)[1]
    unnamed = town.says(pen, "issuer.register", register(), mandate=None)
    foreign = town.says(pen, "issuer.register", register(), mandate=stranger)
    own = town.says(A, "issuer.register", register(), mandate=first)

    assert [verdict_of(town, one).reason for one in (unnamed, foreign, own)] == [
        "Its author speaks by delegation, and it does not name the delegation as its mandate.",
        *["Its key does not belong to the mandate that it names."] * 2,
    ]
    assert backwards(town).state_root() == town.fold().state_root()


def test_a_statement_that_names_no_mandate_is_void_all_the_same_once_its_key_is_cut_off() -> None:
    """Else whoever finds an old key fills every node with statements that count for nothing."""
    town = trio()
    pen, _ = delegate(town)
    town.says(pen, "key.retire", {"key": pen.kid, "last": pen.prev}, DELEGATE)
    late = town.says(pen, "issuer.register", register(), mandate=None)

    assert state_of(town, late) is EffectState.VOID
    assert not town.fold().is_committed(late.id)


def test_a_key_statement_that_names_a_mandate_ends_a_key_for_that_mandate_alone() -> None:
    town = trio()
    pen, first = delegate(town)
    second = dated_back(town, first)
    town.says(pen, "key.retire", {"key": pen.kid, "last": pen.prev}, DELEGATE, mandate=second)
    given = town.says(pen, "accreditation.grant", grant(), mandate=first)
    ended = town.says(pen, "accreditation.grant", grant("did:web:other.example"), mandate=second)

    assert [state_of(town, one) for one in (given, ended)] == [EffectState.EFFECTIVE, EffectState.VOID]


@pytest.mark.parametrize("is_delegate", [False, True])
def test_nobody_makes_the_keys_of_several_bodies_one_by_naming_them_as_new_keys_of_their_own(is_delegate: bool) -> None:
    """Else the votes of A and B count as those of one person, and what they revoked together is trusted again."""
    rules = {"accreditation.grant": {"authorities": 2}, "accreditation.status": {"authorities": 2}}
    town = trio(keys=2, threshold=1, rules=rules)
    town.says(A, "issuer.register", register())
    given = town.says(A, "accreditation.grant", grant(scope=SCOPE))
    town.votes(B, given)
    town.votes(C, given)
    revoked = town.says(A, "accreditation.status", event(given.id, "revoke", town.time, reason_code="fraud"), ISSUER)
    town.votes(B, revoked)
    assert asked(town).verdict is Verdict.NOT_TRUSTED

    if is_delegate:
        delegate(town, C, to=BODY, keys=2)
    by = BODY if is_delegate else C
    ended = town.pen(f"{by}#2")
    for victim in (A, B):
        named = key_entry(Pen(town.pen(f"{victim}#1").name, by), budget=0)
        body = {"key": ended.kid, "last": ended.prev, "new": named}
        rotation = town.says(f"{by}#1", "key.rotate", body, by)
        assert state_of(town, rotation) is EffectState.EFFECTIVE, "it ends a key of its own, and nothing else"

    assert [state_of(town, said) for said in (given, revoked)] == [EffectState.EFFECTIVE] * 2
    assert asked(town).verdict is Verdict.NOT_TRUSTED


def test_nobody_takes_a_key_from_a_bodys_threshold_by_naming_it_as_a_new_key() -> None:
    town = trio(keys=2, threshold=2)
    _, made = delegate(town, f"{C}#1", to=BODY, keys=2)
    town.votes(f"{C}#2", made)
    said = town.says(f"{A}#1", "issuer.register", register())
    town.votes(f"{A}#2", said)
    ended = town.pen(f"{BODY}#2")
    for number in (1, 2):
        named = key_entry(Pen(f"{A}#{number}", BODY), budget=0)
        town.says(f"{BODY}#1", "key.rotate", {"key": ended.kid, "last": ended.prev, "new": named}, BODY)

    assert state_of(town, made) is EffectState.EFFECTIVE
    assert state_of(town, said) is EffectState.EFFECTIVE
