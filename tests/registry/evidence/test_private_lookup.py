"""Buckets: asking about one of many, and nobody left out of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Verdict
from accredit.registry.errors import DecodeError, RefusedError
from accredit.registry.evidence.private_lookup import LEAVES_MAX, Bucket, BucketRecords, Buckets, ask, open_bucket
from accredit.registry.evidence.state_check import CheckError, CheckResult
from tests.strategies.domain import ALIAS, COLLEGE, ECOSYSTEM, NOW, UNION, college_among_others
from tests.strategies.noted import Held, bucket_of, trust

QUERY = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))


HELD = Held.of(college_among_others().records())
POLICY = trust(HELD, NOW)


def bucket(kind: str, id: str, bits: int, held: Held = HELD) -> dict[str, Any]:
    return bucket_of(held, kind, id, bits, wanted=COLLEGE)


def opened(kind: str = "issuer", id: str = COLLEGE, bits: int = 2) -> BucketRecords:
    return open_bucket(Bucket.of(bucket(kind, id, bits)), POLICY, NOW)


def refused(value: dict[str, Any], now: int = NOW) -> tuple[CheckResult, str]:
    with pytest.raises(CheckError) as error:
        open_bucket(Bucket.of(value), POLICY, now)
    return error.value.result, error.value.check


@pytest.mark.parametrize("entity", [COLLEGE, ALIAS, UNION, "did:web:other3.example"])
@pytest.mark.parametrize("bits", [0, 1, 3, 256])
def test_whoever_is_asked_about_the_answer_is_that_of_all_records(entity: str, bits: int) -> None:
    query = QUERY._replace(entity=entity)
    found = ask(query, [opened("issuer", entity, bits), opened("alias", entity, bits)], POLICY, NOW)
    assert found == decide(query, HELD.reader(), NOW, ecosystem_id=ECOSYSTEM)
    assert found.verdict in (Verdict.TRUSTED, Verdict.UNKNOWN_ISSUER, Verdict.NOT_TRUSTED)


def test_an_issuer_left_out_of_a_bucket_is_never_taken_for_absent() -> None:
    whole = bucket("issuer", COLLEGE, 0)
    for left_out in range(len(whole["leaves"])):
        leaves = whole["leaves"][:left_out] + whole["leaves"][left_out + 1 :]
        assert refused({**whole, "leaves": leaves}) == (CheckResult.REFUTED, "prefix")


def test_an_issuer_whose_record_is_withheld_is_missing_and_not_absent() -> None:
    whole = bucket("issuer", COLLEGE, 1)
    withheld = [one for one in whole["records"] if (one["type"], one["id"]) != ("issuer", COLLEGE)]
    records = open_bucket(Bucket.of({**whole, "records": withheld}), POLICY, NOW)
    with pytest.raises(CheckError, match="no proof about it"):
        ask(QUERY, [records], POLICY, NOW)


def test_what_is_under_another_prefix_is_unknown_and_not_absent() -> None:
    here = opened("issuer", UNION, 256)
    assert here.get("issuer", UNION) is None
    with pytest.raises(CheckError, match="no proof about it"):
        here.get("issuer", "did:web:elsewhere.example")
    both = Buckets([here, opened("alias", UNION, 256)])
    assert both.get("alias", UNION) is None
    with pytest.raises(CheckError, match="no proof about it"):
        both.get("alias", "did:web:elsewhere.example")


def test_a_leaf_moved_renamed_or_made_up_is_found() -> None:
    whole = bucket("issuer", COLLEGE, 0)
    first, second, *rest = whole["leaves"]
    for leaves in (
        [second, first, *rest],
        [first, first, second, *rest],
        [[first[0], "x", first[2]], second, *rest],
        [["node", first[1], first[2]], second, *rest],
        [[first[0], first[1], "00" * 32], second, *rest],
        [*whole["leaves"], ["issuer", UNION, "00" * 32]],
    ):
        assert refused({**whole, "leaves": leaves}) == (CheckResult.REFUTED, "prefix")


def test_roots_note_proof_and_records_are_checked_as_everywhere() -> None:
    whole = bucket("issuer", COLLEGE, 1)
    assert refused({**whole, "records_root": "00" * 32}) == (CheckResult.REFUTED, "root")
    assert refused({**whole, "statements_root": "00" * 32}) == (CheckResult.REFUTED, "root")
    assert refused(whole, NOW + 10_000) == (CheckResult.STALE, "age")
    assert refused({**whole, "proof": ""}) == (CheckResult.REFUTED, "prefix")
    altered = [{**whole["records"][0], "record": None}, *whole["records"][1:]]
    assert refused({**whole, "records": altered}) == (CheckResult.REFUTED, "record")
    assert refused({**whole, "bits": 2, "prefix": "ff" * 32})[0] is CheckResult.REFUTED


def test_buckets_of_two_states_are_not_mixed() -> None:
    later = Held(HELD.records, count=HELD.count + 1)
    other = open_bucket(Bucket.of(bucket("alias", COLLEGE, 2, later)), POLICY, NOW)
    with pytest.raises(RefusedError, match="different states"):
        ask(QUERY, [opened(), other], POLICY, NOW)


def test_an_authority_that_the_policy_does_not_rely_on_is_unknown() -> None:
    policy = trust(HELD, NOW, authorities=("https://other.example/",))
    with pytest.raises(CheckError) as error:
        ask(QUERY, [opened()], policy, NOW)
    assert (error.value.result, error.value.check) == (CheckResult.UNKNOWN, "authority")


GOOD = bucket("issuer", COLLEGE, 1)
LEAF = GOOD["leaves"][0]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        *({**GOOD, name: None} for name in GOOD),
        *({**GOOD, "bits": bits} for bits in (-1, 257, "1", True, 1.0)),
        *({**GOOD, "prefix": prefix} for prefix in ("X" * 64, "0" * 65, "FF" * 32)),
        *(
            {**GOOD, "leaves": [leaf]}
            for leaf in ([], ["issuer", "x"], ["issuers", "x", LEAF[2]], ["issuer", "", LEAF[2]])
        ),
        {**GOOD, "leaves": [["issuer", "x", "00"]]},
        {**GOOD, "leaves": [LEAF] * (LEAVES_MAX + 1)},
        {**GOOD, "proof": "é"},
        {**GOOD, "proof": "A"},
        {**GOOD, "records": [{}]},
        {**GOOD, "records": [{**GOOD["records"][0], "type": "x"}]},
    ],
)
def test_what_is_no_bucket_is_refused(value: Any) -> None:
    with pytest.raises(DecodeError):
        Bucket.of(value)


@given(st.data())
def test_a_changed_byte_of_a_bucket_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    text = json.dumps(GOOD)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from('0aA"/[]{},: 1')) + text[at + 1 :]
    try:
        records = open_bucket(Bucket.of(json.loads(changed)), POLICY, NOW)
        found = ask(QUERY, [records], POLICY, NOW)
    except (ValueError, DecodeError, RefusedError):
        return
    assert found == decide(QUERY, HELD.reader(), NOW, ecosystem_id=ECOSYSTEM)
