"""Mappings widen what was granted, so they take what granting takes: ways to get by with less, and the honest ones."""

from typing import Any

import pytest

from accredit.governance.authority.effect import EffectState
from accredit.governance.fold import Fold
from accredit.registry.decision.decide import Decision, Query, Verdict, decide
from accredit.registry.domain import mappings
from accredit.registry.domain.records import competency_in
from accredit.registry.limits import LIST_ITEMS, RECORD_BYTES
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, ISSUER, framework, framework_items, grant, register
from tests.strategies.consortium import Consortium, Pen, fold_of
from tests.strategies.stories import A, B, C, amend, annul, delegate, explain, trio, verdict_of

LICENCE = "https://licences.example/surgeon"
BADGE = "https://badges.example/first-aid"
CROSSWALK = "https://crosswalks.example/one"
NOW = 1_800_000_000


def mapping(
    *links: tuple[str, str], id: str = CROSSWALK, usable: bool = True, relation: str = "exact_match"
) -> dict[str, Any]:
    return {
        "id": id,
        "title": "A crosswalk",
        "source": {"framework": "https://licences.example/"},
        "target": {"framework": "https://badges.example/"},
        "method": "expert",
        "usable_for_scope": usable,
        "links": [{"source": source, "relation": relation, "target": target} for source, target in links],
    }


WIDENS = mapping((LICENCE, BADGE))


def withdrawal(published: Statement, **changes: Any) -> dict[str, Any]:
    body = {"mapping": published.sub, "publish": published.id, "effective_from": published.iat + 1}
    return body | changes


def asked(town: Consortium | Fold, competency: str = LICENCE, time: int | None = None) -> Decision:
    fold = town if isinstance(town, Fold) else town.fold()
    assert fold.charter is not None
    query = Query(entity=ISSUER, authority=fold.charter.id, competencies=(competency,), time=time)  # type: ignore[arg-type]
    return decide(query, fold, NOW, ecosystem_id=fold.charter.id)


def is_trusted(town: Consortium | Fold, competency: str = LICENCE) -> bool:
    return asked(town, competency).verdict is Verdict.TRUSTED


def badges(town: Consortium, who: str | Pen = A) -> Statement:
    """An issuer that may attest one competency."""
    town.says(who, "issuer.register", register())
    return town.says(who, "accreditation.grant", grant(scope={"competencies": [BADGE]}))


def test_an_accreditors_own_mapping_widens_its_grants_and_the_record_shows_it_at_both_ends() -> None:
    town = trio()
    badges(town)
    assert not is_trusted(town)

    said = town.says(A, "mapping.publish", WIDENS)
    fold = town.fold()

    assert is_trusted(fold)
    assert said.id in asked(fold).statements
    for uri, end, other in ((LICENCE, "to", BADGE), (BADGE, "from", LICENCE)):
        record = competency_in(fold, uri)  # type: ignore[arg-type]
        assert record is not None
        (link,) = record["links"]
        assert (link[end], link["usable"], link["statement"]) == (other, True, said.id)  # type: ignore[literal-required]
    assert fold_of(town.eco, [town.said[0], *reversed(town.said[1:])]).state_root() == fold.state_root()


def test_another_authority_widens_nothing_of_its_neighbours() -> None:
    town = trio()
    badges(town)
    town.says(B, "mapping.publish", WIDENS)
    assert not is_trusted(town)


def test_a_delegate_that_maps_a_licence_to_its_own_competency_gains_nothing_beyond_its_limits() -> None:
    """It names its own framework at both ends of the mapping, which its limits allow; the link leads elsewhere."""
    town = trio()
    actions = ["issuer.*", "accreditation.*", "mapping.*", "framework.*"]
    pen, _ = delegate(town, A, limits={"frameworks": [FRAMEWORK]}, actions=actions)
    town.says(pen, "issuer.register", register())
    town.says(pen, "accreditation.grant", grant(scope={"frameworks": [FRAMEWORK]}))
    published = town.says(A, "framework.publish", framework())
    for part in (0, 1):
        town.says(A, "framework.items", framework_items(published.id, part))
    own, here = f"{FRAMEWORK}/1", {"framework": FRAMEWORK}
    said = town.says(pen, "mapping.publish", {**mapping((LICENCE, own)), "source": here, "target": here})
    assert verdict_of(town, said).state is EffectState.EFFECTIVE
    assert is_trusted(town, own)
    assert not is_trusted(town)

    above = town.says(A, "mapping.publish", mapping((LICENCE, own), id="https://crosswalks.example/above"))
    assert is_trusted(town), "whoever set the limit may widen it"
    assert above.id in asked(town).statements


def test_a_delegates_mapping_widens_no_grant_of_the_authority_above_it() -> None:
    town = trio()
    badges(town)
    pen, _ = delegate(town, A, actions=["mapping.*"])
    town.says(pen, "mapping.publish", WIDENS)
    assert not is_trusted(town)


