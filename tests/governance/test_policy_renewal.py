"""Trust policies along signed history: nodes come and go, keys rotate, and bought keys get nobody in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from accredit.governance import policy_renewal
from accredit.governance.authority.node_names import entry_digest
from accredit.governance.fold import Fold
from accredit.governance.policy_renewal import Renewal, export_policy, prove_renewal, renew
from accredit.registry.decision.query import Query
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import FOLD_VERSION, MemoryRecords, Subject, record_digest, record_key
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.ed25519 import KeyPair
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.evidence.check import check
from accredit.registry.evidence.prove import prove
from accredit.registry.evidence.proved_records import Mapped, Recorder
from accredit.registry.evidence.state_check import CheckError, CheckResult
from accredit.registry.evidence.trust_policy import LIFETIME, TrustPolicy
from accredit.registry.statement import Statement
from accredit.registry.transparency.signed_note import Note
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import StateNote, cosign_state
from accredit.registry.transparency.state_trie import state_root
from accredit.registry.transparency.tlog_policy import threshold_policy
from tests.strategies.bodies import node
from tests.strategies.consortium import Consortium, Pen, charter_body, key_entry, seed_of

A, B, C = (f"https://{letter}.example/" for letter in "abc")
AUTHORITIES = ((A, "nonprofit"), (B, "public"), (C, "education"))
NOW = 1_780_000_000
NAMES = [f"n{number}.example" for number in range(4)]


def nodes(names: Sequence[str]) -> list[dict[str, Any]]:
    return [node(name, f"Operator of {name}") for name in names]


def found(**members: Any) -> Consortium:
    return Consortium.of(*AUTHORITIES, nodes=nodes(NAMES), signers=NAMES, **members)


def amend(
    town: Consortium,
    names: Sequence[str],
    voters: Sequence[str | Pen] = (B,),
    parent: Statement | None = None,
    **members: Any,
) -> Statement:
    """The next version of the charter, with these signers, proposed by A and approved by the voters."""
    before = [s for s in town.said if s.kind in ("charter.genesis", "charter.amend")]
    last = before[-1] if parent is None else parent
    charter = charter_body(AUTHORITIES, town.pens, budget=0, nodes=nodes(names), signers=list(names), **members)
    version = 2 if last.kind == "charter.genesis" else last.body["version"] + 1
    body = {"parent": last.id, "version": version, "charter": charter, "heads": town.heads()}
    amendment = town.says(A, "charter.amend", body, town.id)
    for voter in voters:
        town.votes(voter, amendment)
    return amendment


def trie_of(fold: Fold) -> Trie:
    return Trie((record_key(*subject), record_digest(record)) for subject, record in fold.items())


def note_of(fold: Fold, time: int = NOW, by: Sequence[str] = NAMES[:3], **members: Any) -> bytes:
    """A note of the fold's state, cosigned by these nodes."""
    state = StateNote(
        name="A consortium",
        ecosystem=fold.ecosystem,
        fold=FOLD_VERSION,
        count=fold.committed_count(),
        root=fold.state_root(),
    )
    state = replace(state, **members)
    lines = tuple(cosign_state(state, name, KeyPair(seed_of(f"{name} state")), time) for name in by)
    return Note(text=state.encode(), signatures=lines).encode()


def policy_of(town: Consortium, now: int = NOW, **members: Any) -> TrustPolicy:
    return export_policy(town.fold(), now, **members)


def renewal_for(town: Consortium, policy: TrustPolicy, note: bytes | None = None) -> Renewal:
    fold = town.fold()
    return renewal_of(fold, policy.step, note_of(fold) if note is None else note)


def renewal_of(fold: Fold, step: bytes, note: bytes) -> Renewal:
    held = Mapped(fold, trie_of(fold))
    return prove_renewal(fold, held, step, statements_root=fold.statements_root(), note=note)


def signers_of(policy: TrustPolicy) -> dict[str, bytes]:
    return {key.name: key.public for key in policy.signers.keys}


def refused_with(policy: TrustPolicy, what: Renewal, now: int = NOW) -> str:
    with pytest.raises(RefusedError) as refused:
        renew(policy, what, now)
    return refused.value.code


# ------------------------------------------------------------------------------------------------ export


