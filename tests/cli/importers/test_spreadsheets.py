"""Spreadsheets as people save them: read where the file says what it is, refused with the reason where it does not."""

import pytest

from accredit.cli.importers.detect import read_issuers
from accredit.cli.importers.issuers.row import READY, REFUSED, Row
from accredit.cli.importers.issuers.rows import merge
from accredit.cli.importers.spreadsheet import Reading
from accredit.registry.errors import DecodeError
from tests.shared_data import shared_data

WANTED = {"id": "did:web:college-a.example", "name": "Université A", "url": "https://a.example/"}
HEADS = ("id", "name", "url")


def saved(separator: str = ",", heads: tuple[str, ...] = HEADS, *, end: str = "\r\n", tail: str = "") -> str:
    return separator.join(heads) + tail + end + separator.join(WANTED.values()) + tail + end


FORMS = {
    "commas": saved().encode(),
    "semicolons": saved(";").encode(),
    "tabs": saved("\t").encode(),
    "byte order mark": saved(";").encode("utf-8-sig"),
    "UTF-16, as Unicode text": saved("\t").encode("utf-16"),
    "UTF-16, big endian": b"\xfe\xff" + saved("\t").encode("utf-16-be"),
    "sep=": b"sep=;\r\n" + saved(";").encode(),
    "sep= of another character": b"sep=|\r\n" + saved("|").encode(),
    "capitals": saved(heads=("ID", "Name", "URL")).encode(),
    "spaces in heads": saved(heads=(" Id ", "NAME", "Url ")).encode(),
    "empty columns at the end": saved(tail=",,").encode(),
    "old Macintosh line ends": saved(end="\n").encode(),
    "quoted": ('"id";"name";"url"\r\n' + ";".join(f'"{one}"' for one in WANTED.values())).encode(),
    "a comment before": b"# from the ministry\r\n" + saved(";").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_list_is_read_as_excel_and_libreoffice_write_it(form: str) -> None:
    (row,) = read_issuers(FORMS[form], "list.csv")
    assert row.result == READY, row.findings
    assert row.body == WANTED


@pytest.mark.parametrize("encoding", ["windows-1252", "latin-1", "utf-16-le", "iso8859-15"])
def test_another_encoding_is_asked_for_and_never_guessed(encoding: str) -> None:
    data = saved(";").encode(encoding)
    with pytest.raises(DecodeError) as refused:
        read_issuers(data, "list.csv")
    assert refused.value.code == "not_text" if encoding != "utf-16-le" else refused.value
    assert "--encoding" in refused.value.hint
    (row,) = read_issuers(data, "list.csv", Reading(encoding=encoding))
    assert row.body == WANTED


def test_an_encoding_that_is_unknown_or_wrong_is_said() -> None:
    with pytest.raises(DecodeError, match="The encoding 'windoze' is unknown") as refused:
        read_issuers(saved().encode("latin-1"), "list.csv", Reading(encoding="windoze"))
    assert "windows-1252" in refused.value.hint
    with pytest.raises(DecodeError, match="is not valid ascii"):
        read_issuers(saved().encode("latin-1"), "list.csv", Reading(encoding="ascii"))


def test_unknown_columns_are_listed_together_and_left_out_on_request_with_a_word_on_each_row() -> None:
    data = b"id,name,Ort,Rector\ndid:web:a.example,A,Bonn,Ann\ndid:web:b.example,B,,\n"
    with pytest.raises(DecodeError) as refused:
        read_issuers(data, "list.csv")
    assert "'Ort', 'Rector'" in refused.value.message
    assert "--ignore-unknown-columns" in refused.value.hint
    first, second = read_issuers(data, "list.csv", Reading(ignores_unknown=True))
    assert [finding.code for finding in first.findings if finding.code == "columns_left_out"]
    assert "Ort, Rector" in next(one.text for one in first.findings if one.code == "columns_left_out")
    assert "columns_left_out" not in [finding.code for finding in second.findings]


def test_a_map_says_which_column_is_which() -> None:
    data = "Kennung;Hochschule;Ort\r\ndid:web:a.example;Universität A;Munich, Germany\r\n".encode()
    renamed = {"kennung": "id", "Hochschule": "name", "Ort": "location"}
    (row,) = read_issuers(data, "list.csv", Reading(renamed=renamed))
    assert row.body is not None
    assert (row.body["name"], row.body["jurisdictions"]) == ("Universität A", ["DE"])
    with pytest.raises(DecodeError, match="no column has the heading 'Stadt'") as refused:
        read_issuers(data, "list.csv", Reading(renamed={"Stadt": "location"}))
    assert "Hochschule" in refused.value.hint


@pytest.mark.parametrize(
    ("heads", "says"),
    [
        ("institution;did\n", "separated by semicolons, names no column id or name"),
        ("id;Institution\n", "separated by semicolons, names no column name"),
        ("id,name,ID\n", "two columns have the heading id"),
        ("", "is empty"),
    ],
)
def test_a_first_line_that_does_not_do_is_refused_for_what_is_wrong_with_it(heads: str, says: str) -> None:
    with pytest.raises(DecodeError) as refused:
        read_issuers(heads.encode(), "list.csv")
    assert says in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"List of colleges 2026,,\n,,\nid,name,opeid\ndid:web:a.example,A,1\n", 3),
        (b"# kept by us\nList of colleges;\nID;Name\ndid:web:a.example;A\n", 3),
        (b'"a title\nof two lines"\nid,name\n', 3),
    ],
)
def test_headings_below_a_title_are_found_and_the_title_is_to_go(data: bytes, line: int) -> None:
    with pytest.raises(DecodeError) as refused:
        read_issuers(data, "list.csv")
    assert refused.value.hint.startswith(f"The headings are in line {line}: remove the lines above it")


