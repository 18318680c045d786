"""Two lanes of statements that wait to be logged: nobody waits too long, and no log holds what it could not admit."""

from hypothesis import given
from hypothesis import strategies as st

from accredit.governance.authority.admission import Admission
from accredit.node.engine.append_queue import BATCH, RELAY, Pending
from accredit.registry.limits import VOTE_TARGETS
from accredit.registry.statement import Statement, decode
from tests.strategies.bodies import register
from tests.strategies.consortium import Consortium, Pen, key_entry
from tests.strategies.driven import START, Driven, founded_node, pushed_by
from tests.strategies.network import A, founded, issuer_body
from tests.strategies.searching import examples

TICK = 1_000


def statements(count: int) -> list[Statement]:
    town = founded()
    return [town.says(A, "issuer.register", issuer_body(number)) for number in range(count)]


def test_what_a_peer_brings_waits_for_a_moment_and_what_is_submitted_for_the_tick() -> None:
    own, relayed = statements(2)
    pending = Pending(TICK)
    assert pending.due(START) is None
    pending.add(own, own=True, gives_keys=False, now=START)
    assert pending.due(START) == START + 700
    pending.add(relayed, own=False, gives_keys=False, now=START + 100)
    assert pending.due(START + 100) == START + 100 + RELAY
    assert pending.take(START + 100 + RELAY - 1) == ()
    assert pending.take(START + 100 + RELAY) == (relayed,)
    assert pending.due(START + 200) == START + 700
    assert pending.take(START + 699) == ()
    assert pending.take(START + 700) == (own,)
    assert len(pending) == 0


def test_relayed_statements_are_gathered_from_the_first_of_them_on() -> None:
    one, two, three = statements(3)
    pending = Pending(TICK)
    pending.add(one, own=False, gives_keys=False, now=START)
    pending.add(two, own=False, gives_keys=False, now=START + RELAY - 1)
    assert pending.take(START + RELAY) == (one, two)
    pending.add(three, own=False, gives_keys=False, now=START + 500)
    assert pending.due(START + 500) == START + 500 + RELAY


def test_a_clock_set_back_holds_up_no_lane() -> None:
    own, relayed = statements(2)
    pending = Pending(TICK)
    pending.add(own, own=True, gives_keys=False, now=START)
    assert pending.take(START - 3_600_000) == (own,)
    pending.add(relayed, own=False, gives_keys=False, now=START)
    assert pending.take(START - 3_600_000) == (relayed,)


def test_where_a_key_was_introduced_since_something_of_ours_waits_both_lanes_go_together() -> None:
    own, key, relayed = statements(3)
    pending = Pending(TICK)
    pending.add(own, own=True, gives_keys=False, now=START)
    pending.add(key, own=False, gives_keys=True, now=START)
    pending.add(relayed, own=False, gives_keys=False, now=START)
    assert pending.take(START + RELAY) == (own, key, relayed)


def test_what_a_peer_brings_is_logged_before_the_next_tick() -> None:
    town = founded("node1", "node2")
    node = Driven(town, log=[each.raw for each in town.said])
    said = town.says(A, "issuer.register", issuer_body())
    node.handle(pushed_by("node2", node, said.raw))
    node.wait(RELAY)
    assert said.id in node.engine
    assert node.now < START // 1_000 * 1_000 + 1_000


def test_a_relayed_statement_never_overtakes_the_key_it_is_signed_with() -> None:
    """The key was submitted here and waits for the tick; a peer brings what it signed."""
    town = founded("node1", "node2")
    node = Driven(town, log=[each.raw for each in town.said])
    new = Pen("new", A)
    introduction = town.says(A, "key.add", key_entry(new))
    signed = town.says(new, "issuer.register", issuer_body())
    node.submit(introduction)
    node.handle(pushed_by("node2", node, signed.raw))
    node.wait()
    assert node.log[-2:] == [introduction.raw, signed.raw]
    Driven(town, log=node.log)


