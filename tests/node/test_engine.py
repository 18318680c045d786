"""A whole node without I/O, driven by hand: what is told, when, and what a full disk leaves behind."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest

from gossip.config import GossipConfig
from gossip.events import FrameAnswered, SendFailed, Ticked
from gossip.frames import Push, encode_frame
from governance.rulebook import is_urgent
from node import engine as engine_module
from node.engine import (
    STORAGE_PAUSE,
    Append,
    Appended,
    AppendFailed,
    Changed,
    Effect,
    Engine,
    FrameArrived,
    KeepNote,
    NoteArrived,
    NoteStands,
    Reply,
    ReplyFrame,
    ReplyNote,
    Result,
    SendFrame,
    Submitted,
    TellNote,
)
from node.noted import Part
from registry.errors import StorageError
from registry.keys import key_id, public_of
from registry.state_note import StateNote
from registry.statement import Statement
from tests.strategies.consortium import Consortium, Pen, key_entry
from tests.strategies.network import A, B, founded, issuer_body, node_entry, node_seed

START = 1_700_000_000_300
FULL = StorageError("disk_full", "there is no room.", hint="Make some.")


class Driven:
    """An engine, the shell being played by the test: an in-memory log that may be slow or full."""

    def __init__(self, town: Consortium, name: str = "node1", log: Iterable[bytes] = ()) -> None:
        self.town = town
        self.now = START
        self.log = list(log)
        self.full = False
        self.slow = False
        self.engine = Engine(
            ecosystem=town.eco,
            name=name,
            peer_seed=node_seed(name, "peer"),
            state_seed=node_seed(name, "state"),
            random=Random(name),
            gossip=GossipConfig(),
        )
        self.appends: list[Append] = []
        self.replies: dict[int, tuple[Result, ...]] = {}
        self.frames: dict[int, ReplyFrame] = {}
        self.sent: list[SendFrame] = []
        self.changes: list[Changed] = []
        self.notes: list[Effect] = []
        self._token = 0
        self.engine.load(self.log)
        self.perform(self.engine.settle(now=self.now))

    def handle(self, event: engine_module.Event) -> list[Effect]:
        effects = self.engine.handle(event, now=self.now)
        self.perform(effects)
        return effects

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Append():
                    self.appends.append(effect)
                    if not self.slow:
                        self.finish()
                case Reply():
                    self.replies[effect.token] = effect.results
                case ReplyFrame():
                    self.frames[effect.token] = effect
                case SendFrame():
                    self.sent.append(effect)
                case Changed():
                    self.changes.append(effect)
                case KeepNote() | NoteStands():
                    self.notes.append(effect)
                case TellNote():
                    self.notes.append(effect)
                    self.handle(NoteArrived(token=0, data=effect.data))

    def finish(self) -> None:
        """The append under way ends."""
        if self.full:
            self.handle(AppendFailed(error=FULL))
            return
        self.log += [each.raw for each in self.appends[-1].statements]
        self.handle(Appended(size=len(self.log)))

    def submit(self, *statements: Statement | bytes) -> int:
        self._token += 1
        raws = tuple(each if isinstance(each, bytes) else each.raw for each in statements)
        self.handle(Submitted(token=self._token, raws=raws))
        return self._token

    def submitted(self, *statements: Statement | bytes) -> list[str]:
        """Submits and waits for the tick; the statuses."""
        token = self.submit(*statements)
        self.wait()
        return [each.status for each in self.replies[token]]

    def wait(self, ms: int = 1_000) -> None:
        """Lets time pass, waking the engine exactly when it asks for it."""
        end = self.now + ms
        while (due := self.engine.next_wakeup()) is not None and due <= end:
            self.now = max(self.now, due)
            self.handle(Ticked())
        self.now = end


def pushed_by(name: str, node: Driven, *raws: bytes) -> FrameArrived:
    """A push of a peer to `node`."""
    data = encode_frame(
        Push(statements=raws, urgent=False),
        seed=node_seed(name, "peer"),
        recipient=key_id(public_of(node_seed(node.engine.name, "peer"))),
        time=node.now,
        nonce=node.now.to_bytes(16),
    )
    return FrameArrived(token=77, data=data)


def founded_node(*nodes: str) -> Driven:
    """A node that holds the genesis and its votes."""
    town = founded(*nodes)
    return Driven(town, log=[each.raw for each in town.said])


def connect(*nodes: Driven) -> None:
    """Carries frames between nodes until nobody has any to send."""
    by_name = {node.engine.name: node for node in nodes}
    while any(node.sent for node in nodes):
        for node in nodes:
            sending, node.sent = node.sent, []
            for send in sending:
                target = by_name[send.peer]
                target._token += 1
                target.handle(FrameArrived(token=target._token, data=send.data))
                answer = target.frames.pop(target._token)
                data = answer.data if answer.error is None else str(answer.error).encode()
                node.handle(FrameAnswered(exchange=send.exchange, status=answer.status, data=data))


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
    assert node.replies[token] == (Result(id=one.id, status="logged", index=len(node.log) - 1),)
    assert one.id in node.engine
    assert node.engine.index_of(one.id) == node.engine.size - 1


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
    assert [each.status for each in results] == ["refused", "known", "refused", "waiting", "logged", "logged"]
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
    monkeypatch.setattr(engine_module, "BATCH", 3)
    node = founded_node()
    statements = [node.town.says(A, "issuer.register", issuer_body(number)) for number in range(7)]
    node.submit(*statements)
    assert [len(each.statements) for each in node.appends] == [3, 3]
    node.wait()
    assert [len(each.statements) for each in node.appends] == [3, 3, 1]


def test_a_flood_beyond_what_may_wait_is_refused_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PENDING_MAX", 2)
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


# ------------------------------------------------------------------------------------------------------ state notes


def signing(*nodes: str) -> Consortium:
    """A town whose nodes all sign, or as many as are given."""
    entries = [{**node_entry(name), "operator": f"Operator of {name}"} for name in nodes]
    return Consortium.of((A, "nonprofit"), (B, "public"), nodes=entries, signers=list(nodes)[:16])


def notes_of(node: Driven, duration: int = 3_000) -> list[Effect]:
    """What has happened to state notes once some time has passed."""
    node.wait(duration)
    return node.notes


def test_what_is_cosigned_is_kept_before_anybody_is_told() -> None:
    town = signing("node1", "node2", "node3", "node4")
    node = Driven(town, log=[each.raw for each in town.said])
    kept, told, *rest = notes_of(node)
    assert isinstance(kept, KeepNote)
    assert kept.part == Part(size=len(town.said))
    assert isinstance(told, TellNote)
    assert [peer.name for peer in told.peers] == ["node2", "node3", "node4"]
    assert not [each for each in rest if isinstance(each, NoteStands)], "one of four is no quorum"


def test_other_nodes_cosignatures_make_a_quorum_and_bad_ones_are_refused() -> None:
    town = signing("node1", "node2", "node3", "node4")
    nodes = [Driven(town, f"node{n}", log=[each.raw for each in town.said]) for n in range(1, 5)]
    told = [next(each for each in notes_of(node) if isinstance(each, TellNote)) for node in nodes]
    answers: list[Effect] = []
    for token, message in enumerate([told[1].data, told[2].data, b"nonsense"]):
        answers += nodes[0].engine.handle(NoteArrived(token=token, data=message), now=nodes[0].now)
    replies = [(each.token, each.error is None) for each in answers if isinstance(each, ReplyNote)]
    assert replies == [(0, True), (1, True), (2, False)]
    stands = [each for each in answers if isinstance(each, NoteStands)]
    assert [(each.kept.state.count, each.kept.part) for each in stands] == [(2, Part(size=2))]


def test_a_loaded_log_is_told_to_the_notary_once_and_what_stood_is_taken_up() -> None:
    town = signing("node1")
    log = [each.raw for each in town.said]
    before = Driven(town, log=log)
    kept, stands = (next(e for e in notes_of(before) if isinstance(e, t)) for t in (KeepNote, NoteStands))
    assert isinstance(stands, NoteStands)
    assert isinstance(kept, KeepNote)
    signed = StateNote.decode(kept.text), kept.part
    more = town.says(A, "issuer.register", issuer_body())
    node = Driven(town)
    node.engine.load([*log, more.raw])
    node.engine.settle(now=node.now, signed=signed, noted=stands.kept)
    assert node.engine.notary.noted.state == signed[0]
    node.log = [*log, more.raw]
    last = [each for each in notes_of(node) if isinstance(each, KeepNote)][-1]
    assert last.part == Part(size=len(log) + 1)
    assert StateNote.decode(last.text).root == node.engine.fold.state_root()
    for left, match in ((log[:-1], "no charter"), ([log[0], log[1], more.raw], "the root")):
        lost = Driven(town)
        lost.engine.load(left)
        with pytest.raises(StorageError, match=match):
            lost.engine.settle(now=node.now, signed=(replace(signed[0], root=bytes(32)), signed[1]))


def test_a_state_of_another_fold_is_not_derived_again() -> None:
    """After an update that makes other records of the same statements, what was signed before cannot be compared."""
    town = signing("node1")
    node = Driven(town)
    node.engine.load([each.raw for each in town.said])
    other = StateNote(name="A consortium", ecosystem=town.eco, fold=2, count=len(town.said), root=bytes(32))
    node.engine.settle(now=node.now, signed=(other, Part(size=len(town.said))))


def test_a_part_of_the_log_is_what_is_left_without_some_entries() -> None:
    town = founded("node1")
    said = [town.says(A, "issuer.register", issuer_body(number)) for number in range(4)]
    engine = Driven(town, log=[each.raw for each in town.said]).engine
    assert engine.size == 7
    assert engine._part(()) == Part(size=7)
    assert engine._part([said[3].id, said[2].id]) == Part(size=5)
    assert engine._part([said[3].id, said[0].id]) == Part(size=6, without=(3,))


def test_a_cosignature_is_told_to_every_signer_and_to_some_of_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "TOLD", 18)
    town = signing(*(f"node{number}" for number in range(1, 31)))
    node = Driven(town, log=[each.raw for each in town.said])
    told = {peer.name for peer in node.engine._told()}
    assert len(told) == 18
    assert told >= {f"node{number}" for number in range(2, 17)}
