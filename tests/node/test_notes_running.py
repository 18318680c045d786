"""State notes among running nodes: a quorum forms and lasts, answers prove themselves, lies are caught and named."""

import json
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from node.audit import audit_state
from node.heads import SignedState
from node.keeping import KEPT_NOTE
from node.noted import KeptNote, Part
from node.store import Store
from registry.decision import Query, decide
from registry.encoding import decode as decode_cbor
from registry.encoding import encode
from registry.errors import NotYetError, RemoteError, StorageError
from registry.evidence import Evidence, check
from registry.note import Note
from registry.noted import Result, read_note
from registry.proven import ProvenRecord, ProvenRecords
from registry.records import record_key
from registry.snapshot import Snapshot
from registry.state_note import StateNote, cosign_state, quorum
from registry.statement import Statement
from registry.trie import state_root
from registry.trust import TrustPolicy
from tests.strategies.bodies import ISSUER, event, grant, register
from tests.strategies.consortium import Consortium, seed_of
from tests.strategies.network import A, founded, node_seed
from tests.strategies.real_node import running, until
from tests.strategies.served import ORIGIN, Served, served
from tests.strategies.signing import SigningNodes, signing_nodes, signing_town

ASKED = {"issuer": ISSUER, "achievement_type": "BachelorDegree", "evidence": True}
NOBODY = "did:web:nobody.example"


def now() -> int:
    return int(time.time())


async def accredited(fleet: SigningNodes) -> Statement:
    """An issuer with an accreditation, noted by all; the grant."""
    given = [fleet.town.says(A, "issuer.register", register()), fleet.town.says(A, "accreditation.grant", grant())]
    await fleet.submit(*given)
    await fleet.noted()
    return given[1]


async def policy_of(fleet: SigningNodes, name: str) -> TrustPolicy:
    return TrustPolicy.decode(await fleet.ask(name, lambda node: node.trust_policy()))


async def evidence_of(fleet: SigningNodes, name: str, asked: dict[str, Any] = ASKED) -> bytes:
    answer = await fleet.ask(name, lambda node: node.decide(asked))
    assert answer["own_word"] is False
    return b64decode(answer["evidence"])


# ------------------------------------------------------------------------------------------------- a quorum stands


async def test_a_quorum_stands_by_a_statement_soon_and_everywhere(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 5) as fleet:
        await fleet.submit(fleet.town.says(A, "issuer.register", register()), to="node3")
        begun = trio.current_time()
        state = await fleet.noted()
        assert trio.current_time() - begun < 10, "it takes half a second; a busy machine a little more"
        for node in fleet.nodes.values():
            assert node.runtime.fold.state_root() == state.root
            missing = [view.name for view in node.runtime.notary.signers() if view.cosigned is None]
            assert len(missing) <= 5 - quorum(5)


