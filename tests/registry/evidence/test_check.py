"""Evidence: what a verifier that trusts no node accepts, and by which check everything else is refused."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.domain.record_types import Record
from accredit.registry.domain.records import FOLD_VERSION, MemoryRecords, Records, Subject, record_key
from accredit.registry.encoding.cbor import encode
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.evidence.check import (
    EVIDENCE_BYTES,
    NOTES_MAX,
    Checked,
    Evidence,
    EvidenceChecker,
    check,
)
from accredit.registry.evidence.deciding import RECOGNITION, StateSitting, decide_over
from accredit.registry.evidence.prove import NO_NOTE, Prover
from accredit.registry.evidence.proved_records import (
    GOVERNING_MAX,
    OTHERS_BYTES,
    OTHERS_MAX,
    Mapped,
    ProvedBefore,
    ProvenRecord,
    ProvenRecords,
    Recorder,
)
from accredit.registry.evidence.state_check import CheckError, CheckResult
from accredit.registry.evidence.trust_policy import LIFETIME, TrustPolicy
from accredit.registry.limits import RECORD_BYTES
from accredit.registry.transparency.state_map import Trie
from accredit.registry.transparency.state_note import AHEAD_MAX
from tests.strategies import domain
from tests.strategies.domain import COLLEGE, ECOSYSTEM, HLC, NOW, STATE, UNION, World
from tests.strategies.noted import Held, cosigned, node_names, trust

QUERY = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


def world() -> World:
    made = World()
    made.register()
    made.grant(valid_from=domain.at("2010-01-01"), valid_until=domain.at("2030-01-01"))
    return made


HELD = Held.of(world().records())
POLICY = trust(HELD, NOW)
GOOD = HELD.prove(QUERY, NOW)


def refused(
    evidence: Evidence | bytes, policy: TrustPolicy = POLICY, query: Query | None = QUERY, now: int = NOW
) -> Checked:
    """The check of what must not be verified."""
    checked = check(evidence if isinstance(evidence, bytes) else evidence.encode(), query, policy, now)
    assert checked.result is not CheckResult.VERIFIED
    assert checked.decision is None
    assert checked.state is None
    assert checked.text
    return checked


def verdict(*arguments: Any, **named: Any) -> tuple[CheckResult, str]:
    checked = refused(*arguments, **named)
    return checked.result, checked.check


# ------------------------------------------------------------------------------------------------ what holds


def test_a_present_record_is_proved_offline() -> None:
    checked = check(GOOD.encode(), QUERY, POLICY, NOW)
    assert (checked.result, checked.check) == (CheckResult.VERIFIED, "")
    assert checked.decision == decide(QUERY, HELD.reader(), NOW, ecosystem_id=ECOSYSTEM)
    assert checked.decision.verdict is Verdict.TRUSTED
    assert checked.state == HELD.state
    assert checked.since == NOW
    assert [key.name for key in checked.signers] == node_names(3)


def test_an_unknown_issuer_is_proved_to_be_absent() -> None:
    query = QUERY._replace(entity=UNION)
    evidence = HELD.prove(query, NOW)
    assert {(one.type, one.id) for one in evidence.records if one.raw is None} == {("issuer", UNION), ("alias", UNION)}
    checked = check(evidence.encode(), query, POLICY, NOW)
    assert checked.decision is not None
    assert checked.decision.verdict is Verdict.UNKNOWN_ISSUER


def test_the_past_is_proved_as_well() -> None:
    query = QUERY._replace(time=domain.at("2015-05-20"))
    checked = check(HELD.prove(query, NOW).encode(), query, POLICY, NOW)
    assert checked.result is CheckResult.VERIFIED


def test_recognition_is_proved_as_well() -> None:
    query = QUERY._replace(entity=STATE)
    evidence = HELD.prove(query, NOW, asked=RECOGNITION).encode()
    assert check(evidence, query, POLICY, NOW, asked=RECOGNITION).result is CheckResult.VERIFIED
    assert verdict(evidence, query=query) == (CheckResult.REFUTED, "question")
    assert check(evidence, None, POLICY, NOW).result is CheckResult.VERIFIED


def test_a_file_can_be_checked_by_the_question_it_carries() -> None:
    assert Evidence.decode(GOOD.encode()) == GOOD
    assert check(GOOD.encode(), None, POLICY, NOW).result is CheckResult.VERIFIED


def test_a_note_read_once_serves_much_evidence() -> None:
    checker = EvidenceChecker(POLICY)
    for _ in range(2):
        assert checker.check(GOOD.encode(), QUERY, NOW) == check(GOOD.encode(), QUERY, POLICY, NOW)
    other = HELD.prove(QUERY, NOW, note=HELD.note(NOW - 1)).encode()
    assert checker.check(other, QUERY, NOW).since == NOW - 1, "a note that is not in the file does not vouch for it"


def test_what_a_checker_remembers_grows_stale_with_the_clock() -> None:
    checker = EvidenceChecker(POLICY)
    assert checker.check(GOOD.encode(), QUERY, NOW).result is CheckResult.VERIFIED
    late = NOW + POLICY.max_age + 1
    assert checker.check(GOOD.encode(), QUERY, late) == check(GOOD.encode(), QUERY, POLICY, late)
    assert checker.check(GOOD.encode(), QUERY, late).check == "age"


def test_a_checker_that_has_seen_a_record_proved_still_refuses_every_other_proof_of_it() -> None:
    """Charter and authorities are remembered: only byte for byte what was proved under the same root."""
    checker = EvidenceChecker(POLICY)
    assert checker.check(GOOD.encode(), QUERY, NOW).result is CheckResult.VERIFIED
    for at, one in enumerate(GOOD.records):
        for changed in (
            one._replace(proof=one.proof[:-1] + bytes([one.proof[-1] ^ 1])),
            one._replace(raw=encode({**HELD.records[one.type, one.id], "name": "Forged"})),
            one._replace(raw=None),
        ):
            records = (*GOOD.records[:at], changed, *GOOD.records[at + 1 :])
            forged = replace(GOOD, records=records).encode()
            assert checker.check(forged, QUERY, NOW) == check(forged, QUERY, POLICY, NOW)
            assert checker.check(forged, QUERY, NOW).check in ("proof", "record")


def test_a_checker_goes_from_one_root_to_another_and_takes_nothing_along() -> None:
    revoked = world()
    revoked.charter["name"] = "Another name"
    other = Held.of(revoked.records(), count=101)
    checker = EvidenceChecker(POLICY)
    files = [GOOD.encode(), other.prove(QUERY, NOW).encode()]
    mixed = replace(other.prove(QUERY, NOW), records=GOOD.records).encode()
    for data in (*files, *files, mixed):
        assert checker.check(data, QUERY, NOW) == check(data, QUERY, POLICY, NOW)
    assert checker.check(mixed, QUERY, NOW).check == "proof"


def test_a_checker_asked_about_ever_new_notes_does_not_grow_without_end() -> None:
    checker = EvidenceChecker(POLICY)
    for second in range(NOTES_MAX + 2):
        data = HELD.prove(QUERY, NOW, note=HELD.note(NOW - second)).encode()
        assert checker.check(data, QUERY, NOW).since == NOW - second
    assert len(checker._notes) <= NOTES_MAX


class Reading:
    """Records that note what is read of them."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.read: dict[Subject, None] = {}

    def get(self, type: str, id: str) -> Record | None:
        self.read[type, id] = None
        return self._records.get(type, id)


