"""Lists of issuers: every row ends as a proposal or as a finding that says what is wrong and what to do."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.cli.importers.detect import read_framework, read_issuers
from accredit.cli.importers.issuers import report
from accredit.cli.importers.issuers.row import LEFT_OUT, READY, REFUSED, SAME, Row
from accredit.cli.importers.issuers.rows import merge
from accredit.registry.domain.issuers import check_register
from accredit.registry.encoding.ed25519 import did_key, public_of
from accredit.registry.errors import AccreditError, DecodeError
from tests.shared_data import REPOSITORY, shared_data
from tests.strategies.consortium import seed_of

KEY = did_key(public_of(seed_of("an issuer")))
LIST = '{\n "meta": {},\n "registry": {\n  %s\n }\n}'


def dcc(*entries: str) -> list[Row]:
    """Rows of a DCC list with these members, written one a line."""
    return read_issuers((LIST % ",\n  ".join(entries)).encode(), "registry.json")


def one(entry: str) -> Row:
    (row,) = dcc(entry)
    return row


def codes(row: Row) -> list[str]:
    return [finding.code for finding in row.findings]


def body(row: Row) -> dict[str, Any]:
    assert row.body is not None, row.findings
    check_register(row.body)
    return row.body


def college(id: str = "did:web:college.example", **entry: Any) -> str:
    return f"{json.dumps(id)}: " + json.dumps({"name": "A College", "url": "https://college.example"} | entry)


# ------------------------------------------------------------------------------------------------ DCC lists


def test_an_entry_becomes_a_registration_with_its_place_and_jurisdiction() -> None:
    row = one(college(location="Cambridge, MA, USA"))
    assert (row.result, row.where, row.findings) == (READY, "registry.json, line 4", ())
    assert body(row) == {
        "id": "did:web:college.example",
        "name": "A College",
        "url": "https://college.example",
        "jurisdictions": ["US-MA"],
        "ext": {"location": "Cambridge, MA, USA"},
    }


def test_one_did_under_two_names_in_one_file_is_not_decided_by_which_comes_last() -> None:
    rows = merge(dcc(college(), college("did:web:other.example"), college(name="Another College")))
    assert [row.result for row in rows] == [REFUSED, READY, REFUSED]
    for row, other in (
        (rows[0], "'Another College' in registry.json, line 6"),
        (rows[2], "'A College' in registry.json, line 4"),
    ):
        assert row.findings[0].code == "two_names"
        assert other in row.findings[0].text
        assert row.findings[0].hint


def test_one_did_under_two_names_is_found_across_files_too() -> None:
    rows = read_issuers((LIST % college()).encode(), "a.json") + read_issuers(
        (LIST % college(name="B")).encode(), "b.json"
    )
    assert [row.findings[0].code for row in merge(rows)] == ["two_names", "two_names"]


def test_the_same_issuer_in_two_files_is_proposed_once_with_all_that_is_said_of_it() -> None:
    bare = LIST % '"did:web:college.example": {"name": "A College"}'
    rows = merge(read_issuers(bare.encode(), "a.json") + read_issuers((LIST % college()).encode(), "b.json"))
    assert [row.result for row in rows] == [READY, SAME]
    assert body(rows[0])["url"] == "https://college.example"
    assert rows[1].body is None
    assert "a.json, line 4" in rows[1].findings[0].text


def test_two_rows_that_disagree_on_the_site_are_both_held_back() -> None:
    rows = merge(dcc(college(), college(url="https://college.invalid", location="Munich, Germany")))
    assert [row.findings[0].code for row in rows] == ["two_facts", "two_facts"]
    assert "a different url" in rows[0].findings[0].text


def test_a_trailing_space_in_a_did_is_not_quietly_made_another_did() -> None:
    row = one(college("did:web:college.example "))
    assert (row.result, row.body, row.id) == (REFUSED, None, "did:web:college.example ")
    assert codes(row) == ["identifier_space"]
    assert "import it again" in row.findings[0].hint


def test_a_trailing_space_in_a_name_is_removed_and_said_so() -> None:
    row = one(college(name="A College "))
    assert body(row)["name"] == "A College"
    assert codes(row) == ["space_removed"]


def test_a_url_in_place_of_a_did_is_accepted_and_said_so_but_never_over_http() -> None:
    row = one(college("https://college.example/issuer"))
    assert (row.result, codes(row)) == (READY, ["url_as_id"])
    assert one(college("http://college.example/issuer")).result == REFUSED


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (college("did:key:z6Mknope"), "invalid_did"),
        (college(KEY[:-1]), "invalid_did"),
        (college("did:key:m6Mk"), "invalid_did"),
        (college("college.example"), "identifier_scheme"),
        (college("did:web:college.example#key-1"), "identifier_fragment"),
        ('"did:web:a.example": {"url": "https://a.example"}', "missing_name"),
        ('"did:web:a.example": {"name": " "}', "missing_name"),
        ('"did:web:a.example": {"name": 7}', "bad_entry"),
        ('"did:web:a.example": "A"', "bad_entry"),
        ('"did:web:a.example": {"name": "A", "name": "B"}', "doubled_member"),
        (college(name="x" * 301), "bad_member"),
        (college(location="x" * 70_000 + ", USA"), "entry_too_large"),
    ],
)
def test_a_row_that_cannot_be_said_is_refused_with_what_to_do(entry: str, code: str) -> None:
    row = one(entry)
    assert (row.result, row.body, codes(row)[0]) == (REFUSED, None, code)
    assert row.findings[0].hint


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ('"did:web:a.example": {"name": "A"}', "missing_url"),
        ('"did:web:a.example": {"name": "A", "url": "www.a.example"}', "bad_url"),
        (college(location="Worldwide"), "unknown_place"),
        (college(location="Boston, Massachussetts, USA"), "unknown_part"),
        (college(logo="x"), "unknown_members"),
        (college("did:WEB:College.example"), "respelled"),
        (college(name="A College (TEST)"), "looks_like_trial"),
        (college("did:web:dibiho.example:TUM.Test"), "looks_like_trial"),
    ],
)
def test_what_is_odd_and_harmless_is_proposed_with_a_remark(entry: str, code: str) -> None:
    row = one(entry)
    body(row)
    assert codes(row) == [code]


def test_a_contest_is_no_test() -> None:
    assert one(college(name="Contest Latest Attestation College")).findings == ()


def test_the_key_that_a_did_key_is_gets_pinned() -> None:
    assert body(one(college(KEY)))["keys"] == [
        {"id": f"{KEY}#{KEY.removeprefix('did:key:')}", "public_key_multibase": KEY.removeprefix("did:key:")}
    ]
    assert "keys" not in body(one(college()))


def test_lines_stay_right_where_names_repeat_and_are_given_up_where_ids_are_escaped() -> None:
    rows = dcc(
        college(name="did:web:b.example"), college("did:web:b.example"), '"did:web:\\u0063.example": {"name": "C"}'
    )
    assert [row.place for row in rows] == ["line 4", "line 5", "entry 3"]
    assert rows[2].id == "did:web:c.example"


def test_a_list_of_registries_is_not_taken_for_a_list_of_issuers() -> None:
    entries = [
        {
            "name": "A registry",
            "type": "dcc-legacy",
            "governanceUrl": "https://a.example",
            "url": "https://a.example/r.json",
        },
        {"name": "A federation", "type": "oidf", "trustAnchorEC": "https://b.example"},
        7,
    ]
    rows = read_issuers(json.dumps(entries).encode(), "known.json")
    assert [(row.result, codes(row)) for row in rows] == [(REFUSED, ["not_an_issuer"])] * 3
    assert "https://a.example/r.json" in rows[0].findings[0].hint


# ------------------------------------------------------------------------------------------------ histories


def event(op: str, did: str, time: str = "2024-01-01T00:00:00Z", registry: str = "list", **data: Any) -> dict[str, Any]:
    named = {"data": {"name": "A College", "url": "https://college.example"} | data} if op != "remove" else {}
    return {"registry": registry, "time": time, "commit": "0", "op": op, "did": did, **named}


def history(*events: Any) -> list[Row]:
    return read_issuers(json.dumps(events).encode(), "events.json")


def test_of_a_history_the_last_state_of_each_list_counts_whatever_the_order_of_lines() -> None:
    (row,) = history(
        event("update", "did:web:a.example", "2024-02-01T00:00:00Z", name="New"),
        event("add", "did:web:a.example", name="Old"),
    )
    assert (row.result, row.name, row.where) == (READY, "New", "events.json (list), event 1")


def test_a_removal_is_neither_proposed_nor_taken_for_a_revocation() -> None:
    (row,) = history(event("add", "did:web:a.example "), event("remove", "did:web:a.example ", "2024-03-01T00:00:00Z"))
    assert (row.result, row.body, codes(row)) == (LEFT_OUT, None, ["removed", "identifier_space"])
    assert "2024-03-01" in row.findings[0].text


def test_removed_and_added_again_is_there() -> None:
    did = "did:web:a.example"
    (row,) = history(
        event("add", did), event("remove", did, "2024-02-01T00:00:00Z"), event("add", did, "2024-03-01T00:00:00Z")
    )
    assert row.result == READY


def test_two_lists_in_one_history_are_told_apart() -> None:
    rows = merge(history(event("add", "did:web:a.example"), event("add", "did:web:a.example", registry="b", name="B")))
    assert [row.findings[0].code for row in rows] == ["two_names", "two_names"]
    assert "events.json (b), event 2" in rows[0].findings[0].text


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (event("remove", "did:web:a.example"), "removed_unknown"),
        (event("ad", "did:web:a.example"), "bad_event"),
        (event("add", ""), "bad_event"),
        (event("add", "did:web:a.example", "yesterday"), "bad_time"),
        ({"op": "add", "did": 7}, "bad_event"),
        ("add", "bad_event"),
        (event("add", "did:web:a.example") | {"data": None}, "bad_entry"),
    ],
)
def test_a_spoilt_event_is_refused_alone(spoilt: Any, code: str) -> None:
    rows = history(event("add", "did:web:good.example"), spoilt)
    assert [row.result for row in rows] == [READY, REFUSED]
    assert codes(rows[1]) == [code]
    assert rows[1].findings[0].hint


# ------------------------------------------------------------------------------------------------ our own


CSV = """# a comment, with a comma
id,name,location,categories,ror,jurisdictions

