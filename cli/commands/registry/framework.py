"""`accredit framework`: competency frameworks as signed, versioned objects that accreditations refer to.

Our own form is TOML or JSON: the members of `framework.publish` and a list of `items`. `framework import` reads the
formats of the field. Either way a framework is one statement with the number and the root hash of its items, followed
by the items in parts.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from accredit.cli.base import documents, output
from accredit.cli.base.commands import CommandGroup
from accredit.cli.base.context import wants_json
from accredit.cli.base.file_argument import FILE
from accredit.cli.base.listing import Rows, first_of, listing
from accredit.cli.base.node_option import connected, node_option
from accredit.cli.base.output import fair, good
from accredit.cli.signing.workflow import Desk, Say, signing
from accredit.registry.encoding.cbor import encode
from accredit.registry.errors import DecodeError, InputError
from accredit.registry.limits import LIST_ITEMS, STATEMENT_BYTES

ITEMS_ASKED: Final = 200
"""Competencies in one request for them: as many as a node sends."""

PART_BYTES: Final = STATEMENT_BYTES - 2 * 1024
"""Encoded items in one part: what a statement holds, less room for its header."""

framework = CommandGroup(
    "framework",
    help="Competency frameworks: show, list, import, publish.",
    lazy={
        "import": (
            "accredit.cli.commands.registry.import_:framework_import",
            "Publish a framework from a file in a common format (CTDL-ASN and others).",
        )
    },
)


@framework.command(
    "show",
    example="""accredit framework show https://example.org/framework
accredit framework show https://example.org/framework --find welding""",
)
@click.argument("framework_id", metavar="ID")
@click.option("--find", metavar="TEXT", help="Only competencies whose id, code, name or text contains TEXT.")
@listing
@node_option
def show(framework_id: str, find: str | None, limit: int | None, nodes: tuple[str, ...]) -> None:
    """Show a framework: who published which version, whether it is complete, and its competencies.

    With --json all competencies are listed, unless --limit names a number.
    """
    is_default = click.get_current_context().get_parameter_source("limit") is ParameterSource.DEFAULT
    most = None if wants_json() and is_default else limit
    with connected(nodes[0]) as client, output.progress("Asking") as step:
        record = client.framework(framework_id)
        try:
            found = first_of(client.every_framework_item(framework_id, q=find, limit=ITEMS_ASKED), most, step)
        except InputError as error:
            if error.code != "not_found":
                raise
            found = Rows(rows=[], is_cut=False)  # a node of an older version does not list them

    def text() -> None:
        output.say(output.styled(record["id"], bold=True))
        for stated in record["stated"]:
            output.facts(
                [
                    ("title", stated["title"]),
                    ("version", stated["version"]),
                    ("published", f"by {stated['by']} on {documents.when(stated['iat'])}"),
                    ("statement", stated["statement"]),
                    ("items", output.mix(stated["item_count"], ", ", _completeness(stated))),
                    ("licence", stated.get("license")),
                    ("source", stated.get("source_url")),
                ]
            )
        rows = [(one.get("code", ""), output.clipped(one.get("label") or one["text"]), one["id"]) for one in found.rows]
        if rows or find:
            output.say()
            output.table(("code", "competency", "id"), rows, empty=f"No competency in it contains {find!r}.")
        found.tell()

    output.emit({**record, "items": found.rows, "more": found.is_cut}, text)


@framework.command("list", example="accredit framework list")
@listing
@node_option
def list_(limit: int | None, nodes: tuple[str, ...]) -> None:
    """List the published frameworks."""
    with connected(nodes[0]) as client, output.progress("Asking") as step:
        found = first_of(client.every_framework(), limit, step)

    def text() -> None:
        rows = []
        for record in found.rows:
            for one in record["stated"]:
                rows.append(
                    (output.clipped(one["title"]), one["version"], record["id"], one["item_count"], _completeness(one))
                )
        output.table(
            ("title", "version", "id", "items", ""),
            rows,
            empty="No frameworks yet. Publish one: accredit framework import FILE",
        )
        found.tell()

    output.emit({"frameworks": found.rows, "more": found.is_cut}, text)


@framework.command("publish", example="accredit framework publish framework.toml --key alice.key")
@click.argument("file", type=FILE)
@signing
def publish(file: Path, desk: Desk) -> None:
    """Publish the framework in FILE: TOML or JSON with id, title, version and a list of items."""
    table = dict(documents.read_file(file))
    items = table.pop("items", None)
    if not isinstance(items, list) or not items:
        raise DecodeError(
            "no_items",
            f"{file} has no items.",
            hint='Each item begins with [[items]] and has at least id = "…" and statement = "…".',
        )
    table.setdefault("format", "csv")
    digest = hashlib.sha256(documents.read_bytes(file)).digest()
    desk.propose(framework_says(table, [documents.convert(item) for item in items], digest, str(file)))


def framework_says(
    facts: dict[str, Any], items: Sequence[dict[str, Any]], content_digest: bytes, source: str
) -> list[Say]:
    """A framework as what has to be said: its publication, then its items in as few parts as hold them.

    Args:
        facts: the members of `framework.publish`, without those computed here.
        items: in the order of the source.
        content_digest: SHA-256 of the file they come from.
        source: that file, named in errors.

    Raises:
        DecodeError: a member or an item is not of its shape, or an item is too large for a statement.
    """
    from accredit.registry.domain.frameworks import items_root

    listed = list(items)
    body = documents.to_body(
        "framework.publish",
        {**facts, "content_digest": content_digest, "item_count": len(listed), "items_root": items_root(listed)},
        source,
    )
    says = [Say(kind="framework.publish", sub=body["id"], body=body, label=body["title"])]
    for number, part in enumerate(_parts(listed, source)):
        members = {"framework": body["id"], "part": number, "items": part}
        # Checked with a placeholder, because the publication's id depends on its number.
        documents.to_body("framework.items", {**members, "publish": bytes(32)}, f"{source}: part {number}")
        label = f"{body['title']}, items {part[0]['id']} …"
        says.append(Say(kind="framework.items", sub=body["id"], body=_naming_first(members), label=label))
    return says


def _completeness(stated: dict[str, Any]) -> output.Styled:
    return good("complete") if stated["complete"] else fair("incomplete so far")


def _naming_first(members: dict[str, Any]) -> Callable[[Sequence[bytes]], dict[str, Any]]:
    return lambda ids: {**members, "publish": ids[0]}


def _parts(items: Sequence[dict[str, Any]], source: str) -> list[list[dict[str, Any]]]:
    parts: list[list[dict[str, Any]]] = []
    room = 0
    for item in items:
        try:
            size = len(encode(item))
        except (TypeError, ValueError) as error:
            raise DecodeError("bad_item", f"{source}: item {item.get('id')!r}: {error}.") from error
        if size > PART_BYTES:
            raise DecodeError(
                "item_too_large",
                f"{source}: item {item.get('id')!r} has {size:,} bytes; a statement holds {PART_BYTES}.",
            )
        if not parts or size > room or len(parts[-1]) == LIST_ITEMS:
            parts.append([])
            room = PART_BYTES
        parts[-1].append(item)
        room -= size
    return parts
