"""CASE packages, Rich Skill Descriptors and sheets, in the shapes in which they are met: nothing is lost in silence."""

import csv
import io
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

BASE = "https://salt.example/uri/"
NAMED = FrameworkNaming(id="https://frameworks.example/skills", title="Skills", version="1")
TREE: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": []}


def read(value: Any, naming: FrameworkNaming = FrameworkNaming(), name: str = "f.json") -> Framework:  # noqa: B008  # frozen
    return read_framework(json.dumps(value).encode(), name, naming)


def parents(framework: Framework) -> dict[str, list[str]]:
    return {
        one["id"].removeprefix(BASE): [above.removeprefix(BASE) for above in one.get("parents", [])]
        for one in framework.items
    }


def codes(framework: Framework) -> set[str]:
    return {finding.code for finding in framework.findings}


# ------------------------------------------------------------------------------------------------ CASE


def document(**members: Any) -> dict[str, Any]:
    return {
        "identifier": "d0",
        "uri": BASE + "d0",
        "creator": "Ada",
        "title": "Maths \U0001d451",
        "lastChangeDateTime": "2017-05-25T18:05:33",
    } | members


def item(name: str, **members: Any) -> dict[str, Any]:
    return {"identifier": name, "uri": BASE + name, "fullStatement": f"Does {name}."} | members


def child(below: Any, above: Any, kind: str = "isChildOf") -> dict[str, Any]:
    return {"associationType": kind, "originNodeURI": below, "destinationNodeURI": above}


def package(items: list[Any], associations: list[Any] | None = None, **members: Any) -> dict[str, Any]:
    return {"CFDocument": document(), "CFItems": items, "CFAssociations": associations or []} | members


@st.composite
def case_shapes(draw: st.DrawFn) -> Any:
    """One package, strict or loose."""

    def link(name: str) -> Any:
        whole = {"uri": BASE + name, "identifier": name}
        return draw(st.sampled_from([whole, {"uri": BASE + name}, {"identifier": name}, BASE + name, name]))

    items = []
    for name in TREE:
        taken = item(name)
        if draw(st.booleans()):
            taken["CFDocumentURI"] = link("d0")
        if draw(st.booleans()):
            taken |= {"humanCodingScheme": None, "conceptKeywords": []}
        items.append(taken)
    associations = []
    for name, above in TREE.items():
        for one in above or (["d0"] if draw(st.booleans()) else []):
            associations += [child(link(name), link(one))] * draw(st.integers(1, 2))
    draw(st.randoms(use_true_random=False)).shuffle(associations)
    whole = package(items, associations)
    if draw(st.booleans()):
        whole["CFDefinitions"] = {"CFItemTypes": [], "CFSubjects": None}
    return {"CFPackage": whole} if draw(st.booleans()) else whole


@examples(50)
@given(case_shapes())
def test_every_shape_of_a_case_package_gives_the_same_items_links_and_counts(value: Any) -> None:
    framework = read(value)
    assert {name: sorted(above) for name, above in parents(framework).items()} == TREE
    assert [one["statement"] for one in framework.items] == [f"Does {name}." for name in TREE]
    assert (framework.read, framework.body["item_count"]) == (5, 5)
    assert framework.facts == {
        "id": BASE + "d0",
        "title": "Maths \U0001d451",
        "version": "2017-05-25",
        "format": "case",
        "publisher": "Ada",
    }
    assert codes(framework) == {"version_from_date"}


_MEMBERS = st.sampled_from(
    [
        "humanCodingScheme",
        "abbreviatedStatement",
        "alternativeLabel",
        "CFItemType",
        "educationLevel",
        "notes",
        "listEnumeration",
        "conceptKeywords",
        "licenseURI",
        "ext:x",
    ]
)
_VALUES = st.one_of(
    st.integers(0, 10**9).map("text{}".format),
    st.integers(0, 10**9).map(lambda n: [f"text{n}", f"more{n}"]),
    st.integers(0, 10**9).map(lambda n: {"title": f"text{n}", "uri": f"https://x.example/{n}"}),
)


@examples(50)
@given(st.dictionaries(_MEMBERS, _VALUES), st.dictionaries(st.sampled_from(["sequenceNumber", "notes"]), _VALUES))
def test_every_member_of_a_case_item_and_its_links_is_taken_or_reported(
    members: dict[str, Any], more: dict[str, Any]
) -> None:
    framework = read(package([item("a", **members), item("b")], [child(BASE + "b", BASE + "a") | more]))
    reported = " ".join(finding.text for finding in framework.findings)
    taken = json.dumps(framework.items)
    for name, value in members.items():
        texts = [value] if isinstance(value, str) else value if isinstance(value, list) else [value["title"]]
        assert name in reported or all(text in taken for text in texts), (name, value)
    assert all(name in reported for name in more)