def test_answers_of_one_state_rest_on_the_same_records_as_each_alone() -> None:
    """Else an honest file would lack a record, or have one too many."""
    made = World()
    made.register(iat=domain.EARLY, also_known_as=[domain.ALIAS], keys=domain.pinned())
    made.register(UNION, iat=domain.EARLY)
    by = CanonicalId("did:web:below.example")
    limits = {"competencies": [f"{domain.FRAMEWORK}/0"], "inherit_to_narrower": True}
    via, free = made.delegate(by, limits=limits), made.delegate(by, STATE)
    narrow = {"competencies": [f"{domain.FRAMEWORK}/1"], "inherit_to_narrower": True}
    for said in ({}, {"by": STATE}, {"by": by, "via": via, "scope": narrow}, {"by": by, "via": via, "scope": narrow}):
        made.grant(iat=domain.EARLY, **said)
    made.event(made.grant(UNION, iat=domain.EARLY, by=by, via=free), "suspend", "2020-01-01")
    made.framework(iat=domain.EARLY)
    made.standings[STATE][0]["apply_url"] = "https://state.example/apply"
    records = made.records()
    others: list[dict[str, Any]] = [
        {},
        {"time": domain.at("2015-05-20")},
        {"authority": STATE},
        {"action": "accredit"},
        {"achievement_types": (), "competencies": (CanonicalId(f"{domain.FRAMEWORK}/1"),)},
        {"resource": CanonicalId(f"{domain.FRAMEWORK}/1")},
        {"key": domain.K1},
    ]
    entities = (COLLEGE, UNION, domain.ALIAS, STATE, by, "did:web:nobody.example", "nonsense")
    asked = [QUERY._replace(entity=entity, **other) for entity in entities for other in others]
    state = StateSitting(ECOSYSTEM)
    for query in (*asked, *reversed(asked)):
        together, alone = Reading(records), Reading(records)
        expected = decide_over(query, alone, NOW, ecosystem_id=ECOSYSTEM)
        assert state.decide(query, together, NOW) == expected
        assert sorted(together.read) == sorted(alone.read), query