def test_a_chain_of_steps_needs_every_one_of_them_to_count() -> None:
    middle = "https://between.example/step"
    town = trio(publishers=[C])
    badges(town)
    town.says(C, "mapping.publish", mapping((LICENCE, middle)))
    town.says(B, "mapping.publish", mapping((middle, BADGE), id="https://crosswalks.example/theirs"))
    assert not is_trusted(town), "B is no publisher"
    town.says(C, "mapping.publish", mapping((middle, BADGE), id="https://crosswalks.example/ours"))
    assert [reason.code for reason in asked(town).reasons] == ["accredited", "covered_by_mapping", "covered_by_mapping"]


@pytest.mark.parametrize("ruled", ["accreditation.grant", "accreditation.amend", "authority.delegate"])
def test_a_mapping_that_counts_takes_what_granting_takes(ruled: str) -> None:
    """One authority, a publisher even, cannot widen by a mapping what only several may grant."""
    town = trio(rules={ruled: {"authorities": 2}}, publishers=[B])
    granted = badges(town)
    if verdict_of(town, granted).state is EffectState.WAITING:
        town.votes(C, granted)
    alone = town.says(B, "mapping.publish", WIDENS)
    found = verdict_of(town, alone)
    assert (found.state, found.needed) == (EffectState.WAITING, "2 of 3 authorities")
    assert not is_trusted(town)

    only_shown = mapping((LICENCE, BADGE), id="https://crosswalks.example/shown", usable=False)
    assert verdict_of(town, town.says(B, "mapping.publish", only_shown)).state is EffectState.EFFECTIVE
    assert not is_trusted(town)

    town.votes(C, alone)
    assert verdict_of(town, alone).state is EffectState.EFFECTIVE
    assert is_trusted(town)


def test_a_delegate_publishes_no_mapping_that_counts_where_granting_takes_several() -> None:
    town = trio(rules={"accreditation.grant": {"authorities": 2}})
    pen, _ = delegate(town, A, actions=["mapping.*"])
    draft = explain(town, pen, "mapping.publish", WIDENS)
    assert draft.reason == "Only authorities named in the charter may propose it."
    assert explain(town, pen, "mapping.publish", {**WIDENS, "usable_for_scope": False}).state is EffectState.EFFECTIVE


def test_what_several_granted_as_many_widen_whoever_of_them_proposes_it() -> None:
    town = trio(rules={"accreditation.grant": {"authorities": 2}})
    granted = badges(town)
    town.votes(C, granted)
    said = town.says(B, "mapping.publish", WIDENS)
    town.votes(C, said)
    assert is_trusted(town)


def test_a_seat_that_must_agree_to_a_grant_must_agree_to_what_widens_it() -> None:
    town = trio(rules={"accreditation.grant": {"authorities": 2, "constituencies": {"nonprofit": 1}}})
    granted = badges(town, B)
    town.votes(A, granted)
    record = town.fold().get("accreditation", granted.id.hex())
    assert record is not None
    assert record["terms"][0]["rule"] == {"authorities": 2, "constituencies": {"nonprofit": 1}}

    said = town.says(B, "mapping.publish", WIDENS)
    town.votes(C, said)
    assert verdict_of(town, said).state is EffectState.WAITING, "neither of the two is the nonprofit"
    town.votes(A, said)
    assert is_trusted(town)


def test_a_mapping_from_before_the_charter_asked_for_more_widens_no_grant_made_since() -> None:
    """A sleeping mapping: said by one while one was enough to grant, and meant for what several grant later."""
    town = trio()
    town.says(A, "mapping.publish", WIDENS)
    step = amend(town, A, rules={"accreditation.grant": {"authorities": 2}})
    town.votes(B, step)
    granted = badges(town)
    assert verdict_of(town, granted).state is EffectState.WAITING
    town.votes(B, granted)

    assert is_trusted(town, BADGE)
    assert not is_trusted(town)

    anew = town.says(A, "mapping.publish", mapping((LICENCE, BADGE), id="https://crosswalks.example/anew"))
    town.votes(C, anew)
    assert is_trusted(town)


def test_a_mapping_goes_on_widening_what_one_alone_had_granted_before_the_charter_asked_for_more() -> None:
    town = trio()
    badges(town)
    town.says(A, "mapping.publish", WIDENS)
    step = amend(town, A, rules={"accreditation.grant": {"authorities": 2}})
    town.votes(B, step)
    assert is_trusted(town)


def test_a_withdrawn_mapping_widens_nothing_from_then_on() -> None:
    town = trio()
    badges(town)
    said = town.says(A, "mapping.publish", WIDENS)
    ended = town.says(A, "mapping.withdraw", withdrawal(said), CROSSWALK)
    decision = asked(town)
    assert [reason.code for reason in decision.reasons] == ["competencies_not_covered"]
    assert ended.id in decision.statements
    assert asked(town, time=said.iat).verdict is Verdict.TRUSTED_HISTORICAL


