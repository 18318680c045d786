"""A whole node without I/O, driven by hand: what is told, when, and what a full disk leaves behind."""

import pytest

from accredit.gossip.protocol.events import SendFailed, Ticked
from accredit.governance.rules.rulebook import is_urgent
from accredit.node.engine import STORAGE_PAUSE, FrameArrived, SubmissionResult
from accredit.node.engine import append_queue as pending_module
from accredit.registry.errors import StorageError
from accredit.registry.statement import decode
from tests.strategies.consortium import Pen, key_entry
from tests.strategies.driven import FULL, START, Driven, connect, founded_node, pushed_by
from tests.strategies.network import A, B, founded, issuer_body, node_entry


def test_a_normal_statement_waits_for_the_tick_of_the_wall_clock() -> None:
    node = founded_node()
    one = node.town.says(A, "issuer.register", issuer_body())
    token = node.submit(one)
    assert node.appends == []
    assert token not in node.replies
    assert node.engine.next_wakeup() == START // 1_000 * 1_000 + 1_000
    node.wait(699)
    assert node.appends == []
    node.wait(1)
    assert node.replies[token] == (SubmissionResult(id=one.id, status="logged", index=len(node.log) - 1),)
    assert one.id in node.engine
    assert node.engine.index_of(one.id) == node.engine.size - 1


def test_a_forged_statement_is_refused_also_where_somebody_has_read_it_already() -> None:
    """What the route has read, to know its key, is not read again; its signature is checked all the same."""
    node = founded_node()
    one = node.town.says(A, "issuer.register", issuer_body())
    forged = decode(one.raw[:-1] + bytes([one.raw[-1] ^ 1]))
    assert node.submitted(forged, decode(one.raw)) == ["refused", "logged"]
    assert node.submitted(decode(one.raw), one.raw) == ["known", "known"]


def test_an_urgent_statement_takes_what_is_pending_with_it_at_once() -> None:
    node = founded_node()
    issuer = node.town.says(A, "issuer.register", issuer_body())
    rogue = node.town.says(A, "node.retire", {"name": "node9"})
    assert is_urgent(rogue)
    node.submit(issuer)
    node.submit(rogue)
    assert [len(each.statements) for each in node.appends] == [2]
    assert node.appends[0].urgent


def test_the_answer_names_what_became_of_each_in_the_order_submitted() -> None:
    node = founded_node()
    town = node.town
    one, two = (town.says(A, "issuer.register", issuer_body(number)) for number in (1, 2))
    node.submitted(one)
    stranger = town.says(Pen("stranger", A), "issuer.register", issuer_body(3), heard=False)
    wrong = two.raw[:-1] + bytes([two.raw[-1] ^ 1])
    token = node.submit(b"no statement", one, wrong, stranger, two, two)
    node.wait()
    results = node.replies[token]
    assert [each.status for each in results] == ["refused", "known", "refused", "waiting", "logged", "known"]
    assert [each.index for each in results] == [
        None,
        len(town.said) - 2,
        None,
        None,
        len(town.said) - 1,
        len(town.said) - 1,
    ]
    codes = [each.error and each.error.code for each in results]
    assert codes == ["not_cose_sign1", None, "bad_signature", "unknown_key", None, None]


def test_what_is_known_already_is_answered_at_once() -> None:
    node = founded_node()
    token = node.submit(node.town.genesis)
    assert node.replies[token][0].status == "known"
    assert node.replies[token][0].index == 0


def test_a_statement_waiting_for_its_key_is_logged_once_the_key_is() -> None:
    node = founded_node()
    town = node.town
    new = Pen("new", A)
    introduction = town.says(A, "key.add", key_entry(new))
    early = town.says(new, "issuer.register", issuer_body())
    assert node.submitted(early) == ["waiting"]
    assert node.submitted(introduction) == ["logged"]
    node.wait()
    assert early.id in node.engine
    assert node.submitted(early) == ["known"]


def test_a_key_and_what_it_signs_may_come_in_one_submission() -> None:
    node = founded_node()
    new = Pen("new", A)
    both = node.town.says(A, "key.add", key_entry(new)), node.town.says(new, "issuer.register", issuer_body())
    assert node.submitted(*both) == ["logged", "logged"]


