"""Snapshots and deltas: verified on load, discarded when they do not fit, silent beyond their note."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import TYPES, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.evidence.check import EvidenceChecker
from accredit.registry.evidence.prove import Prover
from accredit.registry.evidence.snapshot import Snapshot, changes_between, encode_delta, encode_snapshot
from accredit.registry.evidence.state_check import CheckError
from accredit.registry.limits import RECORD_BYTES
from accredit.registry.transparency.signed_note import NOTE_BYTES_MAX
from accredit.registry.transparency.state_note import AHEAD_MAX
from tests.strategies import domain
from tests.strategies.domain import COLLEGE, ECOSYSTEM, HLC, NOW, STATE, UNION, World
from tests.strategies.noted import Held, cosigned, node_names, trust
from tests.strategies.searching import examples

QUERY = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


def world() -> World:
    made = World()
    made.register()
    made.grant()
    return made


def revoked() -> World:
    made = world()
    grant = next(one.statement.id for one in made.said if one.statement.kind == "accreditation.grant")
    made.event(grant, "revoke", "2026-05-01")
    made.register(UNION)
    return made


HELD = Held.of(world().records())
LATER = Held.of(revoked().records(), count=102, statements_root=sha256(b"later").digest())
POLICY = trust(HELD, NOW)
# The head of the file, up to the first record: its first line, the statements root, the number of records.
HEAD = len(b"accredit-snapshot/v1\n") + 32 + 8


def loaded() -> Snapshot:
    return Snapshot.load(HELD.snapshot(NOW), POLICY, NOW)


def delta(old: Held = HELD, new: Held = LATER, note: bytes | None = None) -> bytes:
    return encode_delta(
        changes_between(old.raws(), new.raws()),
        base_root=old.trie.root(),
        statements_root=new.statements_root,
        note=new.note(NOW) if note is None else note,
    )


# ------------------------------------------------------------------------------------------------ loading


def test_a_snapshot_answers_as_its_node_does() -> None:
    snapshot = loaded()
    assert snapshot.ask(QUERY, NOW) == decide(QUERY, HELD.reader(), NOW, ecosystem_id=ECOSYSTEM)
    assert snapshot.ask(QUERY, NOW).verdict is Verdict.TRUSTED
    assert len(snapshot) == len(HELD.records)
    assert dict(snapshot.items()) == HELD.raws()
    assert snapshot.get("issuer", UNION) is None
    assert snapshot.records_root() == HELD.trie.root()
    assert snapshot.statements_root() == HELD.statements_root


def test_a_snapshot_proves_what_it_answers() -> None:
    snapshot = Snapshot.load(HELD.snapshot(NOW), POLICY, NOW)
    prover = Prover(
        snapshot, statements_root=snapshot.statements_root(), note=snapshot.noted.note, ecosystem_id=ECOSYSTEM
    )
    decision, evidence = prover.answer(QUERY, NOW)
    assert decision == snapshot.ask(QUERY, NOW)
    assert EvidenceChecker(POLICY).check(evidence.encode(), QUERY, NOW).decision == decision


def test_a_snapshot_is_reproducible_byte_for_byte() -> None:
    data = HELD.snapshot(NOW)
    backwards = Held(dict(reversed(list(HELD.records.items()))))
    assert backwards.snapshot(NOW) == data
    assert loaded().encode() == data


def test_every_type_of_record_has_a_number() -> None:
    held = Held({(type, "x"): {"id": type} for type in TYPES})
    snapshot = Snapshot.load(held.snapshot(NOW), POLICY, NOW)
    assert {subject for subject, _ in snapshot.items()} == set(held.records)


@pytest.mark.no_cover
def test_every_flipped_bit_of_a_snapshot_is_found_on_load() -> None:
    data = HELD.snapshot(NOW)
    for at, byte in enumerate(data):
        for mask in (1 << at % 8, 0xFF):
            with pytest.raises((DecodeError, RefusedError)):
                Snapshot.load(data[:at] + bytes([byte ^ mask]) + data[at + 1 :], POLICY, NOW)


def test_truncated_snapshots_are_refused() -> None:
    data = HELD.snapshot(NOW)
    for at in range(len(data)):
        with pytest.raises((DecodeError, RefusedError)):
            Snapshot.load(data[:at], POLICY, NOW)


def test_a_record_left_out_of_a_snapshot_is_found() -> None:
    for subject in HELD.records:
        rest = Held({one: record for one, record in HELD.records.items() if one != subject})
        with pytest.raises(RefusedError) as refused:
            Snapshot.load(rest.snapshot(NOW, note=HELD.note(NOW)), POLICY, NOW)
        assert refused.value.code == "snapshot_root"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"\x0b\x00\x01x\x00\x00\x00\x01\xa0", "unknown type"),
        (b"\x07\x00\x00\x00\x00\x00\x01\xa0", "its id has no end"),
        (b"\x07\x00\x01\xff\x00\x00\x00\x01\xa0", "not UTF-8"),
        (b"\x07\x00\x01x\x00\x00\x00\x00", "0 bytes"),
        (b"\x07\x00\x01x" + (RECORD_BYTES + 1).to_bytes(4, "big") + b"\xa0", "bytes"),
        (b"\x07\x00\x01x\x00\x00\x00\x01\xa0" * 2, "not sorted by key"),
    ],
)
def test_records_of_another_form_are_refused(record: bytes, why: str) -> None:
    count = 2 if record.count(b"\xa0") == 2 else 1
    data = HELD.snapshot(NOW)[: HEAD - 8] + count.to_bytes(8, "big") + record
    with pytest.raises(DecodeError, match=why):
        Snapshot.load(data, POLICY, NOW)


def test_something_long_after_the_records_is_refused() -> None:
    with pytest.raises(DecodeError, match="extra bytes"):
        Snapshot.load(HELD.snapshot(NOW) + bytes(NOTE_BYTES_MAX), POLICY, NOW)


def test_a_snapshot_without_a_quorum_is_refused() -> None:
    for note, check in (
        (HELD.note(NOW, node_names(2)), "quorum"),
        (HELD.note(NOW + AHEAD_MAX + 1), "age"),
        (b"", "note"),
    ):
        with pytest.raises(CheckError) as refused:
            Snapshot.load(HELD.snapshot(NOW, note=note), POLICY, NOW)
        assert refused.value.check == check


def test_lower_counts_are_refused() -> None:
    with pytest.raises(CheckError) as refused:
        Snapshot.load(HELD.snapshot(NOW), POLICY.remember(LATER.state), NOW)
    assert refused.value.check == "count"


def test_a_quorum_that_vouches_for_what_is_no_record_is_seen_when_it_is_read() -> None:
    raw = {**HELD.raws(), ("issuer", COLLEGE): b"\xff"}
    held = Held(HELD.records)
    held.trie.set(record_key("issuer", COLLEGE), sha256(b"\xff").digest())
    data = encode_snapshot(raw.items(), statements_root=held.statements_root, note=held.note(NOW))
    with pytest.raises(DecodeError):
        Snapshot.load(data, POLICY, NOW).get("issuer", COLLEGE)


def test_a_record_that_no_fold_makes_costs_its_own_subject_an_answer_and_no_other() -> None:
    """A quorum may be of another version, or err: it has vouched for an issuer without its accreditations."""
    records = dict(LATER.records)
    records["issuer", COLLEGE] = {"id": COLLEGE}
    snapshot = Snapshot.load(Held(records, count=LATER.count).snapshot(NOW), POLICY, NOW)

    damaged = snapshot.ask(QUERY, NOW)
    assert (damaged.verdict, damaged.reasons[0].code) == (Verdict.INDETERMINATE, "state_damaged")
    assert not damaged.authorized
    assert damaged.reasons[0].text.startswith(f"About {COLLEGE}: ")
    other = snapshot.ask(QUERY._replace(entity=UNION), NOW)
    assert (other.verdict, other.reasons[0].code) == (Verdict.NOT_TRUSTED, "no_accreditation")


# ------------------------------------------------------------------------------------------------ asking


def test_beyond_its_note_a_snapshot_says_not_covered_never_not_revoked() -> None:
    snapshot = loaded()
    assert snapshot.covers(NOW + POLICY.max_age - 1)
    late = snapshot.ask(QUERY, NOW + POLICY.max_age)
    assert (late.verdict, late.reasons[0].code) == (Verdict.STALE_VIEW, "not_covered")
    assert not late.authorized
    assert "not covered" in late.reasons[0].text.lower()


def test_how_old_a_snapshot_may_be_is_the_verifiers_choice() -> None:
    snapshot = loaded()
    later = NOW + 2 * 86_400
    assert snapshot.ask(QUERY, later).verdict is Verdict.STALE_VIEW
    assert snapshot.ask(QUERY, later, max_age=3 * 86_400).verdict is Verdict.TRUSTED
    assert snapshot.ask(QUERY, later, max_age=86_400).verdict is Verdict.STALE_VIEW


def test_a_question_about_the_past_is_answered_at_any_age_with_the_snapshots_own_time() -> None:
    snapshot = loaded()
    past = QUERY._replace(time=NOW - 86_400)
    decision = snapshot.ask(past, NOW + 2 * 86_400)
    assert decision.authorized
    assert decision.reasons[-1].code == "as_of_snapshot"
    assert decision.valid_until is None
    assert snapshot.ask(QUERY._replace(time=NOW + 3_600), NOW + 2 * 86_400).verdict is Verdict.STALE_VIEW


def test_an_old_snapshot_can_be_loaded_and_covers_nothing() -> None:
    snapshot = Snapshot.load(HELD.snapshot(NOW - 86_400), POLICY, NOW)
    assert snapshot.ask(QUERY, NOW).verdict is Verdict.STALE_VIEW
    patient = replace(POLICY, max_age=2 * 86_400)
    assert Snapshot.load(HELD.snapshot(NOW - 86_400), patient, NOW).ask(QUERY, NOW).authorized


def test_a_snapshot_is_silent_once_the_policy_has_expired_or_the_clock_is_set_back() -> None:
    snapshot = Snapshot.load(HELD.snapshot(NOW), replace(POLICY, expires=NOW + 10), NOW)
    assert snapshot.covers(NOW + 9)
    assert not snapshot.covers(NOW + 10)
    assert snapshot.covers(NOW - AHEAD_MAX)
    assert not snapshot.covers(NOW - AHEAD_MAX - 1)


def test_an_authority_that_the_policy_does_not_rely_on_gets_no_answer() -> None:
    choosy = Snapshot.load(HELD.snapshot(NOW), replace(POLICY, authorities=(HLC,)), NOW)
    assert choosy.ask(QUERY._replace(authority=HLC), NOW).authorized
    for authority in (STATE, ECOSYSTEM, "nonsense"):
        decision = choosy.ask(QUERY._replace(authority=authority), NOW)
        assert (decision.verdict, decision.reasons[0].code) == (Verdict.INDETERMINATE, "authority_not_relied_on")


# ------------------------------------------------------------------------------------------------ deltas


def test_a_delta_brings_a_revocation_and_keeps_the_rest() -> None:
    snapshot = loaded()
    assert snapshot.ask(QUERY, NOW).authorized
    snapshot.update(delta(), POLICY, NOW)
    assert not snapshot.ask(QUERY, NOW).authorized
    assert snapshot.encode() == LATER.snapshot(NOW)
    assert len(delta()) < len(LATER.snapshot(NOW))


def test_a_mandate_withdrawn_by_a_delta_counts_in_the_same_second() -> None:
    before, after = World(), World()
    for made in (before, after):
        made.register()
        made.grant(by=UNION, via=made.delegate(UNION))
    after.standings[UNION][0]["withdrawn"] = {"statement": bytes(32), "effective_from": NOW - 1}
    old, new = Held.of(before.records()), Held.of(after.records(), count=101)
    snapshot = Snapshot.load(old.snapshot(NOW), POLICY, NOW)
    asked = [snapshot.ask(QUERY, NOW)]
    snapshot.update(delta(old, new), POLICY, NOW)
    asked.append(snapshot.ask(QUERY, NOW))
    assert [any(one.code == "authority_withdrawn" for one in decision.reasons) for decision in asked] == [False, True]


def test_a_delta_without_changes_makes_a_snapshot_young_again() -> None:
    snapshot = Snapshot.load(HELD.snapshot(NOW - 86_400), POLICY, NOW)
    snapshot.update(delta(new=HELD), POLICY, NOW)
    assert snapshot.ask(QUERY, NOW).authorized


def test_a_delta_removes_what_is_no_more() -> None:
    snapshot = Snapshot.load(LATER.snapshot(NOW), POLICY, NOW)
    fewer = Held(HELD.records, count=103)
    snapshot.update(delta(old=LATER, new=fewer), POLICY, NOW)
    assert dict(snapshot.items()) == HELD.raws()


def test_a_delta_whose_result_is_not_the_noted_root_is_discarded_and_changes_nothing() -> None:
    snapshot = loaded()
    assert snapshot.ask(QUERY, NOW).authorized
    changes = list(changes_between(HELD.raws(), LATER.raws()))
    assert len(changes) >= 3
    for at in range(len(changes)):
        withheld = encode_delta(
            [*changes[:at], *changes[at + 1 :]],
            base_root=HELD.trie.root(),
            statements_root=LATER.statements_root,
            note=LATER.note(NOW),
        )
        with pytest.raises(RefusedError) as refused:
            snapshot.update(withheld, POLICY, NOW)
        assert refused.value.code == "snapshot_root"
        assert snapshot.encode() == HELD.snapshot(NOW)
        assert snapshot.ask(QUERY, NOW).authorized
    removal = encode_delta(
        [(("issuer", COLLEGE), None), (("issuer", "x"), b"\xa0")],
        base_root=HELD.trie.root(),
        statements_root=LATER.statements_root,
        note=LATER.note(NOW),
    )
    with pytest.raises(RefusedError):
        snapshot.update(removal, POLICY, NOW)
    assert snapshot.encode() == HELD.snapshot(NOW)


def test_a_delta_from_another_state_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        Snapshot.load(LATER.snapshot(NOW), POLICY, NOW).update(delta(), POLICY, NOW)
    assert refused.value.code == "delta_base"


def test_a_delta_back_to_a_lower_count_is_refused() -> None:
    snapshot = Snapshot.load(LATER.snapshot(NOW), POLICY, NOW)
    with pytest.raises(CheckError) as refused:
        snapshot.update(delta(old=LATER, new=HELD), POLICY, NOW)
    assert refused.value.check == "count"
    assert snapshot.encode() == LATER.snapshot(NOW)


def test_a_delta_behind_what_evidence_has_shown_is_refused() -> None:
    seen = POLICY.remember(replace(LATER.state, count=200))
    with pytest.raises(CheckError) as refused:
        loaded().update(delta(), seen, NOW)
    assert refused.value.check == "count"


def test_a_delta_without_a_quorum_is_refused() -> None:
    with pytest.raises(CheckError):
        loaded().update(delta(note=cosigned(LATER.state, NOW, node_names(1))), POLICY, NOW)


@pytest.mark.no_cover
def test_every_flipped_bit_of_a_delta_is_found() -> None:
    snapshot, data = loaded(), delta()
    for at, byte in enumerate(data):
        with pytest.raises((DecodeError, RefusedError)):
            snapshot.update(data[:at] + bytes([byte ^ (1 << at % 8)]) + data[at + 1 :], POLICY, NOW)
    assert snapshot.encode() == HELD.snapshot(NOW)


def test_a_snapshot_is_no_delta() -> None:
    with pytest.raises(DecodeError):
        loaded().update(HELD.snapshot(NOW), POLICY, NOW)
    with pytest.raises(DecodeError):
        Snapshot.load(delta(), POLICY, NOW)


subjects = st.tuples(st.sampled_from(["issuer", "alias"]), st.sampled_from("abcdef"))
contents = st.dictionaries(subjects, st.integers(0, 3).map(lambda number: {"id": number}), max_size=8)


@examples(60)
@given(contents, contents)
def test_a_delta_leads_from_any_state_to_any_other(
    before: dict[tuple[str, str], Record], after: dict[tuple[str, str], Record]
) -> None:
    old, new = Held(before), Held(after, count=101)
    snapshot = Snapshot.load(old.snapshot(NOW), POLICY, NOW)
    snapshot.update(delta(old, new), POLICY, NOW)
    assert snapshot.encode() == new.snapshot(NOW)
    assert {subject: encode(record) for subject, record in after.items()} == dict(snapshot.items())


@examples(40)
@given(domain.histories(), st.sampled_from([None, domain.at("2015-05-20")]))
def test_the_decision_is_the_same_over_a_snapshot(generated: World, time: int | None) -> None:
    held = Held.of(generated.records())
    query = QUERY._replace(time=time)
    snapshot = Snapshot.load(held.snapshot(NOW), trust(held, NOW), NOW)
    assert snapshot.ask(query, NOW) == decide(query, held.reader(), NOW, ecosystem_id=ECOSYSTEM)
