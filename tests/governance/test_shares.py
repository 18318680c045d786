"""One voice cannot make another's record large, or a question about it dear; and honest voices lose nothing by it."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.authority.effect import EffectState
from accredit.governance.authority.shares import Path, fair_share
from accredit.governance.fold import Fold
from accredit.governance.standing import standing_of
from accredit.registry.decision.decide import Decision, Query, Verdict, decide
from accredit.registry.domain.records import Voice
from accredit.registry.encoding.ed25519 import multibase
from accredit.registry.limits import ACCREDITATION_PARTS, ALIAS_ISSUERS, RECORD_BYTES, SHARED_BYTES
from accredit.registry.statement import Statement
from tests.strategies.bodies import ISSUER, delegation, event, framework, grant, register
from tests.strategies.consortium import START, Consortium, Pen, fold_of, key_entry
from tests.strategies.stories import DELEGATE, A, B, C, delegate, pinned, trio

SCOPE = {"achievement_types": ["Badge"], "credential_types": "*"}
ALIAS = "did:web:alias.example"
PROSE = "x" * 1_900


def asked(fold: Fold, entity: str = ISSUER, **members: Any) -> Decision:
    assert fold.charter is not None
    query = Query(entity=entity, authority=fold.charter.id, achievement_types=("Badge",), **members)
    return decide(query, fold, 1_800_000_000, ecosystem_id=fold.charter.id)


def sizes(fold: Fold) -> Iterator[int]:
    for type, id in fold.pick():
        raw = fold.raw(type, id)
        assert raw is not None
        yield len(raw)


def settled(town: Consortium) -> Fold:
    """The fold of all that was said, which is the same backwards; no record of it is too large."""
    fold = town.fold()
    assert fold_of(town.eco, [town.said[0], *reversed(town.said[1:])]).state_root() == fold.state_root()
    assert max(sizes(fold)) <= RECORD_BYTES
    return fold


def victim() -> tuple[Consortium, Pen, Statement, Pen]:
    """An issuer that A registered with its key and accredited, and a delegate of C's who wishes it ill."""
    town = trio()
    own = Pen("the college's", ISSUER)
    town.says(A, "issuer.register", register(name="A college", keys=[pinned(own)], also_known_as=[ALIAS]))
    granted = town.says(A, "accreditation.grant", grant(scope=SCOPE))
    pen, _ = delegate(town, C, actions=["issuer.*", "accreditation.*", "framework.*", "authority.delegate"])
    return town, pen, granted, own


def reason_of(fold: Fold, statement: Statement) -> tuple[EffectState, str]:
    found = standing_of(fold, statement.id)
    assert found is not None
    return found.state, found.reason


def test_a_delegate_cannot_bloat_the_record_of_anothers_issuer() -> None:
    town, pen, granted, own = victim()
    said = [
        town.says(pen, "issuer.register", register(name=f"Not {n}", ext={"text": PROSE, "more": PROSE}))
        for n in range(60)
    ]

    fold = settled(town)
    answer = asked(fold, key=multibase(own.public))
    assert (answer.verdict, answer.issuer_name, answer.accreditations) == (Verdict.TRUSTED, "A college", (granted.id,))
    states = [reason_of(fold, one) for one in said]
    kept = [state for state, _ in states if state is EffectState.EFFECTIVE]
    assert 5 < len(kept) < 20
    assert states[-1][0] is EffectState.EFFECTIVE, "of one voice the newest counts"
    assert states[0] == (
        EffectState.INEFFECTIVE,
        "Its authority has used up its share of this record; end or withdraw another entry first.",
    )
    assert reason_of(fold, town.said[3])[0] is EffectState.EFFECTIVE


def test_a_delegate_cannot_make_a_question_about_anothers_issuer_dear() -> None:
    town, pen, granted, _ = victim()
    said = [town.says(pen, "accreditation.grant", grant(scope=SCOPE, valid_from=n)) for n in range(200)]

    fold = settled(town)
    record = fold.get("issuer", ISSUER)
    assert record is not None
    assert len(record["accreditations"]) == ACCREDITATION_PARTS
    assert granted.id in [id for id, _ in record["accreditations"]]
    assert reason_of(fold, said[0])[0] is EffectState.INEFFECTIVE
    assert reason_of(fold, said[-1])[0] is EffectState.EFFECTIVE
    assert asked(fold).verdict is Verdict.TRUSTED


