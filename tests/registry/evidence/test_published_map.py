"""The map in files: every answer is that of all records, whoever serves them learns a bucket, and no forgery stands."""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

import pytest

from accredit.registry.decision.decide import decide
from accredit.registry.decision.query import Query
from accredit.registry.decision.verdict import Decision
from accredit.registry.domain.records import record_key
from accredit.registry.encoding.cbor import decode, encode
from accredit.registry.encoding.identifiers import CanonicalId
from accredit.registry.errors import RemoteError
from accredit.registry.evidence.deciding import decide_over
from accredit.registry.evidence.published_map import (
    MapRecords,
    OpenedMap,
    name_of,
    part_of,
    prefix_of,
    root_of,
    top_of,
    tops_in,
)
from accredit.registry.evidence.state_check import CheckError, CheckResult, read_note
from accredit.registry.transparency.state_map import Trie
from tests.strategies.domain import ALIAS, COLLEGE, ECOSYSTEM, NOW, UNION, college_among_others
from tests.strategies.noted import Held, trust
from tests.strategies.published import Cut

QUERY = Query(entity=COLLEGE, authority=ECOSYSTEM, achievement_types=("BachelorDegree",))
ABSENT = "did:web:absent.example"


HELD = Held.of(college_among_others().records())
POLICY = trust(HELD, NOW)
NOTED = read_note(HELD.note(NOW), POLICY, NOW)


def opened(cut: Cut) -> OpenedMap:
    return OpenedMap.open(cut.file(), NOTED)


def answered(cut: Cut, query: Query, fetch: Callable[[str], bytes] | None = None) -> Decision:
    return decide_over(query, MapRecords(opened(cut), fetch or cut.fetch), NOW, ecosystem_id=ECOSYSTEM)


def refused(cut: Cut, query: Query = QUERY, fetch: Callable[[str], bytes] | None = None) -> str:
    with pytest.raises(CheckError) as error:
        answered(cut, query, fetch)
    assert error.value.result is CheckResult.REFUTED
    assert error.value.hint
    return error.value.check


def given_instead(bucket: bytes, _name: str) -> bytes:
    return bucket


def bent(cut: Cut, change: Callable[[Any], Any]) -> Callable[[str], bytes]:
    """Gives every bucket with a change in it."""
    return lambda name: encode(change(decode(cut.fetch(name), max_bytes=10**7)))


@pytest.mark.parametrize("bits", [0, 1, 3, 6])
@pytest.mark.parametrize("entity", [COLLEGE, ALIAS, UNION, ABSENT, "did:web:other3.example"])
def test_whoever_is_asked_about_the_answer_is_that_of_all_records(entity: str, bits: int) -> None:
    for query in (
        QUERY._replace(entity=entity),
        QUERY._replace(entity=entity, framework=CanonicalId("https://f.example/absent")),
    ):
        assert answered(Cut(HELD, bits), query) == decide(query, HELD.reader(), NOW, ecosystem_id=ECOSYSTEM)


def test_a_trusted_issuer_is_found_by_one_bucket_and_no_other_narrows_it_down() -> None:
    cut = Cut(HELD, 3)
    assert answered(cut, QUERY).authorized
    assert cut.asked == [name_of(opened(cut).top(record_key("issuer", COLLEGE)))]


def test_a_bucket_keeps_its_name_while_nothing_in_it_changes_and_has_another_once_something_does() -> None:
    changed = college_among_others()
    changed.register("did:web:new.example")
    before, after = Cut(HELD, 4), Cut(Held.of(changed.records(), count=101), 4)
    kept = before.buckets.keys() & after.buckets.keys()
    assert len(before.buckets) - len(kept) <= 2
    assert all(before.buckets[name] == after.buckets[name] for name in kept)


def test_every_way_to_cut_every_small_map_leads_to_its_root() -> None:
    keys = [bytes([head << 5]) + bytes([head + 1]) * 31 for head in range(8)]
    for chosen in range(256):
        pairs = [(key, key) for head, key in enumerate(keys) if chosen >> head & 1]
        for bits in range(5):
            tops = [top_of([one for one in pairs if part_of(one[0], bits) == part], bits) for part in range(1 << bits)]
            assert root_of(tops) == Trie(pairs).root()


def test_a_part_begins_where_its_number_says() -> None:
    assert [prefix_of(part, 2).first[0] for part in range(4)] == [0, 64, 128, 192]
    assert part_of(prefix_of(0, 0).first, 0) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda one: [[], one[1]],
        lambda one: [one[0][:-1], one[1]],
        lambda one: [one[0][1:], one[1]],
        lambda one: [one[0][::-1], one[1]],
        lambda one: [one[0] + one[0][:1], one[1]],
        lambda one: [[[*one[0][0][:2], bytes(32)], *one[0][1:]], one[1]],
        lambda one: [[["issuer", "did:web:made-up.example", bytes(32)], *one[0]], one[1]],
    ],
)
@pytest.mark.parametrize("bits", [0, 3])
def test_a_bucket_with_a_leaf_left_out_or_made_up_is_refuted(change: Callable[[Any], Any], bits: int) -> None:
    cut = Cut(HELD, bits)
    assert refused(cut, fetch=bent(cut, change)) == "bucket"


@pytest.mark.parametrize("entity", [COLLEGE, ABSENT])
def test_another_bucket_than_the_one_asked_for_is_refuted_even_if_it_is_honest(entity: str) -> None:
    cut = Cut(HELD, 3)
    asked = QUERY._replace(entity=entity)
    right = name_of(opened(cut).top(record_key("issuer", entity)))
    for name, bucket in cut.buckets.items():
        if name != right:
            assert refused(cut, asked, partial(given_instead, bucket)) == "bucket"


