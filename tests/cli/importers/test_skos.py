"""SKOS in its three syntaxes: what is taken, what is a finding, and that a file makes nobody fetch or swell."""

import json
import socket
import sys
from typing import Any

import pytest
from rdflib import Graph

from accredit.cli.importers.detect import read_framework
from accredit.cli.importers.frameworks.crosswalks import read_crosswalk
from accredit.cli.importers.frameworks.frameworks import Framework, FrameworkNaming
from accredit.registry.errors import DecodeError, NotYetError

BASE = "https://skills.example/"
PREFIXES = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix : <https://skills.example/> .
"""
SCHEME = PREFIXES + (
    ':scheme a skos:ConceptScheme ; dct:title "Skills"@en, "Destrezas"@es ; owl:versionInfo "3" ; dct:publisher '
    '"The Guild" ; dct:license <https://licence.example/by> ; skos:hasTopConcept :wood .\n'
)
WORKSHOP = SCHEME + (
    ':wood a skos:Concept ; skos:prefLabel "Woodwork"@en ; skos:definition "Works wood."@en ; skos:narrower :join .\n'
    ':join a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "Joining"@en, "Unir"@es ; skos:notation '
    '"01"^^xsd:integer ; skos:scopeNote "Joins wood."@en ; skos:altLabel "Joinery"@en ; '
    "skos:exactMatch <https://other.example/j> .\n"
    ':glue a skos:Concept ; skos:topConceptOf :scheme ; skos:broader :join ; skos:prefLabel "Gluing"@en ; '
    "owl:deprecated true ; dct:isReplacedBy <https://other.example/g> ; skos:broadMatch <https://other.example/w> .\n"
)
NAMED = FrameworkNaming(id=f"{BASE}named", title="Named", version="1")


def read(text: str, name: str = "skills.ttl", naming: FrameworkNaming = FrameworkNaming()) -> Framework:  # noqa: B008  # frozen
    return read_framework(text.encode(), name, naming)


def codes(framework: Framework) -> set[str]:
    return {finding.code for finding in framework.findings}


def concept(name: str, more: str = "skos:inScheme :scheme") -> str:
    return f':{name} a skos:Concept ; skos:prefLabel "{name}"@en ; {more} .\n'


# ------------------------------------------------------------------------------------------------ what is taken


def test_scheme_becomes_a_framework() -> None:
    framework = read(WORKSHOP)
    assert framework.facts == {
        "id": f"{BASE}scheme",
        "title": "Skills",
        "version": "3",
        "format": "skos",
        "publisher": "The Guild",
        "license": "https://licence.example/by",
    }
    assert framework.items == (
        {"id": f"{BASE}wood", "statement": "Works wood.", "label": "Woodwork"},
        {
            "id": f"{BASE}join",
            "statement": "Joins wood.",
            "label": "Joining",
            "code": "01",
            "parents": [f"{BASE}wood"],
        },
        {"id": f"{BASE}glue", "statement": "Gluing", "label": "Gluing", "parents": [f"{BASE}join"]},
    )
    assert codes(framework) == {"deprecated", "label_as_statement", "language_left_out", "not_taken"}
    said = " ".join(finding.text for finding in framework.findings)
    assert all(word in said for word in ("altLabel", "exactMatch", "broadMatch", "isReplacedBy"))


@pytest.mark.parametrize(("syntax", "name"), [("xml", "skills.rdf"), ("json-ld", "skills.jsonld"), ("nt", "skills.nt")])
def test_every_syntax_says_the_same(syntax: str, name: str) -> None:
    """Another program wrote the file: its order is its own, and all else is equal."""
    written = Graph().parse(data=WORKSHOP, format="turtle").serialize(format=syntax)
    framework, first = read(written, name), read(WORKSHOP)
    assert framework.facts == first.facts
    by_id = {item["id"]: {**item, "code": ""} for item in first.items}
    assert {item["id"]: {**item, "code": ""} for item in framework.items} == by_id
    assert read_framework(written.encode(), "-").facts == first.facts  # known without its name


def test_turtle_of_an_old_machine_is_read_by_its_encoding() -> None:
    text = SCHEME + ':a a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "Fähre"@en .\n'
    framework = read_framework(text.encode("latin-1"), "skills.ttl", encoding="latin-1")
    assert framework.items[0]["label"] == "Fähre"
    assert read_framework(b"\xef\xbb\xbf" + text.encode(), "-").items == framework.items


def test_language_is_chosen_and_the_others_are_findings() -> None:
    framework = read(WORKSHOP, naming=FrameworkNaming(language="es"))
    assert framework.facts["title"] == "Destrezas"
    assert framework.items[1]["label"] == "Unir"
    assert "other_language" in codes(framework)  # the rest of it is there in English only


def test_scheme_that_is_not_described_is_named_on_the_command_line() -> None:
    text = PREFIXES + concept("a", 'skos:prefLabel "a"')
    with pytest.raises(DecodeError, match="does not say the framework's id and title and version"):
        read(text)
    assert read(text, naming=NAMED).facts["id"] == f"{BASE}named"


def test_one_of_two_schemes_is_chosen() -> None:
    text = WORKSHOP + (
        ':more a skos:ConceptScheme ; dct:title "More" ; dct:modified "2026-05-01T10:00:00" .\n'
        + concept("iron", "skos:inScheme :more")
        + concept("alone", 'skos:altLabel "nowhere"')
    )
    with pytest.raises(DecodeError, match="2 concept schemes") as caught:
        read(text)
    assert f"--id {BASE}scheme" in str(caught.value.hint)
    framework = read(text, naming=FrameworkNaming(id=f"{BASE}more"))
    assert [item["id"] for item in framework.items] == [f"{BASE}iron"]
    assert framework.facts["version"] == "2026-05-01"
    assert {"foreign_item", "version_from_date"} <= codes(framework)


def test_damage_in_the_hierarchy_and_the_ids_is_a_finding() -> None:
    framework = read(
        SCHEME
        + "".join((concept("a", "skos:broader :b"), concept("b", "skos:broader :c"), concept("c", "skos:broader :a")))
        + concept("d", "skos:broader :gone ; skos:narrower :lost")
        + concept("e", "skos:broader :e")
        + f'[] a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "no name" .\n{concept("f")}'
        + '<relative> a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "relative" .\n'
        + f':huge a skos:Concept ; skos:inScheme :scheme ; skos:prefLabel "{"x" * 100_000}" .\n'
        + ":bag a skos:Collection ; skos:member :a .\n"
    )
    assert [item["id"].removeprefix(BASE) for item in framework.items] == ["a", "b", "c", "d", "e", "f"]
    assert not any("parents" in item for item in framework.items)
    wanted = {"circle", "broken_parent", "missing_child", "own_parent", "no_id", "item_left_out", "other_node"}
    assert wanted <= codes(framework)


def test_matches_are_links_with_their_relation() -> None:
    found = read_crosswalk(WORKSHOP.encode(), "skills.ttl")
    other = "https://other.example/"
    assert found.links == (
        {"source": f"{BASE}join", "relation": "exact_match", "target": f"{other}j", "original": "exactMatch"},
        {"source": f"{BASE}glue", "relation": "broad_match", "target": f"{other}w", "original": "broadMatch"},
        {"source": f"{BASE}glue", "relation": "replaced_by", "target": f"{other}g", "original": "replacedBy"},
    )
    assert (found.source, found.title, found.read) == (f"{BASE}scheme", "Skills", 3)
    in_json = Graph().parse(data=WORKSHOP, format="turtle").serialize(format="json-ld")
    assert len(read_crosswalk(in_json.encode(), "skills.jsonld").links) == 3
    with pytest.raises(DecodeError, match="none of its links"):
        read_crosswalk((SCHEME + concept("a", "skos:exactMatch []")).encode(), "skills.ttl")


# ------------------------------------------------------------------------------------------------ what is refused

RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
BOMB = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>{RDF}&b;</rdf:RDF>'
HIDDEN_BOMB = f'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&#38;a;&#38;a;">]>{RDF}&b;</rdf:RDF>'
LARGE_ENTITY = f'<!DOCTYPE r [<!ENTITY a "{"a" * 201}">]>{RDF}&a;</rdf:RDF>'
IN_JSON = {"@type": "skos:ConceptScheme", "@id": f"{BASE}s"}
SKOS_CONTEXT = {"skos": "http://www.w3.org/2004/02/skos/core#"}


def with_context(context: Any) -> str:
    return json.dumps({"@context": context, "@graph": [IN_JSON]})


@pytest.mark.parametrize(
    ("name", "text", "code", "said"),
    [
        ("cut.ttl", WORKSHOP[:-40], "not_rdf", "not Turtle: "),
        ("cut.rdf", f"<?xml version='1.0'?>{RDF}<rdf:Desc", "not_rdf", "not RDF/XML: unclosed token at line 1"),
        ("cut.jsonld", '{"@context": {', "not_json", "not JSON"),
        ("bad.rdf", f'{RDF}<rdf:li rdf:about="a" rdf:nodeID="b"/></rdf:RDF>', "not_rdf", "not RDF/XML"),
        ("bad.jsonld", with_context({"@base": 5}), "not_rdf", "not JSON-LD: a value"),
        ("deep.ttl", SCHEME + ":a :b " + "[ :b " * 20_000, "not_rdf", "nested too deeply"),
        ("empty.ttl", "", "no_concepts", "holds no skos:Concept"),
        ("other.rdf", f"{RDF}</rdf:RDF>", "no_concepts", "holds no skos:Concept"),
        ("page.xml", "<html><body/></html>", "no_concepts", "holds no skos:Concept"),
        ("scheme.ttl", SCHEME, "no_concepts", "holds no skos:Concept"),
        ("latin.ttl", "\udce9", "not_text", "not UTF-8"),
        ("bomb.rdf", BOMB, "xml_declaration", "the entity 'b'"),
        ("hidden.rdf", HIDDEN_BOMB, "xml_declaration", "the entity 'b'"),
        ("large.rdf", LARGE_ENTITY, "xml_declaration", "the entity 'a'"),
        ("out.rdf", f'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///a">]>{RDF}&a;</rdf:RDF>', "xml_declaration", "'a'"),
        ("par.rdf", f'<!DOCTYPE r [<!ENTITY % a "b">]>{RDF}</rdf:RDF>', "xml_declaration", "'a'"),
        ("dtd.rdf", f'<!DOCTYPE r SYSTEM "http://[::1]:1/d">{RDF}</rdf:RDF>', "xml_declaration", "type elsewhere"),
        ("att.rdf", f'<!DOCTYPE r [<!ATTLIST r a CDATA "b">]>{RDF}</rdf:RDF>', "xml_declaration", "a default"),
        ("encoding.rdf", f'<?xml version="1.0" encoding="none"?>{RDF}</rdf:RDF>', "not_rdf", "unknown encoding"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_file_is_refused_with_what_to_do(name: str, text: str, code: str, said: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read_framework(text.encode(errors="surrogateescape"), name)
    assert caught.value.code == code
    assert said in caught.value.message
    assert name in caught.value.message
    assert caught.value.hint


def test_entity_that_stands_for_a_namespace_is_read() -> None:
    """Editors of ontologies write namespaces so."""
    text = Graph().parse(data=WORKSHOP, format="turtle").serialize(format="xml")
    doctype = '<!DOCTYPE rdf:RDF [<!ENTITY skills "https://skills.example/">]>'
    text = text.replace("?>", f"?>\n{doctype}", 1).replace(f'rdf:about="{BASE}', 'rdf:about="&skills;')
    assert "&skills;wood" in text
    assert read(text, "skills.rdf").facts == read(WORKSHOP).facts


def test_no_address_in_a_file_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def refused(*arguments: Any, **_: Any) -> Any:
        opened.append(str(arguments))
        raise OSError("no network here")

    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    elsewhere = "http://contexts.example/skos.json"
    read(WORKSHOP + f":scheme owl:imports <{elsewhere}> ; dct:source <{elsewhere}> .\n")
    contexts: list[Any] = [
        elsewhere,
        [SKOS_CONTEXT, elsewhere],
        {**SKOS_CONTEXT, "@import": elsewhere},
        {**SKOS_CONTEXT, "inner": {"@id": "skos:inner", "@context": elsewhere}},
        [[SKOS_CONTEXT, elsewhere]],
        "context.json",
    ]
    for context in contexts:
        for importing in (read_framework, read_crosswalk):
            with pytest.raises(DecodeError, match="context is elsewhere"):
                importing(with_context(context).encode(), "skills.jsonld")
    assert not opened


def test_without_the_optional_package_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdflib", None)
    for name, text in (("skills.ttl", WORKSHOP), ("skills.jsonld", with_context(SKOS_CONTEXT))):
        with pytest.raises(NotYetError, match=r"not installed here \(rdflib\)") as caught:
            read(text, name)
        assert caught.value.hint == f"Install it: {sys.executable} -m pip install 'accredit[skos]'"
