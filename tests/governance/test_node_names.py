"""A node's name stands for one node: nobody takes it by being admitted again; replacing is an act of its own."""

from typing import Any

from accredit.governance.authority.effect import EffectState
from accredit.governance.authority.node_names import Naming, entry_digest
from accredit.governance.fold import Fold
from accredit.governance.standing import waiting_proposals
from accredit.registry.statement import Statement
from tests.strategies.bodies import node
from tests.strategies.consortium import Consortium
from tests.strategies.stories import A, B, C, amend, annul, explain, record_of, state_of, trio, verdict_of

NAME = "n1.example"


def admits(town: Consortium, entry: dict[str, Any], by: str = A, second: str = B) -> Statement:
    said = town.says(by, "node.admit", entry)
    town.votes(second, said)
    return said


def replaces(town: Consortium, old: dict[str, Any], new: dict[str, Any], by: str = A, second: str = B) -> Statement:
    said = town.says(by, "node.replace", new | {"replaces": entry_digest(old)})
    town.votes(second, said)
    return said


def moved(entry: dict[str, Any], url: str = "https://moved.example/") -> dict[str, Any]:
    return entry | {"url": url}


def test_a_second_node_of_a_name_in_force_is_refused_however_many_agree() -> None:
    for town in (trio(nodes=[node(NAME, C)]), trio()):
        if town.fold().get("node", NAME) is None:
            admits(town, node(NAME, C))
        before = record_of(town, "node", NAME)
        rival = admits(town, node(NAME, B) | {"url": "https://rival.example/"})

        assert record_of(town, "node", NAME) == before
        assert state_of(town, rival) is EffectState.INEFFECTIVE
        assert f"The name {NAME} belongs to an active node, run by {C}" in verdict_of(town, rival).reason
        draft = explain(town, C, "node.admit", node(NAME, A))
        assert draft.state is EffectState.INEFFECTIVE


def test_what_cannot_be_admitted_waits_in_nobodys_inbox() -> None:
    town = trio(nodes=[node(NAME, C)])
    rival = town.says(A, "node.admit", node(NAME, B))

    assert state_of(town, rival) is EffectState.INEFFECTIVE
    assert waiting_proposals(town.fold()) == []


def test_of_two_admissions_of_a_name_the_first_by_date_counts_in_every_order() -> None:
    town = trio()
    first, second = admits(town, node(NAME, A)), admits(town, node(NAME, B))

    assert (state_of(town, first), state_of(town, second)) == (EffectState.EFFECTIVE, EffectState.INEFFECTIVE)
    assert record_of(town, "node", NAME)["statement"] == first.id


def test_a_replacement_names_what_it_takes_the_place_of() -> None:
    town = trio(nodes=[node(NAME, C)])
    old, new = node(NAME, C), moved(node(NAME, C))
    stale = replaces(town, node(NAME, A), new)
    assert "that is not in force" in verdict_of(town, stale).reason
    said = replaces(town, old, new)

    assert record_of(town, "node", NAME)["url"] == "https://moved.example/"
    assert record_of(town, "node", NAME)["statement"] == said.id
    assert state_of(town, said) is EffectState.EFFECTIVE
    again = explain(town, B, "node.replace", new | {"replaces": entry_digest(new)})
    assert "changes nothing about" in again.reason
    nobody = explain(town, B, "node.replace", node("n9.example") | {"replaces": entry_digest(old)})
    assert "no node has the name n9.example" in nobody.reason.replace("No", "no")


def test_a_node_that_moves_back_is_where_it_was_and_each_step_counts_once() -> None:
    town = trio(nodes=[node(NAME, C)])
    home, away = node(NAME, C), moved(node(NAME, C))
    there, back = replaces(town, home, away), replaces(town, away, home, by=B, second=C)

    assert record_of(town, "node", NAME)["url"] == home["url"]
    assert [state_of(town, said) for said in (there, back)] == [EffectState.EFFECTIVE, EffectState.EFFECTIVE]
    once_more = replaces(town, home, away)
    assert record_of(town, "node", NAME)["statement"] == once_more.id


def test_an_amendment_that_lists_the_old_entry_again_does_not_move_a_node_back() -> None:
    town = trio(nodes=[node(NAME, C)])
    said = replaces(town, node(NAME, C), moved(node(NAME, C)))
    town.votes(B, amend(town, A, nodes=[node(NAME, C)]))

    assert record_of(town, "node", NAME)["statement"] == said.id


def test_a_node_admitted_before_a_charter_named_it_stays_rightly_admitted() -> None:
    town = trio()
    admitted = admits(town, node(NAME, C))
    amended = amend(town, A, nodes=[node(NAME, C)])
    town.votes(B, amended)

    assert state_of(town, admitted) is EffectState.EFFECTIVE
    assert record_of(town, "node", NAME)["statement"] == amended.id


def test_a_retired_name_is_neither_admitted_nor_replaced() -> None:
    town = trio(nodes=[node(NAME, C)])
    retired = town.says(A, "node.retire", {"name": NAME})
    town.votes(B, retired)
    for draft in (
        explain(town, A, "node.admit", node(NAME, B)),
        explain(town, A, "node.replace", moved(node(NAME, C)) | {"replaces": entry_digest(node(NAME, C))}),
    ):
        assert "a retired name cannot be used again" in draft.reason


def test_an_annulled_replacement_gives_the_place_back() -> None:
    town = trio(nodes=[node(NAME, C)])
    said = replaces(town, node(NAME, C), moved(node(NAME, C)))
    town.votes(C, annul(town, B, said))

    assert state_of(town, said) is EffectState.ANNULLED
    assert record_of(town, "node", NAME)["url"] == node(NAME, C)["url"]


def test_a_replacement_follows_the_rule_for_admissions_unless_it_has_its_own() -> None:
    strict = trio(nodes=[node(NAME, C)], rules={"node.admit": {"authorities": 3}})
    said = replaces(strict, node(NAME, C), moved(node(NAME, C)))
    assert state_of(strict, said) is EffectState.WAITING
    own = {"node.admit": {"authorities": 3}, "node.replace": {"authorities": 2}}
    loose = trio(nodes=[node(NAME, C)], rules=own)
    assert state_of(loose, replaces(loose, node(NAME, C), moved(node(NAME, C)))) is EffectState.EFFECTIVE


def test_before_the_genesis_is_in_effect_no_name_stands_for_anything() -> None:
    assert Fold(bytes(32)).naming(NAME) == Naming()