def test_an_exported_policy_names_the_charters_signers_and_their_quorum() -> None:
    town = found()
    policy = policy_of(town)
    assert (policy.ecosystem, policy.step, policy.version, policy.charter) == (town.eco, town.eco, 1, town.id)
    assert list(signers_of(policy)) == NAMES
    assert policy.signers.groups[0].threshold == 3
    assert policy.expires == NOW + LIFETIME
    assert policy.authorities == (town.id,)
    assert policy_of(town, authorities=[B, A]).authorities == (A, B)
    assert TrustPolicy.decode(policy.encode()) == policy


def test_evidence_of_a_node_holds_under_the_policy_it_exported() -> None:
    town = found()
    fold = town.fold()
    query = Query(entity="did:web:college.example", authority=town.id)
    evidence = prove(
        query,
        fold,
        trie_of(fold),
        statements_root=fold.statements_root(),
        note=note_of(fold),
        now=NOW,
        ecosystem_id=town.id,
    )
    assert check(evidence.encode(), query, policy_of(town), NOW).result is CheckResult.VERIFIED


def test_there_is_no_policy_before_the_genesis_is_in_effect_or_without_signers() -> None:
    waiting = Consortium.of(*AUTHORITIES, nodes=nodes(NAMES), signers=NAMES, approve=False)
    with pytest.raises(RefusedError, match="not in effect"):
        policy_of(waiting)
    fold = waiting.fold()
    with pytest.raises(RefusedError, match="No version"):
        renewal_of(fold, waiting.eco, b"")
    with pytest.raises(RefusedError, match="names no signers"):
        policy_of(Consortium.of(*AUTHORITIES))


# ------------------------------------------------------------------------------------------------ renewing


def test_a_policy_is_renewed_where_nothing_has_changed() -> None:
    town = found()
    policy = policy_of(town, NOW - 80 * 86_400)
    renewed = renew(policy, renewal_for(town, policy), NOW)
    assert renewed.expires == NOW + LIFETIME
    assert renewed.count == town.fold().committed_count()
    assert renewed == replace(policy, expires=renewed.expires, count=renewed.count, root=renewed.root)


def test_nodes_come_and_go_and_the_policy_follows() -> None:
    town = found()
    policy = policy_of(town, max_age=77, authorities=[A])
    names = [*NAMES[:3], "n4.example", "n5.example"]
    amendment = amend(town, names)
    renewed = renew(policy, renewal_for(town, policy), NOW)
    assert list(signers_of(renewed)) == names
    assert renewed.signers.groups[0].threshold == 4
    assert (renewed.version, renewed.step) == (2, amendment.id)
    assert (renewed.max_age, renewed.authorities) == (77, (A,)), "what the verifier chose stays"
    # From there on the new signers are asked, and from that step.
    amend(town, names[1:])
    again = renew(renewed, renewal_for(town, renewed, note_of(town.fold(), by=names[1:])), NOW)
    assert (again.version, list(signers_of(again))) == (3, names[1:])


def test_several_versions_are_followed_at_once_each_by_its_own_votes() -> None:
    town = found()
    policy = policy_of(town)
    for number in range(3):
        amend(town, [*NAMES[:3], f"later{number}.example"], [B, C])
    what = renewal_for(town, policy)
    assert renew(policy, what, NOW).version == 4
    middle = town.said[[s.kind for s in town.said].index("charter.amend")]
    gap = tuple(raw for raw in what.statements if raw != middle.raw)
    assert refused_with(policy, replace(what, statements=gap)) == "renewal_charter"


def test_a_nodes_key_rotates_when_its_entry_is_replaced() -> None:
    town = found()
    policy = policy_of(town)
    before = town.fold().naming(NAMES[3]).entry
    assert before is not None
    body = node(NAMES[3], f"Operator of {NAMES[3]}") | {"replaces": entry_digest(before)}
    body["keys"]["state"] = Pen("another state key", A).public
    admission = town.says(A, "node.replace", body)
    town.votes(B, admission)
    what = renewal_for(town, policy)
    renewed = renew(policy, what, NOW)
    assert signers_of(renewed)[NAMES[3]] == body["keys"]["state"]
    for left_out in [s for s in town.said if s.kind == "vote.approve" and admission.id in s.body["targets"]] + [
        admission
    ]:
        fewer = tuple(raw for raw in what.statements if raw != left_out.raw)
        assert refused_with(policy, replace(what, statements=fewer)) == "signer_not_named"


