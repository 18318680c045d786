"""State notes among running nodes: a quorum forms and lasts, answers prove themselves, lies are caught and named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from accredit.node.engine.quorum_state import KEPT_NOTE, KeptNote, Part
from accredit.node.storage.audit import audit_state
from accredit.node.storage.log_store import Store
from accredit.node.storage.signing_guard import SignedState
from accredit.node.storage.state_store import forget_note
from accredit.registry.domain.records import FOLD_VERSION
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import StorageError
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import StateNote, cosign_state, quorum
from tests.strategies.asking import ASKED, accredited, now
from tests.strategies.bodies import ISSUER, register
from tests.strategies.consortium import Consortium
from tests.strategies.network import A, node_seed
from tests.strategies.real_node import running, until
from tests.strategies.served import served
from tests.strategies.signing import signing_nodes, signing_town

# ------------------------------------------------------------------------------------------------- a quorum stands


async def test_a_quorum_stands_by_a_statement_soon_and_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for late in ("TURN", "AGAIN"):  # what would help later is not waited for: it takes half a second
        monkeypatch.setattr(f"accredit.node.engine.notary.{late}", 3_600_000)
    async with signing_nodes(tmp_path, 5) as fleet:
        await fleet.submit(fleet.town.says(A, "issuer.register", register()), to="node3")
        state = await fleet.noted()
        for node in fleet.nodes.values():
            assert node.runtime.fold.state_root() == state.root
            missing = [view.name for view in node.runtime.notary.signers() if view.cosigned is None]
            assert len(missing) <= 5 - quorum(5)


async def test_who_is_cut_off_is_named_as_missing_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit.node.engine.notary.AGAIN", 3_600_000)
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        founded = len(fleet.town.said)
        await until(lambda: {view.count for view in fleet["node1"].runtime.notary.signers()} == {founded})
        fleet.links.down.add("node4")
        await fleet.submit(fleet.town.says(A, "issuer.register", register()))
        await fleet.noted("node1", "node2", "node3")
        status = await fleet.ask("node1", lambda node: node.status())
        note = status["state_note"]
        assert (note["count"], note["quorum"]) == (len(fleet.town.said), 3)
        assert note["root"] == status["state_root"]
        assert note["cosigned_by"] == ["node1", "node2", "node3"]
        assert [row["name"] for row in note["missing"]] == ["node4"]
        assert note["missing"][0]["count"] == len(fleet.town.said) - 1
        assert note["age_seconds"] <= 60
        await until(lambda: fleet["node1"].runtime.notes_undelivered > 0)
        fleet.links.down.clear()
        await fleet.noted()  # whoever tells is told: it does not wait for the next round


async def test_without_a_quorum_nothing_is_proved_and_it_is_said_plainly(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.store.write(forget_note)
    for method, path in (("GET", "/v1/state-note"), ("GET", "/v1/snapshot"), ("GET", "/v1/issuers/by-prefix/a")):
        answer = await node.ask(method, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "no_state_note")
    answer = await node.post("/v1/decisions", [ASKED, {**ASKED, "evidence": False}])
    rows = answer.json()["decisions"]
    assert rows[0]["problem"]["code"] == "no_state_note"
    assert rows[1]["entity"] == ISSUER


# ------------------------------------------------------------------------------------------------------- restarts


def is_of(kept: bytes, state: StateNote) -> bool:
    return KeptNote.decode(kept).state == state


async def test_a_node_that_starts_again_has_the_note_at_once_and_signs_nothing_smaller(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4) as fleet:
        await accredited(fleet)
        before = await fleet.noted()
        await until(lambda: (note := fleet["node2"].store.kept(KEPT_NOTE)) is not None and is_of(note, before))
        town = fleet.town
        kept = SignedState(tmp_path / "heads" / "node2" / "state.json").last
        assert kept is not None
    async with running(tmp_path, town, "node2") as alone:
        noted = alone.runtime.noted
        assert noted.state == before
        assert noted.get("issuer", ISSUER) == alone.runtime.fold.get("issuer", ISSUER)
        await alone.runtime.submit([town.says(A, "issuer.register", register("did:web:more.example")).raw])
        path = tmp_path / "heads" / "node2" / "state.json"
        await until(lambda: (last := SignedState(path).last) is not None and last[0].count > kept[0].count)
        assert alone.runtime.notary.noted.state == before, "one of four is no quorum"


async def test_an_offered_part_of_the_log_is_derived_again_after_a_restart(tmp_path: Path) -> None:
    """A set that a quorum stands by need not be the beginning of this node's log."""
    town = signing_town(1)
    first = [town.says(A, "issuer.register", register(f"did:web:i{n}.example")) for n in range(3)]
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit([each.raw for each in town.said if each is not first[1]])
        await until(lambda: node.runtime.notary.noted.state is not None)
        await node.runtime.submit([first[1].raw])
        await until(lambda: (state := node.runtime.notary.noted.state) is not None and state.count == len(town.said))
        order = [node.store.entry(number) for number in range(node.store.size())]
        whole = town.fold()
        part = town.fold([each for each in town.said if each is not first[0]])
        left_out = order.index(first[0].raw)
        state = StateNote(
            name="A consortium", ecosystem=town.eco, fold=FOLD_VERSION, count=len(part), root=part.state_root()
        )
    ids = [each.id for each in (*[s for s in town.said if s is not first[1]], first[1])]
    noted = KeptNote(note=_cosigned_by(state, "node1"), part=Part(size=len(order), without=(left_out,)))
    with Store.open(tmp_path / "node1" / "node.sqlite", ecosystem=town.eco, origin="node1") as store:
        assert store.swap(KEPT_NOTE, store.kept(KEPT_NOTE), noted.encode())
    async with running(tmp_path, town, "node1") as node:
        assert node.runtime.notary.noted.state is not None
        assert node.runtime.notary.noted.state.count >= state.count
    assert audit_state(state, noted.part, whole, ids).state_root() == state.root


