"""Small counts: nobody works one out, from rows, columns, totals, or all of them together."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.node.outcomes.suppression import ALL, Cell, with_totals, withhold

Shown = Mapping[Cell, int | None]


def small(counts: Mapping[Cell, int], least: int) -> list[Cell]:
    return [cell for cell, count in with_totals(counts).items() if 0 < count < least]


def lines(cells: Mapping[Cell, object]) -> list[list[Cell]]:
    """Every row and column, with its total."""
    rows, columns = {row for row, _ in cells}, {column for _, column in cells}
    return [[cell for cell in cells if cell[0] == row] for row in sorted(rows)] + [
        [cell for cell in cells if cell[1] == column] for column in sorted(columns)
    ]


def determined(shown: Shown) -> list[Cell]:
    """The withheld cells that linear algebra over rows, columns and totals works out, by Gauss' elimination."""
    unknown = [cell for cell, count in shown.items() if count is None]
    matrix = []
    for line in lines(shown):
        signs = {cell: -1 if (cell[0] == ALL) != (cell[1] == ALL) else 1 for cell in line}
        matrix.append([Fraction(signs.get(cell, 0)) for cell in unknown])
    at = 0
    for column in range(len(unknown)):
        pivot = next((row for row in range(at, len(matrix)) if matrix[row][column]), None)
        if pivot is None:
            continue
        matrix[at], matrix[pivot] = matrix[pivot], matrix[at]
        matrix[at] = [value / matrix[at][column] for value in matrix[at]]
        for row in range(len(matrix)):
            if row != at and matrix[row][column]:
                factor = matrix[row][column]
                matrix[row] = [a - factor * b for a, b in zip(matrix[row], matrix[at], strict=True)]
        at += 1
    return [unknown[index] for row in matrix[:at] for index in [_only(row)] if index is not None]


def _only(row: list[Fraction]) -> int | None:
    nonzero = [index for index, value in enumerate(row) if value]
    return nonzero[0] if len(nonzero) == 1 else None


def test_a_count_that_its_row_or_column_would_give_away_takes_others_with_it() -> None:
    counts = {("yes", "employer"): 4, ("yes", "military"): 30, ("no", "employer"): 50, ("no", "military"): 60}
    shown = withhold(counts, least=10)
    assert [cell for cell in counts if shown[cell] is None] == list(counts), "a rectangle, in row and in column"
    assert (shown["yes", ALL], shown[ALL, "employer"], shown[ALL, ALL]) == (34, 54, 144), "totals are what they are"


def test_a_table_without_small_counts_is_shown_whole_and_so_is_an_empty_one() -> None:
    counts = {("yes", "employer"): 10, ("no", "military"): 12}
    assert withhold(counts, least=10) == with_totals(counts)
    assert withhold({}, least=10) == {(ALL, ALL): 0}


def test_a_table_of_one_small_count_hides_its_totals_too() -> None:
    assert set(withhold({("yes", "employer"): 9}, least=10).values()) == {None}


def test_a_nought_is_shown_for_it_is_nobodys() -> None:
    shown = withhold({("yes", "a"): 3, ("yes", "b"): 20, ("no", "a"): 20, ("no", "b"): 20, ("no", "c"): 20}, least=10)
    assert shown["yes", "c"] == 0


tables = st.integers(2, 5).flatmap(
    lambda rows: st.integers(1, 5).flatmap(
        lambda columns: st.fixed_dictionaries(
            {
                (f"r{row}", f"c{column}"): st.sampled_from([0, 0, 1, 3, 9, 10, 11, 25, 140])
                for row in range(rows)
                for column in range(columns)
            }
        )
    )
)


@given(tables)
def test_no_withheld_count_follows_from_all_rows_columns_and_totals_together(counts: dict[Cell, int]) -> None:
    shown = withhold(counts, least=10)
    assert all(shown[cell] is None for cell in small(counts, 10))
    assert determined(shown) == []


@given(tables)
def test_every_withheld_sum_that_follows_from_a_line_is_of_many(counts: dict[Cell, int]) -> None:
    """A row whose withheld counts come to four together says as much as one count of four."""
    shown, whole, few = withhold(counts, least=10), with_totals(counts), set(small(counts, 10))
    for line in lines(shown):
        inner = [cell for cell in line if ALL not in cell and shown[cell] is None]
        total = next(cell for cell in line if cell == (line[0][0], ALL) or cell == (ALL, line[0][1]))
        if shown[total] is not None and few & set(inner):
            assert sum(whole[cell] for cell in inner) >= 10


@pytest.mark.parametrize("counts", [(1, 2, 0, 2), (1, 1, 1, 1), (2, 4, 4, 1), (0, 1, 4, 4), (2, 2, 3, 3), (1, 0, 0, 0)])
def test_whoever_tries_every_table_that_adds_up_cannot_tell_a_small_count_from_a_greater_one(
    counts: tuple[int, int, int, int],
) -> None:
    """Exhaustive, for a smallest count of 3 and all tables of two by two with counts up to 8."""
    names = [(row, column) for row in "rs" for column in "ab"]
    table = dict(zip(names, counts, strict=True))
    shown = withhold(table, least=3)
    fits = []
    for guess in product(range(9), repeat=4):
        whole = with_totals(dict(zip(names, guess, strict=True)))
        if all(count is None or whole[cell] == count for cell, count in shown.items()):
            fits.append(whole)
    assert with_totals(table) in fits
    for cell in small(table, 3):
        assert {whole[cell] for whole in fits} > {with_totals(table)[cell], with_totals(table)[cell] + 3}
