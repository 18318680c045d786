"""Raises nothing but ours, and says nothing new, whatever the bytes: every decoder, from inputs that verify.

Each row of `TABLE` is a decoder with an input that verifies. The input is changed in structure
(`tests.strategies.mutants`): types swapped, members retyped, nested, missing, doubled, down to what is encoded within
what is encoded. Then

* nothing is raised but `AccreditError`; where the decoder promises to raise nothing, not even that;
* what is accepted all the same says what the input said, and no more.

`test_every_decoder_of_the_tree_is_in_the_table` reads the source: whoever writes a new one has to enter it.
"""

import ast
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from accredit.cli.signing import offline_files
from accredit.cli.signing.offline_files import Head
from accredit.gossip.protocol.config import GossipConfig
from accredit.gossip.protocol.wire import Fetch, decode_frame, encode_frame, verify_frame
from accredit.governance.policy_renewal import Renewal, renew
from accredit.governance.rules.rulebook import check_statement
from accredit.node.http.app import table
from accredit.registry.decision.query import Query
from accredit.registry.domain.records import record_key
from accredit.registry.encoding import cbor, json_text
from accredit.registry.encoding.cose import Sign1
from accredit.registry.encoding.ed25519 import KeyPair, key_id, public_of
from accredit.registry.errors import AccreditError, DecodeError
from accredit.registry.evidence.check import check
from accredit.registry.evidence.private_lookup import Bucket, ask, open_bucket
from accredit.registry.evidence.proved_records import ProvenRecord
from accredit.registry.evidence.snapshot import Snapshot, changes_between, encode_delta
from accredit.registry.evidence.state_check import CheckResult, read_note
from accredit.registry.evidence.statement_proof import Presence, check_presence
from accredit.registry.evidence.trust_policy import TrustPolicy
from accredit.registry.statement import Draft, decode, verify
from accredit.registry.transparency import equivocation
from accredit.registry.transparency.checkpoint import LogProof, open_checkpoint
from accredit.registry.transparency.merkle import prove_inclusion
from accredit.registry.transparency.scitt_receipts import Receipt, attach, check_growth, check_receipt, detach
from accredit.registry.transparency.signed_note import KeyType, VerifierKey
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import open_state
from accredit.registry.transparency.state_trie import decode_proof
from accredit.registry.transparency.tiles import Frontier, decode_bundle, encode_bundle
from accredit.registry.transparency.tlog_policy import Policy
from accredit.registry.transparency.witness import Opened, open_request, read_size
from tests.docs.pages import ROOT
from tests.strategies import bodies, domain, receipts
from tests.strategies.consortium import Pen
from tests.strategies.contradictions import forked_log, two_states
from tests.strategies.domain import COLLEGE, ECOSYSTEM, NOW, World
from tests.strategies.mutants import block_mutants, cbor_bytes, cbor_tree, json_mutants, mutants, text_mutants
from tests.strategies.noted import Held, bucket_of, trust
from tests.strategies.renewing import renewal_of_a_founding
from tests.strategies.served import COLLEGE as SERVED
from tests.strategies.served import A, ask_raw, served
from tests.strategies.witnessed import Tree

SEED: Final = 20_261_127
USUAL: Final = 150
"""Mutants of each row in a usual run."""
WIDE: Final = 20_000
"""Mutants of each row in the nightly one."""

QUERY: Final = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


def _held() -> Held:
    world = World()
    world.register(keys=domain.pinned())
    granted = world.grant(valid_from=domain.at("2010-01-01"), valid_until=domain.at("2030-01-01"))
    world.amend(granted, "2012-01-01", after=[granted])
    world.event(granted, "sanction", "2015-01-01", sanction_level="warning")
    world.key_event(op="retire", key_id=f"{COLLEGE}#old")
    return Held.of(world.records())