def test_events_without_end_on_many_accreditations_do_not_make_a_question_dear() -> None:
    """A hundred accreditations with thirty events each once took an answer thirty times as long as one may take."""
    town, pen, granted, _ = victim()
    for n in range(20):
        made = town.says(pen, "accreditation.grant", grant(scope=SCOPE, valid_from=n))
        for m in range(n):
            town.says(pen, "accreditation.status", event(made.id, "suspend", START + m), ISSUER)

    fold = settled(town)
    record = fold.get("issuer", ISSUER)
    assert record is not None
    listed = [fold.get("accreditation", id.hex()) for id, _ in record["accreditations"]]
    assert granted.id in [id for id, _ in record["accreditations"]], "who is within its share loses nothing"
    assert sum(len(one["terms"]) + len(one["events"]) for one in listed if one is not None) <= ACCREDITATION_PARTS
    assert 5 < len(listed) < 15
    assert asked(fold).verdict is Verdict.TRUSTED


def test_the_institution_with_most_accreditations_and_actions_in_the_published_lists_keeps_them_all() -> None:
    town = trio()
    made = [town.says(A, "accreditation.grant", grant(scope=SCOPE, valid_from=n)) for n in range(40)]
    for n in range(43):
        target = made[n % len(made)]
        town.says(A, "accreditation.status", event(target.id, "sanction", START + n, sanction_level="warning"), ISSUER)

    record = settled(town).get("issuer", ISSUER)
    assert record is not None
    assert {id for id, _ in record["accreditations"]} == {one.id for one in made}


def test_claims_to_an_alias_do_not_push_the_honest_one_out() -> None:
    town, pen, granted, _ = victim()
    for n in range(30):
        town.says(pen, "issuer.register", register(f"did:web:a{n}.example", also_known_as=[ALIAS]))

    fold = settled(town)
    record = fold.get("alias", ALIAS)
    assert record is not None
    assert len(record["issuers"]) == ALIAS_ISSUERS
    assert asked(fold, ALIAS).accreditations == (granted.id,)


def test_many_delegates_of_one_body_have_no_more_than_it_has() -> None:
    town, pen, granted, own = victim()
    for n in range(12):
        by = f"https://sock{n}.example/"
        sock = town.pen(f"{by}#1", by)
        town.says(pen, "authority.delegate", delegation(by, [key_entry(sock, budget=30)], actions=["issuer.*"]))
        for _ in range(4):
            town.says(sock, "issuer.register", register(name=by, ext={"text": PROSE, "more": PROSE}))
    town.says(B, "issuer.register", register(name="As B has it", ext={"text": [PROSE] * 6}))

    fold = settled(town)
    record = fold.get("issuer", ISSUER)
    assert record is not None
    assert {A, B} <= {one["by"] for one in record["stated"]}, "who is within its share loses nothing"
    assert len({one["by"] for one in record["stated"]}) < 12
    assert asked(fold, key=multibase(own.public)).accreditations == (granted.id,)


def test_an_accreditation_takes_more_events_than_anybody_needs_and_a_suspension_is_kept() -> None:
    town = trio()
    pen, _ = delegate(town, A)
    granted = town.says(pen, "accreditation.grant", grant(scope=SCOPE))
    suspended = town.says(pen, "accreditation.status", event(granted.id, "suspend"), ISSUER)
    for n in range(60):
        said = event(granted.id, "appeal_open", after=[suspended.id], reason_text=f"{n}{PROSE}")
        town.says(A, "accreditation.status", said, ISSUER)

    fold = settled(town)
    record = fold.get("accreditation", granted.id.hex())
    assert record is not None
    assert 10 < len(record["events"]) < 40
    assert asked(fold).verdict is Verdict.SUSPENDED


@pytest.mark.parametrize("junk", ["revoke", "warning"])
def test_a_flood_with_the_same_key_does_not_push_out_a_narrowing(junk: str) -> None:
    """A thief says the newest and the oldest, the graver and what has lapsed: the suspension stands."""
    town = trio()
    granted = town.says(A, "accreditation.grant", grant(scope=SCOPE))
    suspended = town.says(A, "accreditation.status", event(granted.id, "suspend"), ISSUER)
    for n in range(40):
        flood = {
            "revoke": event(granted.id, "revoke", 1_900_000_000 + n, reason_code="fraud", reason_text=PROSE),
            "warning": event(granted.id, "suspend", n, effective_until=1_600_000_000, reason_text=f"{n}{PROSE}"),
        }[junk]
        town.says(A, "accreditation.status", flood, ISSUER)

    fold = settled(town)
    record = fold.get("accreditation", granted.id.hex())
    assert record is not None
    assert len(record["events"]) < 30
    assert suspended.id in [one["statement"] for one in record["events"]]
    assert asked(fold).verdict is Verdict.SUSPENDED


