"""A crosswalk from a file to an answer: proposed, approved, shown, counted, asked about privately, and withdrawn."""

from pathlib import Path

import pytest

from tests.cli.town import Town

OURS, THEIRS = "https://crosswalked.example/skills", "https://abroad.example/skills"
COLLEGE = "did:web:crosswalked.example"
GRANT = f"""kind = "accredit"
level = "institutional"
valid_from = "2020-01-01"

[scope]
competencies = ["{OURS}/weld"]
achievement_types = "none"
credential_types = "none"
frameworks = "none"
programs = "none"
fields_of_study = "none"
levels = "none"
jurisdictions = "none"
delivery_modes = "none"
"""
CROSSWALK = f"""source,relation,target
{THEIRS}/welding,exact_match,{OURS}/weld
{THEIRS}/brazing,close_match,{OURS}/weld
{THEIRS}/soldering,same,{OURS}/weld
"""


@pytest.fixture(scope="module")
def accredited(town: Town) -> str:
    """A college that may attest one competency."""
    town.run("issuer", "propose", "--id", COLLEGE, "--name", "Crosswalked", key="charity")
    grant = town.write("welding.toml", GRANT)
    (said,) = town.json("accreditation", "propose", grant, "--issuer", COLLEGE, key="charity")["statements"]
    town.settle(said["id"])
    return COLLEGE


def test_a_crosswalk_is_proposed_approved_counted_and_withdrawn(town: Town, accredited: str, policy: Path) -> None:
    one = town.urls[:1]
    asked = ("query", accredited, "--competency", f"{THEIRS}/welding")
    assert town.json(*asked, nodes=one, code=1)["verdict"] == "not_trusted"

    named = ("--id", f"{OURS}/abroad", "--title", "Abroad and here", "--source", THEIRS, "--target", OURS, "--usable")
    path = town.write("crosswalk.csv", CROSSWALK)
    foreseen = town.run("mapping", "import", path, *named, "--dry-run", key="charity", code=1)
    assert "2 of 3" in foreseen.stdout
    assert "by 1 of its links" in foreseen.stdout
    assert "relation is not known: 'same'" in foreseen.stdout
    (said,) = town.json("mapping", "import", path, *named, key="charity")["statements"]
    town.settle(said["id"])
    town.noted()

    answer = town.json(*asked, nodes=one)
    assert [reason["code"] for reason in answer["reasons"]][:2] == ["accredited", "covered_by_mapping"]
    assert said["id"] in answer["statements"]
    private = town.json(*asked, "--policy", policy, "--private")
    assert (private["result"], private["authorized"]) == ("verified", True)

    shown = town.run("competency", "show", f"{OURS}/weld", nodes=one).stdout
    assert f"{THEIRS}/welding" in shown
    assert "← exact match" in shown
    (attestor,) = town.json("competency", "issuers", f"{THEIRS}/welding", nodes=one)["issuers"]
    assert (attestor["id"], attestor["how"]) == (accredited, "mapping")
    listed = town.run("competency", "issuers", f"{OURS}/weld", nodes=one).stdout
    assert "named in the scope" in listed
    nobody = town.run("competency", "issuers", f"{THEIRS}/brazing", nodes=one).stdout
    assert "No issuer may attest this competency" in nobody
    assert f"accredit competency show {THEIRS}/brazing" in nobody

    (ended,) = town.json("mapping", "withdraw", said["id"][:12], "--reason", "x", key="charity", nodes=one)[
        "statements"
    ]
    town.settle(ended["id"])
    assert town.json(*asked, nodes=one, code=1)["verdict"] == "not_trusted"
    assert "until" in town.run("competency", "show", f"{OURS}/weld", nodes=one).stdout


def test_sheets_of_an_old_machine_are_read_by_the_encoding_that_the_error_names(town: Town) -> None:
    sheet = town.folder / "old.csv"
    sheet.write_bytes(f"id,statement\n{OURS}/solder,Löten\n".encode("cp1252"))
    framework = ("framework", "import", sheet, "--id", OURS, "--title", "T", "--version", "1", "--dry-run")
    table = town.folder / "old-crosswalk.csv"
    table.write_bytes(CROSSWALK.encode() + b",L\xf6ten,\n")
    named = ("--id", f"{OURS}/old", "--title", "T", "--source", THEIRS, "--target", OURS, "--dry-run")
    for words, code in ((framework, 0), (("mapping", "import", table, *named), 1)):  # 1: a relation is not known
        assert "--encoding windows-1252" in town.run(*words, key="charity", code=3).stderr
        town.run(*words, "--encoding", "windows-1252", key="charity", code=code)


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        ("source,target\n", (), "names no column relation"),
        (CROSSWALK, ("--source", THEIRS), "does not say the mapping's title and target"),
        (CROSSWALK, ("--prefix", "scqf"), "does not name an address"),
    ],
)
def test_a_file_that_is_no_crosswalk_or_has_no_name_is_refused(
    town: Town, text: str, more: tuple[str, ...], says: str
) -> None:
    path = town.write("bad-crosswalk.csv", text)
    refused = town.run("mapping", "import", path, "--id", f"{OURS}/bad", *more, key="charity", code=3)
    assert says in refused.stderr
