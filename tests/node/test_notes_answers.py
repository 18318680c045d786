"""What noted nodes answer: evidence that anybody can check, snapshots, buckets; lies and hostile bytes are caught."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision.decide import Query, decide
from accredit.registry.domain.records import record_key
from accredit.registry.encoding.cbor import decode as decode_cbor
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import BusyError, NotYetError
from accredit.registry.evidence.check import Evidence, check
from accredit.registry.evidence.proved_records import ProvenRecord, ProvenRecords
from accredit.registry.evidence.snapshot import Snapshot
from accredit.registry.evidence.state_check import CheckResult, read_note
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_note import cosign_state
from accredit.registry.transparency.state_trie import state_root
from tests.strategies.asking import ASKED, NOBODY, accredited, evidence_of, now, policy_of
from tests.strategies.bodies import ISSUER, event, register
from tests.strategies.consortium import seed_of
from tests.strategies.network import A, founded
from tests.strategies.real_node import running
from tests.strategies.searching import examples
from tests.strategies.served import ORIGIN, Served, served
from tests.strategies.signing import signing_nodes

# ------------------------------------------------------------------------------------------------ answers and lies


async def test_every_nodes_answer_is_verified_under_the_policy_of_any(tmp_path: Path) -> None:
    async with signing_nodes(tmp_path, 4, web=True) as fleet:
        given = await accredited(fleet)
        policies = [await policy_of(fleet, name) for name in fleet.nodes]
        assert len({replace(policy, expires=0).encode() for policy in policies}) == 1
        for name in fleet.nodes:
            present = check(await evidence_of(fleet, name), None, policies[0], now())
            assert (present.result, present.check) == (CheckResult.VERIFIED, ""), present.text
            assert present.decision is not None
            assert present.decision.authorized
            assert present.decision.accreditations == (given.id,)
            absent = check(await evidence_of(fleet, name, {**ASKED, "issuer": NOBODY}), None, policies[-1], now())
            assert absent.result is CheckResult.VERIFIED, absent.text
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
    records = tuple(one._replace(raw=None) if one.type == "issuer" else one for one in evidence.records)
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
    return served(tmp_path_factory.mktemp("node"))


LIES: tuple[tuple[Callable[[Evidence], Evidence], str, CheckResult], ...] = (
    (without_record, "missing_record", CheckResult.REFUTED),
    (with_forged_absence, "record", CheckResult.REFUTED),
    (with_other_roots, "root", CheckResult.REFUTED),
    (with_other_answer, "decision", CheckResult.REFUTED),
    (without_note, "note", CheckResult.UNWITNESSED),
    (with_one_cosigner, "quorum", CheckResult.UNWITNESSED),
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
        assert checked.result is CheckResult.VERIFIED
        assert checked.state is not None
        remembered = policy.remember(checked.state)
        # A withheld revocation: the answer as it was before it, proved by the note of that time.
        withheld = check(old, query, remembered, now())
        assert (withheld.result, withheld.check) == (CheckResult.STALE, "count")
        # An old note: the same, for a verifier that remembers nothing and comes later.
        late = check(old, query, policy, now() + policy.max_age + 60)
        assert (late.result, late.check) == (CheckResult.STALE, "age")
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
        assert held.records_root() == fleet["node4"].runtime.noted.records_root()
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
    monkeypatch.setattr("accredit.node.http.routes.offline.BUCKET_MAX", 2)
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
        line = cosign_state(said, name, KeyPair(seed_of(seed)), when)
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
        with pytest.raises(BusyError, match="shutting down"):
            await alone.runtime.note(b"")


async def test_an_address_that_brings_too_many_notes_is_told_to_wait(node: Served, monkeypatch: Any) -> None:
    monkeypatch.setattr("accredit.node.http.app.NOTES_PER_MINUTE", 1)
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


@examples(25)
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
