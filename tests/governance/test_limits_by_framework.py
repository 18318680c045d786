"""A mandate for the items of a framework: whose word counts on what these are, where they are a limit."""

from typing import Any

import pytest

from accredit.registry.decision.decide import Decision, Query, Verdict, decide
from accredit.registry.domain.frameworks import items_root
from accredit.registry.statement import Statement
from tests.strategies.bodies import FRAMEWORK, ISSUER, grant, register
from tests.strategies.consortium import Consortium, Pen
from tests.strategies.stories import A, B, C, delegate, trio

LICENCE = "https://licences.example/surgeon"
OWN = f"{FRAMEWORK}/1"
ACTIONS = ["issuer.*", "accreditation.*", "framework.*", "authority.delegate"]
ACCOMPLICE = "https://accomplice.example/"

LISTED: dict[str, dict[str, Any]] = {
    "item": {"id": LICENCE, "statement": "Operates"},
    "narrower": {"id": LICENCE, "statement": "Operates", "parents": [OWN]},
    "alias": {"id": OWN, "statement": "Reads", "aliases": [LICENCE]},
}
"""Ways to list a foreign competency in a framework."""

LIMITS: dict[str, dict[str, Any]] = {
    "item": {"frameworks": [FRAMEWORK]},
    "narrower": {"competencies": [OWN], "inherit_to_narrower": True},
    "alias": {"competencies": [OWN]},
}
SCOPES = LIMITS


def publish(town: Consortium, who: str | Pen, *items: dict[str, Any], id: str = FRAMEWORK) -> Statement:
    """A framework of these items, complete."""
    body = {
        "id": id,
        "title": "Skills",
        "version": "1",
        "format": "csv",
        "content_digest": bytes(32),
        "item_count": len(items),
        "items_root": items_root(items),
    }
    said = town.says(who, "framework.publish", body)
    town.says(who, "framework.items", {"framework": id, "publish": said.id, "part": 0, "items": list(items)})
    return said


def asked(town: Consortium, competency: str = LICENCE, **members: Any) -> Decision:
    fold = town.fold()
    assert fold.charter is not None
    query = Query(**{"entity": ISSUER, "authority": fold.charter.id, "competencies": (competency,), **members})
    return decide(query, fold, town.time + 10, ecosystem_id=fold.charter.id)


def is_trusted(town: Consortium, competency: str = LICENCE) -> bool:
    return asked(town, competency).verdict is Verdict.TRUSTED


def limited(way: str, **granted: Any) -> tuple[Consortium, Pen]:
    """A delegate for reading alone, and an issuer that it has accredited for that; A says what the framework holds."""
    town = trio(publishers=[C])
    pen, _ = delegate(town, A, limits=LIMITS[way], actions=ACTIONS)
    publish(town, A, {"id": OWN, "statement": "Reads"})
    town.says(pen, "issuer.register", register())
    town.says(pen, "accreditation.grant", grant(scope=SCOPES[way], **granted))
    assert is_trusted(town, OWN)
    assert not is_trusted(town)
    return town, pen


@pytest.mark.parametrize("way", LISTED)
def test_a_delegate_does_not_reach_a_licence_by_listing_it_in_the_framework_that_limits_it(way: str) -> None:
    town, pen = limited(way)
    publish(town, pen, LISTED[way])
    assert not is_trusted(town)
    assert is_trusted(town, OWN)


@pytest.mark.parametrize("way", LISTED)
def test_nor_by_an_accomplice_whom_it_names_as_the_publisher_of_its_grant(way: str) -> None:
    town = trio()
    pen, _ = delegate(town, A, limits=LIMITS[way], actions=ACTIONS)
    other, made = delegate(town, B, to=ACCOMPLICE, actions=["framework.*"])
    publish(town, A, {"id": OWN, "statement": "Reads"})
    town.says(pen, "issuer.register", register())
    named = [{"by": ACCOMPLICE, "via": made.id}]
    town.says(pen, "accreditation.grant", grant(scope=SCOPES[way], publishers=named))
    publish(town, other, LISTED[way])
    assert not is_trusted(town)
    assert is_trusted(town, OWN)


@pytest.mark.parametrize("way", LISTED)
def test_nor_by_a_delegate_below_it(way: str) -> None:
    """Whom it lets speak, it does not let say more than it may say itself."""
    town, pen = limited(way)
    below, _ = delegate(town, pen, to=ACCOMPLICE, limits=LIMITS[way], actions=ACTIONS[:3])
    town.says(below, "accreditation.grant", grant(scope=SCOPES[way]))
    for who in (pen, below):
        publish(town, who, LISTED[way])
    assert not is_trusted(town)


