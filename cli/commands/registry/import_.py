"""`accredit issuer import` and `accredit framework import`: propose issuers and frameworks from published lists.

A list is read completely (`cli.importers`) and judged row by row before signing; then each good row gets an
`issuer.register` and, with `--grant`, an `accreditation.grant` (`cli.commands.register_list`). A framework is read in
the same way and published (`cli.commands.publish_framework`). Either way the report names everything left out, and what
to do about it.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import Command, takes_encoding
from accredit.cli.base.exits import Negative
from accredit.cli.base.file_argument import FILE, FILE_OR_DASH
from accredit.cli.importers.detect import read_framework, read_issuers
from accredit.cli.importers.findings import ImportFinding
from accredit.cli.importers.frameworks.frameworks import FrameworkNaming
from accredit.cli.importers.issuers import report
from accredit.cli.importers.issuers.own import COLUMNS
from accredit.cli.importers.issuers.row import LEFT_OUT, READY, REFUSED, Row
from accredit.cli.importers.issuers.rows import merge, refusal
from accredit.cli.importers.spreadsheet import Reading
from accredit.cli.signing.outcomes import Outcome
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.node.views.json_views import plain
from accredit.registry.domain.accreditations import check_grant
from accredit.registry.encoding.counts import many
from accredit.registry.errors import DecodeError, InputError, StorageError

from .accreditation import grant_body, sentence_of
from .publish_framework import missing, publish
from .register_list import Registering

_ANYBODY: Final = "https://issuer.example/"  # stands for each issuer where the grant file is checked


@click.command(
    "import",
    cls=Command,
    example="""accredit issuer import registry.json --grant grant.toml --report report.csv --key alice.key
accredit issuer import examples/issuers.csv --dry-run""",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE_OR_DASH)
@click.option("--grant", type=FILE_OR_DASH, help="Grant each issuer an accreditation on the terms in this file.")
@click.option("--report", "report_path", type=FILE, help="Write the outcome of each row, as CSV (.csv) or JSON.")
@click.option(
    "--column",
    "columns",
    metavar="HEAD=NAME",
    multiple=True,
    help="In a spreadsheet, read the column headed HEAD as NAME; may be repeated.",
)
@click.option(
    "--ignore-unknown-columns", is_flag=True, help="Ignore unknown columns; the report names them for each row."
)
@takes_encoding
@click.option("--without-trials", is_flag=True, help="Leave out rows whose name or id contains test, demo, sandbox, …")
@signing
def issuer_import(
    files: tuple[Path, ...],
    grant: Path | None,
    report_path: Path | None,
    columns: tuple[str, ...],
    ignore_unknown_columns: bool,
    encoding: str,
    without_trials: bool,
    desk: Desk,
) -> None:
    """Propose to register (and accredit) every issuer in lists, with a report on each row.

    Reads the Digital Credentials Consortium's registry.json and the history of such lists, a spreadsheet saved as CSV
    (commas, semicolons or tabs), and accredit's own TOML or JSON (examples/README.md). A row may have its own terms:
    valid_from, valid_until, level, initial_status. The command checks every row and writes the report before it signs
    anything; accredit approve --from accepts the report. A dry run ends with 1 if a row was refused.
    """
    terms = _terms(grant) if grant is not None else None
    _require_new(report_path)
    reading = Reading(encoding=encoding, renamed=_renamed(columns), ignores_unknown=ignore_unknown_columns)
    rows = merge([row for path in files for row in read_issuers(documents.read_bytes(path), str(path), reading)])
    rows = [_with_terms(row, terms) for row in rows]
    if without_trials:
        rows = [_without_trial(row) for row in rows]
    run = Registering(desk, terms)
    if report_path is not None:  # on the disk before anything is signed, whatever happens then
        documents.write_new(report_path, report.encode(report_path, rows, ()), force=desk.wishes.force)
    rows = run.propose(rows)
    if report_path is not None:
        documents.write_new(report_path, report.encode(report_path, rows, run.statements), force=True)

    def text() -> None:
        if terms is not None:
            output.say(f"Each issuer is proposed with these terms: {sentence_of({**terms, 'issuer': 'it'})}\n")
        report.show(rows, report=str(report_path) if report_path else "--report FILE writes them all")
        _closing(desk, rows, terms is not None, report_path)

    output.emit(report.to_json(rows, run.statements), text)
    found = report.counts(rows)
    refused_all = REFUSED in found and not any(word in found for word in (*report.PROPOSED, report.KNOWN))
    if refused_all or not rows or (desk.wishes.dry_run and REFUSED in found):
        raise Negative


@click.command(
    "import",
    cls=Command,
    example="""accredit framework import onet-basic-skills.json --key alice.key