HELD: Final = _held()
POLICY: Final = trust(HELD, NOW)
EVIDENCE: Final = HELD.prove(QUERY, NOW)
SNAPSHOT: Final = HELD.snapshot(NOW)
LATER: Final = Held(
    {**HELD.records, ("alias", "did:web:x.example"): {"id": "did:web:x.example", "issuers": [COLLEGE]}}, count=101
)
DELTA: Final = encode_delta(
    changes_between(HELD.raws(), LATER.raws()),
    base_root=HELD.trie.root(),
    statements_root=LATER.statements_root,
    note=LATER.note(NOW),
)
BUCKET: Final = bucket_of(HELD, "issuer", COLLEGE, 1, wanted=COLLEGE)
SAID: Final = Trie((sha256(b"%d" % number).digest(),) * 2 for number in range(20))
PRESENT: Final = Held.of(World().records(), statements_root=SAID.root())
PRESENCE: Final[dict[str, Any]] = {
    "id": sha256(b"3").digest().hex(),
    "present": True,
    "proof": b64encode(SAID.prove(sha256(b"3").digest())).decode(),
    "records_root": PRESENT.trie.root().hex(),
    "statements_root": SAID.root().hex(),
    "note": PRESENT.note(NOW).decode(),
}
LOG: Final = VerifierKey(name=receipts.ORIGIN, type=KeyType.ED25519, public=public_of(receipts.SEED))
TREE: Final = Tree("log.example/1", 20)
RENEWED, RENEWAL = renewal_of_a_founding()

PEN: Final = Pen("requests", "did:web:board.example")


def _request() -> offline_files.SigningRequest:
    head, drafts = Head(seq=4, id=b"\x04" * 32), []
    previous, number = head, 5
    for kind, body in (("issuer.register", bodies.register()), ("accreditation.grant", bodies.grant())):
        draft = Draft(
            iss=PEN.authority,
            sub=bodies.ISSUER,
            iat=NOW,
            eco=bytes(range(32)),
            kind=kind,
            seq=number,
            prev=previous.id,
            body=body,
        )
        drafts.append(draft)
        previous, number = offline_files.after(draft, PEN.kid)
    return offline_files.SigningRequest(
        ecosystem=bytes(range(32)),
        ecosystem_name="Example",
        key=PEN.kid,
        authority=PEN.authority,
        head=head,
        drafts=tuple(drafts),
    )


REQUEST: Final = _request()
GOSSIP: Final = GossipConfig()
PEER: Final = KeyPair(bytes([3]) * 32)
FRAME: Final = encode_frame(
    Fetch(session=bytes(16), ids=(bytes(32), b"x" * 32)),
    signer=PEER,
    recipient=key_id(PEER.public_key),
    time=5,
    nonce=bytes(16),
)
STATEMENT: Final = domain.effective("accreditation.grant", domain.grant_body()).statement

# ------------------------------------------------------------------------------------------------ what each says


def _evidence(data: bytes) -> object:
    checked = check(data, QUERY, POLICY, NOW)
    if checked.result is not CheckResult.VERIFIED:
        return None
    assert checked.decision is not None
    return checked.decision._replace(time_evaluated=NOW), checked.state


def _evidence_of_a_quorum_that_errs(data: bytes) -> object:
    """A record that no fold makes, proved under a root that a quorum cosigned: whatever it says, nothing falls over."""
    record = _record_in(data)
    for subject in HELD.records:
        held = Held({**HELD.records, subject: record})
        proven = tuple(
            ProvenRecord(
                type=one.type,
                id=one.id,
                raw=cbor.encode(record) if (one.type, one.id) == subject else one.raw,
                proof=held.trie.prove(record_key(one.type, one.id)),
            )
            for one in EVIDENCE.records
        )
        bent = replace(EVIDENCE, records=proven, records_root=held.trie.root(), note=held.note(NOW))
        check(bent.encode(), QUERY, POLICY, NOW)
        snapshot = Snapshot.load(held.snapshot(NOW), POLICY, NOW)
        snapshot.ask(QUERY, NOW)
    return None


def _record_in(data: bytes) -> dict[str, Any]:
    record = cbor.decode(data, max_bytes=1 << 20)
    if type(record) is not dict:
        raise DecodeError("not_a_map", "a record is a map.")
    return record


def _delta(data: bytes) -> object:
    snapshot = Snapshot.load(SNAPSHOT, POLICY, NOW)
    try:
        snapshot.update(data, POLICY, NOW)
    except AccreditError:
        assert snapshot.encode() == SNAPSHOT, "a delta that is refused changes nothing"
        raise
    return snapshot.records_root(), snapshot.noted.state