def test_a_retired_signer_is_asked_no_more() -> None:
    town = found()
    policy = policy_of(town)
    retirement = town.says(A, "node.retire", {"name": NAMES[3]})
    town.votes(B, retirement)
    what = renewal_for(town, policy)
    assert list(signers_of(renew(policy, what, NOW))) == NAMES[:3]
    fewer = tuple(raw for raw in what.statements if raw != retirement.raw)
    assert refused_with(policy, replace(what, statements=fewer)) == "signer_not_named"


def test_an_authority_may_vote_with_a_key_it_has_added_since() -> None:
    town = found()
    policy = policy_of(town)
    pen = town.pen(f"{B}+2", B)
    added = town.says(B, "key.add", key_entry(pen, budget=50), B)
    amend(town, NAMES, [pen])
    what = renewal_for(town, policy)
    assert renew(policy, what, NOW).version == 2
    fewer = tuple(raw for raw in what.statements if raw != added.raw)
    assert refused_with(policy, replace(what, statements=fewer)) == "renewal_charter"


def test_an_authority_may_vote_with_the_committed_successor_of_its_key() -> None:
    town = found(next_keys=True)
    policy = policy_of(town)
    old, new = town.pen(B), town.pen(f"{B}#1 next", B)
    entry = key_entry(new, budget=50, next_key=True)
    rotation = town.says(new, "key.rotate", {"key": old.kid, "last": old.prev, "new": entry}, B)
    amend(town, NAMES, [new])
    what = renewal_for(town, policy)
    assert renew(policy, what, NOW).version == 2
    fewer = tuple(raw for raw in what.statements if raw != rotation.raw)
    assert refused_with(policy, replace(what, statements=fewer)) == "renewal_charter"


# ------------------------------------------------------------------------------------------------ what is refused


def test_an_expired_policy_is_not_renewed_whoever_signs() -> None:
    town = found()
    policy = policy_of(town, NOW - LIFETIME)
    with pytest.raises(CheckError) as refused:
        renew(policy, renewal_for(town, policy), NOW)
    assert (refused.value.result, refused.value.check) == (CheckResult.UNKNOWN, "policy")


def test_a_policy_renewed_with_bought_keys_of_the_old_signers_is_refused() -> None:
    """The keys of all four old nodes were bought: they vouch for a map of the buyer's own making."""
    town = found()
    policy = policy_of(town)
    honest = town.fold()
    mine = Pen("the buyer's state key", A).public
    theirs = dict(honest.items())
    changes: tuple[tuple[dict[Subject, Record | None], str], ...] = (
        ({("node", NAMES[0]): {**theirs["node", NAMES[0]], "keys": {"state": mine}}}, "signer_not_named"),
        ({("node", NAMES[0]): {**theirs["node", NAMES[0]], "retired": bytes(32)}}, "signer_not_named"),
        ({("node", NAMES[0]): None}, "signer_not_named"),
        ({("charter", town.id): None}, "renewal_charter"),
        (
            {("charter", town.id): {**theirs["charter", town.id], "version": 2, "statement": bytes(32)}},
            "renewal_charter",
        ),
    )
    for change, code in changes:
        records: dict[tuple[str, str], Any] = {**theirs, **change}
        assert refused_with(policy, _forged(town, records)) == code


def _forged(town: Consortium, records: dict[tuple[str, str], Any]) -> Renewal:
    held = {subject: record for subject, record in records.items() if record is not None}
    fold, trie = town.fold(), Trie((record_key(*s), record_digest(r)) for s, r in held.items())
    recorder = Recorder(Mapped(MemoryRecords(held), trie))
    for subject in [("charter", town.id), *(("node", name) for name in NAMES)]:
        recorder.get(*subject)
    root = state_root(trie.root(), fold.statements_root())
    return Renewal(
        records_root=trie.root(),
        statements_root=fold.statements_root(),
        records=recorder.prove(),
        note=note_of(fold, by=NAMES, root=root),
        statements=tuple(s.raw for s in town.said),
    )


def test_a_policy_renewed_with_bought_keys_of_authorities_is_refused() -> None:
    """Enough authorities' keys were bought to pass an amendment; the old signers never saw it."""
    town = found()
    policy = policy_of(town)
    honest = renewal_for(town, policy)
    before = len(town.said)
    amend(town, ["mine1.example", "mine2.example"], [B, C])
    forged = replace(honest, statements=honest.statements + tuple(s.raw for s in town.said[before:]))
    assert renew(policy, honest, NOW).version == 1
    assert refused_with(policy, forged) == "renewal_charter"