did:web:a.example,"A, College","Springfield, IL, USA",community_college bootcamp,00hj8s172,
did:web:b.example,B College,"Springfield, IL, USA",,,CA-ON MX
"""


def test_our_csv_says_lists_identifiers_and_places() -> None:
    rows = read_issuers(CSV.encode(), "list.csv")
    assert [row.place for row in rows] == ["line 4", "line 5"]
    assert body(rows[0]) == {
        "id": "did:web:a.example",
        "name": "A, College",
        "categories": ["community_college", "bootcamp"],
        "identifiers": [{"scheme": "ror", "value": "00hj8s172"}],
        "jurisdictions": ["US-IL"],
        "ext": {"location": "Springfield, IL, USA"},
    }
    assert body(rows[1])["jurisdictions"] == ["CA-ON", "MX"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("did:web:a.example,A\n", "bad_header"),
        ("", "bad_header"),
        ("id,name,id\n", "doubled_column"),
        ("id,name,categorie\n", "unknown_column"),
        ("id,name,xyzzy\n", "unknown_column"),
        ('id,name\na,"b\n', "not_csv"),
    ],
)
def test_a_csv_that_cannot_be_understood_as_a_whole_is_refused_as_a_whole(text: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_issuers(text.encode(), "list.csv")
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("did:web:a.example,A,x", "too_many_cells"),
        ("did:web:a.example,", "missing_member"),
        (",A", "missing_id"),
        (" did:web:a.example,A", "identifier_space"),
    ],
)
def test_a_csv_row_that_cannot_be_said_is_refused_alone(row: str, code: str) -> None:
    rows = read_issuers(f"id,name\n{row}\ndid:web:good.example,Good\n".encode(), "list.csv")
    assert [one.result for one in rows] == [REFUSED, READY]
    assert codes(rows[0]) == [code]


TOML = """
[[issuers]]
id = "did:web:a.example"
name = "A"
location = "Munich, Germany"
keys = [{ id = "did:web:a.example#1", public_key_multibase = "%s", valid_from = 2020-01-01 }]
ext = { note = "kept" }
"""


def test_our_toml_takes_keys_dates_and_extensions() -> None:
    key = KEY.removeprefix("did:key:")
    (row,) = read_issuers((TOML % key).encode(), "-")
    assert body(row)["keys"] == [
        {"id": "did:web:a.example#1", "public_key_multibase": key, "valid_from": 1_577_836_800}
    ]
    assert body(row)["ext"] == {"location": "Munich, Germany", "note": "kept"}
    assert body(row)["jurisdictions"] == ["DE"]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"id": "did:web:a.example", "name": "A", "nmae": "A"}, "unknown_member"),
        ({"id": "did:web:a.example", "name": "A", "location": 7}, "bad_entry"),
        ({"id": "did:web:a.example", "name": "A", "ext": {"x": 1.5}}, "not_encodable"),
        ({"id": "did:web:a.example", "name": "A", "ext": 7, "location": "Munich, Germany", "url": 7}, "bad_member"),
        ({"name": "A"}, "missing_id"),
        (7, "bad_entry"),
    ],
)
def test_in_our_own_format_what_is_not_understood_refuses_the_row(entry: Any, code: str) -> None:
    (row,) = read_issuers(json.dumps({"issuers": [entry]}).encode(), "list.json")
    assert (row.result, codes(row)[0]) == (REFUSED, code)


def test_a_member_written_twice_refuses_the_row() -> None:
    (row,) = read_issuers(b'{"issuers": [{"id": "did:web:a.example", "name": "A", "name": "B"}]}', "list.json")
    assert codes(row) == ["doubled_member"]


# ------------------------------------------------------------------------------------------------ any bytes at all


@pytest.mark.parametrize(
    ("data", "source", "code"),
    [
        (b"\xff", "x.json", "not_text"),
        (b"{", "x.json", "not_json"),
        (b"[" * 100_000, "x.json", "not_json"),
        (b'["\\ud800"]', "x.json", "not_text"),
        (b"x = " + b"9" * 5_000, "x.toml", "not_toml"),
        (b"x = ", "x.toml", "not_toml"),
        (b"[" + b"9" * 5_000 + b"]", "x.json", "not_json"),
        (b"{}", "x.json", "unknown_format"),
        (b"[]", "-", "unknown_format"),
        (b'{"registry": []}', "x.json", "not_a_dcc_list"),
        (b'{"registry": {}, "registry": {"did:web:a.example": {}}}', "x.json", "not_a_dcc_list"),
        (b'{"issuers": 7}', "x.json", "not_a_list_of_issuers"),
        (b'{"issuers": [], "x": 7}', "x.json", "not_a_list_of_issuers"),
        (b"a = 1", "-", "unknown_format"),
        (b"[a]", "x.toml", "unknown_format"),
    ],
)
def test_a_file_that_is_no_list_of_issuers_is_refused_with_what_to_do(data: bytes, source: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_issuers(data, source)
    assert caught.value.code == code


def test_where_json_is_wrong_is_said_in_a_whole_sentence() -> None:
    """Some of the decoder's messages end with `starting at`, to which a place was added with another `at`."""
    with pytest.raises(DecodeError) as caught:
        read_issuers(b'{"cut off', "x.json")
    assert caught.value.message == "x.json: not JSON: Unterminated string at line 1, column 2."