def _bucket(data: bytes) -> object:
    opened = open_bucket(Bucket.of(json_text.decode(data)), POLICY, NOW)
    decision = ask(QUERY, [opened], POLICY, NOW)
    return decision.verdict, decision.accreditations


def _presence(data: bytes) -> object:
    return check_presence(
        Presence.of(json_text.decode(data)), sha256(b"3").digest(), trust(PRESENT, NOW), NOW
    ).is_present


def _conflict(data: bytes) -> object:
    found = equivocation.check(data)
    return found.kind, found.key.public


def _statement(data: bytes) -> object:
    unverified = decode(data)
    check_statement(unverified)
    return verify(unverified, public_of(domain.seed_of(domain.HLC))).id


def _frame(data: bytes) -> object:
    unverified = decode_frame(data, max_bytes=GOSSIP.frame_bytes, max_ids=GOSSIP.announce_ids)
    return verify_frame(unverified, PEER.public_key).body


def _witness_request(data: bytes) -> object:
    answer = open_request(data, lambda origin: TREE.key if origin == TREE.key.name else None)
    return (answer.held.size, answer.held.root) if isinstance(answer, Opened) else None


def _state(data: bytes) -> object:
    return read_note(data, POLICY, NOW).state


def _transparent(data: bytes) -> object:
    raw, found = detach(data)
    return [check_receipt(one, raw, LOG).encode() for one in found] and raw


def _signed(receipt: Receipt) -> object:
    """What a receipt says under its signature. Sizes stand outside of it: one path may fit several."""
    return receipt.kind, receipt.origin, receipt.subject, receipt.kid


def test_a_receipt_with_another_size_that_its_path_fits_says_what_it_said() -> None:
    """A log of 7 or of 8 entries: the path of the fourth is walked the same way, to the root that is signed."""

    def resized(size: int) -> bytes:
        tree = cbor_tree(receipts.receipt_for(3))
        tree.tree[1][396][-1][0].tree[0] = size  # RFC 9942: proofs, of inclusion, the first, its size
        return cbor_bytes(tree)

    good = Receipt.decode(receipts.receipt_for(3))
    assert resized(good.first) == good.encode()
    bent = check_receipt(resized(8), receipts.STATEMENTS[3], LOG)
    assert (good.first, bent.first) == (7, 8)
    assert _signed(bent) == _signed(good)
    with pytest.raises(AccreditError):
        check_receipt(resized(9), receipts.STATEMENTS[3], LOG)


