"""One framework in many equivalent shapes of JSON-LD: the same items and counts, and nothing lost in silence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.cli.importers.detect import read_framework
from accredit.cli.importers.frameworks.frameworks import Framework, FrameworkNaming
from accredit.registry.errors import DecodeError
from tests.shared_data import shared_data
from tests.strategies.searching import examples

BASE = "https://frameworks.example/"
IRI = "https://purl.org/ctdlasn/terms/"

# A small framework: five items, three levels, texts in two languages.
ITEMS: dict[str, dict[str, Any]] = {
    "a": {"text": {"en": "Bakes.", "es": "Hornea."}, "parents": []},
    "b": {"text": {"en": "Kneads."}, "parents": ["a"]},
    "c": {"text": {"en": "Weighs.", "es": "Pesa."}, "parents": ["a"]},
    "d": {"text": {"en": "Rests."}, "parents": ["b", "c"]},
    "e": {"text": {"en": "Sells."}, "parents": []},
}


@st.composite
def shapes(draw: st.DrawFn) -> Any:
    """The framework, written in some shape."""
    prefix = draw(st.sampled_from(["ceasn:", "", IRI]))
    as_iri_type = draw(st.booleans())

    def kind(name: str) -> Any:
        written = (IRI if as_iri_type else "ceasn:") + name
        return draw(st.sampled_from([written, [written]]))

    def text(texts: dict[str, str]) -> Any:
        values = [{"@language": tag, "@value": one} for tag, one in texts.items()]
        forms: list[Any] = [dict(texts), {tag: [one] for tag, one in texts.items()}, [dict(texts)], values]
        forms += [{"@set": values}, [{"@list": values}]]
        if len(texts) == 1:
            forms += [values[0]]
        return draw(st.sampled_from(forms))

    def reference(name: str) -> Any:
        return draw(st.sampled_from([BASE + name, {"@id": BASE + name}, [BASE + name], [{"@id": BASE + name}]]))

    def whole(names: list[str]) -> Any:
        values = [draw(st.sampled_from([BASE + name, {"@id": BASE + name}])) for name in names]
        return draw(st.sampled_from([values, {"@set": values}] + ([values[0]] if len(values) == 1 else [])))

    framework: dict[str, Any] = {
        "@id": BASE + "f",
        "@type": kind("CompetencyFramework"),
        prefix + "name": text({"en": "Baking"}),
        prefix + "dateModified": "2024-01-02",
        prefix + "inLanguage": draw(st.sampled_from(["en", ["en"]])),
    }
    nodes: dict[str, dict[str, Any]] = {}
    for name, item in ITEMS.items():
        node = {"@id": BASE + name, "@type": kind("Competency"), prefix + "competencyText": text(item["text"])}
        if draw(st.booleans()):
            node[prefix + "isPartOf"] = reference("f")
        nodes[name] = node
    embedded: set[str] = set()
    for name, item in ITEMS.items():
        for parent in item["parents"]:
            way = draw(st.sampled_from(["isChildOf", "hasChild", "embedded", "@reverse"]))
            if way == "embedded" and name not in embedded:
                embedded.add(name)
                nodes[parent].setdefault(prefix + "hasChild", []).append(nodes[name])
            elif way == "hasChild":
                nodes[parent].setdefault(prefix + "hasChild", []).append({"@id": BASE + name})
            elif way == "@reverse":
                back = nodes[name].setdefault("@reverse", {}).setdefault(prefix + "hasChild", [])
                back.append({"@id": BASE + parent})
            else:
                nodes[name].setdefault(prefix + "isChildOf", []).append(BASE + parent)
    tops = [name for name in ITEMS if name not in embedded]
    if draw(st.booleans()):
        framework[prefix + "hasTopChild"] = [nodes[name] for name in tops]
        graph: list[Any] = [framework]
    else:
        graph = [framework, *(nodes[name] for name in tops)]
        if draw(st.booleans()):  # one node in two pieces
            piece = dict(nodes[tops[0]])
            moved = {"@id": piece["@id"], prefix + "competencyText": nodes[tops[0]].pop(prefix + "competencyText")}
            graph.append(moved)
    draw(st.randoms(use_true_random=False)).shuffle(graph)
    if len(graph) == 1 and draw(st.booleans()):
        return graph[0]
    return draw(st.sampled_from([{"@graph": graph}, graph, {"@context": "https://x.example/c", "@graph": graph}]))


def read(value: Any, **options: str) -> Framework:
    return read_framework(json.dumps(value).encode(), "f.json", FrameworkNaming(**options))


def meaning(framework: Framework) -> dict[str, tuple[str, frozenset[str]]]:
    return {item["id"]: (item["statement"], frozenset(item.get("parents", ()))) for item in framework.items}


EXPECTED = {
    BASE + name: (item["text"]["en"], frozenset(BASE + parent for parent in item["parents"]))
    for name, item in ITEMS.items()
}


@examples(50)
@given(shapes())
def test_every_shape_gives_the_same_items_links_and_counts(value: Any) -> None:
    framework = read(value)
    assert meaning(framework) == EXPECTED
    assert (framework.read, framework.body["item_count"]) == (5, 5)
    assert framework.body["title"] == "Baking"
    found = {finding.code: finding.text for finding in framework.findings}
    assert set(found) == {"version_from_date", "language_left_out"}
    assert "2 times" in found["language_left_out"]


@examples(20)
@given(shapes())
def test_in_another_language_every_shape_takes_that_language_and_says_where_it_is_missing(value: Any) -> None:
    framework = read(value, language="es")
    texts = {name: item["text"].get("es", item["text"]["en"]) for name, item in ITEMS.items()}
    assert {one.removeprefix(BASE): said for one, (said, _) in meaning(framework).items()} == texts
    assert "other_language" in {finding.code for finding in framework.findings}


FRAMEWORK: dict[str, Any] = {
    "@id": BASE + "f",
    "@type": "ceasn:CompetencyFramework",
    "ceasn:name": {"en": "F"},
    "ceasn:dateModified": "2024-01-02",
}


def item(name: str, /, **members: Any) -> dict[str, Any]:
    node = {"@id": BASE + name, "@type": "ceasn:Competency", "ceasn:competencyText": {"en": f"Does {name}."}}
    return node | {f"ceasn:{member}": value for member, value in members.items()}


@pytest.mark.parametrize(
    ("nodes", "code"),
    [
        ([item("a", competencyText={"en": ["First", "Second"]})], "several_texts"),
        ([item("a", codedNotation=["1", "2"])], "not_taken"),
        ([item("a", comment={"en": "x"})], "not_taken"),
        ([item("a", hasChild=[BASE + "gone"])], "missing_child"),
        ([item("a"), {"@type": "ceasn:Competency", "ceasn:competencyText": "x"}], "no_id"),
        ([item("a"), {"@id": BASE + "r", "@type": "asn:Rubric"}], "other_node"),
        ([item("a", isPartOf="http://frameworks.example/f")], "other_scheme"),
        ([item("a"), item("b", isPartOf=BASE + "other")], "foreign_item"),
        ([item("a", competencyLabel="L", name="N")], "not_taken"),
    ],
)
def test_what_is_not_taken_of_a_source_is_a_finding(nodes: list[Any], code: str) -> None:
    framework = read({"@graph": [FRAMEWORK, *nodes]})
    assert code in {finding.code for finding in framework.findings}
    assert framework.items[0]["id"] == BASE + "a"


def test_several_texts_of_one_language_are_all_taken() -> None:
    framework = read({"@graph": [FRAMEWORK, item("a", competencyText={"en": ["First", "Second"]})]})
    assert framework.items[0]["statement"] == "First\nSecond"


def test_members_of_the_framework_that_are_not_taken_are_findings_too() -> None:
    more = {"ceasn:description": {"en": "Long."}, "ceasn:source": ["the book", "https://x.example/b"]}
    framework = read({"@graph": [FRAMEWORK | more, item("a")]})
    said = " ".join(finding.text for finding in framework.findings)
    assert "description" in said
    assert "the book" in said


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (item("f#c1"), "fragment"),
        (item("a", isPartOf="https://elsewhere.example/f"), "part of another framework"),
        (item("a", competencyText={"en": "a\u000bb"}), "control characters"),
    ],
)
def test_where_no_item_is_left_the_reason_is_that_of_the_items(node: Any, reason: str) -> None:
    with pytest.raises(DecodeError) as refused:
        read({"@graph": [FRAMEWORK, node]})
    assert refused.value.code == "no_items"
    assert reason in refused.value.hint


def test_prefixes_and_words_of_a_context_in_the_file_are_followed() -> None:
    value = {
        "@context": {"fw": BASE, "ceasn": IRI, "uri": "@id", "a": "@type"},
        "@graph": [
            {"uri": "fw:f", "a": "ceasn:CompetencyFramework", "ceasn:name": "F", "ceasn:dateModified": "2024-01-02"},
            {"uri": "fw:a", "a": "ceasn:Competency", "ceasn:competencyText": "Does a."},
        ],
    }
    framework = read(value)
    assert [one["id"] for one in framework.items] == [BASE + "a"]
    assert framework.body["id"] == BASE + "f"


def test_the_registrys_own_lists_are_read_by_their_ctids() -> None:
    ctid = "ce-11111111-1111-4111-8111-11111111111"
    listed = [
        {"@id": "f1a08dc6", "@type": "ceasn:CompetencyFramework", "ceterms:ctid": ctid + "1", "ceasn:name": "F",
         "ceasn:dateModified": "2024-01-01"},
        {"@id": "0b", "@type": "ceasn:Competency", "ceterms:ctid": ctid + "2", "ceasn:competencyText": "Does b."},
    ]  # fmt: skip
    framework = read(listed)
    assert [one["id"] for one in framework.items] == [f"https://credentialengineregistry.org/resources/{ctid}2"]
    assert "id_from_ctid" in {finding.code for finding in framework.findings}


@pytest.mark.parametrize(
    ("case", "name", "language", "texts"),
    [
        ("04-ctdl-value-objects", "in.json", "en", ["Hello"]),
        ("04-ctdl-value-objects", "in.json", "es", ["Hola"]),
        ("05-ctdl-embedded-child-lost", "in.json", "en", ["T1", "T2"]),
        ("12-no-items-wrong-reason", "http-partof.json", "en", ["T1"]),
    ],
)
def test_the_cases_that_were_collected_lose_nothing(case: str, name: str, language: str, texts: list[str]) -> None:
    data = shared_data("cases", case, name).read_bytes()
    framework = read_framework(data, name, FrameworkNaming(language=language))
    assert [one["statement"] for one in framework.items] == texts
    assert framework.read == len(texts)
