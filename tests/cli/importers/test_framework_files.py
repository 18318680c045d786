"""Framework files: what is taken, what is not, and that the latter is always said."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.commands.registry.framework import framework_says
from accredit.cli.importers.detect import read_framework
from accredit.cli.importers.frameworks.frameworks import Framework, FrameworkNaming
from accredit.governance.rules.rulebook import check_body
from accredit.registry.domain.frameworks import items_root
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError
from accredit.registry.limits import STATEMENT_BYTES
from tests.shared_data import REPOSITORY, shared_data

BASE = "https://frameworks.example/"
CTID = "ce-00000000-1111-2222-3333-444444444444"
FRAMEWORK: dict[str, Any] = {
    "@id": BASE + "f",
    "@type": "ceasn:CompetencyFramework",
    "ceasn:name": {"en-us": "Baking"},
    "ceasn:inLanguage": ["en-US"],
    "ceasn:publisherName": {"en-us": ["The Guild"]},
    "ceasn:license": "https://creativecommons.org/licenses/by/4.0/",
    "ceasn:source": ["https://guild.example/book"],
    "ceasn:dateModified": "2020-05-01T00:00:00Z",
}


def competency(name: str, **members: Any) -> dict[str, Any]:
    return {
        "@id": BASE + name,
        "@type": "ceasn:Competency",
        "ceasn:isPartOf": BASE + "f",
        "ceasn:competencyText": {"en-us": f"Does {name}."},
    } | {f"ceasn:{member}": value for member, value in members.items()}


def nested(depth: int) -> dict[str, Any]:
    node = competency("0")
    for number in range(1, depth):
        node = competency(str(number), hasChild=node)
    return node


def ctdl(*nodes: Any, framework: dict[str, Any] | None = None, **options: str) -> Framework:
    graph = {"@context": "https://credreg.net/ctdlasn/schema/context/json", "@graph": [framework or FRAMEWORK, *nodes]}
    return read_framework(json.dumps(graph).encode(), "f.json", FrameworkNaming(**options))


BILINGUAL = FRAMEWORK | {"ceasn:name": {"en-us": "Baking", "de": "Backen"}}


def codes(framework: Framework) -> list[str]:
    return [finding.code for finding in framework.findings]


def parents(framework: Framework) -> dict[str, list[str]]:
    return {
        item["id"].removeprefix(BASE): [parent.removeprefix(BASE) for parent in item.get("parents", [])]
        for item in framework.items
    }


# ------------------------------------------------------------------------------------------------ CTDL-ASN


def test_a_framework_is_taken_with_its_hierarchy_codes_and_the_language_it_is_in() -> None:
    framework = ctdl(
        competency("a", codedNotation="1", hasChild=[BASE + "b"], isTopChildOf=BASE + "f"),
        competency(
            "b",
            codedNotation="1.a",
            competencyLabel={"en-us": "Kneading", "de": "Kneten"},
            competencyCategory={"en-us": "Skills"},
            isChildOf=[{"@id": BASE + "a"}],
        )
        | {"ceterms:ctid": CTID},
        competency("c", isChildOf=BASE + "f"),
        framework=BILINGUAL,
    )
    assert framework.facts == {
        "id": BASE + "f",
        "title": "Baking",
        "version": "2020-05-01",
        "format": "ctdl_asn",
        "publisher": "The Guild",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "source_url": "https://guild.example/book",
    }
    assert framework.items[1] == {
        "id": BASE + "b",
        "statement": "Does b.",
        "aliases": [f"https://credentialengineregistry.org/resources/{CTID}"],
        "code": "1.a",
        "label": "Kneading",
        "type": "Skills",
        "parents": [BASE + "a"],
    }
    assert parents(framework) == {"a": [], "b": ["a"], "c": []}
    assert (framework.read, framework.body["item_count"]) == (3, 3)
    assert codes(framework) == ["version_from_date", "language_left_out"]
    assert framework.findings[1].text == "Also available in de; not imported (2 times)."


def test_another_language_can_be_taken_and_a_missing_one_is_said() -> None:
    framework = ctdl(competency("a"), framework=BILINGUAL, language="de")
    assert (framework.body["title"], framework.items[0]["statement"]) == ("Backen", "Does a.")
    assert "other_language" in codes(framework)


def test_the_digest_is_of_the_bytes_and_the_root_of_the_items() -> None:
    data = json.dumps({"@graph": [FRAMEWORK, competency("a")]}).encode()
    framework = read_framework(data, "f.json")
    assert framework.body["content_digest"] == sha256(data).digest()
    assert framework.body["items_root"] == items_root(framework.items)


def test_links_upward_that_lead_nowhere_are_left_out_and_named() -> None:
    framework = ctdl(competency("a", isChildOf=[BASE + "gone"]), competency("b", isChildOf=[BASE + "b", BASE + "a"]))
    assert parents(framework) == {"a": [], "b": ["a"]}
    assert codes(framework)[1:] == ["broken_parent", "own_parent"]
    assert BASE + "gone" in framework.findings[1].text


def test_items_that_are_their_own_ancestors_lose_the_links_that_make_them_so_and_no_others() -> None:
    framework = ctdl(
        competency("top"),
        competency("a", isChildOf=[BASE + "b"]),
        competency("b", isChildOf=[BASE + "a", BASE + "top"]),
        competency("below", isChildOf=[BASE + "a"]),
    )
    assert parents(framework) == {"top": [], "a": [], "b": [], "below": ["a"]}
    assert codes(framework)[1:] == ["circle", "circle"]


def test_an_item_there_twice_is_taken_once_and_a_contradiction_is_said() -> None:
    framework = ctdl(competency("a"), competency("a"), competency("a", codedNotation="9"))
    assert (len(framework.items), framework.items[0]["code"]) == (1, "9")  # pieces of one node, as JSON-LD has it
    assert codes(framework)[1:] == []
    framework = ctdl(competency("a", codedNotation="8"), competency("a", codedNotation="9", competencyText="Other."))
    assert codes(framework)[1:] == ["not_taken", "language_left_out"]
    assert "another codedNotation, '9'" in framework.findings[1].text


def test_a_foreign_item_does_not_slip_into_the_framework() -> None:
    framework = ctdl(competency("a"), competency("b", isPartOf=BASE + "other"))
    assert list(parents(framework)) == ["a"]
    assert codes(framework)[1:] == ["foreign_item"]


@pytest.mark.parametrize(
    ("node", "code"),
    [
        (competency("b") | {"@id": "_:b0"}, "identifier_scheme"),
        (competency("b") | {"@id": 7}, "no_id"),
        (competency("b", competencyText=None), "item_left_out"),
        (competency("b", competencyText="x" * 2_001), "item_left_out"),
        (competency("b", competencyText=None, competencyLabel="Knead"), "label_as_statement"),
        (competency("b", competencyLabel="x" * 301), "member_left_out"),
        (competency("b") | {"ceterms:ctid": "nonsense"}, "bad_ctid"),
        (competency("b", weight=3), "not_taken"),
        ({"@id": BASE + "r", "@type": "asn:Rubric"}, "other_node"),
        (competency("b", isChildOf=[f"{BASE}{'p' * 480}{n}" for n in range(60)]), "member_left_out"),
    ],
)
def test_what_cannot_be_taken_of_a_node_is_said(node: dict[str, Any], code: str) -> None:
    framework = ctdl(competency("a"), node)
    assert code in codes(framework)
    assert "a" in parents(framework)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"@graph": 7}, "not_ctdl_asn"),
        ({"@graph": {}}, "not_one_framework"),
        ({"@graph": []}, "not_one_framework"),
        ({"@graph": [FRAMEWORK, FRAMEWORK | {"@id": BASE + "g"}]}, "not_one_framework"),
        ({"@graph": [FRAMEWORK]}, "no_items"),
        (FRAMEWORK, "no_items"),
        ({"@graph": [FRAMEWORK | {"@id": "x"}, competency("a")]}, "bad_framework_id"),
        ({"@graph": [FRAMEWORK | {"ceasn:name": {}}, competency("a")]}, "no_title"),
        ({"@graph": [FRAMEWORK | {"ceasn:dateModified": None}, competency("a")]}, "no_version"),
        ({"@graph": [FRAMEWORK | {"ceasn:name": "x" * 400}, competency("a")]}, "bad_member"),
        ({"@graph": [FRAMEWORK, nested(900)]}, "too_deep"),
        ({"@context": {"@base": "http://["}, "@graph": [FRAMEWORK, {"@id": "a", "@type": "Competency"}]}, "no_items"),
        ({"CFDocument": {}}, "not_a_case_package"),
        ({"registry": {}}, "unknown_format"),
        ([], "unknown_format"),
    ],
)
def test_a_file_that_is_no_framework_is_refused_with_what_to_do(document: Any, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_framework(json.dumps(document).encode(), "f.json")
    assert caught.value.code == code
    assert caught.value.hint


def test_a_version_can_be_named_and_names_without_prefix_or_as_whole_iris_are_understood() -> None:
    framework = {"@id": BASE + "f", "@type": ["https://purl.org/ctdlasn/terms/CompetencyFramework"], "name": "Baking"}
    node = {
        "@id": BASE + "a",
        "@type": "Competency",
        "https://purl.org/ctdlasn/terms/competencyText": {"@value": "Bakes."},
    }
    taken = ctdl(node, framework=framework, version="7")
    assert (taken.body["version"], taken.items[0]["statement"]) == ("7", "Bakes.")


# ------------------------------------------------------------------------------------------------ our own


OWN = """
id = "https://frameworks.example/own"
title = "Own"
version = "1"
format = "csv"

