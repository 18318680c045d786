"""Crosswalks as the field publishes them: what is taken, what is left out and why; and files that are none."""

import json
from typing import Any

import pytest

from accredit.cli.importers.frameworks.crosswalks import LINKS_MAX, ONET, Crosswalk, in_parts, read_crosswalk
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError
from accredit.registry.limits import STATEMENT_BYTES
from tests.shared_data import shared_data

ONE, OTHER, THIRD = "https://a.example/1", "https://b.example/1", "https://b.example/2"


def sheet(*lines: str, head: str = "source,relation,target") -> Crosswalk:
    return read_crosswalk("\n".join((head, *lines)).encode(), "crosswalk.csv")


def codes(found: Crosswalk) -> list[str]:
    return [one.code for one in found.findings]


def test_a_sheet_of_links_is_read_with_confidence_and_the_sources_own_word() -> None:
    found = sheet(
        f"{ONE},exact_match,{OTHER},0.95,=sameAs",
        f"{ONE},skos:closeMatch,{THIRD},,",
        f"{OTHER},no_match,,,",
        head="source,relation,target,confidence,original",
    )
    assert found.links == (
        {"source": ONE, "target": OTHER, "relation": "exact_match", "original": "=sameAs", "confidence": 950},
        {"source": ONE, "target": THIRD, "relation": "close_match", "original": "skos:closeMatch"},
        {"source": OTHER, "target": None, "relation": "no_match"},
    )
    assert (found.read, found.findings) == (3, ())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"{ONE},equals,{OTHER}", "unknown_relation"),
        (f"{ONE},,{OTHER}", "unknown_relation"),
        (f"nonsense,exact_match,{OTHER}", "identifier_scheme"),
        (f"{ONE},exact_match,", "empty_end"),
        (f"{ONE},exact_match,{ONE}", "own_match"),
        (f"{ONE},exact_match,{OTHER},more", "too_many_cells"),
        (f"{ONE},exact_match,#REF!", "spreadsheet_error"),
        (f"{ONE},exact_match,{OTHER}\ufffd", "lost_character"),
        (f"{ONE},close_match,{THIRD}", "doubled_link"),
    ],
)
def test_a_line_that_is_no_link_is_left_out_with_its_reason_and_the_others_stand(line: str, code: str) -> None:
    good = f"{ONE},close_match,{THIRD}"
    found = sheet(good, line)
    assert [(one["source"], one["target"]) for one in found.links] == [(ONE, THIRD)]
    (finding,) = found.findings
    assert finding.code == code


@pytest.mark.parametrize(
    ("written", "confidence"), [('"0,95"', 950), ("9.5E-1", 950), ("95%", 950), ('"99,5 %"', 995), ("1", 1000)]
)
def test_a_confidence_is_read_as_spreadsheets_write_it(written: str, confidence: int) -> None:
    found = sheet(f"{ONE},exact_match,{OTHER},{written}", head="source,relation,target,confidence")
    assert found.links[0]["confidence"] == confidence


@pytest.mark.parametrize(("line", "what"), [(f"{ONE},exact_match,", "target"), (f",no_match,{OTHER}", "source")])
def test_a_line_with_an_empty_end_is_left_out_by_its_number(line: str, what: str) -> None:
    found = sheet(line, f"{ONE},exact_match,{OTHER}")
    assert len(found.links) == 1
    assert any(f"Line 2 was left out because its {what} is empty." in one.text for one in found.findings)


@pytest.mark.parametrize("confidence", ["1.5", "150%", "-1%", "%", "-0.1", "nan", "much", "1e999"])
def test_a_confidence_that_is_none_is_left_out_and_its_link_is_not(confidence: str) -> None:
    found = sheet(f"{ONE},exact_match,{OTHER},{confidence}", head="source,relation,target,confidence")
    assert "confidence" not in found.links[0]
    assert codes(found) == ["member_left_out"]


def test_an_alignment_map_says_its_frameworks_and_short_ids_need_their_prefix() -> None:
    value = {
        "@graph": [
            {
                "@id": "res:map",
                "@type": "ceterms:AlignmentMap",
                "ceterms:name": {"en": "Levels compared"},
                "ceterms:hasPart": [
                    {
                        "@type": "ceterms:AlignmentObject",
                        "ceterms:sourceNode": "x:1",
                        "ceterms:targetNode": OTHER,
                        "ceterms:alignmentType": "skos:exactMatch",
                    },
                    {
                        "@type": "ceterms:AlignmentObject",
                        "ceterms:sourceNode": THIRD,
                        "ceterms:alignmentType": "align:NoMatch",
                    },
                ],
            }
        ]
    }
    data = json.dumps(value).encode()
    without = read_crosswalk(data, "map.json")
    assert [one["relation"] for one in without.links] == ["no_match"]
    assert "neither a DID" in without.findings[0].text
    found = read_crosswalk(data, "map.json", {"x": "https://a.example/"})
    assert found.title == "Levels compared"
    assert found.links[0] == {"source": ONE, "target": OTHER, "relation": "exact_match", "original": "skos:exactMatch"}


