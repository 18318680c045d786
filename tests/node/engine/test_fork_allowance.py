"""A key of a small budget that signs without end under one number is taken slowly, and nobody else waits for it."""

from pathlib import Path
from typing import Any

import pytest

from accredit.node.engine.fork_allowance import FORKS_AT_ONCE, FREE, HOUR, PATIENCE
from accredit.registry.errors import BusyError
from accredit.registry.limits import STATEMENT_BYTES
from accredit.registry.statement import Statement
from tests.strategies.bodies import delegation
from tests.strategies.consortium import Consortium, Pen, key_entry
from tests.strategies.driven import Driven, connect, founded_node, pushed_by
from tests.strategies.network import A, B, issuer_body
from tests.strategies.stories import compromise

ROOT = Path(__file__).parents[3]
STEP, MINUTES = 10_000, 120_000
"""Between two moments at which nodes talk, and how long they do, ms."""


def again(pen: Pen) -> Pen:
    """The same key at the same number."""
    return pen.copy()


def forks(town: Consortium, pen: Pen, count: int, *, first: int = 0) -> list[Statement]:
    return [town.says(again(pen), "issuer.register", issuer_body(number)) for number in range(first, first + count)]


def delegates(town: Consortium, pen: Pen, name: str, **members: Any) -> tuple[Pen, Statement]:
    """A body that a key makes a delegate, once more under the same number."""
    new = Pen(name, f"https://{name}.example/")
    entry = key_entry(new, budget=members.pop("budget", 50))
    body = delegation(new.authority, [entry], actions=["issuer.*", "authority.delegate"], **members)
    return new, town.says(again(pen), "authority.delegate", body)


def counted(node: Driven, *statements: Statement) -> tuple[int, list[str]]:
    """How many of these are logged, and the codes of the rest."""
    token = node.submit(*statements)
    node.wait()
    results = node.replies[token]
    return sum(one.status == "logged" for one in results), [one.error.code for one in results if one.error is not None]


def test_a_flood_under_one_number_is_logged_ever_more_slowly_and_never_refused_for_good() -> None:
    """After an hour, after two hours more, after four: what is taken grows with the logarithm of the time."""
    node = founded_node()
    left = forks(node.town, node.town.pen(A), FREE + 5 * FORKS_AT_ONCE)
    flood = tuple(left)
    for hours, taken in [(0, FREE + FORKS_AT_ONCE), (1, FORKS_AT_ONCE), (1, 0), (1, FORKS_AT_ONCE), (3, 0)]:
        node.wait(hours * HOUR)
        logged, codes = counted(node, *left)
        assert (logged, set(codes)) == (taken, {"forked_key"})
        left = left[logged:]
    node.wait(9 * HOUR)  # twice as long as needed: the shares of two waits
    assert counted(node, *left) == (2 * FORKS_AT_ONCE, [])
    assert all(each.id in node.engine for each in flood)


def test_the_refusal_names_the_key_when_it_may_be_tried_again_and_what_ends_it() -> None:
    node = founded_node()
    pen = node.town.pen(A)
    flood = forks(node.town, pen, FREE + FORKS_AT_ONCE + 1)
    token = node.submit(*flood)
    node.wait()
    error = node.replies[token][-1].error
    assert isinstance(error, BusyError)
    assert pen.kid.hex()[:16] in error.message
    assert "in 60 minutes" in str(error.hint)
    assert "accredit keys compromise" in str(error.hint)


def test_other_keys_and_numbers_that_nobody_used_do_not_wait_behind_a_flood() -> None:
    node = founded_node()
    town = node.town
    thief = town.pen(A).copy()
    granted = town.says(B, "issuer.register", issuer_body(900))
    counted(node, granted, *forks(town, thief, FREE + FORKS_AT_ONCE))

    assert counted(node, town.says(B, "issuer.register", issuer_body(901)))[0] == 1
    above = Pen(thief.name, A, thief.seq + 40, town.said[-1].id)
    assert counted(node, town.says(above, "issuer.register", issuer_body(902)))[0] == 1
    assert counted(node, *forks(town, thief, 1, first=800)) == (0, ["forked_key"])


def test_branches_multiply_no_budgets_however_many_keys_each_introduces() -> None:
    """Each branch hands a budget of its own to a key, and that one to further keys: all of it is one key's share."""
    node = founded_node()
    town = node.town
    thief = town.pen(A).copy()
    made = [delegates(town, thief, f"body{number}") for number in range(FREE)]
    assert counted(node, *(said for _, said in made))[0] == FREE

    flood = [town.says(pen, "issuer.register", issuer_body(number)) for number in range(40) for pen, _ in made]
    logged, codes = counted(node, *flood)
    assert (logged, set(codes)) == (FORKS_AT_ONCE, {"forked_key"})
    (first, _), (second, _) = made
    grandchild, said = delegates(town, first, "grandchild", budget=5)
    assert counted(node, said, town.says(second, "issuer.register", issuer_body(99))) == (0, ["forked_key"] * 2)
    assert grandchild.seq == 1


