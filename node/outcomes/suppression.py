"""Withholds small counts from a table, and enough others that nobody can compute the small ones.

    withhold({("trusted", "employer"): 4, …}, least=10) -> {("trusted", "employer"): None, ("trusted", ALL): 61, …}

The table has a row and a column of totals, which count as cells: a reader who knows all cells of a line but one can
compute that one. A count from 1 to `least - 1` is *small* and withheld; a zero is shown, because it concerns nobody.

For each small cell three more cells, which form a rectangle with it, are withheld. They are chosen so that the table
would still add up if the small one were greater by `least`. This has two consequences, whatever else is withheld:

* nobody can exclude that a small count is up to `least` greater than it is;
* every computable sum of withheld counts that includes a small one also includes a count of at least `least`, because
  the cell of the rectangle that would shrink by `least` is that great.

A rectangle with the row, the column and the corner of the totals always exists. If there are several, the one that
withholds the fewest totals is taken, then the fewest other counts, then the least sum.

It cannot hide a count from a reader who knows the counts of overlapping tables. So a table is made once, for a period
that is over and for questions that no other table counts (`weeks`).
"""

from collections.abc import Iterator, Mapping
from typing import Final

ALL: Final = "all"
"""The word for a total: of a row, of a column, of everything."""

Cell = tuple[str, str]
"""Row and column."""


def with_totals(counts: Mapping[Cell, int]) -> dict[Cell, int]:
    """Return the whole table: a count for every row and column that occurs, and all totals."""
    rows, columns = sorted({row for row, _ in counts}), sorted({column for _, column in counts})
    table = {(row, column): counts.get((row, column), 0) for row in rows for column in columns}
    table |= {(row, ALL): sum(table[row, column] for column in columns) for row in rows}
    table |= {(ALL, column): sum(table[row, column] for row in rows) for column in columns}
    return table | {(ALL, ALL): sum(counts.values())}


def withhold(counts: Mapping[Cell, int], *, least: int) -> dict[Cell, int | None]:
    """Return the whole table with None for what is withheld.

    Args:
        counts: by row and column, without totals; no row and no column is named `ALL`.
        least: the smallest count that may be shown, nought apart; at least 2.
    """
    table = with_totals(counts)
    withheld: dict[Cell, None] = {}
    # The greatest first: its rectangle may serve the smaller ones of its row and column.
    small = sorted((cell for cell, count in table.items() if 0 < count < least), key=lambda cell: (-table[cell], cell))
    for cell in small:
        withheld[cell] = None
    for cell in small:
        corners = min(_rectangles(table, cell, least), key=lambda three: _cost(table, withheld, three))
        withheld.update(dict.fromkeys(corners))
    return {cell: None if cell in withheld else count for cell, count in table.items()}


def _rectangles(table: Mapping[Cell, int], cell: Cell, least: int) -> Iterator[tuple[Cell, Cell, Cell]]:
    """The other three corners of every rectangle along which a small cell can become greater by `least`."""
    row, column = cell
    rows, columns = {row: None for row, _ in table}, {column: None for _, column in table}
    for other_row in rows:
        for other_column in columns:
            if other_row != row and other_column != column:
                three = ((row, other_column), (other_row, column), (other_row, other_column))
                signs = (-1, -1, 1)
                if all(
                    table[one] + least * sign * _sign(cell) * _sign(one) >= 0
                    for one, sign in zip(three, signs, strict=True)
                ):
                    yield three


def _sign(cell: Cell) -> int:
    """-1 for the total of one row or column: with that sign every line of the table sums to nought."""
    return -1 if (cell[0] == ALL) != (cell[1] == ALL) else 1


def _cost(table: Mapping[Cell, int], withheld: Mapping[Cell, None], three: tuple[Cell, ...]) -> tuple[object, ...]:
    new = [one for one in three if one not in withheld]
    return sum(ALL in one for one in new), sum(table[one] > 0 for one in new), sum(table[one] for one in new), three
