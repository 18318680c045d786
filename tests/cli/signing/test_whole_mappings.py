"""A long crosswalk is one decision, and what somebody slips in beside its parts is no part of it."""

from collections.abc import Sequence
from typing import Any

from accredit.cli.signing.ballot_paper import ballot_paper
from accredit.cli.signing.whole_frameworks import together
from accredit.cli.signing.whole_mappings import with_mapping_parts
from accredit.registry.statement import Statement, Unverified
from tests.strategies.consortium import Consortium
from tests.strategies.stories import A, B, trio

MAP = "https://maps.example/crosswalk"


def part(town: Consortium, number: int, by: Any = A, links: int = 2, **changes: Any) -> Statement:
    id = MAP if number == 1 else f"{MAP}/{number}"
    body = {
        "id": id,
        "title": "A crosswalk",
        "source": {"framework": "https://one.example/"},
        "target": {"framework": "https://two.example/"},
        "method": "expert",
        "usable_for_scope": True,
        "links": [
            {
                "source": f"https://one.example/{number}/{at}",
                "target": "https://two.example/a",
                "relation": "exact_match",
            }
            for at in range(links)
        ],
    }
    return town.says(by, "mapping.publish", body | changes, id)


def shown(*said: Statement) -> dict[str, dict[str, Any]]:
    """As `GET /v1/proposals` shows them."""
    return {
        one.id.hex(): {"id": one.id.hex(), "kind": one.kind, "iss": one.iss, "sub": one.sub, "body": dict(one.body)}
        for one in said
    }


def chosen(named: Statement, *said: Statement) -> list[int]:
    """Places in `said` of what is decided on by whoever names one of them."""
    held = {one.id: one for one in said}

    def read(ids: Sequence[bytes]) -> list[Unverified]:
        return [held[id] for id in ids]

    ids = [one.id.hex() for one in said]
    return [ids.index(id) for id in with_mapping_parts([named.id.hex()], shown(*said), read)]


def test_whoever_names_a_part_is_offered_all_of_them() -> None:
    town = trio()
    said = [part(town, number) for number in (1, 2, 3)]
    for named in said:
        assert chosen(named, said[2], said[0], said[1]) == [1, 2, 0]


def test_what_another_key_or_another_body_slips_in_or_a_gap_parts_from_it_is_no_part() -> None:
    town = trio(keys=2)
    first, second = part(town, 1, f"{A}#1"), part(town, 2, f"{A}#1")
    others_key = part(town, 3, f"{A}#2")
    assert chosen(first, first, second, others_key) == [0, 1]
    assert chosen(others_key, first, second, others_key) == [2]
    stranger = part(town, 3, f"{B}#1")
    assert chosen(first, first, second, stranger) == [0, 1]
    wider = part(town, 3, f"{A}#1", title="Another")
    beyond = part(town, 4, f"{A}#1")
    assert chosen(second, first, second, wider, beyond) == [0, 1]
    assert chosen(beyond, first, second, beyond) == [2]
    grant = town.says(f"{A}#1", "recognition.grant", {"id": "https://r.example/", "name": "R", "actions": ["issue"]})
    assert chosen(grant, first, second, grant) == [2]


def test_an_inbox_shows_the_parts_as_one_line_and_the_ballot_paper_says_how_many_links_there_are() -> None:
    town = trio()
    said = [part(town, 1, links=3), part(town, 2), part(town, 3, links=1)]
    (line,) = together([*shown(*said).values()])
    assert (line.first["sub"], line.told) == (MAP, "3 parts with 6 links.")
    alone = part(town, 7)
    paper = ballot_paper([*said, alone])
    assert [str(one) for one in paper.mappings] == [
        f"The mapping A crosswalk ({MAP}): 6 links in 3 parts; it may extend accreditations.",
        f"The mapping A crosswalk ({MAP}/7): 2 links in 1 part; it may extend accreditations.",
    ] or [one.parts for one in paper.mappings] == [4]