def test_an_amendment_without_enough_votes_is_not_followed() -> None:
    town = found(rules={"charter.amend": {"authorities": 1}})
    policy = policy_of(town)
    amend(town, ["mine.example"], [])
    assert renew(policy, renewal_for(town, policy), NOW).version == 1
    # Not even if a note's signers say that it is in force: one of three authorities is not more than half.
    records = dict(town.fold().items())
    charter = {**records["charter", town.id], "version": 2, "statement": town.said[-1].id}
    assert refused_with(policy, _forged(town, {**records, ("charter", town.id): charter})) == "renewal_charter"


def test_one_key_counts_once_whatever_authorities_it_names() -> None:
    town = found()
    policy = policy_of(town)
    pen = town.pen(A).copy()
    amendment = amend(town, ["mine.example"], [])
    pen.authority = B
    pen.seq, pen.prev = amendment.seq + 1000, amendment.id
    vote = town.votes(pen, amendment)
    assert vote.iss == B
    records = dict(town.fold(town.said[:-2]).items())
    charter = {**records["charter", town.id], "version": 2, "statement": amendment.id}
    assert refused_with(policy, _forged(town, {**records, ("charter", town.id): charter})) == "renewal_charter"


def test_a_stranger_cannot_name_himself_the_successor_of_an_authoritys_key() -> None:
    """He writes an entry for B's public key with his own key as its next, in a statement of his own."""
    town = found()
    policy = policy_of(town)
    stranger, helper = Pen("stranger", B), Pen("helper", B)
    entry = {"public": town.pen(B).public, "budget": 0, "next": {"key": stranger.kid, "budget": 50}}
    town.says(helper, "key.add", entry, B)
    town.says(helper, "key.add", {"public": helper.public, "budget": 0}, B)
    rotation = {"key": town.pen(B).kid, "last": None, "new": key_entry(stranger, budget=50)}
    town.says(stranger, "key.rotate", rotation, B)
    amendment = amend(town, ["mine.example"], [stranger])
    records = dict(town.fold().items())
    charter = {**records["charter", town.id], "version": 2, "statement": amendment.id}
    assert refused_with(policy, _forged(town, {**records, ("charter", town.id): charter})) == "renewal_charter"


def test_what_was_amended_after_the_note_is_left_out_of_a_renewal() -> None:
    """A node holds an amendment already that no quorum has noted yet."""
    town = found()
    policy, before = policy_of(town), town.fold()
    held, root, note = Mapped(before, trie_of(before)), before.statements_root(), note_of(before)
    amendment = amend(town, NAMES[:3], [A, B, C])
    ahead = town.fold()
    assert ahead.charter is not None
    made = prove_renewal(ahead, held, policy.step, statements_root=root, note=note)
    assert amendment.raw not in made.statements
    assert renew(policy, made, NOW).version == 1
    with pytest.raises(RefusedError, match="No version of the charter"):
        prove_renewal(ahead, held, amendment.id, statements_root=root, note=note)


def test_votes_of_unknown_keys_count_for_nothing() -> None:
    town = found()
    policy = policy_of(town)
    amendment = amend(town, ["mine.example"], [Pen("unknown", B), Pen("nobody", C)])
    records = dict(town.fold().items())
    charter = {**records["charter", town.id], "version": 2, "statement": amendment.id}
    assert refused_with(policy, _forged(town, {**records, ("charter", town.id): charter})) == "renewal_charter"


def test_a_statement_with_another_signature_is_refused() -> None:
    town = found()
    policy = policy_of(town)
    what = renewal_for(town, policy)
    spoiled = what.statements[-1][:-1] + bytes([what.statements[-1][-1] ^ 1])
    assert refused_with(policy, replace(what, statements=(*what.statements[:-1], spoiled))) == "bad_signature"


def test_an_old_note_re_stamped_by_one_signer_renews_nothing() -> None:
    town = found()
    policy = policy_of(town)
    fold = town.fold()
    stamped = note_of(fold, NOW - 3600) + note_of(fold, by=NAMES[3:]).partition(b"\n\n")[2]
    with pytest.raises(CheckError) as refused:
        renew(policy, renewal_for(town, policy, stamped), NOW)
    assert (refused.value.result, refused.value.check) == (CheckResult.STALE, "age")


