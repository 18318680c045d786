"""Evidence as bytes: every mutation is refused by a named check, any other form too, and questions survive the way."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.query_forms import decode_query, encode_query
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError
from accredit.registry.evidence import check as evidence
from accredit.registry.evidence.check import RECORDS_MAX, Checked, Evidence, EvidenceChecker, check
from accredit.registry.evidence.state_check import CheckResult
from accredit.registry.transparency.state_note import AHEAD_MAX
from tests.strategies import domain
from tests.strategies.domain import COLLEGE, ECOSYSTEM, HLC, NOW, STATE, UNION, World
from tests.strategies.noted import Held, node_names, trust
from tests.strategies.searching import examples

QUERY = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


def world() -> World:
    made = World()
    made.register()
    made.grant(valid_from=domain.at("2010-01-01"), valid_until=domain.at("2030-01-01"))
    return made


HELD = Held.of(world().records())
POLICY = trust(HELD, NOW)
GOOD = HELD.prove(QUERY, NOW)


def verdict(data: bytes) -> tuple[CheckResult, str]:
    checked = check(data, QUERY, POLICY, NOW)
    return checked.result, checked.check


CHECKS = (
    *("form", "question", "authority", "policy", "note", "cosignatures", "ecosystem", "fold", "quorum", "age", "count"),
    *("root", "proof", "record", "time", "missing_record", "surplus_record", "decision"),
)
"""Every word that may say which check failed, in the order of the checks."""


def test_the_specification_names_every_check_and_no_other() -> None:
    assert evidence.__doc__ is not None
    table = evidence.__doc__.partition("in this order:\n\n")[2].partition("\n\n")[0]
    named = [re.split(" {3,}", row.strip())[0].split(", ") for row in table.splitlines()]
    assert tuple(word for words in named for word in words) == CHECKS


def refusals(checker: EvidenceChecker, mutations: Iterable[bytes], answers: Held = HELD) -> Counter[str]:
    """How often which check refused, of mutations that must all be refused; but for when the answer was made."""
    found: Counter[str] = Counter()
    for mutated in mutations:
        checked = checker.check(mutated, QUERY, NOW)
        if checked.result is CheckResult.VERIFIED:
            _only_the_time_differs(mutated, checked, answers)
            continue
        assert checked.check in CHECKS
        assert checked.text
        assert checked.decision is None
        assert checked.state is None
        found[checked.check] += 1
    return found


@pytest.mark.no_cover
def test_every_single_bit_and_byte_changed_in_an_evidence_file_is_refused_by_a_named_check() -> None:
    data = GOOD.encode()
    masks = (*(1 << bit for bit in range(8)), 0xFF)
    found = refusals(EvidenceChecker(POLICY), changed(data, [(at, mask) for at in range(len(data)) for mask in masks]))
    assert set(found) >= {"form", "question", "decision", "root", "proof", "record", "note", "cosignatures"}
    assert sum(found.values()) >= len(masks) * len(data) - 24, "but for the time of the answer"


def test_bytes_added_to_or_dropped_from_an_evidence_file_are_refused_by_a_named_check() -> None:
    data = GOOD.encode()
    added = (data[:at] + bytes([at % 256]) + data[at:] for at in range(len(data) + 1))
    dropped = (data[:at] + data[at + 1 :] for at in range(len(data)))
    doubled = (data[: at + 32] + data[at:] for at in range(0, len(data), 32))
    assert sum(refusals(EvidenceChecker(POLICY), (*added, *dropped, *doubled)).values()) >= 2 * len(data)


@pytest.mark.no_cover
def test_changes_all_over_a_large_evidence_file_are_refused_by_a_named_check() -> None:
    big = world()
    for second in range(100):
        big.grant(iat=second, valid_from=domain.at("2010-01-01"))
    held = Held.of(big.records())
    data = held.prove(QUERY, NOW).encode()
    assert len(data) > 50_000
    # A step that meets every kind of place: it has no divisor in common with the length of a record and its proof.
    found = refusals(
        EvidenceChecker(trust(held, NOW)), changed(data, [(at, 1 << at % 8) for at in range(0, len(data), 211)]), held
    )
    assert sum(found.values()) >= len(data) // 211
    assert set(found) >= {"proof", "record"}


def changed(data: bytes, places: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """With the byte at each place XORed with its mask."""
    for at, mask in places:
        yield data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def _only_the_time_differs(mutated: bytes, checked: Checked, answers: Held) -> None:
    """When it answered is the answerer's word, within limits: what is verified is what holds at that very time."""
    found = Evidence.decode(mutated)
    time = found.answer["time_evaluated"]
    assert replace(found, answer={**found.answer, "time_evaluated": NOW}) == answers.prove(QUERY, NOW)
    assert NOW - POLICY.max_age <= time <= NOW + AHEAD_MAX
    assert checked.decision == decide(QUERY, answers.reader(), time, ecosystem_id=ECOSYSTEM)


def test_truncated_and_lengthened_files_are_refused() -> None:
    data = GOOD.encode()
    for at in range(len(data)):
        assert verdict(data[:at]) == (CheckResult.REFUTED, "form")
    assert verdict(data + b"\0") == (CheckResult.REFUTED, "form")


