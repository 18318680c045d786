"""Who contradicts himself is kept, once, and told on; who is accused without proof is not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from accredit.gossip.protocol import events
from accredit.node.engine import ConflictArrived, KeepConflict, NoteArrived
from accredit.node.engine import equivocations as caught_module
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair, public_of
from accredit.registry.transparency.checkpoint import Checkpoint
from accredit.registry.transparency.equivocation import (
    CHECKPOINTS,
    STATE_NOTES,
    conflict_of_checkpoints,
    conflict_of_states,
)
from accredit.registry.transparency.signed_note import KeyType, Note, VerifierKey, sign_note
from accredit.registry.transparency.state_note import StateNote, cosign_state, signer_key
from tests.strategies.driven import Driven
from tests.strategies.network import A, founded, issuer_body, node_entry, node_seed
from tests.strategies.signing import signing_town

NODES = ("node1", "node2", "node3", "node4")


def checkpoint(name: str, root: int, size: int = 3) -> bytes:
    text = Checkpoint(origin=name, size=size, root=root.to_bytes(32)).encode()
    return sign_note(text, name, KeyPair(node_seed(name, "log")))


def two_trees(name: str, *, role: str = "log", roots: tuple[int, int] = (1, 2)) -> bytes:
    key = VerifierKey(name=name, type=KeyType.ED25519, public=public_of(node_seed(name, role)))
    notes = [
        sign_note(
            Checkpoint(origin=name, size=3, root=root.to_bytes(32)).encode(), name, KeyPair(node_seed(name, role))
        )
        for root in roots
    ]
    return conflict_of_checkpoints(notes[0], notes[1], key).encode()


class Machine:
    """Gossip's place in the engine, as far as conflicts go: what the engine hears, and what it says."""

    def __init__(self, node: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[events.Event] = []
        self._effects: Sequence[events.Effect] = ()
        real = node.engine._machine.handle

        def handle(event: events.Event, *, now: int) -> list[events.Effect]:
            self.told.append(event)
            effects, self._effects = self._effects, ()
            return [*effects, *real(event, now=now)]

        monkeypatch.setattr(node.engine._machine, "handle", handle)
        self._node = node

    def brings(self, effect: events.Effect) -> list[object]:
        """A peer sent something; what the engine wants done."""
        self._effects = (effect,)
        return [*self._node.handle(events.Ticked())]

    @property
    def found(self) -> list[bytes]:
        return [file for event in self.told if isinstance(event, events.ConflictsFound) for file in event.conflicts]


@pytest.fixture
def node() -> Driven:
    town = founded(*NODES)
    return Driven(town, log=[each.raw for each in town.said])


def test_a_conflict_is_kept_once_and_told_to_peers(node: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, file = Machine(node, monkeypatch), two_trees("node2")
    assert KeepConflict(data=file) in node.handle(ConflictArrived(data=file))
    assert machine.found == [file]
    assert [conflict.key.name for conflict in node.engine.conflicts] == ["node2"]
    assert node.engine._log.conflicts() == (file,)
    # The same again, a variant of it, and from a peer: one is enough.
    for again in (file, two_trees("node2", roots=(5, 6))):
        assert node.handle(ConflictArrived(data=again)) == []
    assert machine.brings(events.Accuse(sender=bytes(32), conflicts=(file,))) == []
    assert machine.found == [file]
    assert node.engine.unproven == 0


def test_a_peers_accusation_is_checked_like_anybodys(node: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, good = Machine(node, monkeypatch), two_trees("node3")
    stranger = two_trees("node9")
    effects = machine.brings(events.Accuse(sender=bytes(32), conflicts=(b"noise", stranger, good, good)))
    assert effects == [KeepConflict(data=good)]
    assert machine.found == [good]
    assert node.engine.unproven == 2


def test_a_retired_nodes_lie_still_counts(node: Driven) -> None:
    town = node.town
    retire = town.says(A, "node.retire", {"name": "node4"}, sub="node4")
    votes = [town.votes(by, retire) for by in list(town.pens)[1:2]]
    node.submitted(retire, *votes)
    node.handle(ConflictArrived(data=two_trees("node4")))
    assert [conflict.key.name for conflict in node.engine.conflicts] == ["node4"]


def test_while_the_genesis_waits_its_nodes_are_known() -> None:
    town = founded("node1", "node2", approve=False)
    node = Driven(town, log=[town.genesis.raw])
    node.handle(ConflictArrived(data=two_trees("node2")))
    assert len(node.engine.conflicts) == 1
    assert node.engine.log_key("node2") == node_entry("node2")["keys"]["log"]
    assert node.engine.log_key("node9") is None


def test_no_more_are_kept_than_there_is_room_for(node: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caught_module, "KEPT", 2)
    for name in ("node2", "node3", "node4"):
        node.handle(ConflictArrived(data=two_trees(name)))
    assert [conflict.key.name for conflict in node.engine.conflicts] == ["node2", "node3"]


def test_a_restart_forgets_no_conflict_and_keeps_none_twice(node: Driven) -> None:
    file = two_trees("node2")
    again = Driven(node.town)
    again.engine.load(node.log)
    effects = again.engine.settle(now=node.now, conflicts=[file])
    assert [conflict.kind for conflict in again.engine.conflicts] == [CHECKPOINTS]
    assert not [each for each in effects if isinstance(each, KeepConflict)]
    assert again.engine.handle(ConflictArrived(data=file), now=node.now) == []


def test_a_log_that_shows_two_trees_is_caught_by_what_peers_heard(
    node: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(node, monkeypatch)
    own, one, other = checkpoint("node1", 9), checkpoint("node2", 1), checkpoint("node2", 2)
    assert machine.brings(events.Heard(sender=bytes(32), notes=(own, one))) == []
    assert set(node.engine._log.notes()) == {own, one}
    effects = machine.brings(events.Heard(sender=bytes(32), notes=(one, other, b"noise")))
    assert [type(effect) for effect in effects] == [KeepConflict]
    assert [conflict.key.name for conflict in node.engine.conflicts] == ["node2"]
    assert node.engine.unproven == 1


def test_the_newest_own_checkpoint_is_shown_to_peers(node: Driven) -> None:
    node.checkpoint = checkpoint("node1", 1)
    node.submitted(node.town.says(A, "issuer.register", issuer_body()))
    assert node.engine._log.notes() == (node.checkpoint,)


def test_a_signer_that_cosigns_two_roots_of_one_count_is_caught() -> None:
    town = signing_town(4)
    node = Driven(town, log=[each.raw for each in town.said])
    node.wait(3_000)
    honest = node.engine.notary._steps[-1].state
    lie = replace(honest, root=bytes(32))

    def cosigned(state: StateNote) -> bytes:
        line = cosign_state(state, "node2", KeyPair(node_seed("node2", "state")), node.now // 1_000)
        return Note(text=state.encode(), signatures=(line,)).encode()

    assert not node.handle(NoteArrived(token=0, data=encode({1: cosigned(lie)})))[1:]
    effects = node.handle(NoteArrived(token=0, data=encode({1: cosigned(honest)})))
    kept = [effect.data for effect in effects if isinstance(effect, KeepConflict)]
    key = signer_key("node2", public_of(node_seed("node2", "state")))
    assert kept == [conflict_of_states(cosigned(lie), cosigned(honest), key).encode()]
    assert [(one.kind, one.key.name) for one in node.engine.conflicts] == [(STATE_NOTES, "node2")]
    node.handle(NoteArrived(token=0, data=encode({1: cosigned(lie)})))
    assert len(node.engine.conflicts) == 1
