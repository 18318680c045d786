"""Codes of fields of study and levels: what a classification has is taken, what it has not is said to be unknown."""

import csv
import re

import pytest

from accredit.cli.base.real_lists import check_real_lists
from accredit.node.fields import check_field_of_study, check_levels
from accredit.registry.errors import DecodeError
from tests.shared_data import shared_data


@pytest.mark.parametrize(
    ("scheme", "code"),
    [
        *(
            ("isced_f", code)
            for code in ("09", "091", "0913", "0910", "0919", "0228", "0588", "0999", "088", "000", "9999")
        ),
        *(("cip", code) for code in ("51", "51.38", "51.3801", "01", "61")),
        *(("soc", code) for code in ("15-0000", "15-1252", "15-1252.00", "55-0000")),
    ],
)
def test_a_code_that_its_classification_has_is_taken(scheme: str, code: str) -> None:
    check_field_of_study({"scheme": scheme, "code": code}, "field")


@pytest.mark.parametrize(
    ("scheme", "code", "hint"),
    [
        ("isced_f", "11", "Broad fields are 00 to 10"),
        ("isced_f", "095", "Narrow fields of 09 are 091, 092"),
        ("isced_f", "0918", "Detailed fields of 091 are 0911, 0912"),
        ("isced_f", "0543", "Detailed fields of 054 are 0541, 0542."),
        ("isced_f", "0589", "Detailed fields of 058 are 0588."),
        ("isced_f", "991", "9999"),
        ("cip", "21.0101", "01 to 61"),
        ("cip", "99", "01 to 61"),
        ("soc", "12-1000", "11 to 55"),
        ("soc", "57-0000", "11 to 55"),
    ],
)
def test_a_code_that_no_list_has_is_refused_with_what_it_has(scheme: str, code: str, hint: str) -> None:
    with pytest.raises(DecodeError) as refused:
        check_field_of_study({"scheme": scheme, "code": code}, "field")
    assert (refused.value.code, refused.value.where) == ("unknown_field", "field.code")
    assert hint in refused.value.hint


@pytest.mark.parametrize("scheme", ["EQF", "ISCED2011", "QF-EHEA", "SCQF", "https://x.example/levels", "NQF", "RQF"])
def test_levels_of_known_schemes_and_of_ones_own_are_taken(scheme: str) -> None:
    check_levels({"scheme": scheme, "min": 1, "max": 3}, "levels[0]")


@pytest.mark.parametrize(
    ("scheme", "lowest", "highest", "hint"),
    [
        ("EQF", 6, 9, "EQF:8"),
        ("EQF", 0, 1, "EQF:8"),
        ("QF-EHEA", 6, 6, "QF-EHEA:3"),
        ("SCQF", 1, 13, "SCQF:12"),
        ("eqf", 6, 6, "Did you mean EQF?"),
        ("EFQ", 6, 6, "Did you mean EQF?"),
        ("ISCED", 6, 6, "Did you mean ISCED2011?"),
        ("ISCED 2011", 6, 6, "Did you mean ISCED2011?"),
    ],
)
def test_levels_that_a_scheme_has_not_and_schemes_written_otherwise_are_refused(
    scheme: str, lowest: int, highest: int, hint: str
) -> None:
    with pytest.raises(DecodeError) as refused:
        check_levels({"scheme": scheme, "min": lowest, "max": highest}, "levels[0]")
    assert (refused.value.code, refused.value.where) == ("unknown_level", "levels[0]")
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("scope", "where"),
    [
        ({"fields_of_study": [{"scheme": "cip", "code": "51"}, {"scheme": "cip", "code": "77"}]}, "fields_of_study[1]"),
        ({"levels": [{"scheme": "EQF", "min": 5, "max": 9}]}, "levels[0]"),
        ({"programs": [{"id": "nursing", "cip": "77.0000"}]}, "programs[0].cip"),
        ({"programs": [{"id": "nursing", "soc": "12-0000"}]}, "programs[0].soc"),
    ],
)
def test_nothing_is_signed_with_a_code_that_there_is_not(scope: dict[str, object], where: str) -> None:
    """A statement is for good."""
    with pytest.raises(DecodeError) as refused:
        check_real_lists({"scope": scope})
    assert refused.value.where.startswith(f"scope.{where}")


def test_what_says_all_or_none_of_an_axis_is_no_code() -> None:
    check_real_lists({"scope": {"fields_of_study": "*", "levels": "*", "programs": "*"}})


def test_every_code_of_isced_f_that_esco_has_and_every_group_of_its_crosswalk_is_known() -> None:
    groups = shared_data("esco", "esco-1.1.1-occupations-and-groups.csv").read_text("utf-8")
    codes = set(re.findall(r"/isced-f/(\d+)", groups))
    assert len(codes) > 200
    for code in codes:
        check_field_of_study({"scheme": "isced_f", "code": code}, "field")
    with shared_data("frameworks", "crosswalks", "esco_onet_crosswalk_Nov2020.csv").open(encoding="utf-8") as file:
        cells = {cell for row in csv.reader(file) for cell in row if re.fullmatch(r"\d\d-\d{4}(\.\d\d)?", cell)}
    assert len(cells) > 500
    for cell in cells:
        check_field_of_study({"scheme": "soc", "code": cell}, "field")
