"""A node that contradicted itself stays accused: over restarts, full disks and whatever else is shown."""

from pathlib import Path

import pytest

from accredit.node.engine.equivocations import KEPT
from accredit.node.runtime.equivocations import alarm, digest
from accredit.node.storage.log_store import Store
from accredit.node.witness.server import CONFLICTS, conflict_place
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import BusyError, DecodeError, RefusedError, StorageError
from tests.strategies.contradictions import forked_log, two_states
from tests.strategies.network import founded, node_seed
from tests.strategies.real_node import running, until

LIE = forked_log("node1", KeyPair(node_seed("node1", "log")))


async def test_a_conflict_shown_to_a_node_is_on_disk_when_it_answers_and_there_after_a_restart(tmp_path: Path) -> None:
    town = founded("node1", "node2")
    async with running(tmp_path, town, "node2") as node:
        await node.runtime.submit([each.raw for each in town.said])
        assert await node.runtime.accuse(LIE.encode()) == (LIE, True)
        assert node.store.kept(conflict_place(LIE.encode())) == LIE.encode()
        assert await node.runtime.accuse(LIE.encode()) == (LIE, False)
        other = two_states("node1", node_seed("node1", "state"), town.eco)
        assert await node.runtime.accuse(other.encode()) == (other, True)
    async with running(tmp_path, town, "node2") as node:
        assert node.runtime.conflicts == (LIE, other), "the oldest first"
        assert await node.runtime.accuse(LIE.encode()) == (LIE, False)


async def test_what_the_own_witness_finds_is_kept_without_waiting(tmp_path: Path) -> None:
    town = founded("node1", "node2")
    async with running(tmp_path, town, "node2") as node:
        await node.runtime.submit([each.raw for each in town.said])
        node.runtime.found(LIE)
        node.runtime.found(LIE)
        assert node.runtime.conflicts == (LIE,)
        await until(lambda: node.store.kept_under(CONFLICTS) == [LIE.encode()])
    node.runtime.found(LIE)  # its witness is asked one last time while it stops


async def test_what_proves_nothing_about_a_node_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    town = founded("node1", "node2")
    async with running(tmp_path, town, "node2") as node:
        with pytest.raises(RefusedError, match="not the key of a node"):  # no charter yet: nobody is known
            await node.runtime.accuse(LIE.encode())
        await node.runtime.submit([each.raw for each in town.said])
        for name, key in (("node9", "node1"), ("node1", "node9"), ("node2", "node1")):
            with pytest.raises(RefusedError) as caught:
                await node.runtime.accuse(forked_log(name, KeyPair(node_seed(key, "log"))).encode())
            assert caught.value.code == "not_a_nodes_key"
        with pytest.raises(DecodeError):
            await node.runtime.accuse(LIE.encode()[:-1])
        assert (node.runtime.conflicts, node.store.kept_under(CONFLICTS)) == ((), [])
    with pytest.raises(BusyError, match="shutting down"):
        await node.runtime.accuse(LIE.encode())


async def test_a_conflict_that_finds_no_room_is_known_and_an_alarm_but_not_answered_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    town = founded("node1", "node2")
    async with running(tmp_path, town, "node2") as node:
        await node.runtime.submit([each.raw for each in town.said])
        swap = Store.swap

        def full(self: Store, name: str, before: bytes | None, after: bytes) -> bool:
            if name.startswith(CONFLICTS):
                raise StorageError("disk_full", "there is no room.")
            return swap(self, name, before, after)

        monkeypatch.setattr(Store, "swap", full)
        with pytest.raises(StorageError):
            await node.runtime.accuse(LIE.encode())
        await until(lambda: "conflict not stored" in caplog.text)
        assert node.runtime.conflicts == (LIE,)
        monkeypatch.undo()
        assert node.store.kept_under(CONFLICTS) == []
        assert await node.runtime.accuse(LIE.encode()) == (LIE, False)
        assert node.store.kept_under(CONFLICTS) == [LIE.encode()]


async def test_no_more_are_kept_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT >= 64, "a consortium whose every node lies is still shown"
    monkeypatch.setattr("accredit.node.engine.equivocations.KEPT", 1)
    town = founded("node1", "node2")
    async with running(tmp_path, town, "node2") as node:
        await node.runtime.submit([each.raw for each in town.said])
        await node.runtime.accuse(LIE.encode())
        with pytest.raises(BusyError) as caught:
            await node.runtime.accuse(forked_log("node2", KeyPair(node_seed("node2", "log"))).encode())
        assert caught.value.code == "overloaded"


def test_an_alarm_names_the_liar_what_it_signed_and_where_the_proof_is() -> None:
    assert alarm(LIE).startswith("node1 signed two checkpoints of its log that cannot both be true")
    assert digest(LIE).hex()[:12] in alarm(LIE)
    assert "two state notes" in alarm(two_states("node1", node_seed("node1", "state"), bytes(32)))