def test_ends_of_keys_that_nobody_stated_do_not_push_out_the_end_of_one_that_is() -> None:
    town, _, _, own = victim()
    ended = town.says(own, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#key"})
    for n in range(400):
        body = {"issuer": ISSUER, "op": "compromise", "key_id": f"{ISSUER}#none-{n}", "reason_text": "x" * 200}
        town.says(Pen(own.name, ISSUER, own.seq, own.prev), "issuer.key", body)

    fold = settled(town)
    assert reason_of(fold, ended)[0] is EffectState.EFFECTIVE
    assert [one.code for one in asked(fold, key=f"{ISSUER}#key").reasons] == ["key_retired"]


def test_later_ends_of_a_key_that_were_dated_back_do_not_push_out_the_earliest_one() -> None:
    """Whoever stole an authority's key says that the issuer's is good for years to come."""
    town, _, _, _ = victim()
    body = {"issuer": ISSUER, "op": "compromise", "key_id": f"{ISSUER}#key", "compromised_since": START}
    town.says(A, "issuer.key", body, iat=START + 60)
    for n in range(200):
        later = body | {"compromised_since": START + 10**8 + n}
        town.says(A, "issuer.key", later, iat=START + 30)

    fold = settled(town)
    record = fold.get("issuer", ISSUER)
    assert record is not None
    assert len(record["keys"]) < 200
    assert [one.code for one in asked(fold, key=f"{ISSUER}#key").reasons] == ["key_compromised"]


def test_one_statement_more_is_judged_alone_however_many_there_are() -> None:
    """An urgent statement is not to wait while thousands that a stolen key said are judged again."""
    judged = []
    for count in (10, 200):
        town, _, granted, own = victim()
        for n in range(count):
            body = {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#none-{n}"}
            town.says(Pen(own.name, ISSUER, own.seq, own.prev), "issuer.key", body)
        fold, asks = town.fold(), [0]
        law = fold.law
        assert law is not None
        whole = type(law.ground).voices

        def counted(ground: Any, statement: Any, whole: Any = whole, asks: list[int] = asks) -> Any:
            asks[0] += 1
            return whole(ground, statement)

        suspended = town.says(A, "accreditation.status", event(granted.id, "suspend"), ISSUER, heard=False)
        again = town.says(own, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": f"{ISSUER}#key"}, heard=False)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(law.ground), "voices", counted)
            for statement in (suspended, again):
                fold.add(statement)
                fold.settle()
        judged.append(asks[0])
    assert judged[0] == judged[1]


def test_a_framework_of_the_same_id_and_delegations_to_the_same_id_stay_within_bounds() -> None:
    town, pen, _, _ = victim()
    honest = town.says(A, "framework.publish", framework())
    for n in range(60):
        town.says(pen, "framework.publish", framework() | {"title": f"{n}", "ext": {"text": PROSE}})
    target = "https://body.example/"
    delegate(town, B, to=target)
    for n in range(90):
        key = Pen(f"n{n}", target)
        limits = {"jurisdictions": ["US"], "ext": {"text": PROSE}}
        town.says(
            pen,
            "authority.delegate",
            delegation(target, [key_entry(key, budget=1)], limits=limits, actions=["issuer.*"]),
        )

    fold = settled(town)
    record = fold.get("framework", framework()["id"])
    authority = fold.get("authority", target)
    assert record is not None
    assert authority is not None
    assert honest.id in [one["statement"] for one in record["stated"]]
    assert B in [one["parent"]["by"] for one in authority["standings"]]
    assert reason_of(fold, honest)[0] is EffectState.EFFECTIVE


def test_an_authority_with_more_keys_than_are_shown_shows_those_in_use() -> None:
    town = trio()
    for n in range(140):
        town.says(A, "key.add", key_entry(Pen(f"more {n}", A), budget=1), A)
    last = town.pen(A)
    town.says(A, "key.retire", {"key": Pen("more 3", A).kid, "last": None}, A)

    record = settled(town).get("authority", A)
    assert record is not None
    (standing,) = record["standings"]
    assert len(standing["keys"]) == 128
    assert not any(key["cut"] for key in standing["keys"])
    assert last.seq > 140


def test_where_nobody_stays_within_a_share_those_who_still_fit_are_kept_and_the_others_told_why() -> None:
    town = trio()
    said = [town.says(by, "issuer.register", register(ext={"text": [PROSE] * 8})) for by in (A, B, C)]

    fold = settled(town)
    record = fold.get("issuer", ISSUER)
    assert record is not None
    assert [one["by"] for one in sorted(record["stated"], key=lambda one: one["by"])] == [A, B]
    assert [reason_of(fold, one)[0] for one in said] == [EffectState.EFFECTIVE] * 2 + [EffectState.INEFFECTIVE]
    assert reason_of(fold, said[-1])[1] == (
        "Its authority has used up its share of this record; end or withdraw another entry first."
    )


def test_a_large_registration_does_not_push_a_small_one_out_whoever_speaks_first() -> None:
    town = trio()
    for by in (A, B):
        town.says(by, "issuer.register", register(ext={"text": [PROSE] * 8}))
    small = town.says(C, "issuer.register", register(name="A small one"))

    fold = settled(town)
    assert reason_of(fold, small)[0] is EffectState.EFFECTIVE
    record = fold.get("issuer", ISSUER)
    assert record is not None
    assert len(record["stated"]) == 3


items = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "ax", "ay", "bx", "axk", "ak+bk", "bxm+c", "ax+ay"]), st.integers(1, 30)),
    max_size=25,
)


