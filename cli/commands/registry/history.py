"""`accredit history`: finds contradictions in others' accreditation histories, and imports them."""

import time
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup, takes_encoding
from accredit.cli.base.exits import Negative
from accredit.cli.base.file_argument import FILE
from accredit.cli.histories import dapip, report, table
from accredit.cli.histories.facts import History
from accredit.cli.histories.names import base_of
from accredit.cli.histories.plan import HistoryPlan, plan
from accredit.cli.histories.table import HistoryMap
from accredit.cli.signing.workflow import Desk, signing
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import canonical_issuer
from accredit.registry.errors import InputError

from .accreditation import said_scope
from .tell_history import HistoryTelling

FOLDER: Final = click.Path(path_type=Path, exists=True)
"""May be a file, so that the error names the command for a table."""
_KEYS: Final = click.Path(path_type=Path, file_okay=False)
_LEFT_OUT_SHOWN: Final = 3
"""Rows of each kind that an import shows of those it left out; the report has them all."""
_ANYWHERE: Final = "https://authority.example/"


def _telling(command: Any) -> Any:
    """Gives a command what every import of a history takes."""
    shared = (
        click.option(
            "--base", metavar="URL", help="Name institutions that have no id below this address. Default: your own."
        ),
        click.option(
            "--report",
            "report_path",
            type=FILE,
            help="Write what was said and found, as JSON; findings alone as .csv.",
        ),
        signing,
    )
    for option in reversed(shared):
        command = option(command)
    return command


history = CommandGroup("history", help="Accreditation histories: find contradictions in them, import them.")


@history.command(
    "conflicts",
    example="""accredit history conflicts examples/history/dapip
accredit history conflicts examples/history/dapip --report conflicts.csv
accredit history conflicts examples/history/register.csv --map examples/history/register-map.toml""",
)
@click.argument("source", type=FOLDER)
@click.option("--map", "map_path", type=FILE, help="For a table: TOML file, which column holds what (docs/history.md).")
@takes_encoding
@click.option("--report", "report_path", type=FILE, help="Write every case, as CSV (.csv) or JSON.")
@click.option("--force", is_flag=True, help="Replace the report if it exists.")
def conflicts(source: Path, map_path: Path | None, encoding: str, report_path: Path | None, force: bool) -> None:
    """Say where the data in SOURCE contradict themselves, and by which rule an import settles each case.

    SOURCE is a folder with the sheets of DAPIP as CSV, or any table saved as CSV, with --map (docs/history.md). Nothing
    is signed or sent, and no node is asked. Ends with 1 if there are any.
    """
    planned = plan(_read(source, map_path, encoding), _ANYWHERE)
    found = report.conflicts(planned.findings)
    unread = [one for one in planned.history.findings if one.is_left_out]
    cases = [*found, *unread]
    if report_path is not None:
        documents.write_new(report_path, report.encode(report_path, cases, summary(planned)), force=force)

    def text() -> None:
        report.show(cases)
        read = f"{many(planned.history.rows, 'row', 'was read', 'were read')}"
        output.say(f"\n{read}; {len(found)} contradict others, {len(unread)} could not be taken.")
        if report_path is not None:
            output.say(f"Every case: {output.quoted(report_path)}")

    output.emit({**summary(planned), "findings": list(report.rows(cases))}, text)
    if cases:
        raise Negative


@history.group("import", cls=CommandGroup, help="Import a history: from DAPIP's sheets, or from any table.")
def import_() -> None:
    """Import a history."""


@import_.command(
    "dapip",
    example="""accredit history import dapip examples/history/dapip --report report.json --key alice.key
accredit history import dapip examples/history/dapip --agency-keys agencies/ --report report.json --key alice.key""",
)
@click.argument("folder", type=FOLDER)
@click.option(
    "--agency-keys",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Make each agency an authority below yours, with a key in DIR (made if missing), so that it grants itself.",
)
@_telling
def import_dapip(
    folder: Path, agency_keys: Path | None, base: str | None, report_path: Path | None, desk: Desk
) -> None:
    """Import the accreditation history in FOLDER: institutions, spells, and what happened in them.

    FOLDER has the sheets of DAPIP as CSV (docs/history.md). Without --agency-keys your authority grants in its own name
    and says for which agency. Run the command again after an interruption, or with newer data: it says only what is
    not there yet. What reaches back takes two authorities, unless the charter says otherwise; others accept it with
    accredit approve --from. A dry run ends with 1 if a row was left out.
    """
    told = plan(read_folder(folder), _base(desk, base, dapip.SOURCE), names_agencies=agency_keys is None)
    _tell(desk, told, agency_keys, report_path)


@import_.command(
    "table",
    example="accredit history import table examples/history/register.csv --map examples/history/register-map.toml "
    "--key alice.key",
)
@click.argument("file", type=FILE)
@click.option(
    "--map", "map_path", type=FILE, required=True, help="TOML file: which column holds what (docs/history.md)."
)
@takes_encoding
@click.option("--agency-keys", type=_KEYS, metavar="DIR", help="As for dapip: agencies of the table grant themselves.")
@_telling
def import_table(
    file: Path,
    map_path: Path,
    encoding: str,
    agency_keys: Path | None,
    base: str | None,
    report_path: Path | None,
    desk: Desk,
) -> None:
    """Import a history from any table saved as CSV: one line for each spell, and one for each step in it.

    The map names the columns and says what the table's words mean. Otherwise as accredit history import dapip.
    A dry run ends with 1 if a row was left out.
    """
    history, map = _read_table(file, map_path, encoding)
    scope = None if map.scope is None else said_scope(dict(map.scope), str(map_path))
    told = plan(history, _base(desk, base, history.source), scope=scope, names_agencies=_names(history, agency_keys))
    _tell(desk, told, agency_keys, report_path)