def test_a_framework_given_as_a_list_of_issuers_is_sent_to_the_other_command() -> None:
    with pytest.raises(DecodeError, match="framework import"):
        read_issuers(b'{"@graph": []}', "x.json")


NAMES = """registry issuers items @graph @type @id did op id name url location time data ceasn:name ceasn:isChildOf
title ceasn:competencyText ceterms:ctid version format statement did:web:a.example keys ext parents categories
governanceUrl en-us @value CFDocument"""
WORDS = """did:web:a.example https://a.example/ add remove 2024-01-01T00:00:00Z ceasn:CompetencyFramework
ceasn:Competency onet A USA ce-07c25f74-9119-11e8-b852-782bcb5df6ac"""
names = st.sampled_from(NAMES.split())
words = st.sampled_from(WORDS.split())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)
sources = st.sampled_from(["-", "x.json", "x.toml", "x.csv"])


def read_everything(data: bytes, source: str) -> None:
    try:
        rows = merge(read_issuers(data, source))
        for row in rows:
            assert row.result in (READY, SAME, REFUSED, LEFT_OUT)
            assert (row.body is not None) == (row.result == READY)
            assert row.result == READY or row.findings
        report.encode(Path("x.csv"), rows, []).encode()
        report.encode(Path("x.json"), rows, []).encode()
    except AccreditError:
        pass
    try:
        framework = read_framework(data, source)
        assert framework.items
    except AccreditError:
        pass


