"""`accredit outcomes`: the same figures as text, CSV, JSON and a drawing, from a real node."""

import csv
import io
from pathlib import Path
from xml.etree import ElementTree

import pytest

from accredit.cli.base import exits
from accredit.cli.base.tables.bar_charts import bar_charts
from accredit.cli.commands.verifier import outcomes as command
from tests.cli.town import Town


@pytest.fixture(scope="module")
def issuer(town: Town) -> str:
    return town.accredited("did:web:outcomes.example", "Outcomes College")


def test_outcomes_are_read_by_people_programs_and_spreadsheets_alike(town: Town, issuer: str) -> None:
    assert issuer
    found = town.json("outcomes")
    text = town.run("outcomes").stdout
    assert "Issuers by the best status of their accreditations" in text
    assert "military" in text, "a kind that is missing is named"
    rows = list(csv.DictReader(io.StringIO(town.run("outcomes", "--csv").stdout)))
    cells = {(row["table"], row["row"], row["column"]): row["value"] for row in rows}
    assert cells["registry", "issuers", "value"] == str(found["issuers"])
    for table, counted in found["tables"].items():
        for row in counted:
            assert cells[table, row["word"], "count"] == str(row["count"])
    assert cells["missing", found["missing"][0], "is"] == "true"


def test_a_drawing_is_whole_xml_and_replaces_nothing_unasked(town: Town, issuer: str, tmp_path: Path) -> None:
    assert issuer
    file = tmp_path / "outcomes.svg"
    town.run("outcomes", "--plot", file)
    drawn = ElementTree.fromstring(file.read_text())
    assert "Accreditations by status" in [part.text for part in drawn.iter()]
    before = file.read_bytes()
    said = town.run("outcomes", "--plot", file, code=exits.STORAGE).stderr
    assert "--force" in said
    assert file.read_bytes() == before
    town.run("outcomes", "--plot", file, "--force")


def test_a_table_is_written_to_a_file(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "outcomes.csv"
    assert town.run("outcomes", "--csv", "-o", file, "--weeks", "0").stdout == ""
    assert file.read_text().startswith("table,row,column,value")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--csv", "--json"), "cannot be combined"),
        (("-o", "x.csv"), "--csv"),
        (("--plot", "figures.png"), "--plot figures.svg"),
        (("--weeks", "-1"), "--weeks"),
        (("--weeks", "many"), "--weeks"),
    ],
)
def test_words_that_do_not_go_together_are_refused_before_anything_is_asked(
    town: Town, words: tuple[str, ...], says: str
) -> None:
    result = town.run("outcomes", *words, nodes=["http://127.0.0.1:9"], code=None)
    assert result.exit_code in (exits.USAGE, exits.REFUSED)
    assert says in result.output + result.stderr


def test_a_bar_is_as_long_as_its_count_and_strangers_words_stay_text() -> None:
    drawn = ElementTree.fromstring(bar_charts([("<b>", {"a" * 50: 2, "&": 4}), ("none", {})], title="x & y"))
    bars = [part for part in drawn.iter() if part.tag.endswith("rect")]
    widths = [float(bar.attrib["width"]) for bar in bars]
    assert widths[1] == 2 * widths[0]
    texts = [part.text or "" for part in drawn.iter()]
    assert "<b>" in texts
    assert any(text.endswith("…") for text in texts)


def test_weeks_and_times_are_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"verdict": "indeterminate", "cause": "program_needed", "category": "employer", "count": None}
    total = {"verdict": "all", "cause": "all", "category": "all", "count": 31}
    week = {"week": "2026-W47", "begins": "2026-11-16", "least": 10, "rows": [row, total]}
    promptness = {"kind": "adverse", "count": 4, "within": 3, "share": 0.75, "limit_seconds": 86_400}
    span = {"name": "appeal", "count": 2, "median_seconds": 90_000, "ninetieth_seconds": 5_400}
    found = {
        "node": "n",
        "as_of": "2026-11-27T00:00:00Z",
        "issuers": 1,
        "accreditations": 0,
        "tables": {name: [] for name in command.TITLES},
        "spans": [span],
        "publication": [promptness],
        "told_since": "2026-11-01T00:00:00Z",
        "earlier": 7,
        "missing": [],
        "unaccredited": ["employer"],
        "weeks": [week],
    }
    command._show(found)
    said = " ".join(capsys.readouterr().out.split())
    for piece in ("1 d 1.5 h", "4 3 75.0% 1 d", "7 decisions were made before", "program_needed employer withheld"):
        assert piece in said
    assert "categories without an issuer no category" in said
    assert "with issuers, but none accredited now employer" in said
    cells = list(command._cells(found))
    assert ("2026-W47", "indeterminate:program_needed", "employer", "withheld") in cells
    assert ("2026-W47", "all", "all", "31") in cells
