"""`accredit issuer`: the organisations that issue credentials, and what is stated about them.

Facts are kept per authority: one authority's facts about an issuer never overwrite another's. Registering an
issuer accredits nobody; that is `accredit accreditation propose`, or `issuer import --grant`, which does both.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.ids import read_id, registered
from accredit.cli.base.listing import first_of, listing
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.output import faint, shorten
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.registry.errors import InputError

from .namesakes import Namesakes

issuer = CommandGroup(
    "issuer",
    help="Issuers: show, list, propose, update, import; their keys.",
    lazy={
        "key": (
            "accredit.cli.commands.registry.issuer_keys:key",
            "The keys that sign an issuer's credentials: list, add, retire, report as stolen.",
        ),
        "import": (
            "accredit.cli.commands.registry.import_:issuer_import",
            "Register (and accredit) every issuer in a list, with a report.",
        ),
    },
)


@issuer.command("show", example="accredit issuer show did:web:uni.example")
@click.argument("issuer_id", metavar="ID")
@node_option
def show(issuer_id: str, nodes: tuple[str, ...]) -> None:
    """Show an issuer: facts stated about it, by whom, and its accreditations."""
    with connected(nodes[0]) as client:
        record = registered(client, issuer_id)

    def text() -> None:
        output.say(f"{output.styled(name_of(record), bold=True)}  {output.safe(record['id'])}")
        for stated in record["stated"]:
            facts = stated["facts"]
            output.say(
                faint(
                    f"stated by {stated['by']} on {documents.when(stated['iat'])}, "
                    f"statement {shorten(stated['statement'])}"
                )
            )
            output.facts([(name, _shown(value)) for name, value in facts.items() if name not in ("id", "ext", "after")])
        rows = [_accreditation_row(one) for one in record["accreditations"]]
        output.table(("accreditation", "by", "kind", "status", "since"), rows, empty="It has no accreditation.")
        tell_successors(record.get("successors", ()))  # a node of an older version does not say

    output.emit(record, text)


def tell_successors(found: Sequence[Mapping[str, Any]]) -> None:
    """Print who takes an issuer's place, and whether they keep its records."""
    for one in found:
        name = f"{one['name']} ({one['id']})" if one["name"] else one["id"]
        if not one.get("takes_its_place", True):  # a node of an older version names successors only
            output.say(f"Keeper of its records: {output.safe(name)}.")
            continue
        keeps = "it keeps the records" if one["keeps_records"] else "nobody states that it keeps the records"
        output.say(f"Successor: {output.safe(name)}; {keeps}.")


@issuer.command(
    "list",
    example="""accredit issuer list --name college --jurisdiction US-IN
accredit issuer list --category community_college --status active""",
)
@click.option("--name", help="Part of its name or id, or an identifier such as an OPEID or ROR id.")
@click.option("--category", help="Such as postsecondary_4yr, bootcamp, labor_union.")
@click.option("--status", help="Current status of an accreditation: active, suspended, …")
@click.option("--jurisdiction", help="ISO 3166 code, such as US or US-IN.")
@listing
@node_option
def list_(
    name: str | None,
    category: str | None,
    status: str | None,
    jurisdiction: str | None,
    limit: int | None,
    nodes: tuple[str, ...],
) -> None:
    """List issuers."""
    with connected(nodes[0]) as client, output.progress("Asking") as step:
        every = client.every_issuer(q=name, category=category, status=status, jurisdiction=jurisdiction)
        found = first_of(every, limit, step)

    def text() -> None:
        rows = [(output.clipped(name_of(one)), one["id"], _statuses(one)) for one in found.rows]
        output.table(("name", "id", "accredited"), rows, empty="No issuer matches.")
        if name is not None and not found.rows:
            output.say(
                "A part of a name or id is enough, spelled as the registry spells it. By a whole id: accredit issuer "
                "show ID"
            )
        found.tell()

    output.emit({"issuers": found.rows, "more": found.is_cut}, text)