def test_a_lower_count_than_verified_before_renews_nothing() -> None:
    town = found()
    policy = replace(policy_of(town), count=10**6, root=bytes(32))
    with pytest.raises(CheckError) as refused:
        renew(policy, renewal_for(town, policy), NOW)
    assert (refused.value.result, refused.value.check) == (CheckResult.STALE, "count")


def test_the_new_signers_cannot_renew_a_policy_without_the_old_ones() -> None:
    town = found()
    policy = policy_of(town)
    names = ["new1.example", "new2.example", "new3.example", "new4.example"]
    amend(town, names)
    with pytest.raises(CheckError) as refused:
        renew(policy, renewal_for(town, policy, note_of(town.fold(), by=names)), NOW)
    assert refused.value.result is CheckResult.UNWITNESSED


def test_a_record_left_out_or_to_spare_is_refused() -> None:
    town = found()
    policy = policy_of(town)
    what = renewal_for(town, policy)
    for at in range(len(what.records)):
        fewer = what.records[:at] + what.records[at + 1 :]
        assert refused_with(policy, replace(what, records=fewer)) == "missing_record"
    fold = town.fold()
    spare = what.records[0]._replace(type="authority", id=A, raw=encode(fold.get("authority", A)))
    spare = spare._replace(proof=trie_of(fold).prove(record_key("authority", A)))
    assert refused_with(policy, replace(what, records=(spare, *what.records))) == "surplus_record"


def test_roots_that_are_not_the_notes_are_refused() -> None:
    town = found()
    policy = policy_of(town)
    what = renewal_for(town, policy)
    assert refused_with(policy, replace(what, statements_root=bytes(32))) == "renewal_root"


def test_a_renewal_from_another_step_is_refused() -> None:
    town = found()
    policy = policy_of(town)
    what = renewal_for(town, policy)
    without = tuple(raw for raw in what.statements if raw != town.genesis.raw)
    assert refused_with(policy, replace(what, statements=without)) == "renewal_step"
    vote = next(s for s in town.said if s.kind == "vote.approve")
    assert refused_with(replace(policy, step=vote.id), what) == "renewal_step"


def test_a_policy_stricter_than_the_usual_is_never_silently_widened() -> None:
    town = found()
    policy = policy_of(town)
    strict = replace(policy, signers=threshold_policy(policy.signers.keys, 4))
    what = renewal_for(town, policy, note_of(town.fold(), by=NAMES))
    assert refused_with(strict, what) == "policy_own_quorum"


def test_a_charter_that_names_no_signers_any_more_renews_nothing() -> None:
    town = found()
    policy = policy_of(town)
    amend(town, [])
    assert refused_with(policy, renewal_for(town, policy)) == "no_signers"


def test_more_versions_than_any_constitution_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_renewal, "STEPS_MAX", 1)
    town = found()
    policy = policy_of(town)
    amend(town, NAMES)
    amend(town, NAMES)
    assert refused_with(policy, renewal_for(town, policy)) == "renewal_steps"


# ------------------------------------------------------------------------------------------------ the file


def test_a_renewal_is_read_as_it_was_written_and_nothing_else() -> None:
    town = found()
    what = renewal_for(town, policy_of(town))
    data = what.encode()
    assert Renewal.decode(data) == what
    value = decode(data, max_bytes=len(data))
    changes: list[dict[str, Any]] = [
        {"v": 2},
        {"records_root": b""},
        {"records": {}},
        {"records": [None]},
        {"records": list(reversed(value["records"]))},
        {"note": "text"},
        {"statements": ["text"]},
        {"statements": [b""] * (policy_renewal.STATEMENTS_MAX + 1)},
        {"ext": 1},
    ]
    for change in changes:
        with pytest.raises(DecodeError):
            Renewal.decode(encode({**value, **change}))
    with pytest.raises(DecodeError):
        renew(policy_of(town), replace(what, statements=(b"nonsense",)), NOW)


@pytest.mark.no_cover
def test_every_mutated_byte_of_a_renewal_is_refused_or_changes_nothing() -> None:
    town = found()
    policy = policy_of(town)
    amend(town, NAMES)
    what = renewal_for(town, policy)
    renewed, data = renew(policy, what, NOW), what.encode()
    for at in range(0, len(data), 7):
        mutated = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        try:
            found_out = renew(policy, Renewal.decode(mutated), NOW)
        except (DecodeError, RefusedError):
            continue
        assert found_out == renewed
