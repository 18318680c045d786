"""Nobody signs a list of digests unread: what a vote decides on is read from the proposals themselves, and what differs
from the rest of a list is pointed out."""

import json
from dataclasses import replace
from typing import Any

import pytest

from accredit.cli.signing.ballot_paper import ALIKE_MIN, ballot_paper, read_items, show_paper, targets_of
from accredit.cli.signing.offline_files import Head, SigningRequest, decode_request
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.statement import Draft, Statement, decode, encode_signed
from tests.strategies.bodies import FRAMEWORK, ISSUER, PARTS, event, framework, framework_items, grant, register
from tests.strategies.consortium import Consortium
from tests.strategies.stories import A, B, trio

DAY = 86_400


def grants(town: Consortium, *changes: dict[str, Any]) -> list[Statement]:
    made = []
    for number, changed in enumerate(changes):
        issuer = f"did:web:college{number}.example"
        terms = {"valid_from": 0, "valid_until": 1000 * DAY} | changed
        made.append(town.says(A, "accreditation.grant", grant(issuer, **terms), issuer))
    return made


def test_a_proposal_that_grants_more_than_its_like_stands_out() -> None:
    usual = {"scope": {"achievement_types": ["BachelorDegree"], "jurisdictions": ["US-IN"]}}
    wide = {"scope": {"achievement_types": "*", "jurisdictions": ["US-IN"]}}
    far = {"scope": {"achievement_types": ["BachelorDegree"], "jurisdictions": ["US", "DE"]}}
    bare = {"scope": {"achievement_types": ["BachelorDegree"]}}
    items = grants(trio(), *[usual] * 12, wide, far, bare)
    said = {(one.about, one.member): str(one) for one in ballot_paper(items).outliers}
    assert said == {
        ("did:web:college12.example", "scope.achievement_types"): (
            "scope.achievement_types is everything; 14 of 15 have BachelorDegree"
        ),
        ("did:web:college13.example", "scope.jurisdictions"): "scope.jurisdictions is DE, US; 13 of 15 have US-IN",
        ("did:web:college14.example", "scope.jurisdictions"): "scope.jurisdictions is nothing; 13 of 15 have US-IN",
    }


@pytest.mark.parametrize(
    ("changed", "member", "value"),
    [
        ({"valid_until": 9000 * DAY}, "validity", "9,000 days"),
        ({"kind": "endorse"}, "kind", "endorse"),
        ({"level": "course"}, "level", "course"),
        ({"initial_status": "candidate"}, "initial_status", "candidate"),
    ],
)
def test_each_way_to_differ_is_seen(changed: dict[str, Any], member: str, value: str) -> None:
    items = grants(trio(), *[{}] * 9, changed)
    assert [(one.id, one.member, one.value) for one in ballot_paper(items).outliers] == [(items[-1].id, member, value)]


def test_what_has_no_end_stands_out_among_what_has_one() -> None:
    town = trio()
    items = grants(town, *[{}] * 9)
    body = grant("did:web:forever.example", valid_from=0)
    body.pop("valid_until", None)
    items.append(town.says(A, "accreditation.grant", body))
    (found,) = ballot_paper(items).outliers
    assert (found.id, str(found)) == (items[-1].id, "validity is no end; 9 of 10 have 1,000 days or about that")


def test_another_proposer_and_another_event_stand_out() -> None:
    town = trio()
    items = [town.says(A, "accreditation.status", event(bytes(32), "suspend"), ISSUER) for _ in range(9)]
    items.append(town.says(B, "accreditation.status", event(bytes(32), "lift", after=[bytes(32)]), ISSUER))
    found = {one.member: one.value for one in ballot_paper(items).outliers}
    assert found == {"proposed by": B, "event": "lift"}


def test_few_proposals_and_mixed_ones_have_no_rest_to_differ_from() -> None:
    assert ballot_paper(grants(trio(), *[{}] * (ALIKE_MIN - 2), {"kind": "endorse"})).outliers == ()
    assert ballot_paper(grants(trio(), *[{"kind": "accredit"}, {"kind": "endorse"}] * 5)).outliers == ()


def test_counts_are_by_kind_and_category() -> None:
    town = trio()
    items: list[Statement] = [
        town.says(A, "issuer.register", register(f"did:web:i{number}.example", categories=[category]))
        for number, category in enumerate(["bootcamp", "bootcamp", "employer"])
    ]
    items += grants(town, {}, {"level": "course"})
    items.append(town.says(A, "accreditation.status", event(bytes(32), "suspend"), ISSUER))
    told = ballot_paper(items).to_json()
    assert told["categories"] == {"bootcamp": 2, "employer": 1}
    assert told["kinds"] == {
        "issuer.register": 3,
        "accreditation.grant (accredit, institutional)": 1,
        "accreditation.grant (accredit, course)": 1,
        "accreditation.status (suspend)": 1,
    }