[[items]]
id = "https://FRAMEWORKS.example/own/1"
statement = "Does one."

[[items]]
id = "https://frameworks.example/own/2"
statement = "Does two."
parents = ["https://frameworks.example/own/1"]
level = "2"
"""


def test_our_own_format_is_taken_with_canonical_ids() -> None:
    framework = read_framework(OWN.encode(), "own.toml", FrameworkNaming(version="2"))
    assert [item["id"] for item in framework.items] == [BASE + "own/1", BASE + "own/2"]
    assert framework.body["version"] == "2"
    assert parents(framework)["own/2"] == ["own/1"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('title = "Own"', "", "missing_member"),
        ('title = "Own"', 'title = "Own"\ntitel = "Own"', "unknown_member"),
        ('title = "Own"', 'title = "Own"\nitem_count = 2', "not_a_framework"),
        ('title = "Own"', 'title = "Own"\next = { x = 1.5 }', "not_encodable"),
        ('id = "https://frameworks.example/own"', 'id = "own"', "bad_framework_id"),
        ("[[items]]", "[[item]]", "unknown_format"),
    ],
)
def test_a_mistake_in_our_own_format_is_refused(old: str, new: str, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_framework(OWN.replace(old, new).encode(), "own.toml")
    assert caught.value.code == code


def test_an_item_without_an_id_or_with_an_unknown_member_is_left_out_and_named() -> None:
    framework = read_framework(OWN.replace('level = "2"', 'levle = "2"').encode(), "own.toml")
    assert codes(framework) == ["member_left_out"]
    framework = read_framework(OWN.replace('id = "https://FRAMEWORKS.example/own/1"', "").encode(), "own.toml")
    assert codes(framework) == ["bad_id", "broken_parent"]


def test_an_item_too_large_for_a_statement_is_left_out_and_named() -> None:
    aliases = ", ".join(f'"{BASE}{"a" * 480}{number:02}"' for number in range(20))
    text = OWN.replace('statement = "Does two."', f'statement = "{"ü" * 2_000}"\naliases = [{aliases}]')
    framework = read_framework(text.encode(), "own.toml")
    assert (len(framework.items), codes(framework)) == (1, ["item_too_large"])


def test_a_csv_without_a_column_of_statements_is_no_framework() -> None:
    with pytest.raises(DecodeError, match="names no column statement"):
        read_framework(b"id,name\n", "f.csv")


# ------------------------------------------------------------------------------------------------ parts


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=60), st.integers(0, 50))
def test_parts_hold_every_item_in_order_and_fit_into_statements(sizes: list[int], aliases: int) -> None:
    nodes = [
        competency(
            f"{'i' * 400}{number}",
            competencyText="ü" * size,
            isChildOf=[f"{BASE}{'i' * 400}{other}" for other in range(min(number, aliases))],
        )
        for number, size in enumerate(sizes)
    ]
    framework = ctdl(*nodes)
    says = framework_says(framework.facts, framework.items, framework.body["content_digest"], "f.json")
    bodies = [say.body([bytes(32)]) if callable(say.body) else say.body for say in says]
    assert bodies[0] == framework.body
    for say, body in zip(says, bodies, strict=True):
        check_body(say.kind, body)
        assert (
            len(encode(body)) < STATEMENT_BYTES - 1_500
        )  # the rest of a statement: two identifiers, digests, signature
    assert [body["part"] for body in bodies[1:]] == list(range(len(bodies) - 1))
    assert [item for body in bodies[1:] for item in body["items"]] == list(framework.items)


# ------------------------------------------------------------------------------------------------ real files


@pytest.mark.parametrize(
    ("name", "count"), [("onet-basic-skills", 12), ("onet-cross-functional-skills", 30), ("onet-abilities", 71)]
)
def test_a_published_framework_is_taken_whole(name: str, count: int) -> None:
    path = shared_data("frameworks", "ctdl-asn", f"{name}.json")
    framework = read_framework(path.read_bytes(), path.name)
    assert (framework.read, len(framework.items)) == (count, count)
    assert set(codes(framework)) == {"version_from_date", "not_taken"}
    assert all("code" in item and "label" in item for item in framework.items)
    assert sum("parents" not in item for item in framework.items) == len(
        json.loads(path.read_bytes())["@graph"][0]["ceasn:hasTopChild"]
    )


def test_our_example_framework_says_the_same_items_as_its_source() -> None:
    path = REPOSITORY / "examples" / "frameworks" / "onet-basic-skills.toml"
    ours = read_framework(path.read_bytes(), path.name)
    assert (len(ours.items), ours.findings) == (12, ())
    assert "CC BY 4.0" in path.read_text("utf-8")
    source = shared_data("frameworks", "ctdl-asn", "onet-basic-skills.json")
    assert ours.items == read_framework(source.read_bytes(), source.name).items
