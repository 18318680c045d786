"""Limits long lists to a number of rows, and always says if there are more.

@listing
def list_(limit: int | None, …) -> None:
    found = first_of(client.every_issuer(), limit)
    output.table(…, found.rows); found.tell()           for people
    output.emit({"issuers": found.rows, "more": found.is_cut}, …)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import click

from . import output

T = TypeVar("T")

LIMIT: Final = 100
"""Rows of a list by default: some screens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows(Generic[T]):
    """The beginning of a list.

    Attributes:
        rows: what is shown.
        is_cut: whether there are more.
    """

    rows: list[T]
    is_cut: bool

    def tell(self) -> None:
        """Say that there are more, and how to see them."""
        if self.is_cut:
            output.say(output.faint(f"The first {len(self.rows)}; there are more: --limit N or --all shows them."))


def first_of(all_rows: Iterable[T], limit: int | None, step: Callable[[int], object] = lambda _: None) -> Rows[T]:
    """Take the first rows, and read one more to know whether there are more.

    Args:
        limit: how many; None for all.
        step: called with 1 for each row that came.
    """
    found: list[T] = []
    for row in islice(all_rows, None if limit is None else limit + 1):
        found.append(row)
        step(1)
    return Rows(rows=found[:limit], is_cut=limit is not None and len(found) > limit)


def listing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--limit` and `--all`, passed on as `limit`; None for all."""

    @click.option(
        "--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="How many to show at most."
    )
    @click.option("--all", "every", is_flag=True, help="Show all, however many there are.")
    @wraps(command)
    def limited(*args: Any, limit: int, every: bool, **more: Any) -> None:
        command(*args, limit=None if every else limit, **more)

    return limited