def _text(data: bytes) -> str:
    return offline_files._text(data, Path("it"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A decoder.

    Attributes:
        good: an input that verifies.
        says: what comes of an input, to be compared; None for nothing. Raises what the decoder raises.
        mutate: how the input is changed.
        silent: it raises nothing, not even ours.
        signed: what is accepted says what `good` says; of a file that nobody signed, that it is read is all there is to
            say.
        covers: the functions of the tree that it goes through.
    """

    good: bytes
    says: Callable[[bytes], object]
    mutate: Callable[[bytes, Random, int], Iterator[bytes]]
    covers: tuple[str, ...]
    silent: bool = False
    signed: bool = True


def _in_cbor(data: bytes, random: Random, count: int) -> Iterator[bytes]:
    for tree in mutants(cbor_tree(data), random, count):
        yield cbor_bytes(tree)


def _in_json(data: bytes, random: Random, count: int) -> Iterator[bytes]:
    return json_mutants(json.loads(data), random, count)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


EVIDENCE_ROOM: Final = "registry/evidence"
LOG_ROOM: Final = "registry/transparency"

TABLE: Final[dict[str, Row]] = {
    "evidence": Row(
        good=EVIDENCE.encode(),
        says=_evidence,
        mutate=_in_cbor,
        silent=True,
        covers=(
            f"{EVIDENCE_ROOM}/check.py:check",
            f"{EVIDENCE_ROOM}/check.py:decode",
            f"{EVIDENCE_ROOM}/proved_records.py:of",
            f"{EVIDENCE_ROOM}/proved_records.py:decode_records",
            "registry/decision/query_forms.py:decode_query",
            "registry/encoding/cbor.py:decode",
            f"{LOG_ROOM}/state_trie.py:check_proof",
        ),
    ),
    "evidence of a quorum that errs": Row(
        good=cbor.encode(HELD.records["issuer", COLLEGE]),
        says=_evidence_of_a_quorum_that_errs,
        mutate=lambda data, random, count: _in_cbor(data, random, count // 10),
        covers=(),
        signed=False,
    ),
    "snapshot": Row(
        good=SNAPSHOT,
        says=lambda data: Snapshot.load(data, POLICY, NOW).records_root(),
        mutate=block_mutants,
        covers=(f"{EVIDENCE_ROOM}/snapshot.py:load",),
    ),
    "delta": Row(good=DELTA, says=_delta, mutate=block_mutants, covers=(f"{EVIDENCE_ROOM}/snapshot.py:update",)),
    "bucket": Row(
        good=_json(BUCKET),
        says=_bucket,
        mutate=_in_json,
        covers=(
            f"{EVIDENCE_ROOM}/private_lookup.py:of",
            f"{EVIDENCE_ROOM}/range_proof.py:check_prefix",
            "registry/encoding/json_text.py:decode",
        ),
    ),
    "proof of presence": Row(
        good=_json(PRESENCE), says=_presence, mutate=_in_json, covers=(f"{EVIDENCE_ROOM}/statement_proof.py:of",)
    ),
    "trust policy": Row(
        good=POLICY.encode(),
        says=lambda data: TrustPolicy.decode(data).encode() and None,
        mutate=text_mutants,
        signed=False,
        covers=(f"{EVIDENCE_ROOM}/trust_policy.py:decode", f"{LOG_ROOM}/tlog_policy.py:decode"),
    ),
    "policy of logs": Row(
        good=POLICY.signers.encode(),
        says=lambda data: Policy.decode(data).encode() and None,
        mutate=text_mutants,
        signed=False,
        covers=(),
    ),
    "renewal": Row(
        good=RENEWAL.encode(),
        says=lambda data: renew(RENEWED, Renewal.decode(data), NOW).signers,
        mutate=_in_cbor,
        covers=("governance/policy_renewal.py:decode", "governance/rules/charter.py:check_charter"),
    ),
    "state note": Row(
        good=HELD.note(NOW),
        says=_state,
        mutate=text_mutants,
        covers=(f"{EVIDENCE_ROOM}/state_check.py:read_note", f"{LOG_ROOM}/state_note.py:open_state"),
    ),
    "note": Row(
        good=HELD.note(NOW),
        says=lambda data: open_state(data, POLICY.signers.keys).state,
        mutate=block_mutants,
        covers=(
            f"{LOG_ROOM}/signed_note.py:decode",
            f"{LOG_ROOM}/signed_note.py:open_note",
            f"{LOG_ROOM}/signed_note.py:decode_signatures",
            f"{LOG_ROOM}/signed_note.py:decode_text",
        ),
    ),
    "checkpoint": Row(
        good=TREE.note(20),
        says=lambda data: open_checkpoint(data, TREE.key).checkpoint,
        mutate=text_mutants,
        covers=(f"{LOG_ROOM}/checkpoint.py:open_checkpoint", f"{LOG_ROOM}/witness.py:WitnessedHead.decode"),
    ),
    "log proof": Row(
        good=LogProof(
            index=3, hashes=tuple(prove_inclusion(3, 7, receipts.log_of(7))), checkpoint=TREE.note(7), extra=b"x"
        ).encode(),
        says=lambda data: LogProof.decode(data) and None,
        mutate=text_mutants,
        signed=False,
        covers=(f"{LOG_ROOM}/checkpoint.py:decode",),
    ),
    "witness request": Row(
        good=TREE.request(7, 20).encode(),
        says=_witness_request,
        mutate=text_mutants,
        silent=True,
        covers=(f"{LOG_ROOM}/witness.py:decode",),
    ),
    "witnessed size": Row(
        good=b"12345\n",
        says=lambda data: read_size(data) and None,
        mutate=text_mutants,
        signed=False,
        covers=(f"{LOG_ROOM}/witness.py:read_size",),
    ),
    "conflict of logs": Row(
        good=forked_log("node1.example", KeyPair(bytes(32))).encode(),
        says=_conflict,
        mutate=_in_cbor,
        covers=(f"{LOG_ROOM}/equivocation.py:check", f"{LOG_ROOM}/equivocation.py:conflict_of_checkpoints"),
    ),
    "conflict of signers": Row(
        good=two_states("node1.example", bytes(32), bytes(32)).encode(),
        says=_conflict,
        mutate=_in_cbor,
        covers=(f"{LOG_ROOM}/equivocation.py:conflict_of_states",),
    ),
    "receipt": Row(
        good=receipts.receipt_for(3),
        says=lambda data: _signed(check_receipt(data, receipts.STATEMENTS[3], LOG)),
        mutate=_in_cbor,
        covers=(f"{LOG_ROOM}/scitt_receipts.py:check_receipt", f"{LOG_ROOM}/scitt_receipts.py:decode"),
    ),
    "receipt of growth": Row(
        good=receipts.growth(3, 7),
        says=lambda data: _signed(check_growth(data, *_roots(3, 7), LOG)),
        mutate=_in_cbor,
        covers=(f"{LOG_ROOM}/scitt_receipts.py:check_growth",),
    ),
    "transparent statement": Row(
        good=attach(receipts.STATEMENTS[3], [receipts.receipt_for(3)]),
        says=_transparent,
        mutate=_in_cbor,
        signed=False,  # with fewer receipts it is transparent too
        covers=(f"{LOG_ROOM}/scitt_receipts.py:detach", f"{LOG_ROOM}/scitt_receipts.py:attach"),
    ),
    "bundle of entries": Row(
        good=encode_bundle([b"one", b"two", b"three"]),
        says=lambda data: decode_bundle(data, 3) and None,
        mutate=block_mutants,
        signed=False,
        covers=(f"{LOG_ROOM}/tiles.py:decode_bundle",),
    ),
    "frontier": Row(
        good=Frontier.of(7, receipts.log_of(7)).encode(),
        says=lambda data: Frontier.decode(data) and None,
        mutate=block_mutants,
        signed=False,
        covers=(f"{LOG_ROOM}/tiles.py:decode",),
    ),
    "proof of a map": Row(
        good=SAID.prove(sha256(b"3").digest()),
        says=lambda data: decode_proof(data) and None,
        mutate=block_mutants,
        signed=False,
        covers=(f"{LOG_ROOM}/state_trie.py:decode_proof",),
    ),
    "statement": Row(
        good=STATEMENT.raw,
        says=_statement,
        mutate=_in_cbor,
        covers=("registry/statement.py:decode",),
    ),
    "envelope": Row(
        good=STATEMENT.raw,
        says=lambda data: Sign1.decode(data, what="it", max_bytes=1 << 14) and None,
        mutate=_in_cbor,
        signed=False,
        covers=("registry/encoding/cose.py:decode",),
    ),
    "gossip frame": Row(
        good=FRAME,
        says=_frame,
        mutate=_in_cbor,
        covers=(
            "gossip/protocol/wire.py:decode_frame",
            "gossip/protocol/wire.py:decode_envelope",
            "gossip/peers/rate_limits.py:check",
            "gossip/peers/rate_limits.py:check_answer",
        ),
    ),
    "signing request": Row(
        good=REQUEST.encode().encode(),
        says=lambda data: offline_files.decode_request(_text(data), "it") and None,
        mutate=_in_json,
        signed=False,
        covers=("cli/signing/offline_files.py:decode_draft",),
    ),
    "draft": Row(
        good=offline_files.encode_draft(REQUEST.drafts[1]),
        says=lambda data: offline_files.decode_draft(data, "it") and None,
        mutate=_in_cbor,
        signed=False,
        covers=(),
    ),
}

ELSEWHERE: Final = {
    "cli/signing/ballot_paper.py:read_items": "tests/cli/signing/test_ballot_paper.py",
    "cli/signing/workflow.py:proposals": "asks; what it reads are statements: tests/cli/test_deciding.py",
    "registry/domain/issuance.py:content_of": "tests/registry/evidence/test_issuance_receipt.py",
    "registry/encoding/jcs.py:encode": "tests/registry/encoding/test_jcs.py",
    "registry/evidence/issuance_receipt.py:decode": "tests/registry/evidence/test_issuance_receipt.py",
    "registry/evidence/issuance_receipt.py:issuer_of": "tests/registry/evidence/test_issuance_receipt.py",
    "registry/evidence/published_map.py:open": "tests/registry/evidence/test_published_map.py",
    "registry/evidence/published_map.py:tops_in": "tests/registry/evidence/test_published_map.py",
    "node/http/handling/alike_questions.py:read": "tests/node/http/handling/test_alike_questions.py",
    "node/http/routes/decisions.py:understand": "`test_json_routes` below",
    "gossip/protocol/negentropy.py:decode_varint": "tests/gossip/test_negentropy.py: messages cut, bent and made up",
    "gossip/protocol/negentropy.py:take": "tests/gossip/test_negentropy.py",
    "gossip/exchanges/reconcile.py:answer": "tests/gossip/test_reconcile.py",
    "registry/transparency/witness.py:read_cosignature": "tests/registry/transparency/test_witness.py",
    "node/clients/node_client.py:signed": "tests/node/clients/test_node_client.py",
    "node/clients/node_client.py:submit": "sends; what it reads is JSON: tests/node/clients",
    "node/clients/node_client.py:accuse": "sends; what it reads is JSON: tests/node/clients",
    "node/engine/quorum_state.py:of": "this node's own file: tests/node/engine",
    "node/engine/quorum_state.py:decode": "this node's own file: tests/node/engine",
    "node/storage/fold_writes.py:decode": "this node's own file: tests/node/storage",
    "node/http/http1.py:parse_head": "bytes of HTTP: tests/node/http",
    "node/http/handling/request_reading.py:decode_as": "tests/node/http/test_at_once.py: both ways, side by side",
    "node/http/handling/request_reading.py:decode_json": "`test_json_routes` below",
    "node/http/handling/request_reading.py:convert": "`test_json_routes` below",
    "node/http/routes/statements.py:split_sequence": "tests/node/test_hostile_requests.py: bodies of every route",
    "node/places.py:check_place": "a setting of this node's own: tests/node/test_places.py",
}
"""Decoders that have no row, with where they are shown bad input instead."""


def _roots(old: int, new: int) -> tuple[bytes, bytes]:
    from accredit.registry.transparency.merkle import root

    return root(old, receipts.log_of(old)), root(new, receipts.log_of(new))


# ------------------------------------------------------------------------------------------------ the tests


def struck(row: Row, count: int, seed: int) -> Counter[str]:
    """What became of so many mutants: `refused`, `nothing` (where refusing is an answer), `same`."""
    said = row.says(row.good)
    assert not row.signed or said is not None, "the input verifies"
    found: Counter[str] = Counter()
    for mutant in row.mutate(row.good, Random(seed), count):
        says, error = strike(row, mutant)
        if error is not None:
            assert not row.silent, f"it promised to raise nothing: {error!r}"
            found["refused"] += 1
        elif says is None:
            found["nothing"] += 1
        else:
            assert not row.signed or says == said, "it says something that nobody signed"
            found["same"] += 1
    return found


def strike(row: Row, mutant: bytes) -> tuple[object, Exception | None]:
    """What a decoder says of an input, or what of ours it raises; anything else it raises goes on."""
    try:
        return row.says(mutant), None
    except AccreditError as error:
        return None, error if error.code and error.message else None


@pytest.mark.parametrize("name", TABLE)
def test_an_input_changed_in_structure_is_refused_and_says_nothing_new(name: str) -> None:
    row = TABLE[name]
    found = struck(row, USUAL, SEED)
    assert sum(found.values()) >= USUAL // 10
    assert found["refused"] + found["nothing"] > 0, "no change did any harm: the mutations miss what they are for"


@pytest.mark.nightly
@pytest.mark.parametrize("name", TABLE)
def test_many_inputs_changed_in_structure(name: str) -> None:
    struck(TABLE[name], WIDE, Random().randrange(2**32))


def test_an_answer_with_an_integer_key_is_refuted_and_ends_no_verifier() -> None:
    """A lying node must not stop a verifier that also asks honest ones."""
    for odd in ({1: 1}, {"time_evaluated": NOW, 1: 2, "x": 3}, {"time_evaluated": 2**63}, {"time_evaluated": -(2**63)}):
        bent = cbor.encode({**cbor.decode(EVIDENCE.encode(), max_bytes=1 << 24), "answer": {**EVIDENCE.answer, **odd}})
        checked = check(bent, QUERY, POLICY, NOW)
        assert checked.result in (CheckResult.REFUTED, CheckResult.STALE)


ROOMS: Final = ("registry", "gossip", "governance", "node", "cli/signing")
OURS: Final = ("DecodeError", "CheckError", "Raises nothing", "RemoteError")


def decoders() -> Iterator[str]:
    """Public functions that take bytes, or whatever was in them, and say that they raise what bad input raises."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                    continue
                arguments = [one for one in node.args.args if one.arg not in ("self", "cls")]
                kind = ast.unparse(arguments[0].annotation) if arguments and arguments[0].annotation else ""
                takes = (
                    "bytes" in kind or (kind == "Any" and not node.name.startswith("check_")) or kind == "Sequence[Any]"
                )
                if takes and any(word in (ast.get_docstring(node) or "") for word in OURS):
                    yield f"{path.relative_to(ROOT)}:{node.name}"


def test_every_decoder_of_the_tree_is_in_the_table() -> None:
    covered = {each.replace("WitnessedHead.", "") for row in TABLE.values() for each in row.covers} | set(ELSEWHERE)
    missing = [one for one in decoders() if one not in covered]
    assert not missing, (
        f"enter these in TABLE (with an input that verifies), or in ELSEWHERE with the reason: {missing}"
    )
    for one in ELSEWHERE.values():
        for word in one.replace(":", " ").split():
            assert not word.startswith("tests/") or Path(ROOT / word).exists(), word


# ------------------------------------------------------------------------------------------------ JSON over HTTP

JSON_BODIES: Final[dict[str, Any]] = {
    "/authorization": {
        "entity_id": SERVED,
        "authority_id": A,
        "action": "issue",
        "resource": "achievementType:BachelorDegree",
        "context": {
            "time": "2024-01-01T00:00:00Z",
            "jurisdiction": "US-IN",
            "level": "EQF:6",
            "competencies": ["urn:example:y"],
        },
    },
    "/recognition": {"entity_id": A, "authority_id": A, "action": "issue", "resource": "x", "context": {}},
    "/v1/decisions": {
        "queries": [
            {"issuer": SERVED, "achievement_types": ["BachelorDegree"], "issued_on": "2024-01-01"},
            {"entity": SERVED, "credential_type": "OpenBadgeCredential", "level": "EQF:6", "field_of_study": "cip:51"},
        ]
    },
    "/v1/statements/lookup": {"ids": ["5f2b8c11" * 8, "88d1f0a2" * 8]},
}
"""A good body for each route that takes JSON."""


@pytest.mark.parametrize("path", JSON_BODIES)
async def test_json_routes(path: str, tmp_path: Path) -> None:
    """Whatever the shape, the answer is an answer or a problem that says which member."""
    node = served(tmp_path)
    app = node.app(stream_seconds=0.0)
    headers = {"content_type": b"application/json"}
    try:
        good, said = await ask_raw(app, "POST", path.encode(), iter([_json(JSON_BODIES[path])]), **headers)
        assert good == 200, said
        before, statuses = node.fold.state_root(), Counter[int]()
        for mutant in json_mutants(JSON_BODIES[path], Random(SEED), USUAL):
            status, answer = await ask_raw(app, "POST", path.encode(), iter([mutant]), **headers)
            assert status != 500, (mutant, answer)
            statuses[status] += 1
            if status >= 400:
                assert json.loads(answer)["detail"]
        assert statuses[400] > 10
        assert node.fold.state_root() == before
    finally:
        node.store.close()


def test_every_route_that_takes_json_has_a_good_body_here() -> None:
    routes = {route.path for route in table() if route.method == "POST" and "application/json" in route.takes}
    assert routes == set(JSON_BODIES)