accredit framework import framework.json --language es --dry-run
accredit framework import skills.ttl --language en --key alice.key
accredit framework import skills.csv --id https://example.org/skills --title 'Our skills' --version 2026 --key alice.key
""",
)
@click.argument("file", metavar="FILE", type=FILE_OR_DASH)
@click.option("--language", metavar="TAG", default="", help="Language to use where a text has several, such as es-MX.")
@click.option("--id", "id_", metavar="URI", default="", help="Id of the framework, if the source has none.")
@click.option("--title", metavar="TEXT", default="", help="Title of the framework, if the source has none.")
@click.option("--version", metavar="TEXT", default="", help="Version of the framework, if the source has none.")
@click.option("--report", "report_path", type=FILE, help="Write what was imported and what was not, as JSON.")
@takes_encoding
@signing
def framework_import(
    file: Path,
    language: str,
    id_: str,
    title: str,
    version: str,
    report_path: Path | None,
    encoding: str,
    desk: Desk,
) -> None:
    """Propose to publish the competency framework in FILE, and report what was imported, what was not, and why.

    Reads CTDL-ASN (JSON-LD, also in the Credential Registry's envelopes), CASE packages (1.0 and 1.1), Rich Skill
    Descriptors (JSON or CSV), SKOS (Turtle, RDF/XML, JSON-LD; needs the optional package accredit[skos]), and
    accredit's own TOML, JSON or CSV (examples/README.md). For a CSV or a bare list of skills, add --id, --title and
    --version. Of several SKOS schemes in one file, --id chooses one. A dry run ends with 1 if an item was left out.
    """
    _require_new(report_path)
    naming = FrameworkNaming(id=id_, title=title, version=version, language=language)
    framework = read_framework(documents.read_bytes(file), str(file), naming, encoding)
    says, waiting = missing(desk, framework, str(file))
    outcomes = publish(desk, says) if says else []
    held = [] if desk.wishes.dry_run else [outcome.to_json() for outcome in outcomes if outcome.status != "refused"]
    answer = {
        "statements": [{name: one[name] for name in ("id", "kind", "sub", "state")} for one in waiting] + held,
        "framework": plain(framework.body),
        "items_read": framework.read,
        "findings": report.findings_json(framework.findings),
    }

    def text() -> None:
        body = framework.body
        output.say(f"{output.styled(body['title'], bold=True)}  {output.safe(body['id'])}")
        taken = f"{body['item_count']} of {framework.read}"
        output.facts([("version", body["version"]), ("items imported", taken), ("licence", body.get("license"))])
        output.say()
        report.show_findings(framework.findings)
        if waiting:
            output.say(
                "It has already been proposed and waits for votes. Others approve it, with all its parts, with:  "
                f"accredit approve {output.shorten(waiting[0]['id'])}"
            )
        if says:
            _show_publication(desk, says, outcomes)
        elif not waiting:
            output.say("You have already published it with exactly these items. Nothing to do.")

    output.emit(answer, text)
    if report_path is not None:
        documents.write_new(report_path, output.to_json(answer) + "\n", force=desk.wishes.force)
    if desk.wishes.dry_run and framework.body["item_count"] < framework.read:
        raise Negative


def _terms(path: Path) -> dict[str, Any]:
    """The terms of a grant file, checked whole, without an issuer.

    Raises:
        InputError: it names an issuer, or is not a grant.
    """
    try:
        written = documents.read_file(path)
    except DecodeError as error:
        hint = (
            "--grant takes terms as `accredit accreditation template` prints them; lists are given without an option."
        )
        raise DecodeError(error.code, error.message, hint=hint if error.code == "not_toml" else error.hint) from error
    if "issuer" in written:
        raise InputError(
            "grant_names_issuer",
            f"{path} is a grant for one issuer, {written['issuer']}.",
            hint="Remove its line issuer: each row of the list names an issuer.",
        )
    body = grant_body(written, str(path), issuer=_ANYBODY)
    return {name: value for name, value in body.items() if name != "issuer"}


def _renamed(columns: Sequence[str]) -> dict[str, str]:
    """Heads of a spreadsheet and our columns for them, from `HEAD=NAME`."""
    found: dict[str, str] = {}
    for written in columns:
        head, _, name = written.rpartition("=")
        if not head.strip() or name.strip() not in COLUMNS:
            close = get_close_matches(name.strip(), COLUMNS, 1)
            raise InputError(
                "bad_column",
                f"--column {written!r} does not name a known column.",
                hint=(f"Did you mean {close[0]}? " if close else "")
                + f"Write HEAD=NAME, where NAME is one of {', '.join(COLUMNS)}.",
            )
        found[head.strip()] = name.strip()
    return found


def _with_terms(row: Row, terms: dict[str, Any] | None) -> Row:
    """The row, refused where its own terms make no accreditation."""
    if not row.terms or row.result != READY:
        return row
    if terms is None:
        finding = ImportFinding(
            code="terms_without_grant",
            text=f"The row has terms of an accreditation ({', '.join(row.terms)}), but no accreditation is granted.",
            hint="Add --grant FILE (accredit accreditation template prints one), or remove those columns.",
        )
        return row.ended(REFUSED, finding)
    try:
        check_grant({**terms, **row.terms, "issuer": row.id})
    except DecodeError as error:
        return row.ended(REFUSED, refusal(error))
    return row


def _require_new(path: Path | None) -> None:
    """Refuse a report file that cannot be written, before signing."""
    if path is None:
        return
    if path.exists():
        raise StorageError(
            "file_exists",
            f"{path} already exists.",
            hint="Choose another name for the report. An import that is repeated proposes nothing twice.",
        )
    if not path.absolute().parent.is_dir():
        raise StorageError("no_folder", f"{path.parent} is not a folder.", hint="Create it first.")


def _closing(desk: Desk, rows: Sequence[Row], has_grant: bool, report_path: Path | None) -> None:
    """Print what to do next; without a grant, that nobody is accredited."""
    found = report.counts(rows)
    if desk.wishes.dry_run:
        output.say("This was a dry run: nothing was signed.")
    elif report.REQUESTED in found:
        output.say(f"Nothing is signed yet. Take {desk.wishes.offline} to the machine with your key and run there:")
        output.say(f"  accredit sign {output.quoted(desk.wishes.offline)} -o signed.json")
    if report.WAITING in found:
        source = output.quoted(report_path) if report_path else "REPORT (write one with --report FILE)"
        output.say(f"Others approve the waiting proposals with:  accredit approve --from {source}")
    if not has_grant:
        output.say(
            "Nobody is accredited yet: registering an issuer does not accredit it. Import the list again with "
            "--grant FILE (accredit accreditation template prints a file to fill in)."
        )


def _without_trial(row: Row) -> Row:
    is_trial = any(finding.code == "looks_like_trial" for finding in row.findings)
    finding = ImportFinding(code="trial_left_out", text="Left out because of --without-trials.")
    return row.ended(LEFT_OUT, finding) if is_trial and row.result == READY else row


def _show_publication(desk: Desk, says: Sequence[Say], outcomes: Sequence[Outcome]) -> None:
    desk.show(outcomes)
    if desk.wishes.dry_run:
        output.say(f"This was a dry run: nothing was signed. It would take {many(len(says), 'statement')}.")
    elif outcomes[0].state == "waiting" and len(outcomes) > 1 and desk.wishes.offline is None:
        first = output.shorten(outcomes[0].id)
        output.say(f"Others approve it, with all its parts, with:  accredit approve {first}")