def test_branches_that_come_all_at_once_multiply_no_budgets_either() -> None:
    """Before anything is folded: the second branch, its key and what that says are in one submission."""
    node = founded_node()
    town = node.town
    thief = town.pen(A).copy()
    made = [delegates(town, thief, f"body{number}", budget=100) for number in range(FREE)]
    said = [town.says(pen, "issuer.register", issuer_body(number)) for number in range(100) for pen, _ in made]
    logged, codes = counted(node, *(one for _, one in made), *said)
    assert (logged, set(codes)) == (FREE + FORKS_AT_ONCE, {"forked_key"})


def test_a_key_with_two_introductions_owes_nothing_for_the_one_in_doubt_but_has_no_larger_budget_by_it() -> None:
    """A thief who names somebody's key in a branch of his slows nobody; nor does it give that key more for nothing."""
    node = founded_node()
    town = node.town
    thief = town.pen(A).copy()
    new = Pen("new", B)
    counted(node, town.says(B, "key.add", key_entry(new, budget=10)))
    for number in range(FREE):
        body = delegation(f"https://d{number}.example/", [key_entry(new, budget=500)], actions=["issuer.*"])
        counted(node, town.says(again(thief), "authority.delegate", body))
    counted(node, *forks(town, thief, FORKS_AT_ONCE))

    assert counted(node, town.says(new, "issuer.register", issuer_body(700)))[0] == 1
    last = Pen("new", B, 10, town.said[-1].id)
    assert counted(node, town.says(last, "issuer.register", issuer_body(702)))[0] == 1
    beyond = Pen("new", B, 11, town.said[-1].id)
    assert counted(node, town.says(beyond, "issuer.register", issuer_body(701))) == (0, ["forked_key"])


def test_the_lowest_number_that_a_key_uses_twice_is_where_its_fork_begins_whichever_is_submitted_first() -> None:
    """Before anything is folded: what it introduces between two forks is in doubt by the first of them."""
    node = founded_node()
    town = node.town
    thief = town.pen(A).copy()
    low = [town.says(again(thief), "issuer.register", issuer_body(number)) for number in range(2)]
    middle = Pen(thief.name, A, thief.seq + 1, low[0].id)
    pen, made = delegates(town, middle, "between", budget=100)
    high = Pen(thief.name, A, thief.seq + 2, made.id)
    twice = [town.says(again(high), "issuer.register", issuer_body(number)) for number in range(2, 4)]
    said = [town.says(pen, "issuer.register", issuer_body(number)) for number in range(4, 84)]
    logged, codes = counted(node, *low, *twice, made, *said)
    assert (logged, set(codes)) == (5 + FORKS_AT_ONCE, {"forked_key"})


def test_what_a_cut_key_said_later_and_those_it_introduced_then_come_out_of_its_share() -> None:
    node = founded_node()
    town = node.town
    thief = town.pen(A).copy()
    ended = compromise(town, B, thief)
    assert counted(node, ended, town.votes("https://c.example/", ended))[0] == 2
    pen, said = delegates(town, thief, "later", budget=500)
    assert counted(node, said)[0] == 1

    logged, codes = counted(node, *(town.says(pen, "issuer.register", issuer_body(number)) for number in range(90)))
    assert (logged, set(codes)) == (FORKS_AT_ONCE, {"forked_key"})


def test_what_a_stolen_key_may_cost_in_a_day_is_what_operators_are_told() -> None:
    """Whoever changes a number changes the sentence as well."""
    told = " ".join((ROOT / "SECURITY.md").read_text("utf-8").split())
    a_day = 24 * FORKS_AT_ONCE * PATIENCE
    mib = a_day * STATEMENT_BYTES // 2**20
    assert f"at most {a_day:,} statements a day of one stolen key for each node in force" in told
    assert f"{4 * a_day:,} in a network of four nodes" in told
    assert f"at most {mib} MiB a day for each node in force ({4 * mib / 1024:g} GiB with four nodes)" in told