def test_one_append_is_under_way_at_a_time_and_the_next_takes_what_came_meanwhile() -> None:
    node = founded_node()
    node.slow = True
    town = node.town
    statements = [town.says(A, "issuer.register", issuer_body(number)) for number in range(3)]
    tokens = [node.submit(statements[0])]
    node.wait()
    tokens += [node.submit(each) for each in (statements[0], statements[1], statements[2])]
    node.wait(5_000)
    assert len(node.appends) == 1
    assert node.replies == {}
    node.finish()
    assert list(node.replies) == tokens[:2]
    node.finish()
    assert list(node.replies) == tokens
    assert [len(each.statements) for each in node.appends] == [1, 2]


def test_a_full_batch_waits_for_no_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "BATCH", 3)
    node = founded_node()
    statements = [node.town.says(A, "issuer.register", issuer_body(number)) for number in range(7)]
    node.submit(*statements)
    assert [len(each.statements) for each in node.appends] == [3, 3]
    node.wait()
    assert [len(each.statements) for each in node.appends] == [3, 3, 1]


def test_a_flood_beyond_what_may_wait_is_refused_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "PENDING_MAX", 2)
    node = founded_node()
    statements = [node.town.says(A, "issuer.register", issuer_body(number)) for number in range(3)]
    token = node.submit(*statements)
    node.wait()
    assert [each.status for each in node.replies[token]] == ["logged", "logged", "refused"]
    assert node.submitted(statements[2]) == ["logged"]


def test_a_full_disk_is_the_submitters_answer_and_leaves_nothing_behind() -> None:
    node = founded_node()
    town = node.town
    roots = node.engine.fold.state_root(), node.engine.fold.statements_root()
    node.full = True
    new = Pen("new", A)
    key = town.says(A, "key.add", key_entry(new))
    issuer = town.says(new, "issuer.register", issuer_body())
    token = node.submit(key, issuer)
    node.wait()
    assert [(each.status, each.error) for each in node.replies[token]] == [("refused", FULL)] * 2
    assert (node.engine.fold.state_root(), node.engine.fold.statements_root()) == roots
    # For a while the answer comes at once, without a try.
    token = node.submit(key)
    assert node.replies[token][0].error is FULL
    assert len(node.appends) == 1
    node.full = False
    node.wait(STORAGE_PAUSE)
    # Acceptance is as if they had never been: the second is of an unknown key again.
    assert node.submitted(issuer) == ["waiting"]
    assert node.submitted(key) == ["logged"]
    node.wait()
    assert issuer.id in node.engine


def test_a_full_disk_drops_what_came_during_the_append_too() -> None:
    node = founded_node()
    node.slow = node.full = True
    one, two = (node.town.says(A, "issuer.register", issuer_body(number)) for number in (1, 2))
    first = node.submit(one)
    node.wait()
    second = node.submit(two, one)
    node.finish()
    assert node.replies[first][0].error is FULL
    assert [each.error for each in node.replies[second]] == [FULL, FULL]
    assert node.engine.next_wakeup() is None


def test_a_clock_set_back_does_not_make_anybody_wait_for_hours() -> None:
    node = founded_node()
    token = node.submit(node.town.says(A, "issuer.register", issuer_body()))
    node.now -= 3_600_000
    node.handle(Ticked())
    assert node.replies[token][0].status == "logged"


def test_what_took_effect_and_what_ceased_is_told() -> None:
    node = founded_node()
    town = node.town
    issuer = town.says(A, "issuer.register", issuer_body())
    node.submitted(issuer)
    assert node.changes[-1].took_effect == (issuer,)
    assert node.changes[-1].size == len(town.said)
    assert node.changes[-1].time == (node.now - 300) // 1_000


def test_nodes_of_a_genesis_spread_the_votes_it_waits_for() -> None:
    """Before the genesis takes effect nobody is in force; if nobody gossiped, it never would."""
    town = founded("node1", "node2", approve=False)
    one, two = (Driven(town, name, log=[town.genesis.raw]) for name in ("node1", "node2"))
    assert one.engine.is_member
    assert one.engine.fold.charter is None
    one.submit(town.votes(B, town.genesis))
    for _ in range(10):
        one.wait(500)
        two.wait(500)
        connect(one, two)
    assert one.log == two.log
    assert two.engine.fold.charter is not None
    assert [peer.name for peer in two.engine.statistics().peers] == ["node1"]


