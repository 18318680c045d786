"""`accredit history conflicts`, files that are damaged, and what becomes of an agency's accreditations with it."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from accredit.cli.histories import dapip
from accredit.cli.histories.names import base_of, ids_of
from accredit.cli.histories.plan import plan
from accredit.cli.histories.settle import RULES
from accredit.cli.main import accredit
from accredit.registry.errors import DecodeError
from tests.cli.histories.test_stories import EXTRACT, extract, files_of
from tests.shared_data import shared_data
from tests.strategies.dapip_files import LOSS, action, files, planned, record
from tests.strategies.told_history import BASE, BOARD, TODAY, ToldHistory


def run(*words: object, code: int = 0) -> Any:
    result = CliRunner().invoke(accredit, [str(word) for word in words])
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


# ------------------------------------------------------------------------------------------------ the command


def test_the_command_names_each_contradiction_its_rule_and_its_line(tmp_path: Path) -> None:
    report = tmp_path / "conflicts.csv"
    shown = run("history", "conflicts", EXTRACT, "--report", report, code=1).output
    assert "loss but open: 2" in shown
    assert RULES["loss_but_open"].taken in shown
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert {row["code"] for row in rows} >= {"loss_but_open", "stay_without_loss", "early_loss", "lifted_another"}
    open_ = next(row for row in rows if row["code"] == "loss_but_open" and "Coleman" in row["about"])
    assert open_["taken"] == "yes"
    line = int(open_["where"].rpartition(" ")[2])
    assert "103547" in (EXTRACT / "actions.csv").read_text().splitlines()[line - 1]


def test_the_command_for_machines_counts_what_an_import_would_say() -> None:
    said = json.loads(run("history", "conflicts", EXTRACT, "--json", code=1).stdout)
    assert said["statements"]["issuer.register"] == said["institutions"] == 12
    assert said["statements"]["accreditation.grant"] == 22
    assert sum(said["found"].values()) >= len(said["findings"])


def test_a_history_without_contradictions_is_said_to_have_none(tmp_path: Path) -> None:
    for name, data in files([record("2000-01-01")]).items():
        (tmp_path / name).write_bytes(data)
    assert "0 contradict others, 0 could not be taken" in run("history", "conflicts", tmp_path).output


def test_a_report_that_is_there_already_is_kept(tmp_path: Path) -> None:
    report = tmp_path / "mine.csv"
    report.write_text("mine")
    assert "mine.csv" in run("history", "conflicts", EXTRACT, "--report", report, code=6).stderr
    assert report.read_text() == "mine"


def test_the_losses_beside_open_records_are_found_in_the_whole_of_the_data() -> None:
    told = plan(dapip.read(files_of(shared_data("dapip"), shared_data("ipeds")), TODAY), BASE)
    codes = [one.finding.code for one in told.findings]
    assert 20 <= codes.count("loss_but_open") <= 30
    assert codes.count("action_without_record") == 3
    assert codes.count("bad_date") == 10
    assert len(told.registrations) == len({one.issuer for one in told.registrations}) == 9_682
    assert max(len(life.told) for life in told.lives) < 96  # what an answer looks at
    cascade = [
        one
        for life in told.lives
        for one in life.told
        if one.body.get("reason_text", "").startswith("Change in Agency recognition")
    ]
    assert len(cascade) == 1_181  # and one whose record goes on until 2019


# ------------------------------------------------------------------------------------------------ damaged files


@pytest.mark.parametrize(
    ("name", "data", "code", "hint"),
    [
        ("records.csv", b"", "bad_header", "Head the columns"),
        ("records.csv", b"dapip_id,agency_id\n1,2\n", "bad_header", "Head the columns"),
        ("records.csv", b'dapip_id,agency_id\n"1,2\n', "bad_header", "Head the columns"),
        ("actions.csv", b"\xff\xfe\x00", "not_text", "Save it as CSV"),
        ("institutions.csv", "dapip_id,name\n1,Universit\xe9\n".encode("latin-1"), "not_text", "--encoding"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(name: str, data: bytes, code: str, hint: str) -> None:
    with pytest.raises(DecodeError) as caught:
        dapip.read({**files([record("2000-01-01")]), name: data}, TODAY)
    assert (caught.value.code, name in caught.value.message) == (code, True)
    assert hint in caught.value.hint


def test_a_folder_without_its_files_is_refused_with_their_names(tmp_path: Path) -> None:
    shown = run("history", "conflicts", tmp_path, code=3).stderr
    assert "agencies.csv" in shown
    assert "Save each sheet of the download as CSV" in shown
    assert run("history", "conflicts", tmp_path / "nowhere", code=2)


MAP = """source = "mine"
[columns]
institution = "School"
name = "School"
start = "From"
end = "To"
"""


def test_a_spreadsheet_is_searched_for_contradictions_without_a_key_or_a_node(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("School,From,To\nA,2005-02-01,2004-12-31\nB,3/4/01,\nC,1999-01-01,\n")
    (tmp_path / "map.toml").write_text(MAP)
    typed = ("history", "conflicts", tmp_path / "mine.csv", "--map", tmp_path / "map.toml")
    shown = run(*typed, code=1).output
    assert "mine.csv, line 2: A" in shown
    assert "mine.csv, line 3: B" in shown
    assert "3 rows were read; 1 contradict others, 1 could not be taken" in shown
    assert json.loads(run(*typed, "--json", code=1).stdout)["found"] == {"bad_date": 1, "ended_at_once": 1}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("history", "conflicts", "{table}"), ["no map", "--map FILE"]),
        (("history", "conflicts", "{folder}", "--map", "{table}"), ["is a folder", "leave --map out"]),
        (("history", "conflicts", "{folder}", "--encoding", "windows-1252"), ["is a folder", "leave --encoding out"]),
        (("history", "import", "dapip", "{table}"), ["is a file", "accredit history import table FILE --map MAP"]),
    ],
)
def test_a_table_typed_for_a_folder_and_the_reverse_are_told_the_right_way(
    tmp_path: Path, typed: tuple[str, ...], says: list[str]
) -> None:
    (tmp_path / "mine.csv").write_text("School,From,To\n")
    words = [word.format(table=tmp_path / "mine.csv", folder=tmp_path) for word in typed]
    shown = run(*words, code=3).stderr
    assert [one for one in says if one not in shown] == []


ROWS: dict[str, tuple[list[tuple[str, ...]], list[tuple[str, ...]], str]] = {
    "bad_date": ([record("2000-13-01")], [], "'2000-13-01'"),
    "year 8014": ([record("8014-01-01")], [], "'8014-01-01'"),
    "bad end": ([record("2000-01-01", "yesterday")], [], "'yesterday'"),
    "no_start": ([record("")], [], "does not say when it began"),
    "unknown_status": ([record("2000-01-01", status="Blessed")], [], "'Blessed'"),
    "unknown_action": ([record("2000-01-01")], [action("Praised", "2001-01-01")], "'Praised'"),
    "no_date": ([record("2000-01-01")], [action(f"{LOSS}Lapse", "")], "has no date"),
    "bad action date": ([record("2000-01-01")], [action(f"{LOSS}Lapse", "2027-12-01")], "'2027-12-01'"),
    "changes_nothing": (
        [record("2000-01-01")],
        [action("Deny Substantive Change: Degree", "2001-01-01")],
        "leaves the",
    ),
    "unknown_agency": ([record("2000-01-01", agency="77")], [], "agency 77"),
    "unknown_programme": ([record("2000-01-01", program="77")], [], "programme 77"),
    "unknown_institution": ([record("2000-01-01", institution="77")], [], "institution 77"),
    "bad_row": ([("7", "1", "1", "", "Actual", "2000-01-01", "Accredited")], [], "has no seq"),
    "surplus": ([(*record("2000-01-01"), "x")], [], "1 more cell than"),
    "spreadsheet_error": ([record("#REF!")], [], "#REF!"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_cannot_be_taken_is_left_out_and_named(name: str) -> None:
    records, actions, words = ROWS[name]
    told = planned(records, actions)
    left_out = [one for one in told.history.findings if one.is_left_out]
    assert [words in one.finding.text for one in left_out] == [True], left_out
    assert left_out[0].where in ("records.csv, line 2", "actions.csv, line 2")
    kept = {one.key for one in told.history.spells if one.key.institution == "7"}
    assert len(kept) == len(records) * bool(actions)


def test_a_review_that_no_one_can_mean_is_left_out_and_the_row_taken() -> None:
    told = planned([record("2000-01-01", review="2123-12-31"), record("2001-01-01", seq="2", review="?09-21-2025")])
    assert [one.is_left_out for one in told.history.findings] == [False, False]
    assert all("review_due" not in life.told[0].body for life in told.lives)


def test_institutions_that_say_too_little_of_themselves() -> None:
    nameless = [("7", "", "", "", "IN", ""), ("8", "020635A1", "", "The\nOther", "FM", "8014-01-01")]
    history = dapip.read(files([], institutions=nameless), TODAY)
    assert {one.finding.code for one in history.findings} == {"missing_name", "bad_opeid", "bad_date"}
    other = history.institutions["8"]
    assert (other.name, other.jurisdiction, other.identifiers) == ("The Other", "FM", (("dapip_id", "8"),))


# ------------------------------------------------------------------------------------------------ names


def test_a_web_site_that_two_have_names_neither() -> None:
    data = files([], institutions=[(str(n), "", str(100 + n), f"College {n}", "IN", "") for n in (7, 8, 9)])
    heads = ",".join(dapip.IPEDS_HEADS)
    data["hd-extract.csv"] = (
        f"{heads}\n107,www.one.edu,1,1,-2\n108,http://Two.edu/,2,1,\n109,two.edu,2,3,107\n".encode()
    )
    history = dapip.read(data, TODAY)
    ids, findings = ids_of(history, BASE)
    assert ids == {"7": "did:web:one.edu", "8": f"{BASE}8", "9": f"{BASE}9"}
    assert [one.finding.code for one in findings] == ["shared_web_site", "shared_web_site"]
    bodies = {one.issuer: one.body for one in plan(history, BASE).registrations}
    assert bodies["did:web:one.edu"]["predecessors"] == [f"{BASE}9"]
    assert bodies["did:web:one.edu"]["categories"] == ["postsecondary_4yr"]
    assert bodies[f"{BASE}8"]["categories"] == ["community_college"]
    assert "categories" not in bodies[f"{BASE}9"]


@pytest.mark.parametrize(
    ("authority", "base"),
    [
        ("https://board.example/", "https://board.example/dapip/"),
        ("did:web:board.example", "https://board.example/dapip/"),
        ("did:web:board.example%3A8443:trust", "https://board.example:8443/trust/dapip/"),
    ],
)
def test_who_has_no_id_is_named_below_the_authority_that_imports(authority: str, base: str) -> None:
    assert base_of(authority, "dapip") == base


def test_an_authority_without_an_address_is_asked_for_one() -> None:
    with pytest.raises(DecodeError, match="--base"):
        base_of("did:key:z6MkkAAkEonJCyLYi1fLy2g59JqJqWCUdo5FMiNExgewngCT", "dapip")


# ------------------------------------------------------------------------------------------------ agencies


def test_an_agency_that_loses_its_mandate_without_a_cascade_leaves_its_accreditations_standing() -> None:
    told = ToldHistory.of(extract().plan)
    via = told.delegations["2"]
    heads = [one for one in told.town.heads() if one["key"] == told.town.pen(str(told.plan.agencies["2"])).kid]
    body = {"delegation": via.id, "heads": heads, "effective_from": told.town.time + 1}
    told.town.says(BOARD, "authority.withdraw", body, told.plan.agencies["2"])
    decision = told.ask("147226", "2016-05-01")
    assert decision.verdict.value == "trusted_historical"
    assert "authority_withdrawn" in [reason.code for reason in decision.reasons]


def test_a_cascade_ends_every_accreditation_below_on_its_day() -> None:
    """What a change of an agency's recognition did in August 2014: each grant ends by an event of its own."""
    many = [record("2000-01-01", "2014-08-01", program=program, seq=seq) for program in "19" for seq in "1"]
    change = [action("Change in Agency recognition", "2014-08-01", program=program) for program in "19"]
    told = ToldHistory.of(planned(many, change))
    for program in "19":
        assert told.ask("7", "2014-07-31", program=program).verdict.value == "trusted_historical"
        after = told.ask("7", "2014-08-01", program=program)
        assert after.verdict.value == "not_trusted"
        assert "Change in Agency recognition" in after.reasons[0].text