@given(st.binary(max_size=200), sources)
def test_any_bytes_are_read_or_refused(data: bytes, source: str) -> None:
    read_everything(data, source)


@given(values, sources)
@example({"registry": {"did:web:a.example": {"name": "A", "location": ","}}}, "x.json")
@example({"issuers": [{"id": "did:web:a.example", "name": "A", "ext": {"x": float("nan")}}]}, "x.json")
def test_any_json_of_our_words_is_read_or_refused(value: Any, source: str) -> None:
    read_everything(json.dumps(value).encode(), source)


@given(st.integers(0, len(CSV)), st.text(max_size=3), st.integers(0, 40))
def test_a_damaged_csv_is_read_or_refused(at: int, inserted: str, dropped: int) -> None:
    read_everything((CSV[:at] + inserted + CSV[at + dropped :]).encode("utf-8", "replace"), "x.csv")


@given(st.integers(0, len(TOML)), st.text(max_size=3), st.integers(0, 40))
def test_a_damaged_toml_is_read_or_refused(at: int, inserted: str, dropped: int) -> None:
    read_everything((TOML[:at] + inserted + TOML[at + dropped :]).encode("utf-8", "replace"), "x.toml")


# ------------------------------------------------------------------------------------------------ real lists


def test_every_row_of_every_published_list_ends_as_a_proposal_or_a_finding() -> None:
    rows = merge(
        [row for path in sorted(shared_data("dcc").iterdir()) for row in read_issuers(path.read_bytes(), path.name)]
    )
    ready = [row for row in rows if row.result == READY]
    assert len({row.id for row in ready}) == len(ready)
    for row in rows:
        if row.result == READY:
            body(row)
        else:
            assert row.findings, row
    assert Counter(row.result for row in rows) == {READY: 73, SAME: 119, REFUSED: 23, LEFT_OUT: 6}