def test_a_mutation_in_a_line_that_is_not_needed_cannot_change_what_is_verified() -> None:
    """With one cosignature more than a quorum, a spoiled name makes a stranger's line of it; the rest holds."""
    spare = replace(GOOD, note=HELD.note(NOW, node_names(4)))
    data = spare.encode()
    whole = check(data, QUERY, POLICY, NOW)
    survived, start = 0, data.index(spare.note)
    for at in range(start + spare.note.index(b"\n\n"), start + len(spare.note)):
        checked = check(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], QUERY, POLICY, NOW)
        if checked.result is CheckResult.VERIFIED:
            survived += 1
            assert (checked.decision, checked.state, checked.since) == (whole.decision, whole.state, whole.since)
            assert set(checked.signers) < set(whole.signers)
    assert survived


FORM: dict[str, Any] = {
    "v": 1,
    "asked": "authorization",
    "query": encode_query(QUERY),
    "answer": dict(GOOD.answer),
    "records_root": bytes(32),
    "statements_root": bytes(32),
    "records": [],
    "note": b"",
}
A_RECORD = ["issuer", "x", None, b""]


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"asked": "recognised"},
        {"query": []},
        {"query": {"entity": "x"}},
        {"query": {**FORM["query"], "ext": 1}},
        {"query": {**FORM["query"], "level": ["EQF"]}},
        {"query": {**FORM["query"], "level": ["EQF", "6"]}},
        {"query": {**FORM["query"], "competencies": []}},
        {"query": {**FORM["query"], "competencies": "x"}},
        {"query": {**FORM["query"], "competencies": [1]}},
        {"query": {**FORM["query"], "key": "k" * 513}},
        {"answer": None},
        {"records_root": b"short"},
        {"records": {}},
        {"records": [None] * (RECORDS_MAX + 1)},
        {"records": [None]},
        {"records": [["issuer", "x", None]]},
        {"records": [["issuers", "x", None, b""]]},
        {"records": [["issuer", "", None, b""]]},
        {"records": [["issuer", 1, None, b""]]},
        {"records": [["issuer", "x", "text", b""]]},
        {"records": [["issuer", "x", None, "text"]]},
        {"records": [["issuer", "x", None, bytes(10_000)]]},
        {"records": [A_RECORD, A_RECORD]},
        {"records": [["issuer", "y", None, b""], A_RECORD]},
        {"note": "text"},
        {"note": bytes(300_000)},
        {"ext": 1},
        {"more": 1},
    ],
)
def test_a_file_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        Evidence.decode(encode({**FORM, **change}))
    assert Evidence.decode(encode(FORM)).records == ()


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_and_nothing_is_raised(data: bytes) -> None:
    assert verdict(data) == (CheckResult.REFUTED, "form")


queries = st.builds(
    Query,
    entity=st.sampled_from([COLLEGE, "https://college.example/issuer", UNION, HLC, "nonsense"]),
    authority=st.sampled_from([ECOSYSTEM, HLC, STATE, UNION]),
    action=st.sampled_from(["issue", "accredit", "dance"]),
    resource=st.sampled_from([None, f"{domain.FRAMEWORK}/0", domain.FRAMEWORK]),
    time=st.none() | domain.times,
    credential_types=st.sampled_from([(), ("ClrCredential",)]),
    achievement_types=st.sampled_from([(), ("BachelorDegree",), ("ext:Own",)]),
    competencies=st.sampled_from([(), (f"{domain.FRAMEWORK}/1",)]),
    framework=st.sampled_from([None, domain.FRAMEWORK]),
    level=st.sampled_from([None, ("EQF", 6)]),
    jurisdiction=st.none() | domain.jurisdictions,
    program=st.sampled_from([None, "nursing"]),
    field_of_study=st.sampled_from([None, ("cip", "51.38")]),
    delivery_mode=st.sampled_from([None, "online"]),
    key=st.sampled_from([None, f"{COLLEGE}#k0"]),
    existed_by=st.none() | domain.times,
    committed_with=st.sampled_from([None, f"{COLLEGE}#k0"]),
)


@given(queries)
def test_a_question_is_read_as_it_was_written(query: Query) -> None:
    assert decode_query(encode_query(query), "query") == query


def test_a_question_about_an_endless_id_is_not_read() -> None:
    with pytest.raises(DecodeError, match=r"query\.entity"):
        decode_query({"entity": "x" * 5_000, "authority": ECOSYSTEM, "action": "issue"}, "query")


@pytest.mark.no_cover
@examples(25)
@given(domain.histories(), queries, st.booleans())
def test_the_decision_is_the_same_at_the_node_and_over_its_evidence(
    generated: World, query: Query, with_framework: bool
) -> None:
    if with_framework:
        generated.framework()
    held = Held.of(generated.records())
    data = held.prove(query, NOW).encode()
    checked = check(data, query, trust(held, NOW), NOW)
    assert checked.result is CheckResult.VERIFIED, checked.text
    assert checked.decision == decide(query, held.reader(), NOW, ecosystem_id=ECOSYSTEM)
