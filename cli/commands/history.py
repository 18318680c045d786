"""`accredit history`: accreditation histories that others keep: searched for contradictions, told to the registry."""

import time
from pathlib import Path
from typing import Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.exits import Negative
from accredit.cli.histories import dapip, report
from accredit.cli.histories.facts import History
from accredit.cli.histories.plan import HistoryPlan, plan

FOLDER: Final = click.Path(path_type=Path, exists=True, file_okay=False)
_REPORT: Final = click.Path(path_type=Path, dir_okay=False)
_ANYWHERE: Final = "https://authority.example/"

history = CommandGroup("history", help="Accreditation histories: find contradictions in them, import them.")


@history.command(
    "conflicts",
    example="""accredit history conflicts examples/history/dapip
accredit history conflicts examples/history/dapip --report conflicts.csv""",
)
@click.argument("folder", type=FOLDER)
@click.option("--report", "report_path", type=_REPORT, help="Write every case, as CSV (.csv) or JSON.")
@click.option("--force", is_flag=True, help="Replace the report if it exists.")
def conflicts(folder: Path, report_path: Path | None, force: bool) -> None:
    """Say where the data in FOLDER contradict themselves, and by which rule an import settles each case.

    FOLDER has the sheets of DAPIP as CSV (docs/history.md). Nothing is signed or sent. Ends with 1 if there are any.
    """
    planned = plan(read_folder(folder), _ANYWHERE)
    found = report.conflicts(planned.findings)
    unread = [one for one in planned.history.findings if one.is_left_out]
    cases = [*found, *unread]
    if report_path is not None:
        documents.write_new(report_path, report.encode(report_path, cases, summary(planned)), force=force)

    def text() -> None:
        report.show(cases)
        read = f"{planned.history.rows} rows were read"
        output.say(f"\n{read}; {len(found)} contradict others, {len(unread)} could not be taken.")
        if report_path is not None:
            output.say(f"Every case: {output.quoted(report_path)}")

    output.emit({**summary(planned), "findings": list(report.rows(cases))}, text)
    if cases:
        raise Negative


def read_folder(folder: Path) -> History:
    """The history in a folder of DAPIP's sheets.

    Raises:
        InputError, DecodeError: a file is missing, too large, or no such table.
    """
    files: dict[str, bytes] = {}
    for name in (*dapip.HEADS, dapip.IPEDS_FILE):
        if (folder / name).is_file():
            files[name] = documents.read_bytes(folder / name)
    with output.progress("Reading the history"):
        return dapip.read(files, int(time.time()))


def summary(planned: HistoryPlan) -> dict[str, object]:
    """How much there is of what."""
    history = planned.history
    return {
        "source": history.source,
        "rows": history.rows,
        "institutions": len(planned.registrations),
        "agencies": len(planned.agencies),
        "statements": planned.counts,
        "left_out": sum(one.is_left_out for one in planned.findings),
        "found": report.counts(planned.findings),
    }
