"""`accredit export`: what the registry holds, as a table for spreadsheets and other programs.

It reads every page, leaves no accreditation out, and prints their number at the end.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import authority
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.tables.csv_text import csv_text
from accredit.registry.encoding.counts import many
from accredit.registry.errors import InputError

if TYPE_CHECKING:
    from accredit.node.clients.node_client import NodeClient

_AXES: Final = ("achievement_types", "credential_types", "jurisdictions", "frameworks", "competencies")
COLUMNS: Final = (
    "accreditation",
    "issuer",
    "issuer_name",
    "by",
    "via",
    "kind",
    "level",
    "status",
    "since",
    "valid_from",
    "valid_until",
    *_AXES,
)

export = CommandGroup(
    "export",
    help="Export the registry's accreditations as CSV or JSON; all tables as Parquet.",
    lazy={
        "parquet": (
            "accredit.cli.commands.verifier.export_parquet:parquet",
            "Export statements, votes and accreditations as Parquet files.",
        )
    },
)


@export.command(
    "accreditations",
    example="""accredit export accreditations -o accreditations.csv
accredit export accreditations --status active --by did:web:board.example --format json""",
)
@click.option("--format", "form", type=click.Choice(("csv", "json")), help="Default: from the file name, or csv.")
@click.option("--status", help="Only those whose current status is this: active, suspended, …")
@click.option("--by", metavar="ID", help="Only those granted by this authority.")
@click.option("-o", "--output", "target", type=FILE, help="File to write; default: standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@node_option
def accreditations(
    form: str | None, status: str | None, by: str | None, target: Path | None, force: bool, nodes: tuple[str, ...]
) -> None:
    """Export every accreditation in effect as CSV or JSON.

    One line per accreditation: issuer, accreditor, scope, current status and dates. Spaces separate several values in a
    cell, "*" means all, and an empty cell means none.
    """
    as_json = form == "json" or (form is None and (wants_json() or (target is not None and target.suffix == ".json")))
    with connected(nodes[0]) as client, output.progress("Asking") as step:
        rows = []
        by = by and authority(client, by, "--by")
        for row in _rows(client, status, by):
            rows.append(row)
            step(1)
    text = output.to_json({"accreditations": rows}) + "\n" if as_json else csv_text(COLUMNS, rows)
    if target is None:
        click.echo(text, nl=False)
        output.note(f"{many(len(rows), 'accreditation')}.")
        return
    documents.write_new(target, text, force=force)
    output.emit(
        {"file": str(target), "accreditations": len(rows)},
        lambda: output.say(f"Wrote {many(len(rows), 'accreditation')} to {target}."),
    )


def _rows(client: "NodeClient", status: str | None, by: str | None) -> Iterator[dict[str, Any]]:
    for issuer in client.every_issuer(status=status):
        for line in issuer["accreditations"]:
            if (status is not None and line["status"] != status) or (by is not None and line["by"] != by):
                continue
            try:
                record = client.accreditation(line["id"])
            except InputError as error:
                if error.code == "not_found":  # annulled since the page was made
                    continue
                raise
            yield _row(issuer, line, record)


def _row(issuer: dict[str, Any], line: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    terms = record["terms"][-1]
    return {
        "accreditation": line["id"],
        "issuer": issuer["id"],
        "issuer_name": issuer["name"] or "",
        "by": line["by"],
        "via": line["via"] or "",
        "kind": line["kind"],
        "level": line["level"],
        "status": line["status"],
        "since": line["since"],
        "valid_from": terms.get("valid_from", ""),
        "valid_until": terms.get("valid_until", ""),
        **{axis: terms["scope"].get(axis, []) for axis in _AXES},
    }