def test_a_record_withheld_from_a_bucket_is_missing_and_not_absent() -> None:
    cut = Cut(HELD, 3)
    assert refused(cut, fetch=bent(cut, lambda one: [one[0], []])) == "missing_record"
    issuer = HELD.raws()["issuer", COLLEGE]
    assert refused(cut, fetch=bent(cut, lambda one: [one[0], [issuer]])) == "missing_record"  # no accreditation
    assert refused(cut, fetch=bent(cut, lambda one: [one[0], [raw + b"\0" for raw in one[1]]])) == "missing_record"


def test_an_accreditation_that_no_issuer_names_is_not_looked_for() -> None:
    cut = Cut(HELD, 3)
    with pytest.raises(CheckError, match="no bucket has it"):
        MapRecords(opened(cut), cut.fetch).get("accreditation", "00" * 32)
    assert cut.asked == []


def test_a_record_that_a_quorum_vouches_for_and_nobody_can_read_is_refuted() -> None:
    strange = Held.of(college_among_others().records())
    raws = {subject: b"\xff" if subject == ("issuer", COLLEGE) else raw for subject, raw in HELD.raws().items()}

    class Strange(Held):
        def raws(self) -> dict[Any, bytes]:
            return raws

    held = Strange(strange.records)
    held.trie.set(record_key("issuer", COLLEGE), sha256(b"\xff").digest())
    cut = Cut(held, 2)
    noted = read_note(held.note(NOW), POLICY, NOW)
    with pytest.raises(CheckError, match="not well-formed") as error:
        MapRecords(OpenedMap.open(cut.file(), noted), cut.fetch).get("issuer", COLLEGE)
    assert error.value.check == "record"


def test_what_fetching_raises_is_passed_on() -> None:
    def gone(_name: str) -> bytes:
        raise RemoteError("missing_file", "gone.")

    with pytest.raises(RemoteError, match="gone"):
        answered(Cut(HELD, 3), QUERY, gone)


MAP = decode(Cut(HELD, 2).file(), max_bytes=10**7)
LONE = next(top for top in Cut(HELD, 6).tops if len(top) == 64)


@pytest.mark.parametrize(
    ("value", "check"),
    [
        (None, "map"),
        ([], "map"),
        ([*MAP, 1], "map"),
        ([MAP[0][:-1], *MAP[1:]], "map"),
        ([MAP[0], True, *MAP[2:]], "map"),
        ([MAP[0], -1, *MAP[2:]], "map"),
        ([MAP[0], 17, *MAP[2:]], "map"),
        ([MAP[0], 1, *MAP[2:]], "map"),
        ([*MAP[:2], MAP[2][:-1], MAP[3]], "map"),
        ([*MAP[:2], [*MAP[2][:-1], bytes(31)], MAP[3]], "map"),
        ([*MAP[:2], [*MAP[2][:-1], "text"], MAP[3]], "map"),
        ([*MAP[:2], [b"\xff" * 64, *MAP[2][1:]], MAP[3]], "map"),
        ([*MAP[:3], [["issuer", "x", None, b""]]], "map"),
        ([*MAP[:3], [1]], "map"),
        ([bytes(32), *MAP[1:]], "root"),
        ([*MAP[:2], MAP[2][::-1], MAP[3]], "root"),
        ([*MAP[:2], [b"", *MAP[2][1:]], MAP[3]], "root"),
        ([*MAP[:3], [[*MAP[3][0][:2], None, MAP[3][0][3]]]], "record"),
        ([*MAP[:3], [[*MAP[3][0][:3], b""]]], "proof"),
    ],
)
def test_a_map_that_is_not_that_of_the_noted_state_is_refuted(value: Sequence[Any], check: str) -> None:
    with pytest.raises(CheckError) as error:
        OpenedMap.open(encode(value), NOTED)
    assert (error.value.result, error.value.check) == (CheckResult.REFUTED, check)


@pytest.mark.parametrize("cut_at", [0, 1, 100, -1])
def test_a_truncated_file_is_refuted(cut_at: int) -> None:
    cut = Cut(HELD, 3)
    with pytest.raises(CheckError) as error:
        OpenedMap.open(cut.file()[:cut_at], NOTED)
    assert error.value.check == "map"
    assert refused(cut, fetch=lambda name: cut.fetch(name)[:cut_at]) == "bucket"


@pytest.mark.parametrize(
    "file",
    [
        encode([]),
        encode([[], [1]]),
        encode([[1], []]),
        encode([[["nonsense", "x", bytes(32)]], []]),
        encode([[["issuer", "", bytes(32)]], []]),
        encode([[["issuer", "x", bytes(31)]], []]),
    ],
)
def test_what_is_no_bucket_is_refuted(file: bytes) -> None:
    assert refused(Cut(HELD, 3), fetch=lambda _name: file) == "bucket"


def test_a_charter_left_out_of_the_map_is_looked_for_in_its_bucket_and_missed_there() -> None:
    cut = Cut(HELD, 3)
    value = decode(cut.file(), max_bytes=10**7)
    bare = OpenedMap.open(encode([*value[:3], []]), NOTED)
    with pytest.raises(CheckError) as error:
        decide_over(QUERY, MapRecords(bare, cut.fetch), NOW, ecosystem_id=ECOSYSTEM)
    assert error.value.check == "missing_record"


def test_whoever_publishes_reads_again_how_a_map_was_cut() -> None:
    assert tops_in(Cut(HELD, 2).file()) == (2, tuple(Cut(HELD, 2).tops))


def test_a_lone_leaf_names_what_is_in_its_bucket() -> None:
    assert len(name_of(LONE)) == 64