def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers may bring one share for each node: what the tests sign for that takes no minutes."""
    monkeypatch.setattr("accredit.node.engine.fork_allowance.PATIENCE", 1)


def brought(node: Driven, peer: str, *statements: Statement) -> int:
    """How many of these a node has, after a peer pushed them."""
    node.handle(pushed_by(peer, node, *(each.raw for each in statements)))
    node.wait()
    return sum(each.id in node.engine for each in statements)


def test_what_honest_nodes_hold_does_not_wait_even_at_a_node_that_was_away() -> None:
    node = founded_node("node1", "node2")
    flood = forks(node.town, node.town.pen(A), FREE + 4 * FORKS_AT_ONCE)
    assert brought(node, "node2", *flood) == len(flood)
    assert node.engine.delayed_keys == []
    assert 2 ** (PATIENCE - 1) > 3 * 365 * 24, "hours, until a node's door has taken as much"


def test_a_member_that_pours_a_flood_in_fills_no_disk_and_delays_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch)
    node = founded_node("node1", "node2")
    town = node.town
    thief = town.pen(A).copy()
    most = 2 * FORKS_AT_ONCE
    flood = forks(town, thief, FREE + most + 50)
    assert brought(node, "node2", *flood[:100]) == 100
    assert node.engine.delayed_keys == []
    assert brought(node, "node2", *flood[100:]) == FREE + most - 100
    assert node.engine.delayed_keys == [thief.kid]

    assert brought(node, "node2", town.says(B, "issuer.register", issuer_body(901))) == 1
    unused = Pen(thief.name, A, thief.seq + 40, town.said[-1].id)
    assert brought(node, "node2", town.says(unused, "issuer.register", issuer_body(902))) == 1
    made = [delegates(town, thief, f"body{number}", budget=9) for number in range(2)]
    assert brought(node, "node2", *(said for _, said in made)) == 0

    node.wait(HOUR)
    assert node.engine.delayed_keys == []
    assert brought(node, "node2", *flood[FREE + most :]) == 50
    node.now -= 10 * HOUR  # a clock set back makes nobody wait until it has caught up
    assert brought(node, "node2", *(said for _, said in made)) == 2


def test_nodes_that_took_different_parts_of_a_flood_end_with_one_set_and_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member pours one half into one node and the other half into another, so that neither takes the other's."""
    few(monkeypatch)
    first = founded_node("node1", "node2")
    second = Driven(first.town, "node2", log=first.log)
    most = FREE + 2 * FORKS_AT_ONCE
    flood = forks(first.town, first.town.pen(A), 2 * most)
    assert brought(first, "node2", *flood[:most]) == most
    assert brought(second, "node1", *flood[most:]) == most
    connect_for(MINUTES, first, second)
    for node in (first, second):
        assert node.engine.delayed_keys
        assert sum(each.id in node.engine for each in flood) == most
    for _ in range(2):  # the other's half is more than an hour's, by those that were free there
        first.now, second.now = (node.now + HOUR for node in (first, second))
        connect_for(MINUTES, first, second)
    for node in (first, second):
        assert [each.id for each in flood if each.id not in node.engine] == []
    assert first.engine.fold.state_root() == second.engine.fold.state_root()


def connect_for(ms: int, *nodes: Driven) -> None:
    """Lets nodes talk for so long."""
    for _ in range(ms // STEP):
        for node in nodes:
            node.wait(STEP)
        connect(*nodes)


def test_a_full_disk_or_a_clock_set_back_uses_nobodys_share_up() -> None:
    node = founded_node()
    flood = forks(node.town, node.town.pen(A), 3 * FORKS_AT_ONCE)
    assert counted(node, *flood)[0] == FREE + FORKS_AT_ONCE
    node.now -= 10 * HOUR
    assert counted(node, *flood)[0] == FORKS_AT_ONCE

    node = founded_node()
    pen = node.town.pen(A)
    node.full = True
    assert counted(node, *forks(node.town, pen, FREE))[0] == 0
    node.full = False
    node.wait(HOUR)
    assert counted(node, *forks(node.town, pen, FREE))[0] == FREE


def test_what_waits_while_something_else_is_logged_is_counted_all_the_same() -> None:
    node = founded_node()
    flood = forks(node.town, node.town.pen(A), FREE + FORKS_AT_ONCE + 1)
    node.slow = True
    node.submit(flood[0])
    node.wait()
    node.submit(flood[1])
    node.slow = False
    node.finish()
    assert counted(node, *flood[2:]) == (FORKS_AT_ONCE, ["forked_key"])


@pytest.mark.parametrize("number", [1, 2])
def test_before_a_charter_is_in_force_a_flood_is_slow_too(number: int) -> None:
    node = Driven(town := Consortium.of((A, "nonprofit"), (B, "public"), approve=False), log=[])
    counted(node, town.genesis)
    pen = Pen(f"{B}#1", B) if number == 1 else Pen(f"{A}#1", A, 2, town.genesis.id)
    assert counted(node, *forks(town, pen, 3 * FORKS_AT_ONCE))[0] == FREE + FORKS_AT_ONCE
