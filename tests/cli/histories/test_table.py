"""A history in any table, by a map: what it tells, and every way in which a map or a row can be wrong."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from accredit.cli.histories import table
from accredit.cli.histories.plan import plan
from accredit.cli.histories.table import HistoryMap
from accredit.registry.errors import DecodeError
from tests.cli.town import Town
from tests.strategies.told_history import TODAY, ToldHistory

HISTORY = Path(__file__).resolve().parents[3] / "examples" / "history"
FILE, MAP = HISTORY / "register.csv", HISTORY / "register-map.toml"
BASE = "https://board.example/register/"
PLAIN: dict[str, Any] = {
    "source": "mine",
    "columns": {name: name for name in table.COLUMNS},
    "steps": {"warned": "sanction:warning", "cleared": "lift:warning", "closed": "close", "hello": "nothing"},
}


def told_of(rows: str, changes: dict[str, Any] | None = None) -> ToldHistory:
    heads = ",".join(table.COLUMNS)
    history = table.read(f"{heads}\n{rows}".encode(), "t.csv", HistoryMap(PLAIN | (changes or {}), "map.toml"), TODAY)
    return ToldHistory.of(plan(history, BASE), base=BASE)


def row(**cells: str) -> str:
    return ",".join(f'"{ {"institution": "1", "name": "One", **cells}.get(name, "") }"' for name in table.COLUMNS)


def test_our_example_is_answered_as_its_keeper_would() -> None:
    map = HistoryMap(tomllib.loads(MAP.read_text()), str(MAP))
    told = ToldHistory.of(plan(table.read(FILE.read_bytes(), "register.csv", map, TODAY), BASE), base=BASE)
    assert told.plan.findings == ()
    assert told.without_effect() == []
    answers = {
        ("S-1", "1987-06-01"): "indeterminate",
        ("S-1", "1988-01-01"): "trusted_with_advisory",
        ("S-1", "2026-11-27"): "trusted_with_advisory",
        ("S-1", "2019-09-03"): "trusted_with_advisory",
        ("S-2", "2018-06-29"): "trusted_historical",
        ("S-2", "2018-07-01"): "not_trusted",
        ("S-2", "2018-09-01"): "trusted_with_advisory",
        ("S-3", "2022-06-29"): "trusted_historical",
        ("S-3", "2022-06-30"): "not_trusted",
    }
    assert {key: told.ask(*key).verdict.value for key in answers} == answers
    assert "about 1987" in told.ask("S-1", "1990-01-01").reasons[0].text
    assert told.ask("S-1", "2019-09-03").reasons[-1].text.endswith("put on probation. Staff not sufficient.")
    assert told.ids["S-1"] == "did:web:harbour-nursing.example"
    assert told.ids["S-2"] == f"{BASE}S-2"


def test_a_table_may_name_agencies_programmes_months_and_what_never_began() -> None:
    rows = "\n".join(
        (
            row(start="1999-05", agency="First Board", program="law", program_name="Law", place="Boston, MA, USA"),
            row(end="2010-02-03", status="denied", agency="Second Board"),
            row(step="Warned", date="2001-01-01", until="2002-01-01", agency="First Board", program="law"),
        )
    )
    told = told_of(rows)
    assert told.without_effect() == []
    assert told.plan.agencies == {name: f"{BASE}agencies/{name.replace(' ', '%20')}" for name in told.plan.agencies}
    assert told.plan.registrations[0].body["jurisdictions"] == ["US-MA"]
    assert told.ask("1", "1999-05-31", agency="First Board").verdict.value == "indeterminate"
    assert told.ask("1", "2001-06-01", agency="First Board").reasons[-1].code == "program_not_asked"
    assert told.ask("1", "2010-02-03", agency="Second Board").reasons[0].code == "status_denied"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"start": "sometime"}, "bad_date"),
        ({"start": "42278"}, "bad_date"),
        ({"start": "1066"}, "bad_date"),
        ({"start": "2099-01-01"}, "bad_date"),
        ({}, "no_start"),
        ({"start": "2000", "end": "2010"}, "no_day"),
        ({"start": "2000", "status": "blessed"}, "unknown_status"),
        ({"start": "2000", "name": ""}, "missing_cell"),
        ({"start": "2000", "institution": "1/2"}, "bad_key"),
        ({"start": "2000", "institution": "数" * 40}, "bad_key"),
        ({"start": "2000", "agency": "x" * 91}, "bad_member"),
        ({"start": "2000", "name": "UniversitÃ©"}, "mojibake"),
        ({"start": "2000", "name": "Uni\u202eversity"}, "bad_member"),
        ({"start": "2000", "name": "First\tSecond"}, "bad_member"),
        ({"start": "2000", "name": "U" * 301}, "bad_member"),
        ({"start": "2000", "id": "S-1"}, "identifier_scheme"),
        ({"step": "warned", "date": "2001-01-01", "text": "fine\u200b"}, "bad_member"),
        ({"step": "sung at", "date": "2001-01-01"}, "unknown_step"),
        ({"step": "warned"}, "no_date"),
        ({"step": "warned", "date": "2001"}, "no_date"),
        ({"step": "closed", "date": "2001-01-01", "reason": "bored"}, "bad_reason"),
        ({"step": "hello", "date": "2001-01-01"}, "changes_nothing"),
    ],
)
def test_a_line_that_cannot_be_taken_is_left_out_and_named(cells: dict[str, str], code: str) -> None:
    heads, good = ",".join(table.COLUMNS), row(start="2000-01-01", institution="2", name="Two")
    data = f"{heads}\n{good}\n{row(**cells)}".encode()
    history = table.read(data, "t.csv", HistoryMap(PLAIN, "map.toml"), TODAY)
    assert [(one.where, one.finding.code, one.is_left_out) for one in history.findings] == [
        ("t.csv, line 3", code, True)
    ]
    assert (len(history.spells), history.steps) == (1, [])


def test_a_day_with_its_midnight_is_read_by_the_formats_of_the_map() -> None:
    map_ = HistoryMap({**PLAIN, "dates": {"formats": ["%d/%m/%Y"]}}, "map.toml")
    for written in ("2000-02-01 00:00:00", "01/02/2000 00:00", "01/02/2000"):
        assert map_.dated(written).time == 949_363_200
    with pytest.raises(DecodeError):
        map_.dated("2000-02-01 10:00:00")


def test_a_long_reason_of_several_lines_is_kept_as_far_as_a_statement_holds_it() -> None:
    rows = [row(start="2000"), row(step="warned", date="2001-01-01", text="first\r\nsecond " + "x" * 5_000)]
    (step,) = table.read(
        "\n".join((",".join(table.COLUMNS), *rows)).encode(), "t.csv", HistoryMap(PLAIN, "map.toml"), TODAY
    ).steps
    assert step.text.startswith("warned. first\nsecond")
    assert told_of("\n".join(rows)).without_effect() == []


def test_a_table_that_somebody_else_keeps_says_of_when_it_is() -> None:
    told = told_of(row(start="2000-01-01"), {"as_of": date(2020, 11, 2)})
    assert told.ask("1").reasons[-1].text == "Condition: As reported by 2020-11-02 (mine); not checked since."


def test_one_number_under_two_names_is_left_out() -> None:
    told = told_of("\n".join((row(start="2000"), row(start="2001", name="Other"))))
    assert [one.finding.code for one in told.plan.findings] == ["other_name"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"colums": {}}, "a member colums"),
        ({"source": ""}, "no source"),
        ({"columns": []}, "columns that is no table"),
        ({"columns": {"institution": "a"}}, "which column is the name"),
        ({"columns": {"school": "a"}}, "maps a column school"),
        ({"columns": {"status": "a", "step": "a"}}, "gives status and step the one heading 'a'"),
        ({"statuses": {"x": "holy"}}, "'holy'"),
        ({"steps": {"x": "bless"}}, "'bless'"),
        ({"steps": {"x": "sanction"}}, "'sanction'"),
        ({"steps": {"x": "sanction:mild"}}, "'sanction:mild'"),
        ({"steps": {"x": "renew:twice"}}, "'renew:twice'"),
        ({"as_of": "2020-11-02"}, "as_of that is no day"),
        ({"dates": {"formats": "%Y"}}, "no list of texts"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(DecodeError) as caught:
        HistoryMap(PLAIN | changes, "map.toml")
    assert caught.value.message.startswith("map.toml ")
    assert words in caught.value.message
    assert caught.value.hint


def test_a_school_without_a_number_is_named_by_its_name() -> None:
    columns = {"institution": "School", "name": "School", "id": "DID", "start": "From", "until": "To"}
    for names in (columns, dict(reversed(columns.items()))):
        map = HistoryMap({"source": "mine", "columns": names}, "map.toml")
        history = table.read(b"School,DID,From,To\nOne,did:web:one.example,2000,\n", "t.csv", map, TODAY)
        told = ToldHistory.of(plan(history, BASE), base=BASE)
        assert told.plan.findings == ()
        assert told.ids == {"One": "did:web:one.example"}


def test_a_heading_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(DecodeError, match="no column has the heading 'name'"):
        table.read(b"institution,start\n1,2000\n", "t.csv", HistoryMap(PLAIN, "map.toml"), TODAY)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "The headings are: none; the file is empty."), ("institution,name\n\n,,\n", "Save the sheet")],
)
def test_a_sheet_that_holds_nothing_is_refused_and_does_not_pass_for_an_import_of_nothing(
    text: str, words: str
) -> None:
    map = HistoryMap({"source": "mine", "columns": {"institution": "institution", "name": "name"}}, "map.toml")
    with pytest.raises(DecodeError) as refused:
        table.read(text.encode(), "t.csv", map, TODAY)
    assert words in refused.value.hint
    assert refused.value.message.startswith("t.csv")


def test_the_command_imports_our_example(town: Town, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ("history", "import", "table", FILE, "--map", MAP)
    said = town.json(*words, "--report", report, key="agency")
    assert (said["institutions"], said["planned"]["accreditation.grant"]) == (3, 4)
    again = town.json(*words, key="agency")
    assert again["statements"] == []
    town.run("history", "import", "table", FILE, "--map", tmp_path / "none.toml", key="agency", code=3)
    in_effect = sum(one["state"] != "waiting" for one in said["statements"])
    notes = town.run("approve", "--from", report, "--dry-run", key="charity", code=None).stderr
    assert f"{in_effect} left out: already in effect" in notes, "an import's report is not listed line by line"


def test_the_command_shows_which_rows_it_leaves_out_and_what_to_do(town: Town, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_bytes(FILE.read_text().replace("01/10/2015", "42278").replace("Hill", "Höhe").encode("cp1252"))
    words = ("history", "import", "table", sheet, "--map", MAP, "--dry-run")
    assert "--encoding windows-1252" in town.run(*words, key="agency", code=3).stderr
    told = " ".join(town.run(*words, "--encoding", "windows-1252", key="agency", code=1).stdout.split())
    assert "3 institutions of 1 agency:" in told
    assert "1 row left out, 0 taken by a rule; --report FILE lists all." in told
    assert "sheet.csv, line 5: Höhe Academy '42278' is no date. A spreadsheet's own number for 2015-10-01" in told


def test_a_date_that_two_formats_of_the_map_read_differently_is_not_guessed() -> None:
    formats = {"dates": {"formats": ["%d/%m/%Y", "%m/%d/%Y"]}}
    found = told_of(row(start="03/09/2019"), formats).plan.findings
    assert [one.finding.text for one in found] == [
        "'03/09/2019' may be 2019-03-09 or 2019-09-03, by the formats of the map."
    ]
    assert told_of(row(start="09/09/2019"), formats).plan.findings == ()
    assert told_of(row(start="30/09/2019"), formats).plan.findings == ()


def test_a_spreadsheets_own_number_for_a_date_is_named_as_the_day_it_may_mean() -> None:
    (found,) = told_of(row(start="42278")).plan.findings
    assert "2015-10-01" in found.finding.hint


def test_a_table_in_the_code_page_of_an_old_machine_is_read_once_its_encoding_is_said() -> None:
    map = HistoryMap(PLAIN, "map.toml")
    data = f"{';'.join(table.COLUMNS)}\r\n{row(start='1999', name='École').replace(',', ';')}\r\n".encode("cp1252")
    with pytest.raises(DecodeError, match="not UTF-8 text"):
        table.read(data, "t.csv", map, TODAY)
    history = table.read(data, "t.csv", map, TODAY, "windows-1252")
    assert [one.name for one in history.institutions.values()] == ["École"]


HEADS = ",".join(table.COLUMNS)


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (f"{HEADS}\n{row(start='2001')}".encode("utf-16-le"), "not_text", "--encoding utf-16-le"),
        (",".join(f"c{n}" for n in range(5_000)).encode(), "no_such_column", "c19, and 4980 more."),
        (b"x" * 100_000, "no_such_column", f"The headings are: {'x' * 60}…."),
        (f"{HEADS}\n{row(name='x' * 200_000)}".encode(), "not_csv", "line 2"),
        (f'{HEADS}\n"1","One'.encode(), "not_csv", "line 2"),
        (b"PK\x03\x04" + bytes(10_000), "workbook", "save the sheet as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "workbook", "save the sheet as CSV UTF-8"),
        (b"\x1f\x8b\x08" + bytes(50), "not_text", "CSV UTF-8"),
        (f"{HEADS},institution\n{row()},1".encode(), "doubled_column", "Rename or remove one"),
    ],
    ids=["utf-16", "columns", "one-line", "cell", "truncated", "zip", "xls", "gzip", "doubled"],
)
def test_a_file_that_is_no_such_table_is_refused_in_a_line_or_two(data: bytes, code: str, said: str) -> None:
    with pytest.raises(DecodeError) as refused:
        table.read(data, "t.csv", HistoryMap(PLAIN, "map.toml"), TODAY)
    error = refused.value
    assert (error.code, error.message.startswith("t.csv")) == (code, True)
    assert said in f"{error.message} {error.hint}"
    assert len(f"{error.message} {error.hint}") < 700