def test_a_framework_is_one_line_that_says_whether_all_of_it_is_voted_on() -> None:
    town = trio()
    said = town.says(A, "framework.publish", framework())
    first, second = (town.says(A, "framework.items", framework_items(said.id, part)) for part in (0, 1))
    foreign = town.says(B, "framework.items", framework_items(said.id, 1))

    def told(*items: Statement) -> str:
        (one,) = ballot_paper(items).frameworks
        return str(one)

    number = sum(map(len, PARTS))
    assert told(second, said, first).startswith(
        f"The framework Skills 1 ({FRAMEWORK}): {number} items in 2 parts, all "
    )
    assert ", NOT all that it commits to" in told(said, first)
    assert ", NOT all that it commits to" in told(said, first, foreign), (
        "the same words by others are none of its parts"
    )
    assert ", NOT all that it commits to" in told(said, first, second, foreign), "more than all is not all, either"
    assert told(first).startswith(f"The framework {FRAMEWORK}: {len(PARTS[0])} item")
    assert "that it commits to" not in told(first)


# ------------------------------------------------------------------------------------------------ what is not shown


def test_a_list_that_names_something_never_shown_is_not_signed() -> None:
    town = trio()
    shown, hidden = grants(town, {}, {"scope": {"achievement_types": "*"}})
    with pytest.raises(RefusedError, match="the text of 1 is not here") as refused:
        read_items([shown.raw], [shown.id, hidden.id])
    assert "Nothing was signed" in str(refused.value.hint)
    assert [one.id for one in read_items([hidden.raw, shown.raw], [shown.id, hidden.id])] == [shown.id, hidden.id]


def test_one_text_shown_in_place_of_another_is_not_signed() -> None:
    harmless, evil = grants(trio(), {}, {"scope": {"achievement_types": "*"}})
    with pytest.raises(RefusedError, match="is not here"):
        read_items([harmless.raw], [evil.id])


def test_what_no_node_would_take_is_not_shown_as_a_proposal() -> None:
    town = trio()
    pen, body = town.pen(A), {"issuer": ISSUER}
    draft = Draft(iss=A, sub=ISSUER, iat=1, eco=town.eco, kind="accreditation.grant", seq=9, prev=pen.prev, body=body)
    raw = encode_signed(draft, KeyPair(pen.seed))
    with pytest.raises(DecodeError, match="kind is missing"):
        read_items([raw], [decode(raw).id])
    with pytest.raises(DecodeError):
        read_items([b"\xd2\x84"], [bytes(32)])


def request_for(town: Consortium, *items: Statement) -> SigningRequest:
    pen = town.pen(B)
    assert pen.prev is not None
    draft = Draft(
        iss=B,
        sub=town.eco.hex(),
        iat=town.time,
        eco=town.eco,
        kind="vote.approve",
        seq=pen.seq,
        prev=pen.prev,
        body={"targets": [one.id for one in items]},
    )
    return SigningRequest(
        ecosystem=town.eco,
        ecosystem_name="A consortium",
        key=pen.kid,
        authority=B,
        head=Head(seq=pen.seq - 1, id=pen.prev),
        drafts=(draft,),
        votes_on=tuple(one.raw for one in items),
    )


def test_a_request_carries_what_its_votes_name_and_one_of_an_older_version_carries_nothing() -> None:
    town = trio()
    items = grants(town, {}, {})
    request = request_for(town, *items)
    assert decode_request(request.encode(), "r.json") == request
    table = json.loads(request.encode())
    del table["votes_on"]
    older = decode_request(json.dumps(table), "r.json")
    assert older == replace(request, votes_on=())
    with pytest.raises(RefusedError, match="2 proposals, and the text of 2 is not here"):
        read_items(older.votes_on, targets_of(older.drafts))


def test_a_long_list_is_shown_as_its_first_lines_and_what_stands_out(capsys: pytest.CaptureFixture[str]) -> None:
    items = grants(trio(), *[{}] * 60, *[{"kind": "endorse", "initial_status": "candidate"}] * 9)
    show_paper(ballot_paper(items), with_items=True)
    shown = capsys.readouterr().out
    assert "and 44 more." in shown
    assert "69 proposals: 60 accreditation.grant (accredit, institutional)" in shown
    assert shown.count("Stands out: ") == 12
    assert "and 6 more that stand out" in shown
    show_paper(ballot_paper(items[:1]), with_items=True)
    assert "issuer: did:web:college0.example" in capsys.readouterr().out, "one alone is shown whole"
