"""Charters that can be fulfilled, and those that cannot."""

from typing import Any, cast

import pytest

from accredit.governance.rules.charter import check_amendment, check_charter, check_genesis, parse, parse_rule
from accredit.governance.rules.rulebook import check_body, is_urgent
from accredit.registry.domain.bodies import CharterGenesis
from accredit.registry.errors import DecodeError
from tests.strategies.bodies import event, node, register
from tests.strategies.consortium import Pen, key_entry
from tests.strategies.stories import A, B, amend, trio


def body(**changes: Any) -> dict[str, Any]:
    return trio().genesis.body | changes


def with_authority(**changes: Any) -> dict[str, Any]:
    whole = body()
    first, *rest = whole["authorities"]
    return whole | {"authorities": [first | changes, *rest]}


def test_rules_are_read_in_each_form() -> None:
    rules = {
        "node.admit": {"authorities": 2},
        "charter.amend": {"fraction": "2/3", "constituencies": {"nonprofit": 1}},
        "key.add": {"majority": True, "fraction": "1/1"} | {"majority": False},
    }
    charter = parse(cast(CharterGenesis, body(rules=rules)))

    assert [charter.rules[name].needed(5) for name in sorted(rules)] == [4, 5, 2]
    assert parse_rule({"majority": True}).needed(4) == 3
    assert charter.authorities[A].contacts == {}
    check_genesis(body(rules=rules))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "one of authorities"),
        ({"authorities": 2, "majority": True}, "one of authorities"),
        ({"majority": False}, "one of authorities"),
        ({"fraction": "2 of 3"}, "a fraction"),
        ({"fraction": 2}, "a fraction"),
        ({"fraction": "2/x"}, "a fraction"),
        ({"fraction": "²/3"}, "a fraction"),
        ({"fraction": "0/3"}, "above 0"),
        ({"fraction": "4/3"}, "at most 1"),
        ({"fraction": "1/1000"}, "a fraction"),
        ({"authorities": 0}, "an integer"),
        ({"authorities": 4}, "can never be met"),
        ({"majority": True, "constituencies": {"nonprofit": 2}}, "can never be met"),
        ({"majority": True, "constituencies": {"cats": 1}}, "one of"),
    ],
)
def test_rules_that_say_nothing_or_can_never_be_met_are_refused(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        check_charter(body(rules={"node.admit": rule}))


@pytest.mark.parametrize(
    ("charter", "words"),
    [
        (with_authority(threshold=2), "2 keys are required, but the authority has 1"),
        (with_authority(id=B), "named 2 times"),
        (body(nodes=[node("n1.example"), node("n1.example", B)]), "named 2 times"),
        (body(signers=["n1.example"]), "no node has the name"),
        (body(nodes=[node("n1.example"), node("n2.example")], signers=["n1.example", "n2.example"]), "operator"),
        (body(nodes=[node("n1.example") | {"name": "n 1"}]), "without spaces"),
        (body(nodes=[node("n1.example") | {"name": "n+1"}]), "plus"),
    ],
)
def test_charters_that_contradict_themselves_are_refused(charter: dict[str, Any], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        check_charter(charter)


def test_signers_of_different_operators_are_accepted() -> None:
    nodes = [node("n1.example", A), node("n2.example", B)]
    check_genesis(body(nodes=nodes, signers=["n1.example", "n2.example"]))


def test_a_key_of_a_genesis_needs_a_budget_that_one_of_an_amendment_does_not() -> None:
    entry = key_entry(Pen("A's", A), budget=0)
    with pytest.raises(DecodeError, match="budget"):
        check_genesis(with_authority(keys=[entry]))
    check_charter(with_authority(keys=[entry]))


def test_a_key_is_not_its_own_successor() -> None:
    """Whoever stole the one would have the other."""
    pen = Pen("A's", A)
    entry = key_entry(pen) | {"next": {"key": pen.kid, "budget": 10}}

    with pytest.raises(DecodeError, match="a key other"):
        check_body("key.add", entry)


def test_rules_name_kinds_there_are_and_no_votes() -> None:
    amended = amend(trio(), A).body
    for name in ("node.admitt", "vote.approve"):
        with pytest.raises(DecodeError, match="one of"):
            check_body("charter.genesis", body(rules={name: {"majority": True}}))
        with pytest.raises(DecodeError, match=r"body\.charter\.rules"):
            check_body("charter.amend", amended | {"charter": body(rules={name: {"majority": True}})})
    check_body("charter.genesis", body(rules={"accreditation.status.void_from": {"authorities": 3}}))


def test_heads_name_each_key_once() -> None:
    town = trio()
    amended = amend(town, A).body
    twice = [*amended["heads"], {"key": town.pen(A).kid, "id": bytes(32)}]

    check_amendment(amended)
    with pytest.raises(DecodeError, match="each key only once"):
        check_amendment(amended | {"heads": twice})


def test_narrowing_statements_and_votes_marked_so_are_urgent() -> None:
    town = trio()
    said = town.says(A, "accreditation.status", event(bytes(32), "suspend"), "did:web:college.example")
    plain = town.votes(B, said)
    marked = town.says(B, "vote.approve", {"targets": [said.id], "urgent": True})

    assert [is_urgent(s) for s in (said, plain, marked)] == [True, False, True]
    assert not is_urgent(town.says(A, "issuer.register", register()))
