"""`accredit mapping`: crosswalks between the competencies of two frameworks, from a file, and their end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup, takes_encoding
from accredit.cli.base.exits import Negative
from accredit.cli.base.file_argument import FILE_OR_DASH
from accredit.cli.importers.frameworks.crosswalks import Crosswalk, in_parts, read_crosswalk
from accredit.cli.importers.issuers import report
from accredit.cli.signing.withdrawals import propose_end, takes_end
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.registry.domain.mappings import EXTENDING, METHODS
from accredit.registry.encoding.counts import many
from accredit.registry.encoding.identifiers import canonical
from accredit.registry.errors import InputError

mapping = CommandGroup("mapping", help="Mappings (crosswalks) between frameworks: import, withdraw.")


@mapping.command(
    "import",
    example="""accredit mapping import crosswalk.csv --id https://example.org/crosswalk --title 'ESCO and ours' \\
  --source http://data.europa.eu/esco/ --target https://example.org/skills --usable --key alice.key
accredit mapping import esco_onet_crosswalk.csv --id https://example.org/esco-onet --dry-run""",
)
@click.argument("file", metavar="FILE", type=FILE_OR_DASH)
@click.option("--id", "id_", metavar="URI", required=True, help="Id of the mapping; further parts get /2, /3, …")
@click.option("--title", metavar="TEXT", default="", help="Title of the mapping, if the file has none.")
@click.option("--source", metavar="URI", default="", help="The framework that links begin in, if the file has none.")
@click.option("--target", metavar="URI", default="", help="The framework that links lead to, if the file has none.")
@click.option("--method", type=click.Choice(METHODS), default="expert", show_default=True, help="How it was made.")
@click.option("--license", "license_", metavar="TEXT", help="Its licence.")
@click.option("--prefix", "prefixes", metavar="NAME=URI", multiple=True, help="What short ids NAME:… stand for.")
@click.option("--usable", is_flag=True, help="Let its exact matches extend accreditations; takes what granting takes.")
@takes_encoding
@signing
def import_(
    file: Path,
    id_: str,
    title: str,
    source: str,
    target: str,
    method: str,
    license_: str | None,
    prefixes: tuple[str, ...],
    usable: bool,
    encoding: str,
    desk: Desk,
) -> None:
    """Propose to publish the mapping in FILE, and report which links were left out, and why.

    Reads a sheet with the columns source, relation and target (and confidence, original), the ESCO–O*NET table, a CTDL
    AlignmentMap (JSON-LD), the matches of a SKOS vocabulary, and the associations of a CASE package. A large mapping is
    published in several parts, which one accredit approve decides on together. A dry run ends with 1 if a link was left
    out.
    """
    found = read_crosswalk(documents.read_bytes(file), str(file), _prefixes(prefixes), encoding)
    facts: dict[str, Any] = {
        "title": title or found.title,
        "source": source or found.source,
        "target": target or found.target,
    }
    missing = [name for name, text in facts.items() if not text]
    if missing:
        raise InputError(
            "mapping_not_named",
            f"{file}: the file does not say the mapping's {' and '.join(missing)}.",
            hint="Add " + " ".join(f"--{name}" for name in missing) + ".",
        )
    facts |= {"source": {"framework": canonical(facts["source"])}, "target": {"framework": canonical(facts["target"])}}
    facts |= {"method": method, "usable_for_scope": usable, **({"license": license_} if license_ else {})}
    says = _says(canonical(id_), facts, found)

    outcomes = desk.propose(says, show=False)
    answer = {
        "statements": [outcome.to_json() for outcome in outcomes],
        "links": len(found.links),
        "links_read": found.read,
        "findings": report.findings_json(found.findings),
    }

    def text() -> None:
        taken = f"{len(found.links)} of {found.read}"
        output.facts([("links imported", taken), ("extends accreditations", _extends(found, usable))])
        output.say()
        report.show_findings(found.findings)
        desk.show(outcomes)
        if desk.wishes.dry_run:
            output.say(f"This was a dry run: nothing was signed. It would take {many(len(says), 'statement')}.")

    output.emit(answer, text)
    is_cut = desk.wishes.dry_run and len(found.links) < found.read
    if is_cut or any(outcome.came_to_nothing for outcome in outcomes):
        raise Negative


def _extends(found: Crosswalk, usable: bool) -> str:
    number = sum(link["relation"] in EXTENDING for link in found.links)
    return f"by {number} of its links" if usable else "no; --usable lets exact matches do so"


def _says(id_: str, facts: dict[str, Any], found: Crosswalk) -> list[Say]:
    says = []
    for number, links in enumerate(in_parts(found.links), 1):
        named = id_ if number == 1 else f"{id_}/{number}"
        body = documents.to_body("mapping.publish", {"id": named, **facts, "links": links}, "the file")
        says.append(Say(kind="mapping.publish", sub=named, body=body, label=f"{facts['title']}, part {number}"))
    return says


def _prefixes(written: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in written:
        name, equals, uri = one.partition("=")
        if not equals or not name or ":" not in uri:
            raise InputError(
                "bad_prefix",
                f"--prefix {one!r} does not name an address.",
                hint="Write NAME=URI, as in scqf=https://example.org/scqf/.",
            )
        found[name] = uri
    return found


@mapping.command("withdraw", example="accredit mapping withdraw 5f2b8c11 --reason 'a new version replaces it'")
@click.argument("statement", metavar="ID")
@takes_end
@signing
def withdraw(statement: str, desk: Desk, **end: str | None) -> None:
    """Propose to end a mapping, by the ID of the statement that published it."""
    propose_end(
        desk,
        statement,
        lambda whole, sub: {"mapping": sub, "publish": whole},
        founding="mapping.publish",
        named="a mapping",
        effective_from=end["effective_from"],
        reason_text=end["reason_text"],
    )