def test_an_answer_that_failed_leaves_nothing_to_the_next() -> None:
    state, records = StateSitting(ECOSYSTEM), HELD.reader()
    broken = MemoryRecords({**HELD.records, ("issuer", COLLEGE): {"accreditations": [None]}})
    for _ in range(2):
        with pytest.raises(CheckError) as together:
            state.decide(QUERY, broken, NOW)
        with pytest.raises(CheckError) as alone:
            decide_over(QUERY, broken, NOW, ecosystem_id=ECOSYSTEM)
        assert (together.value.check, str(together.value)) == (alone.value.check, str(alone.value))
        assert state.decide(QUERY, records, NOW) == decide(QUERY, records, NOW, ecosystem_id=ECOSYSTEM)
    later = state.decide(QUERY, records, NOW + 1)
    assert later == decide(QUERY, records, NOW + 1, ecosystem_id=ECOSYSTEM)


def test_only_so_many_authorities_are_remembered() -> None:
    known = ProvedBefore(HELD.trie.root())
    one = ProvenRecord(type="authority", id="", raw=None, proof=b"")
    for number in range(GOVERNING_MAX + 5):
        known.keep(one._replace(id=str(number)), None)
    assert known.get("authority", str(GOVERNING_MAX - 1)) is not None
    assert known.get("authority", str(GOVERNING_MAX)) is None


def test_only_so_many_issuers_are_remembered_the_last_ones_and_never_at_an_authoritys_cost() -> None:
    known = ProvedBefore(HELD.trie.root())
    one = ProvenRecord(type="issuer", id="", raw=None, proof=b"")
    known.keep(one._replace(type="authority", id="a"), None)
    for number in range(OTHERS_MAX + 1):
        known.keep(one._replace(id=str(number)), None)
    assert known.get("authority", "a") is not None
    assert known.get("issuer", str(OTHERS_MAX)) is not None
    assert [number for number in range(OTHERS_MAX) if known.get("issuer", str(number)) is not None] == []


def test_only_so_many_bytes_of_large_records_are_remembered() -> None:
    known = ProvedBefore(HELD.trie.root())
    one = ProvenRecord(type="issuer", id="", raw=bytes(RECORD_BYTES), proof=b"")
    most = OTHERS_BYTES // RECORD_BYTES
    for number in range(most + 1):
        known.keep(one._replace(id=str(number)), None)
        assert known.get("issuer", str(number)) is not None
    assert [number for number in range(most) if known.get("issuer", str(number)) is not None] == []
    for number in range(most):
        known.keep(one._replace(id="the same", proof=bytes(number)), None)
    assert known.get("issuer", "the same") is not None


@pytest.mark.parametrize("kind", ["issuer", "accreditation"])
@pytest.mark.parametrize("member", ["raw", "proof"])
def test_a_record_that_was_proved_before_is_checked_again_where_a_byte_of_it_differs(kind: str, member: str) -> None:
    checker = EvidenceChecker(POLICY)
    assert checker.check(GOOD.encode(), QUERY, NOW).result is CheckResult.VERIFIED
    altered = []
    for one in GOOD.records:
        data = getattr(one, member)
        change: dict[str, Any] = {member: bytes([*data[:-1], data[-1] ^ 1])}
        altered.append(one._replace(**change) if one.type == kind else one)
    checked = checker.check(replace(GOOD, records=tuple(altered)).encode(), QUERY, NOW)
    assert checked.result is CheckResult.REFUTED
    assert checked.check in ("proof", "record")
    assert checker.check(GOOD.encode(), QUERY, NOW).result is CheckResult.VERIFIED


