"""`accredit competency`: one competency, its mappings, and the issuers that may attest it."""

from collections.abc import Mapping
from typing import Any, Final

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.ids import check_competency
from accredit.cli.base.listing import first_of, listing
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.output import fair

competency = CommandGroup("competency", help="Competencies: show one, list who may attest it.")

BASES: Final = {
    "named": "named in the scope",
    "any": "any competency",
    "framework": "by its framework",
    "broader": "as part of a broader one",
    "mapping": "through a mapping",
}
"""The meaning of `how` in the answer of `GET /v1/competencies/issuers`."""


@competency.command("show", example="accredit competency show https://example.org/skills/welding")
@click.argument("uri", metavar="URI")
@node_option
def show(uri: str, nodes: tuple[str, ...]) -> None:
    """Show a competency: its text, its frameworks, its broader items, what mappings link it with, and who says so."""
    check_competency(uri)
    with connected(nodes[0]) as client:
        record = client.competency(uri)

    def text() -> None:
        output.say(output.styled(record["id"], bold=True))
        for entry in record["in"]:
            name = " ".join(str(entry[one]) for one in ("code", "label") if one in entry)
            output.facts(
                [
                    ("framework", entry["framework"]),
                    ("item", None if entry["item"] == record["id"] else entry["item"]),
                    ("name", name or None),
                    ("text", entry.get("text")),  # a node of an older version does not say
                    *(("broader", parent) for parent in entry["parents"]),
                    ("stated by", entry["by"]),
                    ("statement", entry["statement"]),
                ]
            )
        links = record.get("links", [])
        if links:
            output.say()
            output.table(["link", "competency", "mapping", "stated by", "counts"], [_line(one) for one in links])
        else:
            output.say(output.faint("No mapping links it with another competency."))

    output.emit(record, text)


def _line(link: Mapping[str, Any]) -> tuple[object, ...]:
    """A link as a row. An arrow shows which way the mapping leads."""
    relation = link["relation"].replace("_", " ")
    arrow, other = ("→", link["to"]) if "to" in link else ("←", link["from"])
    counts = "yes" if link.get("usable") else "no"
    if "withdrawn" in link:
        counts = f"until {documents.when(link['withdrawn']['effective_from'])}"
    return f"{arrow} {relation}", other, link["mapping"], link["by"], counts


@competency.command(
    "issuers",
    example="""accredit competency issuers https://example.org/skills/welding
accredit competency issuers https://example.org/skills/welding --jurisdiction US-IN""",
)
@click.argument("uri", metavar="URI")
@click.option("--jurisdiction", metavar="CODE", help="Only those that may attest it there, such as US or US-IN.")
@listing
@node_option
def issuers(uri: str, jurisdiction: str | None, limit: int | None, nodes: tuple[str, ...]) -> None:
    """List the issuers that may attest a competency now, here or anywhere, and what makes each answer cover it."""
    check_competency(uri)
    with connected(nodes[0]) as client, output.progress("Asking") as step:
        found = first_of(client.every_competency_issuer(uri, jurisdiction=jurisdiction), limit, step)

    def text() -> None:
        rows = [
            (
                output.clipped(one["name"] or one["id"]),
                one["id"],
                one["verdict"].replace("_", " "),
                BASES.get(one["how"], one["how"]),
            )
            for one in found.rows
        ]
        if not rows:
            where = "" if jurisdiction is None else f" in {jurisdiction}"
            output.say(fair(f"No issuer may attest this competency{where} at present."))
            output.say(f"Its framework and its mappings:  accredit competency show {output.safe(output.quoted(uri))}")
            return
        output.table(["issuer", "id", "answer", "covered"], rows)
        for sentence in dict.fromkeys(sentence for one in found.rows for sentence in one["through"]):
            output.say(sentence)
        found.tell()

    output.emit({"competency": uri, "jurisdiction": jurisdiction, "issuers": found.rows, "more": found.is_cut}, text)
