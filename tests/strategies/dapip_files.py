"""Small histories in the form of DAPIP's sheets, for stories about one rule each."""

from collections.abc import Iterable, Sequence

from accredit.cli.histories import dapip
from accredit.cli.histories.plan import HistoryPlan, plan

from .told_history import BASE, TODAY

AGENCIES = (("1", "Agency One"), ("2", "Agency Two"))
PROGRAMS = (("1", "Institutional Accreditation"), ("9", "Nursing (NUR) - Programmes"))
LOSS = "Loss of Accreditation or Preaccreditation: "
SANCTION = "Probation or Equivalent or a More Severe Status: "
CLEARED = "Has satisfactorily addressed all compliance concerns from previous actions"


def sheet(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A sheet as CSV; cells that a row leaves out at its end are empty."""
    lines = [",".join(heads)]
    for row in rows:
        cells = [*row, *[""] * (len(heads) - len(row))]
        lines.append(",".join(f'"{cell}"' if "," in cell or "\n" in cell else cell for cell in cells))
    return "\n".join(lines).encode()


def record(
    start: str,
    end: str = "",
    *,
    status: str = "Accredited",
    flag: str = "Actual",
    agency: str = "1",
    program: str = "1",
    seq: str = "1",
    institution: str = "7",
    review: str = "",
) -> tuple[str, ...]:
    """A row of records.csv."""
    return institution, agency, program, seq, flag, start, status, review, "", end


def action(
    what: str,
    date: str,
    *,
    why: str = "",
    other: str = "",
    end: str = "",
    agency: str = "1",
    program: str = "1",
    seq: str = "1",
    institution: str = "7",
) -> tuple[str, ...]:
    """A row of actions.csv."""
    return institution, agency, program, seq, what, date, why, other, end


def files(
    records: Iterable[Sequence[str]],
    actions: Iterable[Sequence[str]] = (),
    *,
    institutions: Iterable[Sequence[str]] = (
        ("7", "01234500", "", "The College", "IN", ""),
        ("8", "", "", "The Other", "OH", ""),
    ),
) -> dict[str, bytes]:
    """The files of a folder, about one institution; another's record says that the data end in November 2020."""
    rows = {
        "agencies.csv": AGENCIES,
        "institutions.csv": institutions,
        "programs.csv": PROGRAMS,
        "records.csv": [*records, record("1900-01-01", "2020-11-02", institution="8", agency="2", program="9")],
        "actions.csv": actions,
    }
    return {name: sheet(heads, rows[name]) for name, heads in dapip.HEADS.items()}


def planned(records: Iterable[Sequence[str]], actions: Iterable[Sequence[str]] = ()) -> HistoryPlan:
    """The plan of a history of one institution; the data end in November 2020."""
    return plan(dapip.read(files(records, actions), TODAY), BASE)