def test_a_newly_admitted_node_becomes_a_peer_and_a_retired_one_none() -> None:
    node = founded_node("node1")
    town = node.town
    assert node.engine.statistics().peers == ()
    admit = town.says(A, "node.admit", node_entry("node2"), sub="node2")
    node.submitted(admit, town.votes(B, admit))
    assert [peer.name for peer in node.engine.statistics().peers] == ["node2"]
    assert node.engine.log_key("node2") == node_entry("node2")["keys"]["log"]
    retire = town.says(A, "node.retire", {"name": "node2"}, sub="node2")
    node.submitted(retire, town.votes(B, retire))
    assert node.engine.statistics().peers == ()
    assert node.engine.log_key("node2") is None


def test_a_node_that_is_not_named_is_no_member() -> None:
    assert not Driven(founded("node1"), "node3").engine.is_member
    assert founded_node("node1").engine.is_member


def test_statements_pushed_by_a_peer_are_judged_logged_and_passed_on() -> None:
    town = founded("node1", "node2", "node3")
    raws = [each.raw for each in town.said]
    nodes = [Driven(town, name, log=raws) for name in ("node1", "node2", "node3")]
    nodes[0].submitted(town.says(A, "issuer.register", issuer_body()))
    for _ in range(8):
        connect(*nodes)
        for node in nodes:
            node.wait(500)
    assert nodes[0].log == nodes[1].log == nodes[2].log
    assert len({node.engine.fold.state_root() for node in nodes}) == 1


def test_what_a_full_disk_refused_from_a_peer_is_fetched_again() -> None:
    town = founded("node1", "node2")
    raws = [each.raw for each in town.said]
    one, two = (Driven(town, name, log=raws) for name in ("node1", "node2"))
    two.full = True
    one.submitted(*(town.says(A, "issuer.register", issuer_body(number)) for number in range(3)))
    for step in range(60):
        connect(one, two)
        one.wait(500)
        two.wait(500)
        two.full = step < 20
    assert one.log == two.log
    assert "alarm_roots_differ" not in dict(two.engine.statistics().counters)


def test_a_push_during_a_full_disk_is_nobodys_fault_and_comes_again() -> None:
    town = founded("node1", "node2")
    node = Driven(town, log=[each.raw for each in town.said])
    one, two = (town.says(A, "issuer.register", issuer_body(number)) for number in (1, 2))
    node.full = True
    node.submitted(one)
    node.handle(pushed_by("node2", node, two.raw))
    node.full = False
    node.wait(STORAGE_PAUSE)
    assert two.id not in node.engine
    counters = dict(node.engine.statistics().counters)
    assert "statements_refused" not in counters
    node.handle(pushed_by("node2", node, two.raw))
    node.wait()
    assert two.id in node.engine


def test_a_forged_statement_from_a_peer_is_refused_and_one_of_an_unknown_key_waits() -> None:
    town = founded("node1", "node2")
    raws = [each.raw for each in town.said]
    honest = Driven(town, "node1", log=raws)
    liar = Driven(town, "node2", log=raws)
    good = town.says(A, "issuer.register", issuer_body())
    forged = good.raw[:-1] + bytes([good.raw[-1] ^ 1])
    early = town.says(Pen("new", A), "issuer.register", issuer_body(2), heard=False)
    honest.handle(pushed_by("node2", honest, early.raw, forged))
    assert honest.frames[77].status == 200
    assert honest.engine.statistics().waiting == 1
    assert dict(honest.engine.statistics().counters)["statements_refused"] == 1
    assert honest.submitted(good) == ["logged"]
    assert liar.engine.size == honest.engine.size - 1


def test_a_frame_of_a_stranger_is_refused_with_its_reason() -> None:
    node = founded_node("node1")
    node.handle(FrameArrived(token=5, data=b"\xd2rubbish"))
    assert node.frames[5].status == 400
    assert node.frames[5].error is not None
    assert node.handle(SendFailed(exchange=99, reason="nobody asked")) == []


def test_a_stored_log_with_an_entry_nobody_could_have_accepted_is_not_loaded() -> None:
    town = founded()
    forged = town.said[1].raw[:-1] + bytes([town.said[1].raw[-1] ^ 1])
    with pytest.raises(StorageError, match="Entry 1 of the stored log") as caught:
        Driven(town, log=[town.genesis.raw, forged])
    assert caught.value.code == "log_inadmissible"


def test_a_loaded_log_gives_the_state_it_had() -> None:
    node = founded_node("node1")
    node.submitted(*(node.town.says(A, "issuer.register", issuer_body(number)) for number in range(5)))
    again = Driven(node.town, log=node.log)
    assert again.engine.fold.state_root() == node.engine.fold.state_root()
    assert again.engine.size == node.engine.size