def _names(history: History, agency_keys: Path | None) -> bool:
    """Whether each grant says which agency it is of; in a table of one body's decisions there is one alone."""
    return agency_keys is None and len(history.agencies) > 1


def _base(desk: Desk, base: str | None, source: str) -> str:
    return base_of(desk.authority, source) if base is None else f"{canonical_issuer(base).rstrip('/')}/"


def _tell(desk: Desk, told: HistoryPlan, agency_keys: Path | None, report_path: Path | None) -> None:
    """Tells a planned history, and reports."""
    if desk.wishes.offline is not None:
        raise InputError(
            "not_offline",
            "A history is too long for one request file.",
            hint="Add a key made for this import (accredit keys add), and retire it afterwards.",
        )
    earlier: list[dict[str, Any]] = []
    findings = (*told.findings, *told.bare)
    if report_path is not None:  # on the disk before anything is signed, whatever happens then
        before = report.earlier(report_path, told.history.source)
        earlier = before or []
        more = {**summary(told), "statements": earlier}
        is_ours = before is not None
        documents.write_new(report_path, report.encode(report_path, findings, more), force=desk.wishes.force or is_ours)
    run = HistoryTelling(desk, told, agency_keys)
    try:
        run.tell()
    finally:
        if report_path is not None:
            statements = {one["id"]: one for one in (*earlier, *run.waiting, *run.said)}
            more = {**summary(told), "statements": list(statements.values()), "planned": told.counts}
            documents.write_new(report_path, report.encode(report_path, findings, more), force=True)
    left_out = [one for one in told.findings if one.is_left_out]
    data = {
        **summary(told),
        "planned": told.counts,
        "statements": run.said,
        "known": run.known,
        "waiting": run.waiting,
    }

    def text() -> None:
        output.table(("statement", "planned"), list(told.counts.items()))
        output.say()
        is_dry = desk.wishes.dry_run
        bodies = f"{many(len(told.registrations), 'institution')} of {many(len(told.agencies), 'agency')}"
        be = "would be" if is_dry else "was" if len(run.said) == 1 else "were"
        still = f", of which {len(run.waiting)} wait for votes" if run.waiting else ""
        output.say(f"{bodies}: {many(len(run.said), 'statement')} {be} said, {run.known} already known{still}.")
        if told.bare:
            output.say(_without(told, is_dry=is_dry))
        if told.findings:
            by_rule = len(told.findings) - len(left_out)
            where = f"all are in {output.quoted(report_path)}" if report_path else "--report FILE lists all"
            output.say(f"{many(len(left_out), 'row')} left out, {by_rule} taken by a rule; {where}.")
            report.show(left_out, shown=_LEFT_OUT_SHOWN)
        if is_dry:
            output.say("This was a dry run: nothing was signed. Events are said after the grants that they are about.")
        elif any(one["state"] == "waiting" for one in (*run.waiting, *run.said)):
            source = output.quoted(report_path) if report_path else "REPORT (write one with --report FILE.json)"
            output.say(f"What waits for votes is approved with:  accredit approve --from {source}")

    output.emit(data, text)
    if desk.wishes.dry_run and left_out:
        raise Negative


def _without(told: HistoryPlan, *, is_dry: bool) -> str:
    """Say how many institutions have no accreditation, name some, and say how to see the others."""
    names = ", ".join(output.clipped(one.about) for one in told.bare[:_LEFT_OUT_SHOWN])
    more = len(told.bare) - _LEFT_OUT_SHOWN
    be = ("would be" if is_dry else "is") if len(told.bare) == 1 else ("would be" if is_dry else "are")
    others = f", and {more} more (no_accreditation in the report)" if more > 0 else ""
    return (
        f"{many(len(told.bare), 'institution')} {be} registered without an accreditation, since no row about one was "
        f"taken: {names}{others}."
    )


def _read(source: Path, map_path: Path | None, encoding: str) -> History:
    """Return the history in a table, which needs a map, or in a folder of DAPIP's sheets, which has none."""
    if not source.is_dir():
        if map_path is None:
            raise InputError(
                "no_map",
                f"{source} is a table, and no map says what its columns hold.",
                hint="Add --map FILE, as examples/history/register-map.toml; docs/history.md explains it.",
            )
        return _read_table(source, map_path, encoding)[0]
    if map_path is not None or encoding:
        option = "--encoding" if map_path is None else "--map"
        raise InputError(
            "not_a_table",
            f"{source} is a folder, and {option} is for a table.",
            hint=f"Name the CSV file in it, or leave {option} out for the sheets of DAPIP.",
        )
    return read_folder(source)


def _read_table(file: Path, map_path: Path, encoding: str) -> tuple[History, HistoryMap]:
    map = HistoryMap(documents.read_file(map_path), str(map_path))
    return table.read(documents.read_bytes(file), str(file), map, int(time.time()), encoding), map


def read_folder(folder: Path) -> History:
    """The history in a folder of DAPIP's sheets.

    Raises:
        InputError, DecodeError: it is no folder, or a file is missing, too large, or no such table.
    """
    if not folder.is_dir():
        raise InputError(
            "not_a_folder",
            f"{folder} is a file; the sheets of DAPIP are several, in a folder.",
            hint="Give their folder. For a table of your own:  accredit history import table FILE --map MAP",
        )
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
        "without_accreditation": len(planned.bare),
        "agencies": len(planned.agencies),
        "statements": planned.counts,
        "left_out": sum(one.is_left_out for one in planned.findings),
        "found": report.counts(planned.findings),
    }