def test_what_was_proved_of_an_older_state_is_forgotten_at_a_newer_one() -> None:
    narrowed = World()
    narrowed.register()
    narrowed.event(narrowed.grant(), "withdraw", "2020-01-01")
    newer = replace(Held.of(narrowed.records()), count=HELD.count + 1)
    checker = EvidenceChecker(POLICY)
    before = checker.check(GOOD.encode(), QUERY, NOW).decision
    after = checker.check(newer.prove(QUERY, NOW).encode(), QUERY, NOW).decision
    assert before is not None
    assert after is not None
    assert (before.authorized, after.authorized) == (True, False)
    # Old records under the new note, which the checker has read, are of another root.
    mixed = replace(newer.prove(QUERY, NOW), records=GOOD.records)
    assert checker.check(mixed.encode(), QUERY, NOW).check == "proof"


# ------------------------------------------------------------------------------------------------ what is refused


def with_record(change: dict[str, Any], type: str = "issuer", id: str = COLLEGE) -> Evidence:
    records = tuple(one._replace(**change) if (one.type, one.id) == (type, id) else one for one in GOOD.records)
    assert records != GOOD.records
    return replace(GOOD, records=records)


def test_a_record_left_out_is_refuted_not_absent() -> None:
    for left_out in GOOD.records:
        records = tuple(one for one in GOOD.records if one is not left_out)
        assert verdict(replace(GOOD, records=records)) == (CheckResult.REFUTED, "missing_record")


def test_absence_claimed_for_a_present_key_is_refuted() -> None:
    assert verdict(with_record({"raw": None})) == (CheckResult.REFUTED, "record")
    absent = HELD.trie.prove(record_key("issuer", UNION))
    assert verdict(with_record({"raw": None, "proof": absent})) == (CheckResult.REFUTED, "proof")
    other_world = Held({subject: record for subject, record in HELD.records.items() if subject[0] != "issuer"})
    hidden = other_world.trie.prove(record_key("issuer", COLLEGE))
    assert verdict(with_record({"raw": None, "proof": hidden})) == (CheckResult.REFUTED, "proof")


def test_a_proof_for_another_root_is_refuted() -> None:
    other = Trie([(record_key("issuer", COLLEGE), bytes(32))])
    assert verdict(with_record({"proof": other.prove(record_key("issuer", COLLEGE))})) == (CheckResult.REFUTED, "proof")


def test_a_changed_record_is_refuted() -> None:
    record = {**HELD.records["issuer", COLLEGE], "accreditations": []}
    assert verdict(with_record({"raw": encode(record)})) == (CheckResult.REFUTED, "record")


def test_wrong_depth_reordered_truncated_and_surplus_siblings_are_refuted() -> None:
    proof = next(one.proof for one in GOOD.records if one.type == "issuer")
    depth = int.from_bytes(proof[:2], "big")
    start = 2 + (depth + 7) // 8
    siblings = [proof[at : at + 32] for at in range(start, len(proof) - 32, 32)]
    assert len(siblings) >= 2
    head, tail = proof[:start], proof[-32:]
    for altered in (
        (depth + 1).to_bytes(2, "big") + proof[2:],
        (depth - 1).to_bytes(2, "big") + proof[2:],
        head + b"".join(reversed(siblings)) + tail,
        head + b"".join(siblings[:-1]) + tail,
        head + b"".join([*siblings, siblings[0]]) + tail,
        proof[:-1],
        proof + b"\0",
        b"",
    ):
        assert verdict(with_record({"proof": altered})) == (CheckResult.REFUTED, "proof")


def test_a_surplus_record_is_refuted() -> None:
    proof = HELD.trie.prove(record_key("authority", STATE))
    spare = ProvenRecord(type="authority", id=STATE, raw=HELD.raws()["authority", STATE], proof=proof)
    records = tuple(sorted((*GOOD.records, spare), key=lambda one: (one.type, one.id)))
    assert verdict(replace(GOOD, records=records)) == (CheckResult.REFUTED, "surplus_record")


