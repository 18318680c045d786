"""State notes and conflicts of a whole node without I/O, driven by hand."""

from dataclasses import replace
from random import Random

import pytest

from accredit.gossip.protocol import events
from accredit.node.engine import Effect, KeepNote, NoteArrived, NoteStands, ReplyNote, TellNote, Ticked
from accredit.node.engine import roster as members_module
from accredit.node.engine.quorum_state import Part
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.errors import StorageError
from accredit.registry.transparency.state_note import StateNote
from tests.strategies.consortium import Consortium
from tests.strategies.driven import Driven
from tests.strategies.network import A, B, founded, issuer_body, node_entry

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
    other = StateNote(
        name="A consortium", ecosystem=town.eco, fold=FOLD_VERSION + 1, count=len(town.said), root=bytes(32)
    )
    node.engine.settle(now=node.now, signed=(other, Part(size=len(town.said))))


def test_a_part_of_the_log_is_what_is_left_without_some_entries() -> None:
    town = founded("node1")
    said = [town.says(A, "issuer.register", issuer_body(number)) for number in range(4)]
    engine = Driven(town, log=[each.raw for each in town.said]).engine
    assert engine.size == 7
    assert engine._log.part(()) == Part(size=7)
    assert engine._log.part([said[3].id, said[2].id]) == Part(size=5)
    assert engine._log.part([said[3].id, said[0].id]) == Part(size=6, without=(3,))


def test_a_cosignature_is_told_to_every_signer_and_to_some_of_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members_module, "TOLD", 18)
    town = signing(*(f"node{number}" for number in range(1, 31)))
    node = Driven(town, log=[each.raw for each in town.said])
    told = {peer.name for peer in node.engine._members.told(node.engine._peers, "node1", Random(1))}
    assert len(told) == 18
    assert told >= {f"node{number}" for number in range(2, 17)}


def test_a_note_with_a_quorum_comes_to_those_whom_no_signer_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """More nodes than a signer can tell: the note goes from peer to peer in beacons."""
    entries = [{**node_entry(name), "operator": f"Operator of {name}"} for name in ("node1", "node2", "node3")]
    town = Consortium.of((A, "nonprofit"), (B, "public"), nodes=entries, signers=["node1"])
    raws = [each.raw for each in town.said]
    signer, far, farther = (Driven(town, name, log=raws) for name in ("node1", "node2", "node3"))
    for node in (signer, far, farther):
        node.wait(3_000)
    for before, node in ((signer, far), (far, farther)):
        (note,) = before.engine._log.notes()
        heard = (events.Heard(sender=bytes(32), notes=(b"Town/x/state/1\n\n", note)),)
        monkeypatch.setattr(node.engine._machine, "handle", lambda *_, heard=heard, **__: heard)
        stands = [each for each in node.handle(Ticked()) if isinstance(each, NoteStands)]
        monkeypatch.undo()
        assert [each.kept.note for each in stands] == [note]
        assert node.engine.unproven == 1, "what is none is counted, and stops nothing"