def test_two_mandates_of_one_body_share_alike_in_every_order() -> None:
    town = trio()
    mandates = [delegate(town)[1] for _ in range(2)]
    law = town.fold().law
    assert law is not None
    path = law.mandates.path
    items = [(Voice(DELEGATE, mandate.id), number) for mandate in mandates for number in range(2)]
    kept = [
        sorted(fair_share(said, 3, paths=lambda one: [path(one[0])], size=lambda _: 1, order=lambda one, _: one[1]))
        for said in (items, items[::-1])
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 3


def _ways(names: str) -> list[Path]:
    """The path of each name, a letter for each step."""
    return [tuple((letter, b"") for letter in name) for name in names.split("+")]


def kept_of(capacity: int, *said: tuple[str, int]) -> list[tuple[str, int]]:
    """What has room of parts with their paths and sizes, the first ones first."""
    numbered = list(enumerate(said))
    found = fair_share(
        numbered, capacity, paths=lambda one: _ways(one[1][0]), size=lambda one: one[1][1], order=lambda one, _: one[0]
    )
    return [part for _, part in found]


def test_a_share_that_is_just_large_enough_takes_all_that_belongs_to_it() -> None:
    shared_by_two, own, too_large = ("ap+aq", 6), ("ap", 4), ("b", 12)
    assert kept_of(20, shared_by_two, own, too_large) == [shared_by_two, own]


def test_what_cannot_be_halved_goes_to_those_below() -> None:
    own, below = ("a", 3), ("ak", 3)
    assert kept_of(5, own, below) == [below]


@given(items, st.integers(0, 200), st.randoms(use_true_random=False))
def test_a_share_is_fair_whatever_the_order(said: list[tuple[str, int]], capacity: int, random: Any) -> None:
    numbered = [(by, size, number) for number, (by, size) in enumerate(said)]

    def shared(entries: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
        return fair_share(
            entries,
            capacity,
            paths=lambda one: _ways(one[0]),
            size=lambda one: one[1],
            order=lambda one, _: one[2],
        )

    kept = shared(numbered)
    assert sum(size for _, size, _ in kept) <= capacity
    mixed = list(numbered)
    random.shuffle(mixed)
    assert sorted(shared(mixed)) == sorted(kept)
    roots = {path[0][0] for by, _, _ in numbered for path in _ways(by)}
    for root in roots:
        wanted = [one for one in numbered if any(path[0][0] == root for path in _ways(one[0]))]
        if sum(size for _, size, _ in wanted) <= capacity // len(roots):
            assert [one for one in kept if one in wanted] == wanted, "who stays within its share loses nothing"
    room = capacity - sum(size for _, size, _ in kept)
    assert all(size > room for _, size, number in numbered if number not in {one[2] for one in kept}), "no room is lost"


@pytest.mark.parametrize("bytes_", [SHARED_BYTES, RECORD_BYTES])
def test_the_capacities_fit_into_one_another(bytes_: int) -> None:
    assert bytes_ <= RECORD_BYTES
    assert SHARED_BYTES + 16 * 1024 + 2_048 <= RECORD_BYTES


def test_ends_of_keys_that_nobody_has_stated_do_not_push_out_the_end_of_one_that_is() -> None:
    town, pen, _, own = victim()
    key = pinned(own)["id"]
    ids = [*(f"{ISSUER}#{n}" for n in range(60)), key]
    said = [
        town.says(pen, "issuer.key", {"issuer": ISSUER, "op": "retire", "key_id": id, "reason_text": PROSE})
        for id in ids
    ]
    fold = settled(town)
    states = [reason_of(fold, one)[0] for one in said]
    assert states[-1] is EffectState.EFFECTIVE
    assert EffectState.INEFFECTIVE in states[:-1]