def test_another_answer_than_the_records_give_is_refuted() -> None:
    for name, value in (
        ("verdict", "not_trusted"),
        ("reasons", []),
        ("valid_until", None),
        ("issuer_name", "Another College"),
        ("time_requested", 1),
        ("time_evaluated", True),
        ("unheard_of", 1),
    ):
        checked = refused(replace(GOOD, answer={**GOOD.answer, name: value}))
        assert (checked.result, checked.check) == (CheckResult.REFUTED, "decision")
    left_out = {name: value for name, value in GOOD.answer.items() if name != "unchecked"}
    assert verdict(replace(GOOD, answer=left_out)) == (CheckResult.REFUTED, "decision")


def test_one_and_true_are_two_answers() -> None:
    one = QUERY._replace(time=1)
    evidence = HELD.prove(one, NOW)
    assert evidence.answer["time_requested"] == 1
    assert verdict(replace(evidence, answer={**evidence.answer, "time_requested": True}), query=one) == (
        CheckResult.REFUTED,
        "decision",
    )


def test_the_answer_to_another_question_is_refuted() -> None:
    assert verdict(GOOD, query=QUERY._replace(entity=UNION)) == (CheckResult.REFUTED, "question")
    asked = QUERY._replace(time=domain.at("2015-05-20"))
    assert verdict(replace(GOOD, query=asked), query=asked) == (CheckResult.REFUTED, "decision")


def test_a_withheld_revocation_is_caught_by_its_root() -> None:
    """A node that answers from before the revocation, under the newest note."""
    revoked = world()
    grant = next(one.statement.id for one in revoked.said if one.statement.kind == "accreditation.grant")
    revoked.event(grant, "revoke", "2026-05-01")
    newer = Held.of(revoked.records(), count=101)
    assert verdict(replace(GOOD, note=newer.note(NOW))) == (CheckResult.REFUTED, "root")
    roots: Any = {"records_root": newer.trie.root(), "statements_root": newer.statements_root}
    assert verdict(replace(GOOD, note=newer.note(NOW), **roots)) == (CheckResult.REFUTED, "proof")
    honest = check(newer.prove(QUERY, NOW).encode(), QUERY, POLICY, NOW)
    assert honest.decision is not None
    assert not honest.decision.authorized


def test_an_old_note_re_stamped_by_one_signer_is_stale() -> None:
    names = node_names(4)
    old, new = HELD.note(NOW - 3600, names[:3]), HELD.note(NOW, names[3:])
    stamped = old + new.partition(b"\n\n")[2]
    assert verdict(replace(GOOD, note=stamped)) == (CheckResult.STALE, "age")


def test_a_note_older_than_the_maximum_age_is_stale() -> None:
    assert verdict(replace(GOOD, note=HELD.note(NOW - 301))) == (CheckResult.STALE, "age")
    assert check(replace(GOOD, note=HELD.note(NOW - 300)).encode(), QUERY, POLICY, NOW).result is CheckResult.VERIFIED


def test_signers_with_a_clock_set_ahead_do_not_count() -> None:
    assert verdict(replace(GOOD, note=HELD.note(NOW + AHEAD_MAX + 1))) == (CheckResult.STALE, "age")
    assert (
        check(replace(GOOD, note=HELD.note(NOW + AHEAD_MAX)).encode(), QUERY, POLICY, NOW).result
        is CheckResult.VERIFIED
    )


def test_too_few_signers_are_unwitnessed_however_fresh() -> None:
    assert verdict(replace(GOOD, note=HELD.note(NOW, node_names(2)))) == (CheckResult.UNWITNESSED, "quorum")
    assert verdict(replace(GOOD, note=HELD.note(NOW, ["stranger.example"]))) == (
        CheckResult.UNWITNESSED,
        "cosignatures",
    )
    assert verdict(replace(GOOD, note=b"")) == (CheckResult.UNWITNESSED, "note")
    assert HELD.prove(QUERY, NOW, note=b"") == replace(GOOD, note=b"")


def test_a_bad_line_of_a_known_signer_refutes_the_note() -> None:
    other = cosigned(replace(HELD.state, count=99), NOW, node_names(4)[3:])
    assert verdict(replace(GOOD, note=GOOD.note + other.partition(b"\n\n")[2])) == (CheckResult.REFUTED, "cosignatures")


def test_duplicate_key_lines_refute_the_note() -> None:
    twice = GOOD.note + HELD.note(NOW, node_names(1)).partition(b"\n\n")[2]
    assert verdict(replace(GOOD, note=twice)) == (CheckResult.REFUTED, "cosignatures")