def test_only_its_author_withdraws_a_mapping_and_several_annul_it() -> None:
    town = trio()
    badges(town)
    said = town.says(A, "mapping.publish", WIDENS)
    town.says(B, "mapping.withdraw", withdrawal(said), CROSSWALK)
    assert is_trusted(town)
    annulment = annul(town, B, said)
    town.votes(C, annulment)
    assert not is_trusted(town)
    assert town.fold().get("competency", LICENCE) is None, "what was annulled was never there"


def test_a_mapping_said_again_with_other_links_leaves_none_of_the_old_behind_once_it_is_withdrawn() -> None:
    town = trio()
    badges(town)
    first = town.says(A, "mapping.publish", WIDENS)
    town.says(A, "mapping.publish", mapping(("https://licences.example/nurse", BADGE)))
    town.says(A, "mapping.withdraw", withdrawal(first), CROSSWALK)
    assert not is_trusted(town)
    assert is_trusted(town, "https://licences.example/nurse")


@pytest.mark.no_cover
def test_ten_thousand_links_from_one_item_make_no_record_too_large_and_push_nobody_out() -> None:
    """Each mapping has the links that a statement holds; the flood is C's delegate's, and A's one link stands."""
    town = trio()
    badges(town)
    pen, _ = delegate(town, C, actions=["mapping.*"])
    honest = town.says(A, "mapping.publish", WIDENS)
    links = 0
    for number in range(70):
        some = [(BADGE, f"https://x.example/{number}/{at}") for at in range(150)]
        assert len(some) <= LIST_ITEMS
        town.says(pen, "mapping.publish", mapping(*some, id=f"https://flood.example/{number}"))
        links += len(some)
    assert links > 10_000
    fold = town.fold()
    raw = fold.raw("competency", BADGE)
    assert raw is not None
    assert len(raw) <= RECORD_BYTES
    record = competency_in(fold, BADGE)  # type: ignore[arg-type]
    assert record is not None
    assert honest.id in [link["statement"] for link in record["links"]]
    assert is_trusted(fold)
    assert fold_of(town.eco, [town.said[0], *reversed(town.said[1:])]).state_root() == fold.state_root()


@pytest.mark.no_cover
def test_one_mapping_more_to_a_flooded_item_weighs_what_has_room_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many a delegate has published; and the record is the one that weighing all of them leads to."""
    weighed: list[int] = []

    def counted(link: Any, whole: Any = mappings.link_order) -> Any:
        weighed[-1] += 1
        return whole(link)

    for count in (6, 12):
        town = trio()
        badges(town)
        pen, _ = delegate(town, C, actions=["mapping.*"])
        town.says(A, "mapping.publish", WIDENS)
        for number in range(count):
            some = [(BADGE, f"https://x.example/{number}/{at}") for at in range(150)]
            town.says(pen, "mapping.publish", mapping(*some, id=f"https://flood.example/{number}"))
        fold = town.fold()
        more = town.says(pen, "mapping.publish", mapping((BADGE, "https://x.example/more"), id="https://more.example/"))
        with monkeypatch.context() as patch:
            weighed.append(0)
            patch.setattr(mappings, "link_order", counted)
            fold.add(more)
            fold.settle()
        with monkeypatch.context() as patch:
            patch.setattr("accredit.governance.records.reducers._first_of_each_voice", list)
            assert town.fold().state_root() == fold.state_root()
    assert weighed[1] <= weighed[0] + 150


@pytest.mark.no_cover
def test_of_ones_own_flood_what_counts_comes_before_what_is_only_shown() -> None:
    town = trio()
    badges(town)
    for number in range(4):
        some = [(BADGE, f"https://x.example/{number}/{at}") for at in range(150)]
        town.says(A, "mapping.publish", mapping(*some, id=f"https://flood.example/{number}", relation="related_match"))
    town.says(A, "mapping.publish", WIDENS)
    record = competency_in(town.fold(), BADGE)  # type: ignore[arg-type]
    assert record is not None
    assert len(record["links"]) < 4 * 150
    assert is_trusted(town)


def test_items_come_before_links_where_one_authority_has_said_too_much_of_both() -> None:
    town = trio()
    town.says(A, "issuer.register", register())
    town.says(A, "accreditation.grant", grant(scope={"frameworks": [FRAMEWORK]}))
    item = f"{FRAMEWORK}/1"
    for number in range(4):
        some = [(item, f"https://x.example/{number}/{at}") for at in range(150)]
        town.says(A, "mapping.publish", mapping(*some, id=f"https://flood.example/{number}"))
    published = town.says(A, "framework.publish", framework())
    for part in (0, 1):
        town.says(A, "framework.items", framework_items(published.id, part))
    assert is_trusted(town, item)