def test_links_of_a_case_package_that_cannot_be_taken_are_named_and_other_relations_counted() -> None:
    framework = read(
        package(
            [item("a", humanCodingScheme="M.0 "), item("b", CFDocumentURI={"uri": BASE + "other", "title": "Other"})],
            [
                child(BASE + "a", BASE + "gone"),
                child(BASE + "lost", BASE + "a"),
                child(BASE + "a", {}),
                child(BASE + "a", BASE + "x", "exactMatchOf"),
                7,
            ],
        )
    )
    assert framework.items[0]["code"] == "M.0"
    assert parents(framework) == {"a": []}
    assert codes(framework) == {
        "version_from_date",
        "broken_parent",
        "missing_child",
        "association_left_out",
        "foreign_item",
        "other_node",
        "not_taken",
    }


def test_an_item_without_an_address_is_called_by_its_uuid_and_one_without_either_is_left_out() -> None:
    uuid = "20C50000-0000-4000-8000-000000000010"
    framework = read(package([{"identifier": uuid, "fullStatement": "Counts."}, {"fullStatement": "Adds."}, 7]))
    assert [one["id"] for one in framework.items] == [f"urn:uuid:{uuid.lower()}"]
    assert framework.read == 3
    assert {"id_from_identifier", "bad_id", "other_node"} <= codes(framework)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"CFItem": {}, "CFAssociations": []}, "not_a_case_package"),
        ({"CFDocuments": [document()]}, "not_a_case_package"),
        ({"CFPackage": {"CFDocument": document()}}, "not_a_case_package"),
        (package([item("a")], CFDocument=document(title="")), "no_title"),
        (package([item("a")], CFDocument=document(lastChangeDateTime=None)), "no_version"),
        (package([item("a")], CFDocument=document(uri="d0")), "bad_framework_id"),
        (package([]), "no_items"),
    ],
)
def test_what_is_no_whole_case_package_is_refused_with_what_to_do(value: Any, code: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(value)
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)


def test_a_case_framework_without_an_address_can_be_given_one() -> None:
    framework = read(package([item("a")], CFDocument=document(uri=None, officialSourceURL="see the book")), NAMED)
    assert framework.facts["id"] == NAMED.id
    assert "'see the book'" in " ".join(finding.text for finding in framework.findings)


# ------------------------------------------------------------------------------------------------ skills


def skill(name: str, **members: Any) -> dict[str, Any]:
    return {"id": BASE + name, "skillName": f"Name {name}", "skillStatement": f"Does {name}."} | members


SKILLS = [skill(name) for name in TREE]
HEADS = ("Canonical URL", "RSD Name", "Skill Statement", "Keywords")


@st.composite
def skill_shapes(draw: st.DrawFn) -> tuple[bytes, str]:
    """The same skills as a collection, a list or a CSV of some kind."""
    skills = [dict(one) for one in SKILLS]
    kind = draw(st.sampled_from(["collection", "list", "csv"]))
    if kind == "csv":
        text = io.StringIO()
        separator = draw(st.sampled_from([",", ";", "\t"]))
        quoting: Any = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
        writer = csv.writer(text, delimiter=separator, quoting=quoting)
        order = draw(st.permutations(range(4)))
        writer.writerow([HEADS[at] for at in order])
        for one in skills:
            cells = (one["id"], one["skillName"], one["skillStatement"], "")
            writer.writerow([cells[at] for at in order])
        return text.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))), "skills.csv"
    for one in skills:
        if draw(st.booleans()):
            one |= {"type": "RichSkillDescriptor", "keywords": [], "archiveDate": None}
    value: Any = skills
    if kind == "collection":
        value = {"type": "RichSkillCollection", "id": BASE + "col", "name": "Baking", "skills": skills}
    return json.dumps(value).encode(), "skills.json"


@examples(40)
@given(skill_shapes())
def test_every_shape_of_skills_gives_the_same_items(shape: tuple[bytes, str]) -> None:
    framework = read_framework(*shape, NAMED)
    assert framework.items == tuple(
        {"id": one["id"], "statement": one["skillStatement"], "label": one["skillName"]} for one in SKILLS
    )
    assert (framework.read, framework.facts["format"], framework.findings) == (5, "rsd", ())


def test_a_collection_names_itself_and_what_is_not_taken_of_it_is_said() -> None:
    framework = read(
        {
            "type": "RichSkillCollection",
            "id": BASE + "col",
            "name": "Baking",
            "author": [{"name": "Ada"}, "Bea"],
            "owner": "Guild",
            "updateDate": "2023-06-13T22:22:23Z",
            "description": "All of it",
            "skills": [skill("a", category="Food", keywords=["x"], alignments=[{"id": "https://x.example"}]), "b", 7],
        }
    )
    assert framework.facts == {
        "id": BASE + "col",
        "title": "Baking",
        "version": "2023-06-13",
        "format": "rsd",
        "publisher": "Ada; Bea",
    }
    assert framework.items[0]["type"] == "Food"
    assert framework.read == 3
    said = " ".join(finding.text for finding in framework.findings)
    for word in ("description", "owner", "keywords", "alignments", "not a skill"):
        assert word in said