def test_a_row_has_the_number_of_its_first_line() -> None:
    first, second, third = read_issuers(
        b'id,name\ndid:web:a.example,"A\nin two lines"\n\ndid:web:b.example,B\ndid:web:c.example,C\n', "list.csv"
    )
    assert [row.where for row in (first, second, third)] == ["list.csv, line 2", "list.csv, line 5", "list.csv, line 6"]


def test_one_name_under_two_ids_is_remarked_on() -> None:
    rows = read_issuers(b"id,name\ndid:web:a.example,Same Name\ndid:web:b.example,same  name\n", "list.csv")
    assert found(merge(rows)) == [["same_name"], ["same_name"]]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ("did:web:a.example;UniversitÃ© A;", "mojibake"),
        ("did:web:a.example;UniversitÃ¤t â€“ A;", "mojibake"),
        ("did:web:a.example;Universit\ufffd A;", "lost_character"),
        ("did:web:a.example;#REF!;", "spreadsheet_error"),
        ("did:web:a.example;A;#N/A", "spreadsheet_error"),
        ("did:web:a.example;A;4.2E+05", "scientific_number"),
        ("did:web:a.example;A;4,2E+05", "scientific_number"),
        ('did:web:a.example;"A &amp; M";', "html_entity"),
    ],
)
def test_damaged_text_is_a_row_to_be_looked_at(cells: str, code: str) -> None:
    damaged, good = read_issuers(f"id;name;ipeds_unitid\n{cells}\ndid:web:b.example;B;\n".encode(), "list.csv")
    assert (damaged.result, damaged.findings[0].code) == (REFUSED, code)
    assert damaged.findings[0].hint
    assert good.result == READY


@pytest.mark.parametrize(
    "name", ["Ångström Ácademy", "Łódź", "Âge d'Or", "AT&T University", "Vidyā Mandir", "São Paulo"]
)
def test_names_with_accents_are_not_taken_for_damage(name: str) -> None:
    (row,) = read_issuers(f"id;name\ndid:web:a.example;{name}\n".encode(), "list.csv")
    assert row.result == READY


def test_rows_may_have_dates_and_terms_of_their_own_and_ambiguous_dates_are_refused() -> None:
    data = (
        "id,name,valid_from,valid_until\ndid:web:a.example,A,2020-01-01,2025-06-30\ndid:web:b.example,B,01/02/2020,\n"
    )
    good, ambiguous = read_issuers(data.encode(), "list.csv")
    assert good.terms == {"valid_from": 1_577_836_800, "valid_until": 1_751_241_600}
    assert (ambiguous.result, ambiguous.findings[0].code) == (REFUSED, "bad_time")
    assert "2015-05-20" in ambiguous.findings[0].hint


def test_lists_of_words_may_be_separated_as_people_do_and_identifiers_be_addresses() -> None:
    data = (
        'id,name,jurisdictions,ror\ndid:web:a.example,A,"US-IN, US-OH",https://ror.org/042nb2s44\n'
        'did:web:b.example,B,"US-IN; UK",\n'
    )
    good, bad = read_issuers(data.encode(), "list.csv")
    assert good.body is not None
    assert good.body["jurisdictions"] == ["US-IN", "US-OH"]
    assert good.body["identifiers"] == [{"scheme": "ror", "value": "042nb2s44"}]
    assert (bad.result, bad.findings[0].code) == (REFUSED, "unknown_place")
    assert "Did you mean GB?" in bad.findings[0].hint


# ------------------------------------------------------------------------------------------------ ids that mislead


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("did:web:münchen.example", "did:web:xn--mnchen-3ya.example"),
        ("https://münchen.example/issuer", "https://xn--mnchen-3ya.example/issuer"),
        ("\u200bdid:web:a.example", "Remove the invisible character U+200B."),
        ("did:web:a.example\u00a0", "Remove the white space"),
        ("did:web:a.example/<x>", "percent-encoded"),
        ("https://a.example/b c", "%20"),
    ],
)
def test_the_hint_about_an_id_is_what_to_write(written: str, hint: str) -> None:
    (row,) = read_issuers(f"id,name\n{written},A\n".encode(), "list.csv")
    assert row.result == REFUSED
    assert hint in row.findings[0].hint
    spelled = next((word.rstrip(".") for word in row.findings[0].hint.split() if "xn--" in word), None)
    if spelled is not None:
        (followed,) = read_issuers(f"id,name\n{spelled},A\n".encode(), "list.csv")
        assert followed.result == READY


