"""Every published framework at hand comes in, or is refused with a reason and the next step; nothing is lost unsaid."""

import pytest

from accredit.cli.importers.detect import read_framework
from accredit.cli.importers.frameworks.crosswalks import read_crosswalk
from accredit.cli.importers.frameworks.frameworks import FrameworkNaming
from accredit.registry.errors import DecodeError
from tests.shared_data import shared_data

NAMED = FrameworkNaming(id="https://frameworks.example/one", title="One", version="1")
UNSAID = FrameworkNaming()

FRAMEWORKS = {
    "esco/esco-1.1.1-occupations-and-groups.csv": (NAMED, "esco", 4_266, 4_266),
    "frameworks/case/AdoptedTestFramework.json": (UNSAID, "case", 1, 1),
    "frameworks/case/ccsso_ela_item.csv": (NAMED, "case", 1_188, 1_189),
    "frameworks/case/opensalt-math.json": (UNSAID, "case", 16, 16),
    "frameworks/ctdl-asn/onet-abilities.json": (UNSAID, "ctdl_asn", 71, 71),
    "frameworks/ctdl-asn/onet-basic-skills.json": (UNSAID, "ctdl_asn", 12, 12),
    "frameworks/ctdl-asn/onet-cross-functional-skills.json": (UNSAID, "ctdl_asn", 30, 30),
    "frameworks/rsd/collections-uuid-get.json": (UNSAID, "rsd", 24, 24),
    "frameworks/rsd/osmt-Skills-Import.csv": (NAMED, "rsd", 2, 2),
    "frameworks/rsd/skills-get.json": (NAMED, "rsd", 50, 50),
}
CROSSWALKS = (
    "frameworks/crosswalks/esco_onet_crosswalk_Nov2020.csv",
    "frameworks/crosswalks/scqf-eqf-mapping.json",
)


@pytest.mark.parametrize("path", FRAMEWORKS)
def test_a_published_framework_comes_in_and_what_is_left_out_is_said(path: str) -> None:
    naming, format_, taken, read = FRAMEWORKS[path]
    found = read_framework(shared_data(path).read_bytes(), path, naming)
    assert (found.body["format"], len(found.items), found.read) == (format_, taken, read)
    assert taken == read or any(one.code == "item_left_out" for one in found.findings)


@pytest.mark.parametrize("path", CROSSWALKS)
def test_a_crosswalk_is_no_framework_and_says_which_command_reads_it(path: str) -> None:
    with pytest.raises(DecodeError, match="is a crosswalk") as refused:
        read_framework(shared_data(path).read_bytes(), path, NAMED)
    assert "accredit mapping import" in refused.value.hint


def test_no_published_file_is_forgotten_here() -> None:
    root = shared_data("frameworks").parent
    found = {str(path.relative_to(root)) for name in ("frameworks", "esco") for path in (root / name).rglob("*.*")}
    assert {path for path in found if not path.endswith(".md")} == {*FRAMEWORKS, *CROSSWALKS}


def test_the_hierarchy_of_occupations_is_kept() -> None:
    path = "esco/esco-1.1.1-occupations-and-groups.csv"
    found = read_framework(shared_data(path).read_bytes(), path, NAMED)
    assert sum("parents" not in item for item in found.items) == 14
    welder = next(item for item in found.items if item.get("label") == "welder")
    assert (welder["code"], welder["type"], welder["statement"]) == ("7212.3", "occupation", "welder")
    assert welder["parents"] == ["http://data.europa.eu/esco/isco/C7212"]


HOSTILE = {
    "a workbook": b"PK\x03\x04" + bytes(range(128, 256)) * 20,
    "a PDF": b"%PDF-1.7\n" + bytes(range(128, 256)) * 20,
    "nested arrays": b"[" * 200_000,
    "an XML bomb": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ccc"><!ENTITY d "&b;&b;">]><a>&d;</a>',
    "cut off": b'{"CFDocument": {"uri": "https://x.example/',
    "half a character": "statement\nÜben\n".encode()[:-5],
    "no bytes": b"",
    "formulas": b"id,statement\n=HYPERLINK(1),x\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_of_another_kind_is_refused_by_both_readers_with_its_name(name: str) -> None:
    for read in (lambda data: read_framework(data, "some-file", NAMED), lambda data: read_crosswalk(data, "some-file")):
        with pytest.raises(DecodeError, match="some-file"):
            read(HOSTILE[name])