@pytest.mark.parametrize(
    "note",
    [
        GOOD.note.replace(b"\n", b"\r\n"),
        GOOD.note.replace(b"\n100\n", b"\n0100\n"),
        GOOD.note.removesuffix(b"\n"),
        GOOD.note.replace(b"=\n", b"\n", 1),
        GOOD.note + b"\n",
    ],
    ids=["CR LF", "leading zeros", "missing newline", "non-canonical base64", "a line more"],
)
def test_a_second_spelling_of_a_note_is_refuted(note: bytes) -> None:
    assert note != GOOD.note
    assert verdict(replace(GOOD, note=note)) in ((CheckResult.REFUTED, "note"), (CheckResult.REFUTED, "cosignatures"))


def test_lower_counts_than_verified_before_are_stale() -> None:
    seen = POLICY.remember(replace(HELD.state, count=101))
    assert verdict(GOOD, policy=seen) == (CheckResult.STALE, "count")


def test_another_state_of_a_count_verified_before_is_refuted() -> None:
    seen = POLICY.remember(replace(HELD.state, root=bytes(32)))
    assert verdict(GOOD, policy=seen) == (CheckResult.REFUTED, "count")
    assert check(GOOD.encode(), QUERY, POLICY.remember(HELD.state), NOW).result is CheckResult.VERIFIED


def test_an_expired_policy_decides_nothing() -> None:
    assert verdict(GOOD, policy=replace(POLICY, expires=NOW)) == (CheckResult.UNKNOWN, "policy")


def test_a_clock_set_back_or_ahead_is_noticed() -> None:
    back = verdict(GOOD, now=NOW - AHEAD_MAX - 1)
    assert back == (CheckResult.UNKNOWN, "policy")
    assert verdict(GOOD, policy=replace(POLICY, expires=NOW + 1000), now=NOW - AHEAD_MAX - 1) == (
        CheckResult.STALE,
        "age",
    )
    assert verdict(GOOD, now=NOW + POLICY.max_age + 1) == (CheckResult.STALE, "age")
    assert verdict(GOOD, now=NOW + LIFETIME) == (CheckResult.UNKNOWN, "policy")


def test_an_answer_made_long_ago_under_a_fresh_note_is_stale() -> None:
    old = HELD.prove(QUERY, NOW - 301, note=HELD.note(NOW))
    assert verdict(old) == (CheckResult.STALE, "time")
    assert verdict(HELD.prove(QUERY, NOW + 301, note=HELD.note(NOW))) == (CheckResult.STALE, "time")


def test_an_answer_that_a_date_has_overtaken_is_stale() -> None:
    end = domain.at("2030-01-01")
    policy = trust(HELD, end)
    evidence = HELD.prove(QUERY, end - 10)
    assert (
        check(evidence.encode(), QUERY, policy, end - 1).result is CheckResult.UNKNOWN
    )  # its clock is behind the policy
    assert check(evidence.encode(), QUERY, replace(policy, expires=end + 9), end - 1).result is CheckResult.VERIFIED
    assert verdict(evidence, policy=policy, now=end) == (CheckResult.STALE, "time")


def test_evidence_of_another_ecosystem_or_fold_is_unknown() -> None:
    other = Held(HELD.records, ecosystem=b"\x01" * 32)
    assert verdict(other.prove(QUERY, NOW)) == (CheckResult.UNKNOWN, "ecosystem")
    assert verdict(Held(HELD.records, fold=FOLD_VERSION + 1).prove(QUERY, NOW)) == (CheckResult.UNKNOWN, "fold")


def test_an_authority_that_the_policy_does_not_rely_on_is_unknown() -> None:
    choosy = replace(POLICY, authorities=(HLC,))
    assert verdict(GOOD, policy=choosy) == (CheckResult.UNKNOWN, "authority")
    query = QUERY._replace(authority=HLC + "#key")
    assert check(HELD.prove(query, NOW).encode(), query, choosy, NOW).result is CheckResult.VERIFIED
    nonsense = QUERY._replace(authority="no identifier")
    assert verdict(HELD.prove(nonsense, NOW), policy=choosy, query=nonsense) == (CheckResult.UNKNOWN, "authority")
    checked = check(HELD.prove(nonsense, NOW).encode(), nonsense, POLICY, NOW)
    assert checked.decision is not None
    assert checked.decision.verdict is Verdict.INDETERMINATE


