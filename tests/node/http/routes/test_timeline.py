"""The life of an accreditation over HTTP: nothing that was ever said of it is missing, however it ended."""

from pathlib import Path
from typing import Any

import pytest

from accredit.registry.domain.vocabulary import EVENTS
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.statement import Statement
from tests.registry.decision.test_timeline import FURTHER
from tests.strategies import bodies
from tests.strategies.consortium import START, Consortium
from tests.strategies.served import A, B, Served, empty, world
from tests.strategies.stories import A as TRIO_A
from tests.strategies.stories import B as TRIO_B
from tests.strategies.stories import C, annul, compromise, trio


def school(event: str) -> CanonicalId:
    return CanonicalId(f"did:web:{event.replace('_', '-')}.example")


def agreed(town: Consortium, said: Statement) -> Statement:
    town.votes(B, said)
    return said


@pytest.fixture(scope="module")
def town() -> Consortium:
    """Each event was said of a school of its own, and annulled later; so were a grant and an amendment."""
    made = world()
    for event in EVENTS:
        granted = made.says(A, "accreditation.grant", bodies.grant(school(event)))
        said = made.says(
            A,
            "accreditation.status",
            bodies.event(granted.id, event, START, after=[granted.id], **FURTHER.get(event, {})),
            sub=school(event),
        )
        agreed(made, annul(made, A, said))
    wrong = made.says(A, "accreditation.grant", bodies.grant(school("grant")))
    agreed(made, annul(made, A, wrong))
    granted = made.says(A, "accreditation.grant", bodies.grant(school("amendment")))
    terms = {"accreditation": granted.id, "after": [], "effective_from": START, "scope": bodies.SCOPE, "valid_from": 0}
    agreed(made, annul(made, A, made.says(A, "accreditation.amend", terms, sub=school("amendment"))))
    return made


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, town: Consortium) -> Served:
    made = empty(tmp_path_factory.mktemp("timelines"), town)
    made.hears()
    return made


def grant_of(town: Consortium, issuer: str) -> Statement:
    return next(one for one in town.said if one.kind == "accreditation.grant" and one.sub == issuer)


async def told(node: Served, issuer: str) -> Any:
    answer = await node.get("/v1/accreditation/timeline", params={"id": grant_of(node.town, issuer).id.hex()})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("event", EVENTS)
async def test_an_event_that_was_annulled_is_shown_with_both_dates_and_who_ended_it(node: Served, event: str) -> None:
    life = await told(node, school(event))
    (ended,) = (one for one in life["events"] if one["event"] == event)
    assert ended["effective_from"] == "2023-11-14T22:13:20Z"
    assert (ended["ended"]["how"], ended["ended"]["by"]) == ("annulled", A)
    assert ended["ended"]["since"] >= ended["effective_from"]
    assert {one["status"] for one in life["spells"]} == {"active"}, "it counts as never said"
    assert [one["ended"] for one in life["events"] if one["event"] == "granted"] == [None]


async def test_an_annulled_amendment_and_an_annulled_grant_are_shown_too(node: Served) -> None:
    life = await told(node, school("amendment"))
    assert [(one["event"], bool(one["ended"])) for one in life["events"]] == [("granted", False), ("amended", True)]
    gone = await told(node, school("grant"))
    assert [(one["event"], one["ended"]["how"]) for one in gone["events"]] == [("granted", "annulled")]
    assert (gone["issuer"], gone["by"], gone["spells"], gone["successors"]) == (school("grant"), A, [], [])


async def test_with_an_annulled_grant_what_happened_to_it_is_shown_too(tmp_path: Path) -> None:
    town = world()
    granted = town.says(A, "accreditation.grant", bodies.grant(school("whole")))
    first = town.says(A, "accreditation.status", bodies.event(granted.id, "suspend", START), sub=school("whole"))
    agreed(town, annul(town, A, first))
    town.says(A, "accreditation.status", bodies.event(granted.id, "suspend", START + 1), sub=school("whole"))
    town.says(B, "accreditation.status", bodies.event(granted.id, "suspend", START + 2), sub=school("whole"))
    agreed(town, annul(town, A, granted))
    node = empty(tmp_path, town)
    node.hears()
    life = await told(node, school("whole"))
    assert [(one["event"], one["ended"]["how"]) for one in life["events"]] == [
        ("granted", "annulled"),
        ("suspend", "annulled"),
        ("suspend", "annulled"),
    ], "what nobody but a stranger said never counted"
    assert len({one["ended"]["statement"] for one in life["events"]}) == 2


async def test_what_a_stolen_key_said_is_shown_as_void_with_the_cut_off(tmp_path: Path) -> None:
    town = trio()
    granted = town.says(TRIO_A, "accreditation.grant", bodies.grant(school("void")))
    town.votes(C, compromise(town, TRIO_B, town.pen(TRIO_A), town.genesis))
    node = empty(tmp_path, town)
    node.hears()
    life = await told(node, school("void"))
    assert [one["ended"]["how"] for one in life["events"]] == ["void"]
    assert life["id"] == granted.id.hex()


async def test_what_was_never_granted_has_no_timeline(node: Served) -> None:
    answer = await node.get("/v1/accreditation/timeline", params={"id": "00" * 32})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