def found(rows: list[Row]) -> list[list[str]]:
    return [
        [finding.code for finding in row.findings if finding.code not in ("url_as_id", "missing_url")] for row in rows
    ]


def test_rows_that_look_like_one_issuer_twice_are_remarked_on() -> None:
    rows = merge(
        read_issuers(
            b"""id,name,url,also_known_as
did:web:old-r.example,College R,https://r.example/,
did:web:new-r.example,College R,https://r.example,
https://j.example/issuer,College J,https://j.example/a,
https://j.example/issuer/,College J2,https://j.example/b,
did:web:t.example%3A8443:dept,College T,,
did:web:t.example:8443:dept,College T2,,
did:web:k.example,College K,,did:web:k2.example
did:web:k2.example,College K2,,
did:web:ets.example,Educational Testing Service,,
""",
            "list.csv",
        )
    )
    assert all(row.result == READY for row in rows)
    assert found(rows) == [
        ["same_name_and_site"],
        ["same_name_and_site"],
        ["nearly_the_same_id"],
        ["nearly_the_same_id"],
        ["nearly_the_same_id"],
        ["port_as_path", "nearly_the_same_id"],
        [],
        ["alias_of_another"],
        [],
    ]


@pytest.mark.parametrize(
    "name", ["semicolon.csv", "sep.csv", "tabs.tsv", "utf16.csv", "capitals.csv", "empty-columns.csv"]
)
def test_the_cases_that_were_collected_are_read(name: str) -> None:
    data = shared_data("cases", "115-csv-as-excel-writes-it", name).read_bytes()
    (row,) = read_issuers(data, name)
    assert row.body == WANTED


def test_two_rows_whose_name_differs_in_its_encoding_alone_are_one_issuer() -> None:
    rows = merge(
        read_issuers(
            "id,name\ndid:web:h.example,Université H\ndid:web:h.example,Universite\u0301 H\n".encode(), "l.csv"
        )
    )
    assert [row.result for row in rows] == [READY, "same"]


def test_a_list_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    from accredit.cli.importers.issuers import report

    assert read_issuers(b"id,name\n", "list.csv") == []
    report.show([])
    assert capsys.readouterr().out == "The list has no rows, so there is nothing to import.\n"


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04\x14\x00xl/workbook.xml", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)],
    ids=["xlsx", "xls"],
)
def test_a_workbook_is_told_from_a_list_with_what_to_do(data: bytes) -> None:
    with pytest.raises(DecodeError, match="workbook") as refused:
        read_issuers(data, "list.xlsx")
    assert "CSV UTF-8" in refused.value.hint


def test_a_formula_is_no_name() -> None:
    (row,) = read_issuers(b'id,name\ndid:web:a.example,"=HYPERLINK(""https://x.example"",""A"")"\n', "list.csv")
    assert (row.result, [one.code for one in row.findings]) == (REFUSED, ["formula"])


def test_heads_that_nobody_knows_are_listed_so_that_they_can_be_mapped() -> None:
    with pytest.raises(DecodeError, match="separated by semicolons") as refused:
        read_issuers(b"Kennung;Name der Hochschule;Land, Ort\nx;y;z\n", "list.csv")
    assert "The headings are: Kennung, Name der Hochschule, Land, Ort." in refused.value.hint


@pytest.mark.parametrize(
    ("written", "meant"),
    [("42144", "2015-05-20 (or 2019-05-21, where its dates begin in 1904)"), ("4214", ""), ("20/05/2015", "")],
)
def test_a_spreadsheets_own_number_for_a_date_is_named_and_not_guessed(written: str, meant: str) -> None:
    (row,) = read_issuers(f"id,name,valid_from\ndid:web:a.example,A,{written}\n".encode(), "list.csv")
    assert row.result == REFUSED
    (found,) = row.findings
    assert "is not a clear date" in found.text
    assert ("A spreadsheet's own number for" in found.hint) == bool(meant)
    assert meant in found.hint


@pytest.mark.parametrize(
    ("written", "is_read"),
    [
        ("2015-05-20 00:00:00", True),
        ("2015-05-20T00:00:00", True),
        ("2015-05-20 0:00", True),
        ("2015-05-20 00:00:00.000", True),
        ("2015-05-20 12:00:00 AM", True),
        ("2015-05-20 09:30:00", False),
        ("2015-05-20 12:00:00", False),
        ("00:00:00", False),
    ],
)
def test_a_day_that_a_spreadsheet_saved_with_its_midnight_is_that_day(written: str, is_read: bool) -> None:
    (row,) = read_issuers(f"id,name,valid_from\ndid:web:a.example,A,{written}\n".encode(), "list.csv")
    assert row.terms == ({"valid_from": 1_432_080_000} if is_read else {})