def _facts(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what it takes to state an issuer's facts: a file, options that win over it, those of signing."""
    shared = (
        click.argument("file", type=FILE, required=False),
        click.option("--id", "issuer_id", metavar="ID", help="Its DID or https URL."),
        click.option("--name", help="Its name."),
        click.option("--url", help="Its web site."),
        click.option("--category", "categories", multiple=True, help="Such as postsecondary_4yr; may be repeated."),
        click.option(
            "--jurisdiction", "jurisdictions", multiple=True, help="ISO 3166 code, such as US-IN; may be repeated."
        ),
        signing,
    )
    for option in reversed(shared):  # the one that stands nearest to a function comes last in its help
        command = option(command)
    return command


@issuer.command(
    "propose",
    example="""accredit issuer propose --id did:web:uni.example --name "Example University" --url https://uni.example/
accredit issuer propose uni.toml --key alice.key""",
)
@_facts
def propose(file: Path | None, desk: Desk, **options: Any) -> None:
    """Propose to register an issuer, from a TOML or JSON FILE, from options, or both (options override the file)."""
    body = documents.to_body("issuer.register", _written(file, **options), str(file or documents.OPTIONS))
    _tell_namesakes(desk, body)
    outcomes = desk.propose([Say(kind="issuer.register", sub=body["id"], body=body, label=body["name"])])
    if outcomes[0].state != "refused":
        output.note(faint("Registering an issuer does not accredit it. To do that: accredit accreditation propose"))


def _tell_namesakes(desk: Desk, body: dict[str, Any]) -> None:
    """Say which other issuers have this very name already: one may be meant twice, under two ids."""
    for id_ in Namesakes(desk.client, [body["name"]]).of(body):
        output.note(f"{output.fair('!')} {output.safe(body['name'])} is the name of {output.safe(id_)} too.")


@issuer.command("update", example="accredit issuer update uni.toml --key alice.key")
@_facts
def update(file: Path | None, desk: Desk, **options: Any) -> None:
    """Replace all facts your authority states about an issuer: give all of them, not only the changes."""
    given = _written(file, **options)
    if "after" not in given:
        given["after"] = _own_latest(desk, str(given.get("id")))
    body = documents.to_body("issuer.update", given, str(file or documents.OPTIONS))
    desk.propose([Say(kind="issuer.update", sub=body["id"], body=body, label=body["name"])])


def name_of(record: dict[str, Any]) -> str:
    """An issuer's name; one that is accredited and not registered has none."""
    return str(record["name"] or "(not registered)")


def _written(
    file: Path | None,
    issuer_id: str | None,
    name: str | None,
    url: str | None,
    categories: tuple[str, ...],
    jurisdictions: tuple[str, ...],
) -> dict[str, Any]:
    if file is None and (issuer_id is None or name is None):
        raise click.UsageError("Give a FILE, or at least --id and --name.")
    written = dict(documents.read_file(file)) if file is not None else {}
    options = {"id": issuer_id and read_id(issuer_id, "--id"), "name": name, "url": url}
    written.update({member: value for member, value in options.items() if value})
    if categories:
        written["categories"] = list(categories)
    if jurisdictions:
        written["jurisdictions"] = list(jurisdictions)
    return written


def _own_latest(desk: Desk, issuer_id: str) -> list[str]:
    """Ids of what this authority last stated about the issuer: an update says which statements it follows."""
    record = registered(desk.client, issuer_id, "--id")
    own = [stated for stated in record["stated"] if desk.is_own(stated)]
    named = {id_ for stated in own for id_ in stated["after"]}
    newest = [stated["statement"] for stated in own if stated["statement"] not in named]
    if not newest:
        raise InputError(
            "nothing_to_update",
            f"{desk.authority} has not registered {issuer_id} yet.",
            hint="Use accredit issuer propose the first time.",
        )
    return newest


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={_shown(item)}" for name, item in value.items())
    return str(value)


def _statuses(record: dict[str, Any]) -> str:
    return ", ".join(dict.fromkeys(one["status"] for one in record["accreditations"])) or "–"


def _accreditation_row(one: dict[str, Any]) -> tuple[object, ...]:
    return (
        shorten(one["id"]),
        one["by"],
        f"{one['kind']}, {one['level']}",
        status_word(one),
        documents.when(one["since"]),
    )


def status_word(accreditation: dict[str, Any]) -> str:
    """The status in a word, coloured: green where it is in force, red where it is not."""
    status = accreditation.get("status")
    word = str(status.get("word") if isinstance(status, dict) else status or "")
    if word == "active":
        return output.good(word)
    if word in (
        "suspended",
        "revoked",
        "withdrawn",
        "expired",
        "denied",
        "closed",
        "superseded",
        "withdrawn_voluntary",
    ):
        return output.bad(word)
    return output.fair(word) if word else ""