@examples(40)
@given(st.dictionaries(st.sampled_from(["category", "status", "author", "occupations", "standards", "x"]), _VALUES))
def test_every_member_of_a_skill_is_taken_or_reported(members: dict[str, Any]) -> None:
    framework = read([skill("a", **members)], NAMED)
    said = " ".join(finding.text for finding in framework.findings)
    for name, value in members.items():
        kept = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        assert name in said or all(text in framework.items[0].get("type", "") for text in kept), (name, value)


def test_a_list_of_skills_says_no_name_and_the_hint_names_each_option() -> None:
    with pytest.raises(DecodeError) as caught:
        read(SKILLS)
    assert caught.value.hint == ("Name it: add --id https://example.org/skills --title 'Our skills' --version 2026")
    with pytest.raises(DecodeError) as caught:
        read(SKILLS, FrameworkNaming(id="skills", title="x", version="1"))
    assert caught.value.code == "bad_framework_id"


def test_skills_without_addresses_are_called_below_the_frameworks_id() -> None:
    text = 'RSD Name,Skill Statement,Standards\nWrite SQL,"Write ""select""; join.",S1\n,Nameless.,\n'
    framework = read_framework(text.encode(), "skills.csv", NAMED)
    assert [one["id"] for one in framework.items] == [f"{NAMED.id}/write-sql"]
    assert framework.items[0]["statement"] == 'Write "select"; join.'
    assert framework.read == 2
    assert codes(framework) == {"id_from_name", "not_taken", "bad_id"}


def test_a_sheet_of_our_own_columns_is_a_framework_and_damage_in_it_is_said() -> None:
    uuid = "20c50000-0000-4000-8000-000000000010"
    text = f"id;statement;parents;level\n{BASE}a;Bakes.;;1\n{uuid};Kneads.;{BASE}a;\n{BASE}c;#REF!;;\n{BASE}d;x;;;y\n"
    framework = read_framework(text.encode(), "f.csv", NAMED)
    assert framework.facts["format"] == "csv"
    assert framework.items[0] == {"id": BASE + "a", "statement": "Bakes.", "level": "1"}
    assert framework.items[1] == {"id": f"urn:uuid:{uuid}", "statement": "Kneads.", "parents": [BASE + "a"]}
    assert [one["id"] for one in framework.items[2:]] == []  # what is damaged is not signed for good
    assert (framework.read, codes(framework)) == (4, {"spreadsheet_error", "too_many_cells"})


# ------------------------------------------------------------------------------------------------ real files


@pytest.mark.parametrize(
    ("path", "naming", "count"),
    [
        (("frameworks", "case", "AdoptedTestFramework.json"), FrameworkNaming(), 1),
        (("frameworks", "case", "opensalt-math.json"), FrameworkNaming(), 16),
        (("frameworks", "case", "ccsso_ela_item.csv"), NAMED, 0),
        (("frameworks", "rsd", "collections-uuid-get.json"), FrameworkNaming(), 0),
        (("frameworks", "rsd", "skills-get.json"), NAMED, 50),
        (("frameworks", "rsd", "osmt-Skills-Import.csv"), NAMED, 2),
        (("cases", "114-case-and-rsd-not-read", "case10.json"), FrameworkNaming(), 3),
        (("cases", "114-case-and-rsd-not-read", "rsd.csv"), NAMED, 1),
    ],
)
def test_published_files_are_taken_whole(path: tuple[str, ...], naming: FrameworkNaming, count: int) -> None:
    file = shared_data(*path)
    framework = read_framework(file.read_bytes(), file.name, naming)
    left_out = [finding for finding in framework.findings if finding.code == "item_left_out"]
    assert len(framework.items) + len(left_out) == framework.read
    assert len(left_out) == (file.name == "ccsso_ela_item.csv")  # a control character in one statement
    assert count in (0, framework.read)
    assert framework.read > 0


def test_the_package_with_a_circle_a_double_and_a_lost_item_says_all_three() -> None:
    file = shared_data("cases", "114-case-and-rsd-not-read", "case10.json")
    framework = read_framework(file.read_bytes(), file.name)
    assert framework.body["title"] == "Maths \U0001d451"
    assert [one["code"] for one in framework.items] == ["M.0", "M.1", "M.2"]
    assert [finding.code for finding in framework.findings if "M." in finding.text] == [
        "broken_parent",
        "circle",
        "circle",
    ]