def test_the_known_errors_of_the_published_lists_are_found() -> None:
    issuers = merge(read_issuers(shared_data("dcc", "issuer-registry.registry.json").read_bytes(), "list.json"))
    twice = [(row.place, row.name) for row in issuers if codes(row)[:1] == ["two_names"]]
    assert twice == [
        ("line 22", "College Unbound"),
        ("line 56", "Jobs for the Future (JFF) Sandbox Issuer (DCC hosted)"),
    ]
    events = merge(read_issuers(shared_data("dcc", "dcc_registry_events.json").read_bytes(), "events.json"))
    found = {(row.place, code) for row in events if row.result == LEFT_OUT for code in codes(row)}
    assert {("event 52", "identifier_space"), ("event 73", "url_as_id")} <= found
    community = read_issuers(shared_data("dcc", "community-registry.registry.json").read_bytes(), "list.json")
    assert [row.name for row in community if "space_removed" in codes(row)] == ["Jobs for The Future"]


def test_our_example_list_is_taken_whole_and_names_no_trial() -> None:
    path = REPOSITORY / "examples" / "issuers.csv"
    rows = merge(read_issuers(path.read_bytes(), str(path)))
    assert [row.result for row in rows] == [READY] * 25
    assert not [row.name for row in rows if "looks_like_trial" in codes(row)]
    assert "ILLUSTRATIVE" in path.read_text("utf-8")


def test_the_lists_of_the_examples_page_can_be_read() -> None:
    page = (REPOSITORY / "examples" / "README.md").read_text("utf-8")
    toml = page.split("```toml\n")[1].split("```")[0]
    assert [row.result for row in read_issuers(toml.encode(), "page.toml")] == [READY]