def _cosigned_by(state: StateNote, *names: str) -> bytes:
    lines = tuple(cosign_state(state, name, KeyPair(node_seed(name, "state")), now()) for name in names)
    return Note(text=state.encode(), signatures=lines).encode()


async def founded_alone(folder: Path) -> tuple[Consortium, KeptNote]:
    """A node that has noted its town by itself and stopped; the town and what it keeps."""
    town = signing_town(1)
    async with running(folder, town, "node1") as node:
        await node.runtime.submit([each.raw for each in town.said])
        await until(lambda: node.store.kept(KEPT_NOTE) is not None)
        stored = node.store.kept(KEPT_NOTE)
        assert stored is not None
        return town, KeptNote.decode(stored)


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


async def test_a_node_does_not_start_to_sign_over_a_stored_note_with_a_flipped_bit(tmp_path: Path) -> None:
    town, kept = await founded_alone(tmp_path)
    whole, good = town.fold(), kept.encode()
    ids = [each.id for each in town.said]
    text = kept.state.encode().encode()
    for place in (text.index(b"\n", 1) + 1, text.rindex(b"\n", 0, -1) + 5, len(kept.note) - 20):
        bad = good.replace(kept.note, flip(kept.note, place))
        with Store.open(tmp_path / "node1" / "node.sqlite", ecosystem=town.eco, origin="node1") as store:
            assert store.swap(KEPT_NOTE, store.kept(KEPT_NOTE), bad)
        with pytest.raises(StorageError) as caught:
            async with running(tmp_path, town, "node1"):
                pass
        assert caught.value.code in ("state_damaged", "state_missing")
    state = replace(kept.state, root=flip(kept.state.root, 7))
    with pytest.raises(StorageError, match="does not follow from the log"):
        audit_state(state, kept.part, whole, ids)
    with pytest.raises(StorageError, match="entries"):
        audit_state(kept.state, replace(kept.part, size=99), whole, ids)
    assert audit_state(kept.state, kept.part, whole, ids) is whole


async def test_a_node_does_not_start_over_what_it_cosigned_last_if_that_was_changed_or_taken_away(
    tmp_path: Path,
) -> None:
    town, _ = await founded_alone(tmp_path)
    path = tmp_path / "heads" / "node1" / "state.json"
    good = path.read_bytes()
    members = json.loads(good)
    name, count, root, *rest = members["text"].split("\n")
    for text, code in (
        ("\n".join([name, count, ("A" if root[0] != "A" else "B") + root[1:], *rest]), "state_damaged"),
        ("\n".join([name, str(int(count) + 1), root, *rest]), "state_damaged"),
        ("nonsense", "state_corrupt"),
        (None, "state_missing"),
    ):
        path.unlink()
        if text is not None:
            path.write_text(json.dumps({**members, "text": text}))
        with pytest.raises(StorageError) as caught:
            async with running(tmp_path, town, "node1"):
                pass
        assert caught.value.code == code
        assert caught.value.hint
        path.write_bytes(good)
    async with running(tmp_path, town, "node1"):
        pass


async def test_a_bit_that_flips_in_memory_is_not_signed_over(tmp_path: Path) -> None:
    """The set is folded twice; a state of which the two do not agree is nobody's to vouch for."""
    town = signing_town(1)
    async with running(tmp_path, town, "node1") as node:
        await node.runtime.submit([each.raw for each in town.said])
        kept = node.runtime._kept.holdings  # once these are written, the maps in memory are begun anew
        await until(lambda: kept.mark.part.size == len(town.said))
        signed = SignedState(tmp_path / "heads" / "node1" / "state.json").last
        node.runtime.fold._record_trie.set(bytes(32), bytes(32))
        await node.runtime.submit([town.says(A, "issuer.register", register()).raw])
        await until(lambda: node.runtime.notary.disagreements > 0)
        await trio.sleep(0.1)
        assert SignedState(tmp_path / "heads" / "node1" / "state.json").last == signed
        state = node.runtime.notary.noted.state
        assert state is not None
        assert state.count == len(town.said) - 1


async def test_nobody_is_told_of_what_could_not_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with signing_nodes(tmp_path, 4) as fleet:
        path, record = tmp_path / "heads" / "node2" / "state.json", SignedState.record
        await until(path.exists)
        before = path.read_bytes()

        def record_if_room(self: SignedState, *given: Any) -> None:
            if self._path == path:
                raise StorageError("disk_full", "there is no room.")
            record(self, *given)

        monkeypatch.setattr(SignedState, "record", record_if_room)
        await fleet.submit(fleet.town.says(A, "issuer.register", register()))
        state = await fleet.noted()
        await trio.sleep(0.3)
        for name in ("node1", "node3", "node4"):
            there = {view.name: view.count for view in fleet[name].runtime.notary.signers()}
            assert (there["node2"] or 0) < state.count, "its cosignature never left"
        assert path.read_bytes() == before