@pytest.mark.parametrize("way", LISTED)
@pytest.mark.parametrize("who", [A, C])
def test_whoever_set_the_limit_or_a_publisher_of_the_charter_says_what_lies_within_it(way: str, who: str) -> None:
    town, _ = limited(way)
    publish(town, who, LISTED[way])
    assert is_trusted(town)


def test_a_mandate_for_a_framework_that_nobody_above_has_published_waits_for_that() -> None:
    """Its own list says what its grants are for, and not how far its mandate reaches."""
    town = trio()
    pen, _ = delegate(town, A, limits=LIMITS["item"], actions=ACTIONS)
    town.says(pen, "issuer.register", register())
    town.says(pen, "accreditation.grant", grant(scope=SCOPES["item"]))
    publish(town, pen, {"id": OWN, "statement": "Reads"})
    decision = asked(town, OWN)
    assert (decision.verdict, decision.reasons[0].code) == (Verdict.INDETERMINATE, "competency_unknown")
    publish(town, A, {"id": OWN, "statement": "Reads"})
    assert is_trusted(town, OWN)


def test_a_delegate_without_such_limits_publishes_the_framework_of_its_own_grants() -> None:
    town = trio()
    pen, _ = delegate(town, A, actions=ACTIONS)
    town.says(pen, "issuer.register", register())
    town.says(pen, "accreditation.grant", grant(scope=SCOPES["item"]))
    publish(town, pen, {"id": OWN, "statement": "Reads"})
    assert is_trusted(town, OWN)


@pytest.mark.parametrize("way", LISTED)
def test_a_delegate_does_not_list_again_what_one_above_it_has_amended_away(way: str) -> None:
    town = trio()
    pen, _ = delegate(town, A, actions=ACTIONS)
    town.says(pen, "issuer.register", register())
    granted = town.says(pen, "accreditation.grant", grant(scope={"competencies": "*"}))
    publish(town, A, {"id": OWN, "statement": "Reads"})
    assert is_trusted(town)
    amended = {
        "accreditation": granted.id,
        "after": [granted.id],
        "effective_from": town.time,
        "valid_from": 0,
        "scope": SCOPES[way],
    }
    town.says(A, "accreditation.amend", amended, ISSUER)
    assert not is_trusted(town)
    publish(town, pen, LISTED[way])
    assert not is_trusted(town)
    assert is_trusted(town, OWN)


def test_whether_a_delegate_may_accredit_for_a_licence_is_not_for_its_own_list_to_say() -> None:
    town, pen = limited("item")
    publish(town, pen, LISTED["item"])
    body = {"entity": pen.authority, "action": "accredit"}
    assert asked(town, **body).verdict is not Verdict.TRUSTED
    assert asked(town, OWN, **body).verdict is Verdict.TRUSTED


def test_an_expired_delegate_that_dates_a_framework_back_widens_nothing() -> None:
    town = trio()
    until = town.time + 1_000
    pen, _ = delegate(town, A, actions=ACTIONS, valid_until=until)
    town.says(pen, "issuer.register", register())
    town.says(pen, "accreditation.grant", grant(scope=SCOPES["item"]))
    publish(town, pen, {"id": OWN, "statement": "Reads"})
    for said in town.said[-4:]:
        town.votes(A, said)
    town.time = until + 100
    then = until - 500
    assert asked(town, OWN, time=then).verdict is Verdict.TRUSTED_HISTORICAL
    item = {"id": LICENCE, "statement": "Operates"}
    body: dict[str, Any] = {
        "id": FRAMEWORK,
        "title": "Skills",
        "version": "2",
        "format": "csv",
        "content_digest": bytes(32),
    }
    body |= {"item_count": 1, "items_root": items_root([item])}
    said = town.says(pen, "framework.publish", body, iat=then)
    part = {"framework": FRAMEWORK, "publish": said.id, "part": 0, "items": [item]}
    town.says(pen, "framework.items", part, iat=then)
    assert asked(town, time=then).verdict is Verdict.INDETERMINATE
    town.votes(A, said)
    assert asked(town, time=then).verdict is Verdict.TRUSTED_HISTORICAL, "one above shows that it was there"
