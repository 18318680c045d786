"""Evidence as bytes: every mutation is refused by a named check, any other form too, and questions survive the way."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.asking import decode_query, encode_query
from registry.decision import decide
from registry.encoding import encode
from registry.errors import DecodeError
from registry.evidence import RECORDS_MAX, Checked, Evidence, check
from registry.noted import Result
from registry.query import Query
from registry.state_note import AHEAD_MAX
from tests.strategies import domain
from tests.strategies.domain import COLLEGE, ECOSYSTEM, HLC, NOW, STATE, UNION, World
from tests.strategies.noted import Held, node_names, trust

QUERY = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


def world() -> World:
    made = World()
    made.register()
    made.grant(valid_from=domain.at("2010-01-01"), valid_until=domain.at("2030-01-01"))
    return made


HELD = Held.of(world().records())
POLICY = trust(HELD, NOW)
GOOD = HELD.prove(QUERY, NOW)


def verdict(data: bytes) -> tuple[Result, str]:
    checked = check(data, QUERY, POLICY, NOW)
    return checked.result, checked.check


def test_every_mutated_byte_of_an_evidence_file_is_refused_by_a_named_check() -> None:
    data = GOOD.encode()
    checks: dict[str, int] = {}
    for at, byte in enumerate(data):
        # Two mutations each: one bit, and all of them.
        for mask in (1 << at % 8, 0xFF):
            mutated = data[:at] + bytes([byte ^ mask]) + data[at + 1 :]
            checked = check(mutated, QUERY, POLICY, NOW)
            if checked.result is Result.VERIFIED:
                _only_the_time_differs(mutated, checked)
            else:
                assert checked.check
                assert checked.decision is None
                checks[checked.check] = checks.get(checked.check, 0) + 1
    assert set(checks) >= {"form", "question", "decision", "root", "proof", "record", "note", "cosignatures"}
    assert sum(checks.values()) >= 2 * len(data) - 8


def _only_the_time_differs(mutated: bytes, checked: Checked) -> None:
    """When it answered is the answerer's word, within limits: what is verified is what holds at that very time."""
    found = Evidence.decode(mutated)
    time = found.answer["time_evaluated"]
    assert replace(found, answer={**found.answer, "time_evaluated": NOW}) == GOOD
    assert NOW - POLICY.max_age <= time <= NOW + AHEAD_MAX
    assert checked.decision == decide(QUERY, HELD.reader(), time, ecosystem_id=ECOSYSTEM)


def test_truncated_and_lengthened_files_are_refused() -> None:
    data = GOOD.encode()
    for at in range(len(data)):
        assert verdict(data[:at]) == (Result.REFUTED, "form")
    assert verdict(data + b"\0") == (Result.REFUTED, "form")


def test_a_mutation_in_a_line_that_is_not_needed_cannot_change_what_is_verified() -> None:
    """With one cosignature more than a quorum, a spoiled name makes a stranger's line of it; the rest holds."""
    spare = replace(GOOD, note=HELD.note(NOW, node_names(4)))
    data = spare.encode()
    whole = check(data, QUERY, POLICY, NOW)
    survived, start = 0, data.index(spare.note)
    for at in range(start + spare.note.index(b"\n\n"), start + len(spare.note)):
        checked = check(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], QUERY, POLICY, NOW)
        if checked.result is Result.VERIFIED:
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
    assert verdict(data) == (Result.REFUTED, "form")


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
)


@given(queries)
def test_a_question_is_read_as_it_was_written(query: Query) -> None:
    assert decode_query(encode_query(query), "query") == query


@settings(max_examples=60)
@given(domain.histories(), queries, st.booleans())
def test_the_decision_is_the_same_at_the_node_and_over_its_evidence(
    generated: World, query: Query, with_framework: bool
) -> None:
    if with_framework:
        generated.framework()
    held = Held.of(generated.records())
    data = held.prove(query, NOW).encode()
    checked = check(data, query, trust(held, NOW), NOW)
    assert checked.result is Result.VERIFIED, checked.text
    assert checked.decision == decide(query, held.reader(), NOW, ecosystem_id=ECOSYSTEM)