async def test_who_is_cut_off_is_named_as_missing_and_the_others_go_on(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
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
        assert note["age_seconds"] <= 20
        await until(lambda: fleet["node1"].runtime.notes_undelivered > 0)
        fleet.links.down.clear()
        await fleet.noted(seconds=15)  # whoever tells is told: it does not wait for the next round, half a minute later


async def test_without_a_quorum_nothing_is_proved_and_it_is_said_plainly(tmp_path: Path) -> None:
    node = served(tmp_path)
    node.engine.notary.noted.note = None
    for method, path in (("GET", "/v1/state-note"), ("GET", "/v1/snapshot"), ("GET", "/v1/issuers/by-prefix/a")):
        answer = await node.ask(method, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "no_state_note")
    answer = await node.post("/v1/decisions", [ASKED, {**ASKED, "evidence": False}])
    rows = answer.json()["decisions"]
    assert rows[0]["problem"]["code"] == "no_state_note"
    assert rows[1]["entity"] == ISSUER
    node.store.close()


# ------------------------------------------------------------------------------------------------------- restarts


async def test_a_node_that_starts_again_has_the_note_at_once_and_signs_nothing_smaller(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4) as fleet:
        await accredited(fleet)
        before = await fleet.noted()
        town = fleet.town
        kept = SignedState(tmp_path / "heads" / "node2-state.json").last
        assert kept is not None
    async with running(tmp_path, town, "node2") as alone:
        noted = alone.runtime.notary.noted
        assert noted.state == before
        assert noted.get("issuer", ISSUER) == alone.runtime.fold.get("issuer", ISSUER)
        await alone.runtime.submit([town.says(A, "issuer.register", register("did:web:more.example")).raw])
        path = tmp_path / "heads" / "node2-state.json"
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
        whole = node.runtime.fold
        part = town.fold([each for each in town.said if each is not first[0]])
        left_out = order.index(first[0].raw)
        state = StateNote(name="A consortium", ecosystem=town.eco, fold=1, count=len(part), root=part.state_root())
    ids = [each.id for each in (*[s for s in town.said if s is not first[1]], first[1])]
    noted = KeptNote(note=_cosigned_by(state, "node1"), part=Part(size=len(order), without=(left_out,)))
    with Store.open(tmp_path / "node1.db", ecosystem=town.eco, origin="node1") as store:
        assert store.swap(KEPT_NOTE, store.kept(KEPT_NOTE), noted.encode())
    async with running(tmp_path, town, "node1") as node:
        assert node.runtime.notary.noted.state is not None
        assert node.runtime.notary.noted.state.count >= state.count
    assert audit_state(state, noted.part, whole, ids).state_root() == state.root


def _cosigned_by(state: StateNote, *names: str) -> bytes:
    lines = tuple(cosign_state(state, name, node_seed(name, "state"), now()) for name in names)
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
        with Store.open(tmp_path / "node1.db", ecosystem=town.eco, origin="node1") as store:
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
    path = tmp_path / "heads" / "node1-state.json"
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
        await until(lambda: node.store.kept(KEPT_NOTE) is not None)
        signed = SignedState(tmp_path / "heads" / "node1-state.json").last
        node.runtime.fold._record_trie.set(bytes(32), bytes(32))
        await node.runtime.submit([town.says(A, "issuer.register", register()).raw])
        await until(lambda: node.runtime.notary.disagreements > 0)
        await trio.sleep(0.1)
        assert SignedState(tmp_path / "heads" / "node1-state.json").last == signed
        state = node.runtime.notary.noted.state
        assert state is not None
        assert state.count == len(town.said) - 1


async def test_nobody_is_told_of_what_could_not_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with signing_nodes(tmp_path, 4) as fleet:
        path, record = tmp_path / "heads" / "node2-state.json", SignedState.record
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


# ------------------------------------------------------------------------------------------------ answers and lies


async def test_every_nodes_answer_is_verified_under_the_policy_of_any(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        given = await accredited(fleet)
        policies = [await policy_of(fleet, name) for name in fleet.nodes]
        assert len({replace(policy, expires=0).encode() for policy in policies}) == 1
        for name in fleet.nodes:
            present = check(await evidence_of(fleet, name), None, policies[0], now())
            assert (present.result, present.check) == (Result.VERIFIED, ""), present.text
            assert present.decision is not None
            assert present.decision.authorized
            assert present.decision.accreditations == (given.id,)
            absent = check(await evidence_of(fleet, name, {**ASKED, "issuer": NOBODY}), None, policies[-1], now())
            assert absent.result is Result.VERIFIED, absent.text
            assert absent.decision is not None
            assert absent.decision.verdict == "unknown_issuer"
            note = await fleet.ask(name, lambda node: node.state_note())
            assert read_note(note, policies[1], now()).state == present.state


async def test_the_policy_a_node_proposes_says_that_it_is_worth_nothing_by_itself(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        answer = await fleet.fetch("node1", "/v1/trust-policy")
        assert answer.headers["cache-control"] == "no-store"
        assert "\n\n# Made by node1" in answer.text
        assert "compared, over another" in answer.text
        assert TrustPolicy.decode(answer.content).signers.keys


async def test_evidence_of_many_questions_comes_in_their_order_and_has_an_end(node: Served) -> None:
    answer = await node.post("/v1/decisions", [{**ASKED, "issuer": f"did:web:i{n}.example"} for n in range(101)])
    rows = answer.json()["decisions"]
    asked = [Evidence.decode(b64decode(row["evidence"])).query.entity for row in rows[:100]]
    assert asked == [f"did:web:i{n}.example" for n in range(100)]
    assert rows[100]["problem"]["code"] == "too_many"


async def test_a_revocation_is_answered_with_at_once_and_proved_when_the_quorum_has_caught_up(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        given = await accredited(fleet)
        policy = await policy_of(fleet, "node3")
        fleet.links.down |= {"node2", "node3", "node4"}
        suspended = fleet.town.says(A, "accreditation.status", event(given.id, "suspend"), given.sub)
        await fleet.submit(suspended)
        answer = await fleet.ask("node1", lambda node: node.decide(ASKED))
        assert (answer["verdict"], answer["own_word"], answer["evidence"]) == ("suspended", True, None)
        assert suspended.id.hex() in answer["statements"]
        elsewhere = check(await evidence_of(fleet, "node2"), None, policy, now())
        assert elsewhere.decision is not None
        assert elsewhere.decision.authorized, "it has not heard yet, and says of which state it speaks"
        fleet.links.down.clear()
        await fleet.noted()
        for name in fleet.nodes:
            checked = check(await evidence_of(fleet, name), None, policy, now())
            assert checked.decision is not None
            assert checked.decision.verdict == "suspended"


def without_record(evidence: Evidence) -> Evidence:
    return replace(evidence, records=tuple(one for one in evidence.records if one.type != "accreditation"))


def with_forged_absence(evidence: Evidence) -> Evidence:
    records = tuple(replace(one, raw=None) if one.type == "issuer" else one for one in evidence.records)
    return replace(evidence, records=records)


def with_other_roots(evidence: Evidence) -> Evidence:
    return replace(evidence, records_root=bytes(32))


def with_other_answer(evidence: Evidence) -> Evidence:
    return replace(evidence, answer={**evidence.answer, "verdict": "trusted"})


def without_note(evidence: Evidence) -> Evidence:
    return replace(evidence, note=b"")


def with_one_cosigner(evidence: Evidence) -> Evidence:
    note = Note.decode(evidence.note)
    return replace(evidence, note=Note(text=note.text, signatures=note.signatures[:1]).encode())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = served(tmp_path_factory.mktemp("node"))
    yield made
    made.store.close()


LIES: tuple[tuple[Callable[[Evidence], Evidence], str, Result], ...] = (
    (without_record, "missing_record", Result.REFUTED),
    (with_forged_absence, "record", Result.REFUTED),
    (with_other_roots, "root", Result.REFUTED),
    (with_other_answer, "decision", Result.REFUTED),
    (without_note, "note", Result.UNWITNESSED),
    (with_one_cosigner, "quorum", Result.UNWITNESSED),
)


async def test_whatever_a_lying_node_makes_of_its_evidence_is_caught_and_by_which_check(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        given = await accredited(fleet)
        policy = await policy_of(fleet, "node1")
        old = await evidence_of(fleet, "node4")
        suspended = fleet.town.says(A, "accreditation.status", event(given.id, "suspend"), given.sub)
        await fleet.submit(suspended)
        await fleet.noted()
        truth = await evidence_of(fleet, "node4")
        query = Evidence.decode(truth).query

        checked = check(truth, query, policy, now())
        assert checked.result is Result.VERIFIED
        assert checked.state is not None
        remembered = policy.remember(checked.state)
        # A withheld revocation: the answer as it was before it, proved by the note of that time.
        withheld = check(old, query, remembered, now())
        assert (withheld.result, withheld.check) == (Result.STALE, "count")
        # An old note: the same, for a verifier that remembers nothing and comes later.
        late = check(old, query, policy, now() + policy.max_age + 60)
        assert (late.result, late.check) == (Result.STALE, "age")
        # An old answer under today's note.
        patched = replace(Evidence.decode(old), note=Evidence.decode(truth).note)
        assert check(patched.encode(), query, remembered, now()).check == "root"
        for lie, name, result in LIES:
            told = check(lie(Evidence.decode(truth)).encode(), query, remembered, now())
            assert (told.result, told.check) == (result, name), told.text


# -------------------------------------------------------------------------------------- snapshots, deltas, buckets


async def test_a_snapshot_is_the_same_from_every_node_and_kept_fresh_by_deltas(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        given = await accredited(fleet)
        policy = await policy_of(fleet, "node1")
        files = {name: await fleet.ask(name, lambda node: node.snapshot()) for name in fleet.nodes}
        state = fleet["node1"].runtime.notary.noted.state
        assert state is not None
        bodies = {data.partition(state.encode().encode())[0] for data in files.values()}
        assert len(bodies) == 1
        held = Snapshot.load(files["node2"], policy, now())
        query = Query(entity=ISSUER, authority=fleet.town.id, action="issue", achievement_types=("BachelorDegree",))
        assert held.ask(query, now()).authorized

        answer = await fleet.fetch("node1", "/v1/snapshot")
        assert answer.headers["etag"] == f'W/"{state.root.hex()}"'
        again = await fleet.fetch("node1", "/v1/snapshot", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304

        same = await fleet.ask("node3", lambda node: node.snapshot(since=state.root))
        assert len(same) < 2_000
        held.update(same, policy, now())
        await fleet.submit(fleet.town.says(A, "accreditation.status", event(given.id, "suspend"), given.sub))
        await fleet.noted()
        delta = await fleet.ask("node4", lambda node: node.snapshot(since=state.root))
        assert len(delta) < len(files["node4"])
        held.update(delta, policy, now())
        assert held.ask(query, now()).verdict == "suspended"
        assert held.records_root() == fleet["node4"].runtime.notary.noted.trie.root()
        whole = await fleet.ask("node4", lambda node: node.snapshot(since=bytes(32)))
        assert Snapshot.load(whole, policy, now()).records_root() == held.records_root()


async def test_a_bucket_hides_the_asker_among_others_and_proves_each(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        others = [fleet.town.says(A, "issuer.register", register(f"did:web:i{n}.example")) for n in range(40)]
        await fleet.submit(*others)
        await accredited(fleet)
        policy = await policy_of(fleet, "node1")
        prefix = record_key("issuer", ISSUER).hex()[:8]
        bucket = await fleet.ask("node2", lambda node: node.issuers_by_prefix(prefix, k=5))
        assert 5 <= len(bucket["issuers"]) < 30
        assert ISSUER in bucket["issuers"]
        assert bucket["bits"] < 32
        noted = read_note(bucket["note"].encode(), policy, now())
        root = bytes.fromhex(bucket["records_root"])
        assert state_root(root, bytes.fromhex(bucket["statements_root"])) == noted.state.root
        proven = [
            ProvenRecord(type=r["type"], id=r["id"], raw=b64decode(r["record"]), proof=b64decode(r["proof"]))
            for r in bucket["records"]
        ]
        records = ProvenRecords(root, proven)
        query = Query(entity=ISSUER, authority=fleet.town.id, action="issue", achievement_types=("BachelorDegree",))
        assert decide(query, records, now(), ecosystem_id=fleet.town.id).authorized
        everybody = await fleet.ask("node2", lambda node: node.issuers_by_prefix("f", k=128))
        assert (everybody["bits"], len(everybody["issuers"])) == (0, 41)


async def test_a_bucket_that_would_be_too_large_asks_for_another_digit(
    node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.api.offline.BUCKET_MAX", 2)
    answer = await node.get("/v1/issuers/by-prefix/0?k=3")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many")
    for path in ("/v1/issuers/by-prefix/X", f"/v1/issuers/by-prefix/{'0' * 65}", "/v1/issuers/by-prefix/0?k=0"):
        assert (await node.get(path)).status_code == 400


# --------------------------------------------------------------------------------------------------- hostile bytes


async def post_note(node: Served, data: bytes) -> Any:
    return await node.ask("POST", "/v1/cosignatures", content=data, headers={"content-type": "application/cbor"})


async def test_a_signers_note_is_taken_and_a_strangers_is_not(node: Served) -> None:
    state = node.notary.noted.state
    assert state is not None
    other = replace(state, ecosystem=bytes(32))
    for said, name, seed, when, status in (
        (state, ORIGIN, "state", node.now(), 202),
        (state, ORIGIN, "state", node.now() + 10_000, 422),
        (state, ORIGIN, "peer", node.now(), 422),
        (state, "node9.example.org", "state", node.now(), 422),
        (other, ORIGIN, "state", node.now(), 422),
    ):
        line = cosign_state(said, name, seed_of(seed), when)
        answer = await post_note(node, encode({1: Note(text=said.encode(), signatures=(line,)).encode()}))
        assert answer.status_code == status, answer.text
    assert (await post_note(node, b"x" * (1024 * 1024 + 1))).status_code == 413


async def test_before_there_is_a_charter_nobody_is_a_signer(tmp_path: Path) -> None:
    town = founded("node1", approve=False)
    async with running(tmp_path, town, "node1") as alone:
        await alone.runtime.submit([town.genesis.raw])
        with pytest.raises(NotYetError):
            await alone.runtime.note(encode({1: b"x"}))
        await alone.runtime.stop()
        with pytest.raises(RemoteError, match="shutting down"):
            await alone.runtime.note(b"")


async def test_an_address_that_brings_too_many_notes_is_told_to_wait(node: Served, monkeypatch: Any) -> None:
    monkeypatch.setattr("node.server.NOTES_PER_MINUTE", 1)
    app = node.app()
    headers = {"content-type": "application/cbor"}
    first = await node.ask("POST", "/v1/cosignatures", app, content=b"", headers=headers)
    second = await node.ask("POST", "/v1/cosignatures", app, content=b"", headers=headers)
    assert (first.status_code, second.status_code) == (400, 429)


VALUE = st.recursive(
    st.none() | st.integers(0, 9) | st.binary(max_size=40) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(value=st.dictionaries(st.integers(0, 3), VALUE, max_size=3), cut=st.integers(0, 400), bit=st.integers(0, 7))
async def test_whatever_is_posted_as_a_cosignature_gets_an_answer_and_changes_nothing(
    node: Served, value: Any, cut: int, bit: int
) -> None:
    before = node.notary.noted.state
    note = node.notary.noted.note
    assert note is not None
    mutated = bytearray(encode({1: note, 2: [bytes(32)]}))
    mutated[cut % len(mutated)] ^= 1 << bit
    for data in (encode(value), bytes(mutated), bytes(mutated[:cut])):
        answer = await post_note(node, data)
        assert answer.status_code in (202, 400, 422), answer.text
        assert decode_cbor(encode(value)) == value
    assert node.notary.noted.state == before