def votes_and_narrowing(town: Consortium, count: int) -> tuple[list[Statement], Statement]:
    """Votes of one key on as many proposals as a vote can name, and what ends a key of an issuer, by another key."""
    body = {"targets": [number.to_bytes(32) for number in range(VOTE_TARGETS)]}
    ending = {"issuer": "did:web:a.example", "op": "retire", "key_id": "did:web:a.example#1"}
    votes = [town.says(A, "vote.approve", body, town.eco.hex()) for _ in range(count)]
    return votes, town.says(Pen("other", A), "issuer.key", ending, "did:web:a.example")


def test_votes_on_ten_thousand_proposals_are_logged_in_pieces_with_room_for_others_in_between() -> None:
    """As one batch they were one turn of 22 s, in which the node answered nobody."""
    votes, ending = votes_and_narrowing(founded(), 25)
    pending = Pending(TICK)
    for vote in votes:
        pending.add(vote, own=True, gives_keys=False, now=START)
    assert pending.due(START) == START, "what is a full batch does not wait for the tick"
    logged = [*pending.take(START)]
    assert logged == votes[:2]
    pending.add(ending, own=False, gives_keys=False, now=START)
    assert pending.take(START) == (ending, votes[2], votes[3]), "and what narrows overtakes the other votes"
    rest = [*(pending.take(START) for _ in range(10)), pending.take(START + 700)]
    assert [each for batch in rest for each in batch] == votes[4:]
    assert {sum(len(each.body["targets"]) for each in batch) <= BATCH for batch in rest} == {True}
    assert (len(pending), pending.due(START)) == (0, None)


def test_an_urgent_statement_overtakes_neither_its_own_key_nor_a_key_that_waits() -> None:
    town = founded()
    before = town.says(Pen("other", A), "issuer.register", issuer_body())
    votes, ending = votes_and_narrowing(town, 2)
    pending = Pending(TICK)
    for each in (*votes, before, ending):
        pending.add(each, own=True, gives_keys=False, now=START)
    assert pending.take(START) == (before, ending, *votes)
    for each in (votes[0], before, ending, votes[1]):
        pending.add(each, own=True, gives_keys=each is before, now=START)
    assert pending.take(START) == (votes[0], before, ending, votes[1])
    pending.add(ending, own=True, gives_keys=True, now=START)
    assert pending.drop() == (ending,)
    assert pending.due(START) is None


STEP = st.tuples(st.booleans(), st.sampled_from([0, 10, RELAY, 400]))


@examples(20)
@given(order=st.permutations(range(7)), steps=st.lists(STEP, min_size=7, max_size=7))
def test_whatever_comes_through_whichever_door_the_log_can_be_loaded_again(
    order: list[int], steps: list[tuple[bool, int]]
) -> None:
    town = founded("node1", "node2")
    first, second = Pen("first", A), Pen("second", A)
    founding = [each.raw for each in town.said]
    said = [
        town.says(A, "issuer.register", register("did:web:a.example")),
        town.says(A, "key.add", key_entry(first, budget=100)),
        town.says(first, "key.add", key_entry(second, budget=10)),
        town.says(second, "issuer.register", register("did:web:b.example")),
        town.says(first, "issuer.register", register("did:web:c.example")),
        town.says(A, "issuer.register", register("did:web:d.example")),
        town.says(
            second, "issuer.key", {"issuer": "did:web:b.example", "op": "retire", "key_id": "did:web:b.example#1"}
        ),
    ]
    node = Driven(town, log=founding)
    for number, (is_pushed, pause) in zip(order, steps, strict=True):
        if is_pushed:
            node.now += 1  # so that no two frames are the same
            node.handle(pushed_by("node2", node, said[number].raw))
        else:
            node.submit(said[number])
        node.wait(pause)
    node.wait(3_000)
    admission = Admission(town.eco)
    for raw in node.log:
        admission.add(admission.admit(decode(raw)))
    assert len(node.log) == len(town.said)


def test_a_relay_leaves_what_is_submitted_here_to_its_tick() -> None:
    node = founded_node("node1", "node2")
    own, relayed = (node.town.says(A, "issuer.register", issuer_body(number)) for number in (1, 2))
    node.submit(own)
    node.handle(pushed_by("node2", node, relayed.raw))
    node.wait(600)
    assert [each.statements for each in node.appends] == [(relayed,)]
    node.wait(100)
    assert [each.statements for each in node.appends] == [(relayed,), (own,)]