def test_the_policy_names_the_signers_never_the_note() -> None:
    """Somebody's own four nodes vouch for somebody's own map."""
    forged = Held({**HELD.records, ("issuer", UNION): {"id": UNION}})
    names = [f"own{number}.example" for number in range(4)]
    assert verdict(forged.prove(QUERY, NOW, note=forged.note(NOW, names))) == (CheckResult.UNWITNESSED, "cosignatures")


def test_a_quorum_that_vouches_for_nonsense_does_not_make_a_verifier_fall_over() -> None:
    for record in (["no map"], {"id": COLLEGE}, {"accreditations": 1}, "text"):
        forged = Held({**HELD.records, ("issuer", COLLEGE): record})  # type: ignore[dict-item]
        proof = forged.trie.prove(record_key("issuer", COLLEGE))
        recorder = Recorder(Mapped(forged.reader(), forged.trie))
        records = {("charter", ECOSYSTEM): None, ("issuer", COLLEGE): None}
        for type, id in records:
            recorder.get(type, id)
        evidence = replace(GOOD, records=recorder.prove(), records_root=forged.trie.root(), note=forged.note(NOW))
        assert proof in [one.proof for one in evidence.records]
        assert verdict(evidence) == (CheckResult.REFUTED, "record")
    raw = b"\xff"
    trie = Trie([(record_key("issuer", COLLEGE), sha256(raw).digest())])
    one = ProvenRecord(type="issuer", id=COLLEGE, raw=raw, proof=trie.prove(record_key("issuer", COLLEGE)))
    with pytest.raises(CheckError, match="well-formed"):
        ProvenRecords(trie.root(), [one])


# ------------------------------------------------------------------------------------------------ making it


def test_nothing_is_proved_from_a_map_that_is_not_the_noted_one() -> None:
    with pytest.raises(RefusedError, match="does not belong to this state note"):
        HELD.prove(QUERY, NOW, note=Held({}).note(NOW))
    recorder = Recorder(Mapped(HELD.reader(), Trie()))
    recorder.get("issuer", COLLEGE)
    with pytest.raises(RefusedError, match="differs from the one that was read"):
        recorder.prove()


def test_a_record_read_by_itself_is_the_one_that_is_proved() -> None:
    held = Mapped(HELD.reader(), HELD.trie)
    found = held.encoded("issuer", COLLEGE)
    assert found is not None
    assert held.get("issuer", COLLEGE) == found[1]
    assert held.get("issuer", "did:web:nobody.example") is None


def test_who_reads_records_to_prove_them_is_told_how_many_they_are() -> None:
    recorder = Recorder(Mapped(HELD.reader(), HELD.trie))
    for _ in range(2):
        recorder.get("issuer", COLLEGE)
        recorder.get("issuer", "did:web:nobody.example")
    assert len(recorder) == len(recorder.prove()) == 2


def test_a_map_that_goes_on_while_it_is_proved_from_is_noticed() -> None:
    moving = Held(HELD.records)
    prover = Prover(Mapped(moving.reader(), moving.trie), statements_root=b"", note=NO_NOTE, ecosystem_id=ECOSYSTEM)
    moving.trie.set(bytes(32), bytes(32))
    with pytest.raises(RefusedError, match="differs from the one that was read"):
        prover.answer(QUERY, NOW)


def test_a_prover_answers_every_time_as_it_did_the_first() -> None:
    prover = Prover(
        Mapped(HELD.reader(), HELD.trie),
        statements_root=HELD.statements_root,
        note=HELD.note(NOW),
        ecosystem_id=ECOSYSTEM,
    )
    for query in (QUERY, QUERY._replace(entity=UNION), QUERY):
        decision, evidence = prover.answer(query, NOW)
        assert evidence == HELD.prove(query, NOW)
        assert check(evidence.encode(), query, POLICY, NOW).decision == decision


def test_evidence_beyond_the_maximum_is_not_written() -> None:
    big = ProvenRecord(type="issuer", id="x", raw=bytes(EVIDENCE_BYTES), proof=b"")
    with pytest.raises(DecodeError, match="at most"):
        replace(GOOD, records=(big,)).encode()
    with pytest.raises(DecodeError, match="cannot be written"):
        replace(GOOD, query=QUERY._replace(key="\ud800")).encode()