def test_associations_of_a_case_package_are_links_and_its_hierarchy_is_not() -> None:
    def association(kind: str, start: Any, end: Any) -> dict[str, Any]:
        return {"associationType": kind, "originNodeURI": start, "destinationNodeURI": end}

    package = {
        "CFDocument": {"uri": "https://a.example/", "title": "Ours"},
        "CFItems": [],
        "CFAssociations": [
            association("isChildOf", {"uri": ONE}, {"uri": OTHER}),
            association("exactMatchOf", {"uri": ONE}, {"uri": OTHER}),
            association("replacedBy", ONE, THIRD),
            association("exactMatchOf", {"uri": ONE}, {}),
            "text",
        ],
    }
    found = read_crosswalk(json.dumps({"CFPackage": package}).encode(), "case.json")
    assert [(one["relation"], one["target"]) for one in found.links] == [("exact_match", OTHER), ("replaced_by", THIRD)]
    assert (found.source, found.title, found.read) == ("https://a.example/", "Ours", 5)
    assert sorted(codes(found)) == ["association_left_out", "bad_id", "other_node"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "bad_header"),
        (b"source,relation,target\n", "no_links"),
        (b"name,id\nx,y\n", "bad_header"),
        (b'{"a": 1}', "unknown_format"),
        (b"[1, 2]", "unknown_format"),
        (b'{"CFDocument": {}}', "no_links"),
        (b'{"CFAssociations": "text"}', "no_links"),
        (b'{"cut off', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"\xff\xfe\x00", "not_text"),
        (b"\x80\x81source,relation,target", "not_text"),
    ],
)
def test_what_is_no_crosswalk_is_refused_and_says_what_would_be_one(data: bytes, code: str) -> None:
    with pytest.raises(DecodeError) as refused:
        read_crosswalk(data, "file")
    assert refused.value.code == code
    assert refused.value.message.startswith("file")


def test_a_crosswalk_of_which_nothing_is_taken_says_which_words_are_known() -> None:
    with pytest.raises(DecodeError) as refused:
        read_crosswalk(b"source,relation,target\nhttps://a.example/1,same as,https://b.example/1\n", "file")
    assert "'same as'" in refused.value.hint
    assert "exact_match" in refused.value.hint


def test_the_headings_of_a_sheet_are_asked_for_together() -> None:
    with pytest.raises(DecodeError) as refused:
        read_crosswalk(b"From,Relation,To\nhttps://a.example/1,exact_match,https://b.example/1\n", "file")
    assert refused.value.message.endswith("names no column source or target.")


def test_a_long_crosswalk_comes_in_parts_that_each_fit_into_a_statement() -> None:
    found = sheet(*(f"{ONE},related_match,https://b.example/{'x' * (n % 300)}/{n}" for n in range(2_000)))
    parts = in_parts(found.links)
    assert [link for part in parts for link in part] == list(found.links)
    assert all(len(part) <= LINKS_MAX and len(encode(part)) < STATEMENT_BYTES - 3_000 for part in parts)


# ------------------------------------------------------------------------------------------------ published files


@pytest.mark.parametrize(
    ("path", "prefixes", "links", "relations"),
    [
        ("frameworks/crosswalks/esco_onet_crosswalk_Nov2020.csv", {}, 1_680, {"close_match"}),
        (
            "frameworks/crosswalks/scqf-eqf-mapping.json",
            {"scqf": "https://scqf.example/", "eqf": "https://eqf.example/"},
            12,
            {"no_match", "close_match", "broad_match"},
        ),
        ("frameworks/case/opensalt-math.json", {}, 21, {"exact_match", "related_match", "prerequisite"}),
    ],
)
def test_published_crosswalks_are_read_whole(
    path: str, prefixes: dict[str, str], links: int, relations: set[str]
) -> None:
    found = read_crosswalk(shared_data(path).read_bytes(), path, prefixes)
    assert (len(found.links), {one["relation"] for one in found.links}) == (links, relations)
    if "onet" in path:
        assert found.links[0]["target"] == f"{ONET}11-1011.00"
        assert "relation_not_said" in codes(found)


def test_a_package_that_holds_only_its_hierarchy_is_no_crosswalk() -> None:
    path = "frameworks/case/AdoptedTestFramework.json"
    with pytest.raises(DecodeError, match="none of its links could be imported"):
        read_crosswalk(shared_data(path).read_bytes(), path)
